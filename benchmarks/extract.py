"""Extraction of every family of text files against the bare columnar reader on the same bytes.

The floor reads the whole file with pyarrow.csv (types inferred, all threads) and writes one Parquet file: no recognition,
no cleaning of ids, no exact amounts, no totals, no line numbers, no canonical rows. Every run is a process of its own that
has read the small sample before, as a run over many files has; seconds and processor seconds (which tell more on a busy
machine) are the best of three; memory is that process's peak beyond what it had by then.

    python benchmarks/extract.py [--megabytes 128] [--only alipay_fund,...]

Or the many small files of an inbox, as a day of a company has them: processor milliseconds a file, archived and landed by one
process that has read them once before.

    python benchmarks/extract.py --inbox raw/inbox
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from duizhang.ingest.recognising import Place

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def samples() -> dict[str, bytes]:
    """The rows of true layout that the tests read, by module and name."""
    modules = sorted(p.stem for p in (ROOT / "tests" / "ingest").glob("test_*.py") if p.stem != "test_damage")
    return {
        f"{module}/{name}": body for module in modules
        for name, body in getattr(importlib.import_module(f"tests.ingest.{module}"), "SAMPLES", {}).items()
    }


def grown(
    body: bytes, path: Path, megabytes: int, wanted: Callable[[str], bool] = lambda source: True
) -> tuple[str, str, int, str] | None:
    """Write a large file of the sample's rows, every one with ids, times and amounts of its own.

    Returns (source, encoding, lines above the rows, delimiter); None where that cannot be, or the source is not wanted.
    """
    from duizhang.errors import RefusedFile
    from duizhang.ingest import Setting, load_specs
    from duizhang.ingest.landing import extract
    from duizhang.ingest.opening.container import documents
    from duizhang.ingest.recognising import recognise

    path.write_bytes(body)
    path.with_name(f"{path.name}.small").write_bytes(body)
    try:
        [document] = documents(path)
        if document.kind != "text":
            return None
        place = recognise(document, load_specs())
        if not wanted(place.spec.name):
            return None
        with tempfile.TemporaryDirectory() as folder:
            [found] = extract(path, load_specs(), Setting(), file="x", into=Path(folder))
            fed = sorted({line for name in found.tables for line in found.table(name)["line"].to_pylist()} - {found.totals_line})
    except (RefusedFile, ValueError):
        return None
    if place.spec.reader != "table" or not fed:
        return None
    lines = body.splitlines(keepends=True)
    above = lines[: place.header + 1] + ([lines[found.totals_line - 1]] if found.totals_line else [])
    rows = [lines[line - 1].rstrip(b"\r\n") + b"\n" for line in fed]
    changing = [(offset + at, kind) for offset, row in _offsets(rows) for at, kind in _digits(row, place)]
    block = np.frombuffer(b"".join(rows), np.uint8)
    with path.open("wb") as handle:
        handle.writelines(above)
        left = megabytes * (1 << 20) // len(block) + 1
        first = 0
        while left > 0:
            count = min(left, max(1, (8 << 20) // len(block)))
            many = np.tile(block, (count, 1))
            number = np.arange(first, first + count, dtype=np.uint64)
            for n, (at, kind) in enumerate(changing):
                if kind == "id":  # the digits of the number of the row, so no two ids are the same
                    many[:, at] = 48 + (number // np.uint64(10 ** (_after(changing, n) % 15))) % np.uint64(10)
                else:
                    mixed = (number * np.uint64(0x9E3779B97F4A7C15) + np.uint64(n)) * np.uint64(0xBF58476D1CE4E5B9)
                    many[:, at] = 48 + (mixed >> np.uint64(40)) % np.uint64(6 if kind == "six" else 10)
            handle.write(many.tobytes())
            first, left = first + count, left - count
    return place.spec.name, place.encoding, len(above), place.delimiter


def _offsets(rows: list[bytes]) -> list[tuple[int, bytes]]:
    starts = [0, *np.cumsum([len(row) for row in rows]).tolist()]
    return list(zip(starts, rows, strict=False))


def _after(changing: list[tuple[int, str]], n: int) -> int:
    """How many digits of the same id follow this one."""
    count = 0
    while n + 1 < len(changing) and changing[n + 1] == (changing[n][0] + 1, "id"):
        n, count = n + 1, count + 1
    return count


def _digits(row: bytes, place: Place) -> list[tuple[int, str]]:
    """Positions of the digits of a line that differ from row to row: those of ids, of amounts, of minutes and seconds."""
    from duizhang.ingest.specification.spec import normalised

    whose = {"bank_account", *(place.spec.balance.by if place.spec.balance else ())}  # a statement is of one account
    kinds = {normalised(n): "whose" if f in whose else c.type for f, c in place.spec.fields.items() for n in (c.column, *c.also)}
    found: list[tuple[int, str]] = []
    cell, quoted, start = 0, False, 0
    mark = place.delimiter.encode()
    for at in range(len(row)):
        byte = row[at : at + 1]
        quoted ^= byte == b'"'
        if byte != b"\n" and (byte != mark or quoted):
            continue
        text = row[start:at]
        name = normalised(place.names[cell]) if cell < len(place.names) else ""
        kind = kinds.get(name, "text")
        if b":" in text:
            found += [(start + m.start() + k, "six" if k == 1 else "ten") for m in re.finditer(rb":[0-5]\d", text) for k in (1, 2)]
        elif kind in ("money", "number") and re.search(rb"[1-9]", text):
            digits = [m.start() for m in re.finditer(rb"\d", text)]
            found += [(start + d, "ten") for d in digits[1:]]
        elif kind in ("id", "text"):
            run = max(re.findall(rb"\d+", text), key=len, default=b"")
            if len(run) > 6 or (kind == "id" and len(run) > 2):
                first = start + text.index(run)
                found += [(first + k, "id") for k in range(max(0, len(run) - 9), len(run))]
        cell, start = cell + 1, at + 1
    return found


def run(way: str, path: str, encoding: str, skip: int, delimiter: str) -> None:
    """One measurement, printed as JSON: seconds, peak megabytes."""
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    from duizhang.ingest import Setting, load_specs
    from duizhang.ingest.landing import extract

    specs = load_specs()

    def read(name: str, folder: str) -> None:
        if way == "bare":
            table = pacsv.read_csv(
                name,
                read_options=pacsv.ReadOptions(skip_rows=skip, autogenerate_column_names=True, encoding=encoding),
                parse_options=pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=lambda _: "skip"),
            )
            pq.write_table(table, Path(folder) / "x.parquet", compression="zstd")
        else:
            extract(Path(name), specs, Setting(), file="x", into=Path(folder))

    with tempfile.TemporaryDirectory() as folder:
        read(f"{path}.small", folder)
    before = _peak()
    with tempfile.TemporaryDirectory() as folder:
        start, used = time.perf_counter(), time.process_time()
        read(path, folder)
        seconds, cpu = time.perf_counter() - start, time.process_time() - used
    print(json.dumps({"seconds": seconds, "cpu": cpu, "megabytes": (_peak() - before) / 1024}))


def inbox(folder: Path) -> None:
    """Print a Markdown table: kind of file, how many there are, milliseconds of the processor for each."""
    from duizhang.ingest import Setting, load_specs
    from duizhang.ingest.archiving import archive, archived_path
    from duizhang.ingest.inbox.reading_in import land

    specs, setting = load_specs(), Setting(shop="shop", masked=True)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as home:
        for again in ("first", "then"):
            spent.clear()
            for number, path in enumerate(files):
                used = time.process_time()
                sha = archive(Path(home), path, durable=False)
                landed = Path(home) / "landed" / f"{again}{number}"
                land(archived_path(Path(home), sha), path.name, setting, landed, specs)
                used = time.process_time() - used
                [kind, *_] = [detail["source"] for detail in json.loads((landed / "meta.json").read_text(encoding="utf-8"))]
                spent.setdefault(kind or "refused", []).append(used * 1000)
    print("| kind | files | cpu ms each |")
    print("|---|---|---|")
    for kind, times in sorted(spent.items()):
        print(f"| {kind} | {len(times)} | {sum(times) / len(times):.1f} |")
    every = [used for times in spent.values() for used in times]
    print(f"| all | {len(every)} | {sum(every) / len(every):.1f} |")


def _peak() -> int:
    """The most memory of this process in KB: what getrusage says is that of its parent where that had more."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))[0])


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=128)
    parser.add_argument("--only", default="")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--inbox", type=Path)
    options = parser.parse_args()
    if options.inbox:
        inbox(options.inbox)
        return
    if options.one:
        way, path, encoding, skip, delimiter = options.one
        run(way, path, encoding, int(skip), delimiter)
        return
    done: set[str] = set()
    only = set(filter(None, options.only.split(",")))
    print("| source | floor s | extract s | speed of the floor | floor cpu s | extract cpu s | of the floor | floor MB | extract MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for body in samples().values():
            path = Path(folder) / "big"
            made = grown(body, path, options.megabytes, lambda source: source not in done and (not only or source in only))
            if made is None:
                continue
            name, encoding, skip, delimiter = made
            done.add(name)
            best: dict[str, dict[str, float]] = {}
            for _ in range(3):
                for way in ("bare", "extract"):
                    answer = subprocess.run(
                        [sys.executable, __file__, "--one", way, str(path), encoding, str(skip), delimiter],
                        capture_output=True, text=True, check=True)
                    found = json.loads(answer.stdout)
                    best[way] = {k: min(v, best.get(way, found)[k]) for k, v in found.items()}
            floor, ours = best["bare"], best["extract"]
            figures = [f"{of[kind]:.2f}" for kind in ("seconds", "cpu") for of in (floor, ours)]
            ratios = [f"{floor[kind] / ours[kind]:.2f}" for kind in ("seconds", "cpu")]
            cells = [name, *figures[:2], ratios[0], *figures[2:], ratios[1], f"{floor['megabytes']:.0f}", f"{ours['megabytes']:.0f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

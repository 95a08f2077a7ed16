"""Extraction of every family of text files against the bare columnar reader on the same bytes.

The floor reads the whole file with pyarrow.csv (types inferred, all threads) and writes one Parquet file: no recognition,
no cleaning of ids, no exact amounts, no totals, no line numbers, no canonical rows. Every run is a process of its own;
seconds are the best of three; memory is that process's peak beyond the libraries that both load.

    python benchmarks/extract.py [--megabytes 64] [--only alipay_fund,...]
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def samples() -> dict[str, bytes]:
    """The rows of true layout that the tests read, by module and name."""
    modules = sorted(p.stem for p in (ROOT / "tests" / "ingest").glob("test_*.py") if p.stem != "test_damage")
    return {
        f"{module}/{name}": body for module in modules
        for name, body in getattr(importlib.import_module(f"tests.ingest.{module}"), "SAMPLES", {}).items()
    }


def grown(body: bytes, path: Path, megabytes: int) -> tuple[str, str, int, str] | None:
    """Write a large file with the sample's rows repeated; (source, encoding, lines above the rows, delimiter)."""
    from duizhang.errors import RefusedFile
    from duizhang.ingest import Setting, extract, load_specs
    from duizhang.ingest.container import documents
    from duizhang.ingest.recognise import recognise

    path.write_bytes(body)
    try:
        [document] = documents(path)
        if document.kind != "text":
            return None
        place = recognise(document, load_specs())
        with tempfile.TemporaryDirectory() as folder:
            [found] = extract(path, load_specs(), Setting(), file="x", into=Path(folder))
            fed = sorted({line for name in found.tables for line in found.table(name)["line"].to_pylist()})
    except (RefusedFile, ValueError):
        return None
    if place.spec.reader != "table" or not fed:
        return None
    lines = body.splitlines(keepends=True)
    rows = b"".join(lines[line - 1].rstrip(b"\r\n") + b"\n" for line in fed)
    with path.open("wb") as handle:
        handle.writelines(lines[: place.header + 1])
        chunk = rows * max(1, (1 << 20) // len(rows))
        for _ in range(megabytes * (1 << 20) // len(chunk) + 1):
            handle.write(chunk)
    return place.spec.name, place.encoding, place.header + 1, place.delimiter


def run(way: str, path: str, encoding: str, skip: int, delimiter: str) -> None:
    """One measurement, printed as JSON: seconds, peak megabytes."""
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    from duizhang.ingest import Setting, extract, load_specs

    specs = load_specs()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        if way == "bare":
            table = pacsv.read_csv(
                path,
                read_options=pacsv.ReadOptions(skip_rows=skip, autogenerate_column_names=True, encoding=encoding),
                parse_options=pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=lambda _: "skip"),
            )
            pq.write_table(table, Path(folder) / "x.parquet", compression="zstd")
        else:
            extract(Path(path), specs, Setting(), file="x", into=Path(folder))
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "megabytes": (peak - before) / 1024}))


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=64)
    parser.add_argument("--only", default="")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, path, encoding, skip, delimiter = options.one
        run(way, path, encoding, int(skip), delimiter)
        return
    done: set[str] = set()
    print("| source | floor s | extract s | speed of the floor | floor MB | extract MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for body in samples().values():
            path = Path(folder) / "big"
            made = grown(body, path, options.megabytes)
            if made is None or made[0] in done or (options.only and made[0] not in options.only.split(",")):
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
                    if way not in best or found["seconds"] < best[way]["seconds"]:
                        best[way] = found
            floor, ours = best["bare"], best["extract"]
            print(f"| {name} | {floor['seconds']:.2f} | {ours['seconds']:.2f} | {floor['seconds'] / ours['seconds']:.2f} "
                  f"| {floor['megabytes']:.0f} | {ours['megabytes']:.0f} |", flush=True)


if __name__ == "__main__":
    main()

"""One run over an inbox of files that ask for all memory, are no files, or have names that are no text."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from trials.process import duizhang
from trials.runs import run

DAY = "2026-03-01"
_SKUS = b"sku,cost,currency,as_of\n%s,1.00,CNY,2026-03-01\n"


def _far_cell(path: Path) -> None:
    book = openpyxl.Workbook()
    for line in (_SKUS % b"X1").decode().splitlines():
        book.active.append(line.split(","))
    book.active["XFD1048576"] = "x"
    book.save(path)


def _far_cell_unseen(path: Path) -> None:
    """Where the cell stands is written as it rarely is, so that it is not seen beforehand."""
    packed = path.with_name(".packed")
    _far_cell(packed)
    with zipfile.ZipFile(packed) as before, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as after:
        for info in before.infolist():
            after.writestr(info.filename, before.read(info).replace(b'"XFD1048576"', b"'XFD1048576'"))
    packed.unlink()


def _zip_bomb(path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w", force_zip64=True) as member:
        for _ in range(256):
            member.write(b"\0" * (1 << 20))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(64):
            archive.writestr(f"{number}.zip", packed.getvalue())


def _parquet_bomb(path: Path) -> None:
    pq.write_table(pa.table({"sku": pa.repeat("S1", 40_000_000), "cost": pa.repeat("1.00", 40_000_000)}), path)


def _book(body: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(body)


HOSTILE: dict[str, Callable[[Path], object]] = {
    "far-cell.xlsx": _far_cell,
    "far-cell-unseen.xlsx": _far_cell_unseen,
    "bomb.zip": _zip_bomb,
    "bomb.parquet": _parquet_bomb,
    "pipe.csv": os.mkfifo,
    "dangling.csv": lambda path: path.symlink_to("nowhere"),
    "elsewhere.csv": lambda path: path.symlink_to("/etc/passwd"),
    "circle": lambda path: path.symlink_to("."),
    "empty.csv": _book(b""),
    "nothing-but-zeros.xls": _book(b"\0" * 4096),
    "cut.zip": _book(b"PK\x03\x04" + b"\0" * 30),
    "not-utf8-\udcd5\udcca.csv": _book(_SKUS % b"X2"),
    "line\nbreak.csv": _book(_SKUS % b"X3"),
    "a::b.csv": _book(_SKUS % b"X4"),
    "too-much.csv": _book((_SKUS % b"X5").replace(b"1.00", b"99999999999999999999999.9999")),
    "one-line.csv": _book(b"sku,cost,currency,as_of\n" + b"x" * 20_000_000),
}
# of a name, what is shown as it is
_SHOWN = {"not-utf8-\udcd5\udcca.csv": "not-utf8-", "line\nbreak.csv": "break.csv", "a::b.csv": "b.csv"}
_READ = ("not-utf8-\udcd5\udcca.csv", "line\nbreak.csv", "a::b.csv")


def one_run(folder: Path, books: Path) -> tuple[list[str], int]:
    """What was wrong with a run over the day's files and all these; how many these are."""
    mine = folder / "hostile"
    shutil.copytree(books.parent, mine)
    inbox = mine / "inbox" / "company" / DAY
    inbox.mkdir(parents=True, exist_ok=True)
    for name, make in HOSTILE.items():
        make(inbox / name)
    home = folder / "hostile-home"
    ended = run(mine / books.name, home, last=DAY)
    wrong = [] if ended.is_told and ended.code == 2 else [f"the run ended with {ended.code}: {ended.said}"]
    told = duizhang(folder, home, "status")
    if told.code:
        wrong.append(f"status ended with {told.code}: {told.said}")
    wrong += [
        f"{name!r} is not told" for name in HOSTILE if name not in _READ and _SHOWN.get(name, name) not in told.said
    ]
    return wrong, len(HOSTILE)

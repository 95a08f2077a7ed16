"""How far the sheets of a workbook reach, and how much a Parquet file unpacks to, before a library makes room for it.

A sheet is held as a rectangle up to its farthest cell: one cell in the last corner of 1.7 kB asks for 512 GiB.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from duizhang.errors import RefusedFile
from duizhang.ingest.opening.workbook_parts import column_number

MAX_CELLS = 64_000_000  # of a sheet: a million rows of 60 columns
MAX_RATIO = 200
SMALL_CELLS = 1 << 20
BLOCK = 1 << 20
PLAIN_BYTES = 1 << 22
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_CELL = re.compile(rb"<c[\s>/]")
# of an OpenDocument: the tags of its tables, and how often what a tag stands for is there
_TABLE_TAG = re.compile(rb"<table:(table|table-row|table-cell|covered-table-cell)(?=[\s>/])([^>]*)>")
_REPEATED = re.compile(rb'table:number-(?:rows|columns)-repeated="([0-9]+)"')


def look_at_sheets(path: Path | BinaryIO) -> bool:
    """Whether every cell of an XLSX plainly says where it stands, so that its size is known.

    Raises RefusedFile where a sheet reaches too far.
    """
    plain = True
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename == "content.xml":
                _look_at_open_document(archive, info)
                plain = False  # what stands there once may be meant a thousand times
                continue
            if not info.filename.casefold().startswith("xl/worksheets/") or not info.filename.casefold().endswith(".xml"):
                plain = plain and not info.filename.casefold().endswith(".bin")
                continue
            plain = _look_at_sheet(archive, info) and plain
    return plain


def _look_at_sheet(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    column = row = cells = references = 0
    for part in _tags(archive, info):
        found = _REFERENCE.findall(part)
        cells += len(_CELL.findall(part))
        references += len(found)
        if found:
            row = max(row, max(int(number) for _, number in found))
            column = max(column, max(column_number(letters) for letters in {letters for letters, _ in found}))
    refuse_far(row, column)
    return cells == references


def _look_at_open_document(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    """Raises RefusedFile where a table reaches too far; what is repeated counts as often as it is there."""
    row = column = farthest = times = 0
    for part in _tags(archive, info):
        for kind, said in _TABLE_TAG.findall(part):
            found = _REPEATED.search(said)
            repeated = int(found[1]) if found else 1
            if kind == b"table":
                row = column = farthest = times = 0
            elif kind == b"table-row":
                row, column, times = row + times, 0, repeated
            else:
                column += repeated
                if b"office:value-type" in said or b"calcext:value-type" in said:
                    farthest = max(farthest, column)
                    refuse_far(row + times, farthest)


def refuse_far(row: int, column: int) -> None:
    """Raises RefusedFile where a sheet reaches farther than memory does."""
    if row * column > MAX_CELLS:
        raise RefusedFile(
            f"a sheet reaches to row {row:,} and column {column:,}: {row * column:,} cells are more than the limit of {MAX_CELLS:,}",
            advice="Delete what stands far away from the table, or export it as CSV.",
        )


def _tags(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The text of a member in parts that cut no tag."""
    rest = b""
    with archive.open(info) as stream:
        while data := stream.read(BLOCK):
            text = rest + data
            cut = text.rfind(b"<")
            part, rest = (text[:cut], text[cut:]) if cut > 0 else (text, b"")
            yield part
    yield rest


def look_at_parquet(path: Path) -> None:
    """Raises RefusedFile where a Parquet file holds far more than its size lets expect."""
    size = path.stat().st_size
    try:
        known = pq.read_metadata(path)
        unpacked = sum(known.row_group(n).total_byte_size for n in range(known.num_row_groups))
        cells = known.num_rows * max(known.num_columns, 1)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RefusedFile(f"not a readable Parquet file: {error}", advice="Write it again.") from error
    if unpacked > max(size, BLOCK) * MAX_RATIO or cells > max(size * MAX_RATIO, SMALL_CELLS * 16):
        raise RefusedFile(
            f"{size:,} bytes would become {known.num_rows:,} rows of {unpacked:,} bytes", advice="Check where it comes from.")


def is_apart(path: Path) -> bool:
    """Whether a file is to be read by a process of its own: a library makes room as the file asks, and ends with it."""
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic == b"PAR1":
        return True
    if magic != b"PK\x03\x04":
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(info.filename == "content.xml" for info in members):
                return True
            if not any(info.filename == "[Content_Types].xml" for info in members):
                return False
            if sum(info.file_size for info in members) > PLAIN_BYTES:
                return True
        return not look_at_sheets(path)
    except (RefusedFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError, zipfile.BadZipFile, zlib.error):
        return False  # refused for the same reason when it is read

"""Any CSV, XLSX or Parquet file as a relation of columns, without configuration.

CSV and XLSX are rewritten once as Parquet of text in a scratch folder; every later pass reads that. Nothing is guessed
about types: text stays text until an expression asks for a number. Blanks around a cell of a CSV or a sheet are padding
and are dropped; what a Parquet file holds is taken as it is.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from duizhang.compare.expression import literal
from duizhang.errors import UserError

CSV_SUFFIXES = {".csv", ".tsv", ".txt"}
BLOCK = 1 << 20
SHOWN = 10
LINE = "(sheet row)"


@dataclass(frozen=True)
class Source:
    """A readable file: `parquet` holds its rows in file order, `columns` its names and `types` their Arrow types."""

    path: Path
    parquet: Path
    columns: list[str]
    types: list[pa.DataType]
    encoding: str
    delimiter: str = ""
    ragged: tuple[tuple[int, str], ...] = ()  # (line, reason) of the first rows that have another number of fields
    ragged_rows: int = 0

    @property
    def relation(self) -> str:
        """SQL of all rows with their number in file order (`file_row_number`, from 0)."""
        return f"read_parquet({literal(str(self.parquet))}, file_row_number=true)"

    def lines(self, rows: list[int]) -> dict[int, int]:
        """Line in the user's file of each row number: a physical line of a CSV, a sheet row, or the row counted from 1."""
        if self.path.suffix.lower() in CSV_SUFFIXES:
            return _csv_lines(self, set(rows))
        if _is_sheet(self.path):
            lines = pq.read_table(self.parquet, columns=[LINE]).column(LINE)
            return {row: lines[row].as_py() for row in rows}
        return {row: row + 1 for row in rows}


def open_source(path: Path, scratch: Path) -> Source:
    """Open `path` by its suffix; raises `UserError` when it cannot be read as a table with a header."""
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    suffix = path.suffix.lower()
    if suffix in CSV_SUFFIXES:
        return _open_csv(path, scratch)
    if _is_sheet(path):
        return _open_sheet(path, scratch)
    if suffix in (".parquet", ".pq"):
        try:
            schema = pq.read_schema(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path} is not a Parquet file: {error}") from error
        # Under a name of our own: a path may hold signs that DuckDB takes for a pattern or for partition columns.
        (scratch / "rows.parquet").symlink_to(path.resolve())
        return Source(path, scratch / "rows.parquet", list(schema.names), list(schema.types), "parquet")
    raise UserError(f"{path}: unknown kind of file {suffix!r}", advice="Give a .csv, .tsv, .xlsx or .parquet file.")


def _is_sheet(path: Path) -> bool:
    return path.suffix.lower() in (".xlsx", ".xlsm", ".xls")


def detect_encoding(path: Path) -> str:
    """`utf-8-sig`, `utf-16`, `utf-8` or `gb18030`: the first under which every byte of the file decodes."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(codecs.BOM_UTF8):
        candidates = ["utf-8-sig"]
    elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8", "gb18030"]
    for name in candidates:
        decoder = codecs.getincrementaldecoder(name)()
        try:
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise UserError(f"{path} is text in no known encoding (tried {', '.join(candidates)})",
                    advice="Save it as UTF-8, UTF-16 with a byte order mark, or GB18030.")


def _header(path: Path, encoding: str) -> tuple[list[str], str]:
    with path.open(encoding=encoding, newline="") as file:
        first = ""
        while not first.strip():
            first = file.readline()
            if not first:
                raise UserError(f"{path} is empty", advice="The first line must name the columns.")
        outside = "".join(first.split('"')[::2])
        delimiter = max(",\t;|", key=outside.count)
        file.seek(0)
        names = [n.strip() for n in next(row for row in csv.reader(file, delimiter=delimiter) if any(row))]
    return names, delimiter


def _checked(path: Path, names: list[str]) -> list[str]:
    while names and not names[-1]:
        names = names[:-1]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise UserError(f"{path}: the header names {', '.join(map(repr, twice))} twice")
    if not names:
        raise UserError(f"{path} has no header", advice="The first line must name the columns.")
    return names


def _open_csv(path: Path, scratch: Path) -> Source:
    encoding = detect_encoding(path)
    names, delimiter = _header(path, encoding)
    width = len(names)
    _checked(path, [n for n in names if n])
    columns = [n or f"column{i + 1}" for i, n in enumerate(names)]
    schema = pa.schema([(n, pa.string()) for n in columns])
    target = scratch / "rows.parquet"
    bad: list[str] = []

    def ragged(row: pacsv.InvalidRow) -> str:
        bad.append("")
        return "skip"

    try:
        with pq.ParquetWriter(target, schema, compression="snappy") as writer:
            for batch in _batches(path, encoding, delimiter, columns, ragged):
                trimmed = [pc.utf8_trim_whitespace(column) for column in batch.columns]
                writer.write_batch(pa.record_batch(trimmed, schema=schema))
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not readable as CSV: {error}") from error
    source = Source(path, target, columns, list(schema.types), encoding, delimiter)
    if not bad:
        return source
    found: list[tuple[int, str]] = []
    for line, row in _records(source):
        if len(row) != width:
            found.append((line, f"{len(row)} fields where the header has {width}"))
            if len(found) == SHOWN:
                break
    return Source(path, target, columns, list(schema.types), encoding, delimiter, tuple(found), len(bad))


def _batches(
    path: Path, encoding: str, delimiter: str, columns: list[str], ragged: Any
) -> Iterator[pa.RecordBatch]:
    with path.open(encoding=encoding, newline="") as file:  # how many blank lines come before the header
        blank = 0
        while not file.readline().strip():
            blank += 1
    reader = pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(
            encoding={"utf-8-sig": "utf8", "utf-8": "utf8"}.get(encoding, encoding), block_size=8 * BLOCK,
            column_names=columns, skip_rows=blank, skip_rows_after_names=1,
        ),
        parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=ragged),
        convert_options=pacsv.ConvertOptions(
            column_types={n: pa.string() for n in columns}, strings_can_be_null=False, null_values=[],
        ),
    )
    with reader:
        yield from reader


def _records(source: Source) -> Iterator[tuple[int, list[str]]]:
    """(first physical line, fields) of every record after the header, blank lines left out."""
    with source.path.open(encoding=source.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=source.delimiter)
        start, header = 1, True
        for row in reader:
            line, start = start, reader.line_num + 1
            if not row:
                continue
            if header:
                header = False
                continue
            yield line, row


def _csv_lines(source: Source, rows: set[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    number = 0
    for line, row in _records(source):
        if len(row) != len(source.columns):
            continue
        if number in rows:
            found[number] = line
            if len(found) == len(rows):
                break
        number += 1
    return found


def decimal_text(value: object) -> str:
    """A cell as text: a number in its shortest decimal form without exponent (7.0 is '7'), a date in ISO form."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return str(value)


def _open_sheet(path: Path, scratch: Path) -> Source:
    from python_calamine import CalamineError, load_workbook

    try:
        book = load_workbook(str(path))
        sheet = book.get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, OSError, IndexError) as error:
        raise UserError(f"{path} is not a readable workbook: {error}") from error
    numbered = [(i + 1, row) for i, row in enumerate(rows) if any(decimal_text(v).strip() for v in row)]
    if not numbered:
        raise UserError(f"{path} is empty", advice="The first row of the first sheet must name the columns.")
    names = [decimal_text(v).strip() for v in numbered[0][1]]
    _checked(path, [n for n in names if n])
    columns = [n or f"column{i + 1}" for i, n in enumerate(names)]
    body = numbered[1:]
    arrays = {n: pa.array([decimal_text(row[i]).strip() for _, row in body], pa.string()) for i, n in enumerate(columns)}
    arrays[LINE] = pa.array([line for line, _ in body], pa.int64())
    target = scratch / "rows.parquet"
    pq.write_table(pa.table(arrays), target)
    return Source(path, target, columns, [pa.string()] * len(columns), "xlsx")

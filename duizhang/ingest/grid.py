"""From a document to a grid: column names, text cells, true line numbers, and what stands around the rows."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import mt940
import pyarrow as pa
import pyarrow.csv as pacsv
import python_calamine

from duizhang.errors import RefusedFile
from duizhang.ingest.container import Document
from duizhang.ingest.spec import SourceSpec, normalised

HEAD_LINES = 60


@dataclass(frozen=True)
class Broken:
    """A row that is no row: a wrong number of cells."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class Grid:
    """The rows of a document as text: `names` are the raw column names, `lines` the line of each row."""

    names: list[str]
    columns: list[pa.Array]
    lines: list[int]
    broken: list[Broken] = field(default_factory=list)
    around: str = ""
    summary: dict[str, str] = field(default_factory=dict)
    stated: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Text:
    """A decoded document."""

    encoding: str
    lines: list[str]


def decode(document: Document) -> Text:
    """Strictly decoded text: UTF-8 (with or without BOM), UTF-16 with BOM, else GB18030, the superset of GBK."""
    for encoding in ("utf-16", "utf-8-sig", "gb18030"):
        if encoding == "utf-16" and not document.body.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue
        try:
            text = document.body.decode(encoding)
        except UnicodeDecodeError:
            continue
        has_bom = document.body.startswith(b"\xef\xbb\xbf")
        name = "utf-8" if encoding == "utf-8-sig" and not has_bom else encoding
        return Text(name, re.split(r"\r\n|\n|\r", text))
    raise RefusedFile(
        "the text is neither UTF-8 nor GB18030", advice="Export it again without opening it in a spreadsheet."
    )


def sheet_lines(document: Document) -> list[list[str]]:
    """The first non-empty sheet as rows of text. Numbers take their shortest decimal form."""
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(document.body))
        sheets = [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names]
    except Exception as error:
        raise RefusedFile(f"not a readable workbook: {error}", advice="Save it again as XLSX.") from error
    rows = next((sheet for sheet in sheets if sheet), [])
    return [[_cell(value) for value in row] for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def split_cells(line: str, spec: SourceSpec) -> list[str]:
    """The cells of a header line."""
    return line.split(spec.delimiter)


def find_header(rows: Sequence[Sequence[str]], spec: SourceSpec) -> int | None:
    """Index of the first of the leading rows that holds every column by which the spec recognises its header."""
    wanted = {normalised(name) for name in spec.recognise.header}
    for index, cells in enumerate(rows[:HEAD_LINES]):
        if wanted <= {normalised(cell) for cell in cells}:
            return index
    return None


def text_grid(text: Text, spec: SourceSpec) -> Grid:
    """The grid of a delimited text. Raises RefusedFile where the header is missing."""
    lines = text.lines
    header = find_header([split_cells(line, spec) for line in lines[:HEAD_LINES]], spec)
    if header is None:
        raise RefusedFile(f"no header line with {', '.join(spec.recognise.header)} in the first {HEAD_LINES} lines")
    names = [cell.strip("\ufeff\t \"") for cell in split_cells(lines[header], spec)]
    footer = re.compile(spec.footer) if spec.footer else None
    kept: list[str] = []
    numbers: list[int] = []
    around = list(lines[:header])
    summary: dict[str, str] = {}
    position = header + 1
    while position < len(lines):
        line = lines[position]
        if spec.summary and normalised(line).startswith(normalised(spec.summary)):
            values = lines[position + 1] if position + 1 < len(lines) else ""
            summary = dict(zip(
                (normalised(n) for n in line.split(spec.delimiter)),
                (v.strip("` \t") for v in values.split(",`" if spec.ticked else spec.delimiter)), strict=False,
            ))
            around += lines[position + 2 :]
            break
        if footer and footer.search(line):
            around.append(line)
        elif line.strip(f" \t{spec.delimiter}"):
            kept.append(line)
            numbers.append(position + 1)
        position += 1
    columns, lines_kept, broken = _cells(kept, numbers, len(names), spec)
    return Grid(names, columns, lines_kept, broken, "\n".join(around), summary)


def _cells(
    rows: list[str], numbers: list[int], width: int, spec: SourceSpec
) -> tuple[list[pa.Array], list[int], list[Broken]]:
    delimiter = spec.delimiter
    if spec.ticked:
        # every cell begins with a back-tick and none is quoted, so a comma inside a cell is told from one between two
        delimiter = "\x1f"
        rows = [row.removeprefix("`").replace(",`", delimiter) for row in rows]
    broken: list[Broken] = []

    def skip(row: pacsv.InvalidRow) -> str:
        line = numbers[row.number - 1]
        broken.append(Broken(line, row.text, f"{row.actual_columns} cells; expected {row.expected_columns}"))
        return "skip"

    if not rows:
        return [pa.array([], pa.string()) for _ in range(width)], [], []
    body = pa.BufferReader("\n".join(rows).encode())
    names = [str(n) for n in range(width)]
    options = {
        "read_options": pacsv.ReadOptions(column_names=names, use_threads=False, block_size=1 << 26),
        "convert_options": pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
        ),
    }
    quote = '"' if not spec.ticked and all(row.count('"') % 2 == 0 for row in rows if '"' in row) else False
    table = pacsv.read_csv(
        body, parse_options=pacsv.ParseOptions(
            delimiter=delimiter, quote_char=quote, invalid_row_handler=skip, ignore_empty_lines=False
        ), **options,
    )
    lost = {b.line for b in broken}
    kept = [n for n in numbers if n not in lost]
    return [c.combine_chunks() if c.num_chunks else pa.array([], pa.string()) for c in table.columns], kept, broken


def sheet_grid(document: Document, spec: SourceSpec) -> Grid:
    """The grid of a workbook's first non-empty sheet."""
    rows = sheet_lines(document)
    header = find_header(rows, spec)
    if header is None:
        raise RefusedFile(f"no header row with {', '.join(spec.recognise.header)} in the first {HEAD_LINES} rows")
    names = [cell.strip() for cell in rows[header]]
    footer = re.compile(spec.footer) if spec.footer else None
    body, lines, around = [], [], ["\t".join(r) for r in rows[:header]]
    for number, row in enumerate(rows[header + 1 :], header + 2):
        if not any(cell.strip() for cell in row):
            continue
        if footer and footer.search("\t".join(row)):
            around.append("\t".join(row))
            continue
        body.append([*row, *[""] * (len(names) - len(row))][: len(names)])
        lines.append(number)
    columns = [pa.array([row[i] for row in body], pa.string()) for i in range(len(names))]
    return Grid(names, columns, lines, [], "\n".join(around))


MT940_COLUMNS = ("account", "entry_id", "amount", "currency", "date", "remark", "statement")


def mt940_grid(text: Text, _spec: SourceSpec) -> Grid:
    """The statement lines of MT940 messages, read by the mt-940 library; opening + lines = closing for every message.

    Source: SWIFT MT940 customer statement message; tags :60F:, :61:, :86:, :62F:.
    """
    body = "\n".join(text.lines)
    rows: list[tuple[str, ...]] = []
    stated: list[tuple[str, str, str]] = []
    for message in re.split(r"(?m)^-\}?\s*$", body):
        if ":61:" not in message and ":62F:" not in message:
            continue
        try:
            statement = mt940.parse(message.strip("\r\n") + "\n")
        except Exception as error:
            raise RefusedFile(f"not readable as MT940: {error}", advice="Download the statement again.") from error
        data = statement.data
        account, number = str(data.get("account_identification", "")), str(data.get("transaction_reference", ""))
        opening, closing = data.get("final_opening_balance"), data.get("final_closing_balance")
        currency = str(opening.amount.currency) if opening else ""
        total = Decimal(0)
        for index, entry in enumerate(statement.transactions, 1):
            found = entry.data
            amount = Decimal(str(found["amount"].amount))
            total += amount
            rows.append((
                account, str(found.get("bank_reference") or f"{number}/{index}"), str(amount),
                str(found["amount"].currency or currency), str(found.get("entry_date") or found["date"]),
                str(found.get("transaction_details") or "").replace("\n", ""), number,
            ))
        if opening and closing:
            stated.append((
                f"closing balance {number}", str(closing.amount.amount), str(Decimal(str(opening.amount.amount)) + total)
            ))
    lines = [n for n, line in enumerate(text.lines, 1) if line.startswith(":61:")]
    if len(lines) != len(rows):
        raise RefusedFile(f"{len(lines)} statement lines, {len(rows)} could be read", advice="Check the :61: lines.")
    columns = [pa.array([row[i] for row in rows], pa.string()) for i in range(len(MT940_COLUMNS))]
    return Grid(list(MT940_COLUMNS), columns, lines, [], body[:2000], {}, stated)

"""A specification for a file that no source knows: its header, what its columns are, its table and its total line.

What cannot be told from the file is marked in the proposal; what can be told is put so that it reads the file at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path

import polars as pl
import yaml

from duizhang.errors import RefusedFile
from duizhang.ingest.opening import Document, detect, documents, head_lines, rewritten, sheet_rows
from duizhang.ingest.proposing.columns import Column, bare
from duizhang.ingest.proposing.movements import LOOK, number, table_of
from duizhang.ingest.proposing.naming import named
from duizhang.ingest.proposing.order_lists import grain, is_order_list
from duizhang.ingest.proposing.words import ID, MONEY, NO_PERSON, PERSONAL
from duizhang.ingest.recognising import DELIMITERS, split_line, unique_names
from duizhang.ingest.rows import HEAD_LINES
from duizhang.ingest.specification import TIME_FORMATS, normalised
from duizhang.ingest.texts import applied
from duizhang.ingest.typing import amounts, by

SAMPLE_LINES = 2000
FORMATS = (
    *TIME_FORMATS, "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S %z", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日",
    "%Y%m%d%H%M%S", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M",
    "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "epoch",
)
TOTAL = (
    r"(?i)^\W*(total|totals|sum|subtotal|summe|gesamt|endsaldo|anfangssaldo|saldo|solde|balance at|opening balance|closing balance"
    r"|合计|总计|小计|本页|期末|期初)"
)


@dataclass(frozen=True)
class Proposal:
    """A proposed specification as YAML text; the header's line and the number of rows that were looked at."""

    text: str
    header_line: int
    rows: int


def propose(path: Path, name: str) -> Proposal:
    """Look at the first lines of a file. Raises RefusedFile where no header can be found in it."""
    document = rewritten(documents(path)[0])
    rows, delimiter, encoding = _rows(document)
    header = _header(rows)
    names = unique_names(rows[header])
    below = [(list(row) + [""] * len(names))[: len(names)] for row in rows[header + 1 :] if any(cell.strip() for cell in row)]
    totals = [row for row in below if any(re.search(TOTAL, cell) for cell in (row[:1] if row[0].strip() else row))]
    body = [row for row in below if row not in totals]
    columns = [Column(column, [row[n] for row in body], n) for n, column in enumerate(names) if column]
    columns = [column for column in columns if any(cell.strip() for cell in column.cells)] or columns
    mark = _decimal(columns)
    for column in columns:
        column.field = {"column": column.name, **_kind(column, mark)}
    roles = named(columns)
    spec: dict[str, object] = {"name": name, "title": path.stem}
    if document.kind == "text" and delimiter != ",":
        spec["delimiter"] = delimiter
    if encoding == "cp1252":
        spec["encodings"] = ["utf-8", "cp1252"]
    if mark == ",":
        spec["decimal"] = ","
    spec["recognise"] = {"header": [column for column in names if column][:8]}
    marks = {row[0].strip()[:1] for row in rows[:header] if row and row[0].strip()}
    footers = [r"^#"] if marks and marks <= {"#"} else []
    if any(re.search(TOTAL, row[0]) for row in totals):
        footers.append(TOTAL)
    if footers:
        spec["footer"] = "|".join(f"({one})" if len(footers) > 1 else one for one in footers).replace("((?i)", "(?i:")
    if is_order_list(roles):  # a line that comes again with a later export is the same line
        spec |= {"overlap": "latest", "grain": grain(roles)}
    # a text that no table needs may name a person in a way that nobody here knows
    unread = [column for column in columns if column.key not in roles and column.kind == "text" and len(roles) > 1]
    lines = [
        f"# Proposed out of {len(body)} rows; the header is line {header + 1}. Check signs and names, drop the fields that no table",
        "# needs (duizhang/declared/schema.py lists tables and signs), then: duizhang inspect FILE --spec THIS.",
        "# docs/sources.md explains every key.",
        yaml.safe_dump(spec, allow_unicode=True, sort_keys=False, width=10_000).rstrip(),
        "fields:",
        *(f"  {c.key}: {_flow(c.field)}" for c in columns if c not in unread),
        *([f"# Not read, since no table needs it: {', '.join(c.name for c in unread)}"] if unread else []),
        *table_of(roles, columns, mark),
        *(_stated(totals, columns, delimiter, mark) if document.kind == "text" else []),
    ]
    return Proposal("\n".join(lines) + "\n", header + 1, len(body))


def _rows(document: Document) -> tuple[list[list[str]], str, str]:
    if document.kind == "sheet":
        return [list(row) for row in islice(sheet_rows(document), SAMPLE_LINES)], "\t", "sheet"
    encoding = _encoding(document.head)
    lines = head_lines(document, encoding, SAMPLE_LINES)[:-1] or head_lines(document, encoding, SAMPLE_LINES)
    best = max(DELIMITERS, key=lambda mark: sorted(line.count(mark) for line in lines)[len(lines) // 2])
    return [split_line(line, best) for line in lines], best, encoding


def _encoding(head: bytes) -> str:
    """The encoding; what fits GB18030 is Windows-1252 where most of its pairs end with a plain letter: an accent and what follows.

    The trail of the characters that Chinese is written with (GB 2312) is no ASCII.
    """
    encoding = detect(head, ("utf-8", "gb18030", "cp1252"))
    pairs = re.findall(rb"[\x81-\xfe]([\x30-\xfe])", head)
    plain = sum(trail < b"\x80" for trail in pairs)
    return "cp1252" if encoding == "gb18030" and (not pairs or plain * 2 > len(pairs)) else encoding


def _header(rows: Sequence[Sequence[str]]) -> int:
    """The first line that has as many cells as most lines below it, none of them a number, most of them filled."""
    widths = [len(row) for row in rows if len(row) > 1]
    usual = max(set(widths), key=widths.count) if widths else 0
    for index, row in enumerate(rows[:HEAD_LINES]):
        filled = [cell.strip() for cell in row if cell.strip()]
        numbers = [cell for cell in filled if re.fullmatch(r"[-+¥$]?[\d.,:/ -]+", cell)]
        if len(row) == usual and len(filled) * 10 >= len(row) * 7 and not numbers and len(set(filled)) * 10 >= len(filled) * 8:
            return index
    raise RefusedFile("no header line is to be seen in it", advice="A file without one needs `positions`; see docs/sources.md.")


def _decimal(columns: Sequence[Column]) -> str:
    """`,` where more amounts end with a comma and one or two digits than with a point and as many."""
    cells = [value for column in columns for value in bare(column.cells)]
    # one such mark, behind plain digits or groups of three: 05.12.25 is a day
    comma, point = (
        sum(re.fullmatch(rf"\D*(\d+|\d{{1,3}}([^\d{mark}]\d{{3}})+)[{mark}]\d{{1,2}}\D{{0,4}}", value) is not None for value in cells)
        for mark in ",."
    )
    return "," if comma > point else "."


def _kind(column: Column, mark: str) -> dict[str, object]:
    values, name = bare(column.cells), column.name
    found: dict[str, object] = {}
    if not values:
        return {"personal": True} if _is_personal(name) else {}
    if not ID.search(name) and (not MONEY.search(name) or any(re.search(r"\d[-/:年]\d", value) for value in values)):
        times = [pattern for pattern in FORMATS if _fits(values, by(pattern))]
        if times:
            plain = [p for p in times if p in TIME_FORMATS]
            # day and month: both, and the rows of each file tell which
            found = {"type": "time"} if plain else {"type": "time", "formats": times[:2] if len(times) > 1 else times}
    if not found:
        long = any(len(re.sub(r"\D", "", value)) > 11 for value in values)
        if (not long or MONEY.search(name)) and not ID.search(name) and _fits(values, amounts(mark).thorough):
            decimals = any(re.search(rf"{re.escape(mark)}\d{{1,2}}\D*$", value) for value in values)
            found = {"type": "money" if decimals or MONEY.search(name) else "number"}
        elif ID.search(name) or long:
            found = {"type": "id"}
    if len(values) == len(column.cells) and found.get("type") in ("money", "time"):
        found["required"] = True
    if _is_personal(name) and found.get("type") not in ("money", "time"):
        found = {"personal": True}  # a pseudonym is text
    return found


def _is_personal(name: str) -> bool:
    return PERSONAL.search(normalised(name)) is not None and not NO_PERSON.search(name)


def _fits(values: Sequence[str], reading: pl.Expr) -> bool:
    """Whether a reading gives every value something."""
    return not applied(reading, pl.Series("x", list(dict.fromkeys(values))[:LOOK], pl.String)).null_count()


def _flow(entry: Mapping[str, object]) -> str:
    return yaml.safe_dump(dict(entry), allow_unicode=True, default_flow_style=True, sort_keys=False, width=10_000).strip()


def _stated(totals: Sequence[Sequence[str]], columns: Sequence[Column], delimiter: str, mark: str) -> list[str]:
    """The totals that the last line of totals states, where its cells are what the rows add up to."""
    found = []
    for row in totals[-1:]:
        if any(delimiter in cell for cell in row) or not re.search(TOTAL, row[0]):
            continue
        for column in columns:
            stated = number(row[column.position], mark)
            if column.kind in ("money", "number") and stated is not None:
                given = [number(cell, mark) for cell in column.cells]
                if sum((value for value in given if value is not None), Decimal(0)) == stated:
                    cut = re.escape(delimiter)
                    pattern = f"^{re.escape(row[0])}" + f"{cut}[^{delimiter}]*" * (column.position - 1) + f"{cut}([^{delimiter}]+)"
                    entry = {"name": column.name, "footer": pattern, "computed": f"sum({column.key})"}
                    found.append(f"  - {_flow(entry)}")
    return ["totals:", *found] if found else []

"""A first specification for a file that no source knows: its header, its columns and what their cells look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import yaml

from duizhang.errors import RefusedFile
from duizhang.ingest.cells import money_sql
from duizhang.ingest.container import Document, documents
from duizhang.ingest.encoded import detect, head_lines
from duizhang.ingest.reading import HEAD_LINES
from duizhang.ingest.recognise import DELIMITERS, split_line, unique_names
from duizhang.ingest.sheet import sheet_rows
from duizhang.ingest.spec import normalised
from duizhang.ingest.times import time_sql
from duizhang.store import scratch

SAMPLE_LINES = 2000
FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%b %d, %Y",
)
_PERSONAL = re.compile(
    r"姓名|收件人|收货人|买家|昵称|会员名|手机|电话|地址|邮箱|身份证|对方账[户号]|对方户名"
    r"|name$|buyer|payer|payee|customer|phone|address|e-?mail|iban", re.I)
_ID = re.compile(r"号$|编号|单号|流水|\bid\b|_id$|number$|reference|sku|编码", re.I)


@dataclass(frozen=True)
class Proposal:
    """A proposed specification as YAML text, and what could not be told from the file."""

    text: str
    header_line: int
    rows: int


def propose(path: Path, name: str) -> Proposal:
    """Look at the first lines of a file. Raises RefusedFile where no header can be found in it."""
    document = documents(path)[0]
    rows, delimiter, encoding = _rows(document)
    header = _header(rows)
    names = unique_names(rows[header])
    body = [row for row in rows[header + 1 :] if len(row) == len(names) and any(row)]
    fields: dict[str, dict[str, object]] = {}
    for position, column in enumerate(names):
        if column and any(row[position].strip() for row in body):
            fields[f"f{position + 1}"] = {"column": column, **_kind(column, [row[position] for row in body])}
    spec: dict[str, object] = {"name": name, "title": path.stem}
    if document.kind == "text" and delimiter != ",":
        spec["delimiter"] = delimiter
    if encoding == "cp1252":
        spec["encodings"] = ["utf-8", "cp1252"]
    spec["recognise"] = {"header": [column for column in names if column][:8]}
    marks = {row[0].strip()[:1] for row in rows[:header] if row and row[0].strip()}
    if marks and marks <= {"#"}:
        spec["footer"] = "^#"
    lines = [
        f"# A first proposal out of {len(body)} rows; the header is line {header + 1}. Rename the fields, drop those that no",
        "# table needs, say which table the rows feed (duizhang/schema.py lists tables and signs), add the totals that the",
        "# file states, then: duizhang inspect FILE --spec THIS. docs/sources.md explains every key.",
        yaml.safe_dump(spec, allow_unicode=True, sort_keys=False).rstrip(),
        "fields:",
        *(f"  {key}: {yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10_000).strip()}"
          for key, value in fields.items()),
        *_table(fields),
    ]
    return Proposal("\n".join(lines) + "\n", header + 1, len(body))


def _rows(document: Document) -> tuple[list[list[str]], str, str]:
    if document.kind == "sheet":
        return [list(row) for row in islice(sheet_rows(document), SAMPLE_LINES)], "\t", "sheet"
    encoding = detect(document.head(), ("utf-8", "gb18030", "cp1252"))
    lines = head_lines(document, encoding, SAMPLE_LINES)[:-1] or head_lines(document, encoding, SAMPLE_LINES)
    best = max(DELIMITERS, key=lambda mark: sorted(line.count(mark) for line in lines)[len(lines) // 2])
    return [split_line(line, best) for line in lines], best, encoding


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


def _kind(column: str, cells: Sequence[str]) -> dict[str, object]:
    values = [cell.strip("\t `'\"=") for cell in cells]
    values = [value for value in values if value]
    found: dict[str, object] = {}
    for pattern in FORMATS:
        if _all(values, time_sql([pattern])[0]) and not _ID.search(column):
            found = {"type": "time"} if pattern in FORMATS[:4] or pattern in ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d") else {
                "type": "time", "formats": [pattern]}
            break
    else:
        long = any(len(re.sub(r"\D", "", value)) > 11 for value in values)
        if not long and not _ID.search(column) and _all(values, money_sql(".")[0]):
            found = {"type": "money" if any(re.search(r"\.\d{2}", value) for value in values) else "number"}
        elif _ID.search(column) or long:
            found = {"type": "id"}
    if len(values) == len(cells) and found.get("type") in ("money", "time"):
        found["required"] = True
    if _PERSONAL.search(normalised(column)):
        found["personal"] = True
    return found


def _all(values: Sequence[str], value_sql: str) -> bool:
    with scratch() as con:
        con.execute("create table cells as select unnest(?) as x", [list(values[:200])])
        return con.sql(f"select count(*) from cells where ({value_sql}) is null").fetchall() == [(0,)]


def _table(fields: dict[str, dict[str, object]]) -> list[str]:
    """A table to begin with, commented out: which it is only a person knows."""
    first = {kind: next((key for key, value in fields.items() if value.get("type") == kind), None) for kind in ("time", "money", "id")}
    return [
        "# tables:",
        "#   - table: settlements  # or payments, refunds, payouts, orders, bank_entries, freight_charges, journal_lines ...",
        "#     columns:",
        f"#       occurred_at: {first['time'] or 'FIELD'}",
        f"#       period: {first['time'] or 'FIELD'}_day",
        f"#       entry_id: {first['id'] or 'FIELD'}",
        f"#       amount: {first['money'] or 'FIELD'}  # from the seller's view: + in, - out",
    ]

"""A list of flat records in JSON, one document or one a line, as the table that it is: a row each record, amounts as they are written."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from duizhang.errors import RefusedFile
from duizhang.ingest.opening.container import Document

_MOST = 1 << 26  # bytes
_BEGINS = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*[\[{]\s*[\"{]")
_MONEY = re.compile(r"(?i)amount|balance|debit|credit|gross|net\b|fee|total|price|betrag|monta?n?t|importe|valor|金额|余额|收入|支出")

_GOES_ON = re.compile(r"(?i)has_?more|next|next_?(?:page|url|cursor|link|page_?token)")


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def as_records(document: Document) -> Document | None:
    """The document as delimited text; None where it is no JSON of flat records.

    Raises RefusedFile where it ends early, and where nothing tells whether whole amounts are cents.
    """
    if document.kind != "text" or not _BEGINS.match(document.head):
        return None
    with document.open() as stream:
        body = stream.read(_MOST + 1)
    around, records = _records(body) if len(body) <= _MOST else ({}, None)
    if not records or any(isinstance(value, (list, dict)) for record in records for value in record.values()):
        return None
    names = list(dict.fromkeys(name for record in records for name in record))
    for name in filter(_MONEY.search, names):
        values = [value for record in records if (value := record.get(name)) not in (None, "", "0")]
        if values and all(isinstance(value, _Number) and value.lstrip("-").isdecimal() for value in values):
            raise RefusedFile(
                f"amounts can be read in two ways: {values[0]} of {name!r} is so much, or so many cents, as all are whole numbers",
                advice="Export it as CSV, or write a specification with reader: json.")
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    for name, value in around.items():
        rows.writerow([f"{name}: {_cell(value)}"])
    rows.writerow(names)
    for record in records:
        rows.writerow([_cell(record.get(name)) for name in names])
    table = b"\xef\xbb\xbf" + written.getvalue().encode()
    return replace(document, open=lambda: io.BytesIO(table))


def _records(body: bytes) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    """(what an object says beside its only list, the records of that, of a list or of the lines; None where it is anything else)."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return {}, None
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines):
            found: Any = [_parsed(line) for line in lines]
        else:
            found = _parsed(text)
    except RecursionError:
        return {}, None
    except ValueError as error:
        raise RefusedFile("it is JSON that is broken or ends early", advice="Download it again.") from error
    around: dict[str, Any] = {}
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        if any(_GOES_ON.fullmatch(name) and value not in (None, False, "") for name, value in found.items()):
            raise RefusedFile("it is one page of several, as it says itself", advice="Put all pages into one file.")
        around = {name: value for name, value in found.items() if not isinstance(value, (list, dict))}
        found = lists[0] if len(lists) == 1 else None
    is_list = isinstance(found, list) and all(isinstance(record, dict) for record in found)
    return around, found if is_list else None


def _parsed(text: str) -> Any:
    return json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_Number, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a name stands twice in a record")
    return record


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())

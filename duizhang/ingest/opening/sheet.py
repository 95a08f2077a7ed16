"""Workbooks: the rows of a sheet as text, XLSX through calamine and XLS through xlrd."""

from __future__ import annotations

import datetime as dt
import html
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from duizhang.errors import RefusedFile
from duizhang.ingest.opening.container import Document, refusing_damage
from duizhang.ingest.opening.number_formats import shown_at_numbers, with_shown
from duizhang.ingest.opening.spreadsheet_xml import is_spreadsheet_xml, sheets_of
from duizhang.ingest.opening.workbook_parts import column_number, sheet_part
from duizhang.ingest.opening.xls import MAGIC, xls_values

_AS_THOUSANDS = re.compile(r"-?[1-9]\d*\.\d{3}")  # a number that as a text may be a thousand: 1.234
_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
# a cell with a formula and no value; one of type str has an empty text for its value
_UNCOMPUTED = re.compile(rb'<c (?![^>]*t="str")[^>]*>\s*<f(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>')
_ERROR = re.compile(rb'<c (?=[^>]*\bt="e")[^>]*\br="([A-Z]{1,3})([0-9]+)"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>([^<]*)</v>')


def sheet_rows(document: Document) -> Iterator[list[str]]:
    """Every row of the document's sheet from its first line on; numbers in their shortest decimal form."""
    if document.sheet not in document.kept:
        document.kept.clear()
        document.kept[document.sheet] = _opened(document)
    for at, row in enumerate(document.kept[document.sheet]):
        if document.rows is None or at in document.rows:
            yield row
        elif at < document.rows.start:
            yield []
        else:
            return


def _opened(document: Document) -> list[list[str]]:
    """The rows of a sheet."""
    values, shown = _values(document)
    rows = [[_cell(value) for value in row] for row in values]
    for (row, column), currency in shown.items():
        if row < len(rows) and column < len(rows[row]) and _PLAIN.fullmatch(rows[row][column]):
            rows[row][column] = with_shown(rows[row][column], currency)
    return rows


def _values(document: Document) -> tuple[Sequence[Sequence[object]], dict[tuple[int, int], str]]:
    """The rows of a sheet as its workbook has them, and what the formats of its cells show."""
    with document.open() as stream:
        body = stream.read()
    if body.startswith(MAGIC):
        return xls_values(body, document.sheet)
    if is_spreadsheet_xml(body[:4096]):
        found = sheets_of(body)[document.sheet]
        return found.rows, found.shown
    import python_calamine

    with refusing_damage():
        errors, shown = _told(body, document.sheet)
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(body))
        rows: list[list[Any]] = book.get_sheet_by_name(document.sheet).to_python(skip_empty_area=False)
        for row, column, error in errors:
            if row < len(rows) and column < len(rows[row]) and rows[row][column] == "":
                rows[row][column] = error
        return rows, shown


def _told(body: bytes, sheet: str) -> tuple[list[tuple[int, int, str]], dict[tuple[int, int], str]]:
    """What the library does not tell of the cells of a sheet: (row, column, text) of those that are errors, such as #N/A, for which
    it gives empty texts, and what formats show.

    Raises RefusedFile where a program wrote formulas into any sheet and nobody has computed them: such cells would be empty.
    """
    found: list[tuple[int, int, str]] = []
    shown: dict[tuple[int, int], str] = {}
    with zipfile.ZipFile(io.BytesIO(body)) as members:
        own = sheet_part(members, sheet)
        for name in members.namelist():
            if name != own and not _SHEET.fullmatch(name):
                continue
            text = members.read(name)
            if _SHEET.fullmatch(name):
                _refuse_uncomputed(text, name)
            if name == own:
                shown = shown_at_numbers(members, text)
            if name == own and b't="e"' in text:
                found = [
                    (int(row) - 1, column_number(letters) - 1, html.unescape(error.decode()))
                    for letters, row, error in (match.groups() for match in _ERROR.finditer(text))
                ]
    return found, shown


def _refuse_uncomputed(text: bytes, name: str) -> None:
    if b"<f" in text and (found := _UNCOMPUTED.search(text)):
        cell = re.search(rb'r="([A-Z]+[0-9]+)"', found[0])
        where = cell[1].decode() if cell else name
        raise RefusedFile(f"cells of it are formulas that nobody has computed, so they have no value, such as {where}",
                          advice="Open it in a spreadsheet and save it again.")


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value.replace("\u3000", " ").replace("\xa0", " ")
    if isinstance(value, float):
        # past 15 digits a spreadsheet no longer holds an id exactly; the exponent makes typing reject it
        text = repr(value) if not value.is_integer() else str(int(value)) if abs(value) < 1e15 else f"{value:.14E}"
        return f"{text}0" if _AS_THOUSANDS.fullmatch(text) else text
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value)

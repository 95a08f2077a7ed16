"""Old workbooks (XLS) through xlrd.

xlrd is plain Python: a damaged file ends in an exception. Native readers were seen to panic on one, or to ask for so much
memory that the system ends the process.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from duizhang.errors import RefusedFile
from duizhang.ingest.opening.number_formats import shown_by

if TYPE_CHECKING:
    import xlrd  # type: ignore[import-untyped]

_OWN = 164  # number formats from here on are the workbook's own
MAGIC = b"\xd0\xcf\x11\xe0"


def xls_sheets(body: bytes) -> dict[str, bool]:
    """A workbook's sheets by name, and whether each is hidden. Raises RefusedFile where it is damaged or no XLS."""
    with _refusing():
        return {str(sheet.name): bool(sheet.visibility) for sheet in _book(body).sheets()}


def xls_values(body: bytes, name: str) -> tuple[list[list[object]], dict[tuple[int, int], str]]:
    """(a sheet's rows from its first line on: text, float, datetime, bool or '' for an empty cell, which may end early; what the formats of
    its numbers show, by row and column)."""
    with _refusing():
        book = _book(body)
        told = {key: shown for key, form in book.format_map.items() if key >= _OWN and (shown := shown_by(form.format_str))}
        if told:  # formats cost as much time as values
            book = _book(body, layout=True)
        cells = [book.sheet_by_name(name).row(number) for number in range(book.sheet_by_name(name).nrows)]
        shown_at = {
            (row, column): told[key] for row, line in enumerate(cells if told else ()) for column, cell in enumerate(line)
            if isinstance(cell.value, float) and (key := book.xf_list[cell.xf_index].format_key) in told}
        return [[_value(cell, book.datemode) for cell in line] for line in cells], shown_at


def xls_hidden_rows(body: bytes, name: str) -> list[int]:
    """The lines of a sheet that are hidden and not empty, counted from 1. Raises RefusedFile where the workbook is damaged."""
    with _refusing():
        sheet = _book(body, layout=True).sheet_by_name(name)
        hidden = (row for row, info in sheet.rowinfo_map.items() if info.hidden and row < sheet.nrows)
        return sorted(row + 1 for row in hidden if any(str(value).strip() for value in sheet.row_values(row)))


def _book(body: bytes, *, layout: bool = False) -> xlrd.Book:
    """layout: with what tells which rows are shown."""
    import xlrd

    return xlrd.open_workbook(file_contents=body, logfile=io.StringIO(), ragged_rows=True, formatting_info=layout)


def _value(cell: xlrd.sheet.Cell, datemode: int) -> object:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        return xlrd.xldate.xldate_as_datetime(cell.value, datemode)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERROR")
    return cell.value


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # xlrd raises whatever the damaged bytes lead it to
        raise RefusedFile(f"a damaged workbook: {error}", advice="Download it again, or save it as XLSX.") from error

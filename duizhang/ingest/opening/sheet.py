"""Workbooks: the rows of a sheet as text, XLSX through calamine and XLS through xlrd."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence

from duizhang.ingest.opening.container import Document, refusing_damage
from duizhang.ingest.opening.xls import MAGIC, xls_rows


def sheet_rows(document: Document) -> Iterator[list[str]]:
    """Every row of the document's sheet from its first line on; numbers in their shortest decimal form."""
    with document.open() as stream:
        body = stream.read()
    rows: Iterable[Sequence[object]]
    if body.startswith(MAGIC):
        rows = xls_rows(body, document.sheet)
    else:
        import python_calamine

        with refusing_damage():
            book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(body))
            rows = book.get_sheet_by_name(document.sheet).to_python(skip_empty_area=False)
    for row in rows:
        yield [_cell(value) for value in row]


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value.replace("\u3000", " ").replace("\xa0", " ")
    if isinstance(value, float):
        # past 15 digits a spreadsheet no longer holds an id exactly; the exponent makes typing reject it
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    return str(value)

"""The report as a workbook: a sheet a table, numbers as numbers with the format of their currency. Text never runs as a formula."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from duizhang.declared.currency import in_places
from duizhang.declared.schema import PIECES
from duizhang.report.figures import with_currency
from duizhang.report.page import Report
from duizhang.report.tables import NUMERIC, Column, Table, cell_lines, currency_name
from duizhang.speech.folding import width_of

EXACT_DIGITS = 15  # of a number in a spreadsheet
_WIDEST, _NARROWEST = 60, 9
_NO_NAME = re.compile(r"[\[\]:*?/\\]")


def write_spreadsheet(report: Report, path: Path) -> None:
    """Write the XLSX. The same report gives the same bytes."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    # a file of its own moment would differ from the same report made again
    book.set_properties({"title": report.title, "created": dt.datetime.combine(report.facts.span.last, dt.time())})
    sheets = _Sheets(book, report)
    sheets.summary()
    for table in report.tables.values():
        if table.rows:
            sheets.table(table)
    book.close()


class _Sheets:
    def __init__(self, book: Any, report: Report) -> None:
        self.book, self.report, self.labels = book, report, report.labels
        self.head = book.add_format({"bold": True, "bg_color": "#EEF1F5", "bottom": 1, "text_wrap": True, "valign": "top"})
        self.text = book.add_format({"text_wrap": True, "valign": "top"})
        self.bold = book.add_format({"bold": True, "font_size": 14, "text_wrap": True, "valign": "top"})
        self.formats: dict[str, Any] = {}

    def summary(self) -> None:
        """What the page begins with."""
        sheet = self.book.add_worksheet(self.labels.text("title"))
        judgement, report = self.report.judgement, self.report
        sheet.set_column(0, 0, 100)
        sheet.write_string(0, 0, f"{report.title} {report.books.name}".strip(), self.bold)
        reasons = [line for lines in report.held.values() for line in lines]
        sentences = [judgement.sentence, *judgement.more, *filter(None, report.since), *reasons, report.files_said]
        for number, line in enumerate(sentences, 2):
            sheet.write_string(number, 0, line, self.text)
        sheet.hide_gridlines(2)

    def table(self, table: Table) -> None:
        name = _NO_NAME.sub(" ", self.labels.text(_SHEETS.get(table.name, table.name)))[:31]
        sheet = self.book.add_worksheet(name)
        shown = [(c, currency) for c in table.columns if c.kind != "picture" for currency in self._currencies(table, c)]
        for place, (column, currency) in enumerate(shown):
            heading = self.labels.column(column.name)
            sheet.write_string(0, place, f"{heading} {currency_name(currency, self.labels)}" if currency else heading, self.head)
            width = max([width_of(heading), *(self._width(column, row) for row in table.rows[:200])])
            sheet.set_column(place, place, min(max(width + 2, _NARROWEST), _WIDEST))
            for number, row in enumerate(table.rows, 1):
                self._cell(sheet, number, place, column, currency, row)
        if table.left_out:
            sheet.write_string(len(table.rows) + 1, 0, self.labels.text("more", n=table.left_out), self.text)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, len(table.rows), max(len(shown) - 1, 0))
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)

    def _currencies(self, table: Table, column: Column) -> list[str]:
        """Amounts in several currencies have a column for each."""
        if column.kind != "sums":
            return [""]
        there = {one["currency"] for row in table.rows for one in row.get(column.name) or ()}
        return sorted(there, key=lambda c: (c == PIECES, c)) or [""]

    def _width(self, column: Column, row: dict[str, Any]) -> int:
        lines = cell_lines(column, row, self.labels)
        return max(map(width_of, lines), default=0)

    def _cell(self, sheet: Any, number: int, place: int, column: Column, currency: str, row: dict[str, Any]) -> None:
        value = row.get(column.name)
        if column.kind == "sums":
            value = next((one["amount"] for one in value or () if one["currency"] == currency), None)
        if value is None or value == "":
            sheet.write_blank(number, place, None, self.text)
        elif column.kind == "day":
            sheet.write_datetime(number, place, dt.datetime.combine(value, dt.time()), self._format("yyyy-mm-dd"))
        elif column.kind in NUMERIC and isinstance(value, int | Decimal) and len(Decimal(value).as_tuple().digits) <= EXACT_DIGITS:
            of = currency or str(row.get(column.by) or "") if column.kind in ("money", "sums") else ""
            sheet.write_number(number, place, value, self._format(number_format(column, value, of)))
        elif column.kind == "sums":
            sheet.write_string(number, place, with_currency(value, currency, self.labels), self.text)
        else:
            sheet.write_string(number, place, "\n".join(cell_lines(column, row, self.labels)), self.text)

    def _format(self, pattern: str) -> Any:
        if pattern not in self.formats:
            self.formats[pattern] = self.book.add_format({"num_format": pattern, "valign": "top"})
        return self.formats[pattern]


def number_format(column: Column, value: int | Decimal, currency: str) -> str:
    """How a spreadsheet shows a number: with the places of its currency, or more where more are significant."""
    if column.kind == "percent":
        return "0.00%"
    if column.kind == "count":
        return "#,##0"
    exact = Decimal(value)
    shown = exact.normalize() if currency in ("", PIECES) else in_places(exact, currency)
    places = max(0, -int(shown.as_tuple().exponent))
    return "#,##0" + "." * (places > 0) + "0" * places


# tables whose heading on the page is another text
_SHEETS = {"checks": "failed_checks", "days": "days"}

"""How the workbook of exceptions looks: a sheet that explains, then one a leg, in one language. What is in it is workbook.py's.

The first row of a leg's sheet has the names that the import goes by and is hidden; the second has what people read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from duizhang.close.decided_sheet import DECIDED_HEADER, DECIDED_INPUT
from duizhang.close.workbook import CELL_HEADER
from duizhang.declared.currency import in_places
from duizhang.declared.schema import PIECES
from duizhang.report.figures import candidate_lines, evidence_lines, in_words
from duizhang.speech.labels import Labels, load_labels
from duizhang.speech.phrases import in_language

EXACT_DIGITS = 15  # of a number in a spreadsheet
LABEL_ROW = "#"  # in the column `row` of the row of labels
_EVIDENCE = 4
# in the order in which they are read; what is only for the import comes last and is hidden
SHOWN = ("cause_label", "key", "shop_name", "order_id", "entity", "left_amount", "right_amount", "difference", "currency", "left_quantity",
         "right_quantity", "first_seen", "age_days", "proposal", "candidates", "evidence", "event", "booked_in", "action", "decision",
         "reason", "wait_until", "to")
HIDDEN = ("period", "leg", "shop", "cause", "status", "row")
INPUT = ("decision", "reason", "wait_until", "to")
CELL_INPUT = ("new_value", "new_reason")
_WIDTHS = {"file": 40, "line": 7, "problem": 52, "correction": 26, "new_value": 20, "new_reason": 30,
           "about": 16, "why": 30, "back_reason": 30, "number": 10,
           "cause_label": 22, "candidates": 36, "key": 30,
           "shop_name": 14, "order_id": 22, "evidence": 52, "action": 34, "reason": 30, "proposal": 26,
           "wait_until": 12, "to": 24,
           "left_amount": 13, "right_amount": 13, "difference": 13, "decision": 11, "booked_in": 22, "first_seen": 11}


def decision_names(labels: Labels) -> dict[str, str]:
    """What may be decided, as a workbook in this language offers it -> its name."""
    return {entry[labels.language]: name for name, entry in load_labels()["decisions"].items()}


def write_sheets(
    rows: Sequence[Mapping[str, Any]], period: dt.date, out: Path, labels: Labels, safe: Any, *, cells: Sequence[Mapping[str, Any]] = (),
    decided: Sequence[Mapping[str, Any]] = (), shops: Callable[[str], str] = str,
) -> None:
    """Write the workbook. rows: with the columns of workbook.HEADER; safe: makes text that cannot run as a formula; cells: what was not
    read, with the columns of workbook.CELL_HEADER; decided: what may be taken back, with those of DECIDED_HEADER;
    shops: a shop's id -> as people call it."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(out), {"strings_to_formulas": False, "strings_to_urls": False})
    legs: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        legs.setdefault(row["leg"], []).append(row)
    order = list(load_labels()["legs"])
    sheets = _Book(book, labels, safe, shops)
    listed = sorted(legs, key=lambda leg: (order.index(leg) if leg in order else len(order), leg))
    sheets.explain(period, {leg: legs[leg] for leg in listed})
    for leg in listed:
        sheets.leg(leg, legs[leg])
    if cells:
        sheets.cells(cells)
    if decided:
        sheets.decided(decided)
    book.close()


class _Book:
    def __init__(self, book: Any, labels: Labels, safe: Any, shops: Callable[[str], str]) -> None:
        self.book, self.labels, self.safe, self.shops = book, labels, safe, shops
        cell = {"valign": "top", "text_wrap": True, "font_size": 10}
        self.head = book.add_format({**cell, "bold": True, "bg_color": "#E8ECF2", "bottom": 1})
        self.ask = book.add_format({**cell, "bold": True, "bg_color": "#FFE9A8", "bottom": 1})
        self.text = book.add_format(cell)
        self.day = book.add_format({**cell, "num_format": "yyyy-mm-dd"})
        self.free = book.add_format({**cell, "locked": False, "bg_color": "#FFF8DC", "border": 1, "border_color": "#E5D9A8"})
        self.free_day = book.add_format({**cell, "locked": False, "bg_color": "#FFF8DC", "border": 1, "border_color": "#E5D9A8",
                                         "num_format": "yyyy-mm-dd"})
        self.free_text = book.add_format({**cell, "locked": False, "bg_color": "#FFF8DC", "border": 1, "border_color": "#E5D9A8",
                                          "num_format": "@"})
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.wanting = book.add_format({"bg_color": "#F8C9C4"})
        self.numbers: dict[int, Any] = {}

    def name(self, leg: str) -> str:
        return self.labels.leg(leg)[:31]

    def explain(self, period: dt.date, legs: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """The first sheet: what to do, what each decision means, and how many rows each leg has."""
        t, sheet = self._t, self.book.add_worksheet(self._t("sheet"))
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 3, 16)
        sheet.write_string(0, 0, f"{t('title')} {period}", self.title)
        at = 2
        for line in t("how").strip().split("\n"):
            sheet.merge_range(at, 0, at, 7, line, self.text)
            sheet.set_row(at, 30)
            at += 1
        at += 1
        for label, name in decision_names(self.labels).items():
            sheet.write_string(at, 0, label, self.head)
            sheet.merge_range(at, 1, at, 7, load_labels()["decided"][name][self.labels.language], self.text)
            sheet.set_row(at, 30)
            at += 1
        at += 1
        for column, what in enumerate(("leg", "differences", "in_transit", "rows")):
            sheet.write_string(at, column, t(what), self.head)
        for leg, rows in legs.items():
            at += 1
            timing = sum(row["cause"] == "timing" for row in rows)
            sheet.write_url(at, 0, f"internal:'{self.name(leg)}'!A2", string=self.name(leg))
            for column, count in enumerate((len(rows) - timing, timing, len(rows)), 1):
                sheet.write_number(at, column, count)
        sheet.hide_gridlines(2)
        sheet.protect("")

    def leg(self, leg: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """The differences of a leg; what is in transit is filtered away where there is anything else."""
        sheet, columns = self.book.add_worksheet(self.name(leg)), (*SHOWN, *HIDDEN)
        place = {name: number for number, name in enumerate(columns)}
        last = len(rows) + 1
        unused = [name for name in columns if name.endswith("quantity") and not any(row[name] for row in rows)]
        self._head(sheet, columns, INPUT, hidden=(*HIDDEN, *unused), width=10)
        hide = any(row["cause"] != "timing" for row in rows)
        for number, row in enumerate(rows, 2):
            for name, column in place.items():
                self._cell(sheet, number, column, name, row)
            if hide and row["cause"] == "timing":
                sheet.set_row(number, None, None, {"hidden": True})
        sheet.autofilter(1, 0, last, len(SHOWN) - 1)
        if hide and any(row["cause"] == "timing" for row in rows):
            shown = sorted({self.labels.cause(row["cause"]) for row in rows if row["cause"] != "timing"})
            sheet.filter_column_list(place["cause_label"], shown)
        decision, reason, until, _ = (place[name] for name in INPUT)
        sheet.data_validation(2, decision, last, decision, {
            "validate": "list", "source": list(decision_names(self.labels)), "error_title": self._t("title"),
            "error_message": self._t("one_of")})
        sheet.data_validation(2, until, last, until, {
            "validate": "date", "criteria": ">", "value": rows[0]["period"], "error_title": self._t("title"),
            "error_message": self._t("later")})
        cell = f"${chr(ord('A') + decision)}3"
        sheet.conditional_format(2, reason, last, reason, {
            "type": "formula", "criteria": f'=AND({cell}<>"",${chr(ord("A") + reason)}3="")', "format": self.wanting})
        sheet.freeze_panes(2, 2)
        sheet.protect("", {"autofilter": True, "format_columns": True, "format_rows": True})
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(1)

    def _head(self, sheet: Any, columns: Sequence[str], asked: Sequence[str], *, hidden: Sequence[str], width: int = 14) -> None:
        """The two lines above the rows, the names that are read back, which nobody sees, and what people read; and how wide columns are."""
        for column, name in enumerate(columns):
            sheet.write_string(0, column, name)
            sheet.write_string(1, column, LABEL_ROW if name == "row" else self._t(f"c_{name}"), self.ask if name in asked else self.head)
            sheet.set_column(column, column, _WIDTHS.get(name, width), None, {"hidden": True} if name in hidden else None)
        sheet.set_row(0, None, None, {"hidden": True})

    def cells(self, cells: Sequence[Mapping[str, Any]]) -> None:
        """The cells that were not read, with room for what is to be read instead."""
        sheet = self.book.add_worksheet(self._t("cells"))
        self._head(sheet, CELL_HEADER, CELL_INPUT, hidden=("sha256", "row"))
        for number, row in enumerate(cells, 2):
            for column, name in enumerate(CELL_HEADER):
                if name in CELL_INPUT and not row["correction"]:
                    # as text: what is to be read is what is typed
                    sheet.write_blank(number, column, None, self.free_text)
                elif isinstance(row.get(name), int):
                    sheet.write_number(number, column, row[name], self.text)
                else:
                    value = row.get(name) or ""
                    told = in_language(value, self.labels.language) if name == "problem" else value
                    sheet.write_string(number, column, str(self.safe(told)), self.text)
        sheet.autofilter(1, 0, len(cells) + 1, len(CELL_HEADER) - 3)
        sheet.freeze_panes(2, 0)
        sheet.protect("", {"autofilter": True, "format_columns": True, "format_rows": True})

    def decided(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """What was decided, with room to take it back."""
        sheet = self.book.add_worksheet(self._t("decided_sheet"))
        names = {name: shown for shown, name in decision_names(self.labels).items()}
        self._head(sheet, DECIDED_HEADER, DECIDED_INPUT, hidden=("row",))
        for number, row in enumerate(rows, 2):
            for column, name in enumerate(DECIDED_HEADER):
                if name in DECIDED_INPUT:
                    sheet.write_blank(number, column, None, self.free)
                elif name == "amount" and len(row[name].as_tuple().digits) <= EXACT_DIGITS:
                    sheet.write_number(number, column, row[name], self._number(row[name], row["currency"]))
                else:
                    value = str(row[name])
                    said = {"leg": self.labels.leg, "cause": self.labels.cause, "what": names.__getitem__}.get(name, str)
                    shown = said(value)
                    sheet.write_string(number, column, str(self.safe(shown)), self.text)
        mark, last = DECIDED_HEADER.index("take_back"), len(rows) + 1
        sheet.data_validation(2, mark, last, mark, {"validate": "list", "source": [self._t("yes")], "error_title": self._t("title"),
                                                    "error_message": self._t("one_of")})
        sheet.autofilter(1, 0, last, len(DECIDED_HEADER) - 2)
        sheet.freeze_panes(2, 1)
        sheet.protect("", {"autofilter": True, "format_columns": True, "format_rows": True})

    def _place(self, text: str) -> str:
        """Where an event's money stands, or how many there are, with the leg as people call it."""
        first, _, rest = text.partition(" ")
        if first.isdigit():
            return self.labels.text("of_it", n=first) if self.labels.language == "zh" else text
        return f"{self.labels.leg(first)} {rest}".strip()

    def _cell(self, sheet: Any, number: int, column: int, name: str, row: Mapping[str, Any]) -> None:
        if name in INPUT:
            # `to` as text: an account keeps its zeros
            formats = {"wait_until": self.free_day, "to": self.free_text}
            sheet.write_blank(number, column, None, formats.get(name, self.free))
            return
        value: Any = row.get(name)
        match name:
            case "shop_name":
                value = self.shops(str(row["shop"] or ""))
            case "cause_label":
                value = self.labels.cause(row["cause"])
            case "candidates":
                value = "\n".join(candidate_lines(value, self.labels))
            case "action":
                value = self.labels.action(row["cause"])
            case "evidence":
                value = "\n".join(evidence_lines(value, self.labels, _EVIDENCE))
            case "booked_in" | "event":
                value = self._place(str(value))
            case "proposal":
                value = in_words(value or "", self.labels.language)
        if isinstance(value, Decimal) and len(value.as_tuple().digits) <= EXACT_DIGITS:
            sheet.write_number(number, column, value, self._number(value, "" if name.endswith("quantity") else row["currency"]))
        elif isinstance(value, int):
            sheet.write_number(number, column, value, self.text)
        elif name == "first_seen" and isinstance(value, dt.date):
            sheet.write_datetime(number, column, dt.datetime.combine(value, dt.time()), self.day)
        else:
            sheet.write_string(number, column, "" if value is None else str(self.safe(value)), self.text)

    def _number(self, value: Decimal, currency: str) -> Any:
        """The format of an amount: the places of its currency (none of pieces), or as many as are significant."""
        exact = value.normalize() if currency in ("", PIECES) else in_places(value, currency)
        places = max(0, -int(exact.as_tuple().exponent))
        if places not in self.numbers:
            self.numbers[places] = self.book.add_format({"num_format": "#,##0" + "." * (places > 0) + "0" * places, "valign": "top",
                                                         "font_size": 10})
        return self.numbers[places]

    def _t(self, name: str) -> str:
        return load_labels()["workbook"][name][self.labels.language]

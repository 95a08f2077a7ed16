"""Differences out to a workbook, in which decisions are written; `importing` takes them in."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

from duizhang.close.decisions import DECISIONS
from duizhang.close.groups import by_item, events_of, no_such_day
from duizhang.currency import in_places
from duizhang.digest import mapping_digest
from duizhang.evidence import in_words
from duizhang.published import open_published
from duizhang.schema import PIECES

SHEET = "exceptions"
IDENTITY = ("period", "leg", "entity", "key", "currency", "cause", "left_amount", "right_amount", "difference",
            "left_quantity", "right_quantity", "first_seen", "age_days", "status", "proposal", "shop", "order_id", "evidence")
# which events an item belongs to (one decision is about all items of an event), and the item that has their money
GROUP = ("event", "booked_in")
INPUT = ("decision", "reason", "wait_until")
CHINESE = {
    "period": "期间", "leg": "对账关系", "entity": "主体", "key": "键", "currency": "币种", "cause": "原因",
    "left_amount": "我方金额", "right_amount": "对方金额", "difference": "差异", "left_quantity": "我方数量",
    "right_quantity": "对方数量", "first_seen": "首次发现", "age_days": "账龄（天）", "status": "状态", "proposal": "建议",
    "shop": "店铺", "order_id": "订单", "evidence": "证据", "decision": "处理", "reason": "理由", "wait_until": "等待至",
    "row": "行摘要", "event": "事件", "booked_in": "入账事项",
}
HEADER = (*IDENTITY, *GROUP, *INPUT, "row")
# what changes by itself, or was cut for the page
DERIVED = ("age_days", "evidence", "proposal", "status")
EXACT_DIGITS = 15  # of a number in a spreadsheet
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def open_differences(home: Path, period: dt.date) -> list[dict[str, Any]]:
    """The variances of a published period with their events; what is more than timing first, the largest first.

    Beside the columns of the workbook a row has `events`, the ids of its events. Raises UserError where the period was never published.
    """
    events = events_of(home, period)
    of_item = by_item(events.values())
    with open_published(home) as con:
        no_such_day(con, period)
        columns = ", ".join(f'"{c}"' for c in IDENTITY)
        cursor = con.execute(
            f"select {columns} from variances where period = ? order by cause = 'timing', abs(difference) desc, leg, "
            '"key"', [period]
        )
        rows = [dict(zip(IDENTITY, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        own = of_item[row["leg"], row["entity"], row["key"], row["currency"], row["cause"]]
        leads = sorted({f"{e.lead.leg} {e.lead.key}" for e in own})
        row["events"] = sorted(e.id for e in own)
        row["event"] = row["events"][0] if len(own) == 1 else f"{len(own)} events"
        row["booked_in"] = leads[0] if len(leads) == 1 else f"{len(leads)} items"
    return rows


def row_digest(row: dict[str, Any]) -> str:
    """What a row is about, so that a decision is taken on nothing else."""
    named = ("period", "leg", "entity", "key", "currency", "cause", "difference", "left_quantity", "right_quantity", "shop", "order_id")
    return mapping_digest({**{name: str(row[name]) for name in named}, "events": " ".join(row["events"])})[:24]


def safe_cell(value: object) -> object:
    """Text that a spreadsheet would run as a formula is led by a quote; a number has all its digits, and no more."""
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return "'" + value
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value


def export_exceptions(home: Path, period: dt.date, out: Path) -> int:
    """Write the workbook; the number of differences in it."""
    import xlsxwriter

    rows = open_differences(home, period)
    book = xlsxwriter.Workbook(str(out), {"strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(SHEET)
    first = len(IDENTITY) + len(GROUP)
    formats: dict[int, Any] = {}  # by how many decimals are shown
    bold, free = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"locked": False, "bg_color": "#FFF8DC"})
    for column, name in enumerate(HEADER):
        sheet.write_string(0, column, f"{name}\n{CHINESE[name]}", bold)
    for number, row in enumerate(rows, 1):
        for column, name in enumerate(IDENTITY):
            value = in_words(row[name]) if name == "evidence" else row[name]
            money = None
            if isinstance(value, Decimal):
                shown = _places(value, "" if name.endswith("quantity") else row["currency"])
                money = formats.setdefault(shown, book.add_format({"num_format": "#,##0" + "." * (shown > 0) + "0" * shown}))
            _write_cell(sheet, number, column, "\n".join(value) if name == "evidence" else value, money)
        for column, name in enumerate(GROUP, len(IDENTITY)):
            sheet.write_string(number, column, str(safe_cell(row[name])))
        for column in range(first, first + len(INPUT)):
            sheet.write_blank(number, column, None, free)
        sheet.write_string(number, len(HEADER) - 1, row_digest(row))
    if rows:
        sheet.data_validation(1, first, len(rows), first, {"validate": "list", "source": list(DECISIONS)})
    sheet.protect("", {"autofilter": True, "sort": True, "format_columns": True})
    sheet.freeze_panes(1, 4)
    sheet.autofilter(0, 0, max(len(rows), 1), len(HEADER) - 1)
    sheet.set_column(0, len(HEADER) - 1, 14)
    sheet.set_column(3, 3, 34)
    book.close()
    return len(rows)


def _places(value: Decimal, currency: str) -> int:
    """Decimals to show: those of the currency (none of pieces), or as many as are significant."""
    whole = currency in ("", PIECES)
    exact = value.normalize() if whole else in_places(value, currency)
    return max(0, -int(exact.as_tuple().exponent))


def _write_cell(sheet: Any, row: int, column: int, value: object, money: Any) -> None:
    """A number that a spreadsheet can hold exactly as a number, so that it can be added up; everything else as text."""
    if isinstance(value, Decimal) and len(value.as_tuple().digits) <= EXACT_DIGITS:
        sheet.write_number(row, column, value, money)
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, "" if value is None else str(safe_cell(value)))

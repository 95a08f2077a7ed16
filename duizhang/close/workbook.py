"""Differences out to a workbook and decisions back in. The workbook is input from outside: every row is checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import duckdb

from duizhang.close.decisions import ACCEPT, CORRECT, DECISIONS, WAIT, WRITE_OFF, Decision
from duizhang.currency import in_places
from duizhang.digest import mapping_digest
from duizhang.errors import UserError
from duizhang.evidence import in_words
from duizhang.published import open_published
from duizhang.schema import PIECES

SHEET = "exceptions"
IDENTITY = ("period", "leg", "entity", "key", "currency", "cause", "left_amount", "right_amount", "difference",
            "left_quantity", "right_quantity", "first_seen", "age_days", "status", "proposal", "shop", "order_id", "evidence")
INPUT = ("decision", "reason", "wait_until")
CHINESE = {
    "period": "期间", "leg": "对账关系", "entity": "主体", "key": "键", "currency": "币种", "cause": "原因",
    "left_amount": "我方金额", "right_amount": "对方金额", "difference": "差异", "left_quantity": "我方数量",
    "right_quantity": "对方数量", "first_seen": "首次发现", "age_days": "账龄（天）", "status": "状态", "proposal": "建议",
    "shop": "店铺", "order_id": "订单", "evidence": "证据", "decision": "处理", "reason": "理由", "wait_until": "等待至",
    "row": "行摘要",
}
HEADER = (*IDENTITY, *INPUT, "row")
# what changes by itself, or was cut for the page
_DERIVED = ("age_days", "evidence", "proposal", "status")
MOST_TOLD = 20
EXACT_DIGITS = 15  # of a number in a spreadsheet
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def open_differences(home: Path, period: dt.date) -> list[dict[str, Any]]:
    """The variances of a published period; what is more than timing first, the largest first.

    Raises UserError where the period was never published.
    """
    with open_published(home) as con:
        no_such_day(con, period)
        columns = ", ".join(f'"{c}"' for c in IDENTITY)
        cursor = con.execute(
            f"select {columns} from variances where period = ? order by cause = 'timing', abs(difference) desc, leg, "
            '"key"', [period]
        )
        return [dict(zip(IDENTITY, row, strict=True)) for row in cursor.fetchall()]


def no_such_day(con: duckdb.DuckDBPyConnection, period: dt.date) -> None:
    """UserError where a published database knows nothing of a day, or has no version of it."""
    row = con.execute("select state, version from period_status where period = ?", [period]).fetchone()
    if row is None:
        raise UserError(f"{period} was never computed", advice="`duizhang status` lists the days; `duizhang run` computes one.")
    if not row[1]:
        raise UserError(f"{period} is {row[0]} and was never published", advice="`duizhang status` says what holds it.")


def _row_digest(row: dict[str, Any]) -> str:
    named = ("period", "leg", "entity", "key", "currency", "cause", "difference", "left_quantity", "right_quantity", "shop", "order_id")
    return mapping_digest({name: str(row[name]) for name in named})[:24]


def safe_cell(value: object) -> object:
    """Text that a spreadsheet would run as a formula is led by a quote; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return "'" + value
    if isinstance(value, Decimal):
        cents = value.quantize(Decimal("0.01"))
        return str(cents if cents == value else value)
    return value


def export_exceptions(home: Path, period: dt.date, out: Path) -> int:
    """Write the workbook; the number of differences in it."""
    import xlsxwriter

    rows = open_differences(home, period)
    book = xlsxwriter.Workbook(str(out), {"strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(SHEET)
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
        for column in range(len(IDENTITY), len(IDENTITY) + len(INPUT)):
            sheet.write_blank(number, column, None, free)
        sheet.write_string(number, len(HEADER) - 1, _row_digest(row))
    if rows:
        sheet.data_validation(1, len(IDENTITY), len(rows), len(IDENTITY), {"validate": "list", "source": list(DECISIONS)})
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


@dataclass(frozen=True)
class Row:
    """A decision of a workbook, and where it stands."""

    place: str
    decision: Decision


def read_decisions(home: Path, path: Path, by: str, known: Collection[str] = ()) -> list[Row]:
    """The decisions of a workbook. known: digests of those that were taken before; their difference may be gone.

    Raises UserError, naming sheet, row and reason, for every row that cannot be taken; then none is.
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise UserError(f"{path} is not a readable XLSX workbook: {error}") from error
    if SHEET not in book.sheetnames:
        raise UserError(f"{path} has no sheet {SHEET!r}", advice="Import the workbook that `exceptions export` wrote.")
    rows = [list(row) for row in book[SHEET].iter_rows(values_only=True)]
    book.close()
    names = [str(cell or "").split("\n")[0] for cell in rows[0]] if rows else []
    missing = [name for name in HEADER if name not in names]
    if missing:
        raise UserError(f"{path}: the columns {', '.join(missing)} are missing")
    found: list[Row] = []
    problems: list[str] = []
    taken: dict[str, str] = {}
    current: dict[dt.date, dict[str, dict[str, Any]]] = {}
    newest = _newest(home)
    for number, cells in enumerate(rows[1:], 2):
        row = dict(zip(names, cells, strict=False))
        place = f"sheet {SHEET}, row {number}"
        if not _text(row["decision"]):
            filled = [name for name in ("reason", "wait_until") if _text(row[name])]
            if filled:
                problems.append(f"{place}: {' and '.join(filled)} without a decision; expected one of {', '.join(DECISIONS)}")
            continue
        try:
            decision = _decision(home, row, by, current, known, newest)
        except UserError as error:
            problems.append(f"{place}: {error}")
            continue
        said_before = taken.setdefault(_text(row["row"]), place)
        if said_before != place:
            problems.append(f"{place}: the difference was decided in {said_before.rpartition(', ')[2]} already")
        found.append(Row(place, decision))
    if problems:
        more = f"\n  and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
        raise UserError(f"{path}: nothing was imported\n  " + "\n  ".join(problems[:MOST_TOLD]) + more, advice="Correct these rows.")
    return found


def _newest(home: Path) -> dt.date:
    """The last day that the books have come to."""
    with open_published(home) as con:
        row = con.execute("select max(period) from period_status").fetchone()
    return row[0] if row and row[0] else dt.date.min


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _day(cell: object, column: str) -> dt.date:
    try:
        return dt.date.fromisoformat(_text(cell)[:10])
    except ValueError as error:
        raise UserError(f"{column} {_text(cell)!r} is no day; expected such as 2026-03-31") from error


def _decision(
    home: Path, row: dict[str, Any], by: str, current: dict[dt.date, dict[str, dict[str, Any]]], known: Collection[str],
    newest: dt.date,
) -> Decision:
    decision = _text(row["decision"]).lower()
    if decision not in DECISIONS:
        raise UserError(f"decision {decision!r}; expected one of {', '.join(DECISIONS)}")
    period = _day(row["period"], "period")
    reason = _text(row["reason"])
    if not reason:
        raise UserError("reason is empty; expected why this was decided")
    until: dt.date | None = None
    if decision == WAIT:
        until = _day(row["wait_until"], "wait_until")
        if until <= period:
            raise UserError(f"wait_until {until} is not after the day of the difference ({period}), so nobody would wait")
        if until < newest:
            raise UserError(f"wait_until {until} is past: the books have come to {newest}")
    elif _text(row["wait_until"]):
        raise UserError(f"wait_until is given, but the decision is {decision}")
    identity = _text(row["row"])
    digest = mapping_digest({"row": identity, "decision": decision, "reason": reason, "until": str(until)})
    if digest in known:
        # taken before; what it was about may have gone since
        return Decision(digest, period, "", "", "", "", "", decision, Decimal(0), Decimal(0), "", "", reason, until, by)
    if period not in current:
        current[period] = {_row_digest(r): r for r in open_differences(home, period)}
    shown = current[period].get(identity)
    if shown is None:
        raise UserError("the difference is not open as the workbook shows it; export again")
    for name in IDENTITY:
        if name not in _DERIVED and not _is_as_exported(shown[name], row[name]):
            raise UserError(f"{name} was changed from {_plain(shown[name])!r} to {_text(row[name])!r}; export again")
    return Decision(
        digest, period, shown["leg"], shown["entity"], shown["key"], shown["currency"], shown["cause"], decision,
        shown["difference"], shown["left_quantity"] - shown["right_quantity"], shown["shop"] or "", shown["order_id"] or "",
        reason, until, by,
    )


def _is_as_exported(was: object, cell: object) -> bool:
    """Whether a cell says what was written into it. A spreadsheet may have made a number of a text, or the other way round."""
    if isinstance(was, Decimal):
        try:
            return Decimal(_text(cell).replace(",", "").removeprefix("'") or "0") == was
        except InvalidOperation:
            return False
    if isinstance(was, dt.date):
        return _text(cell)[:10] == was.isoformat()
    return _text(cell).removeprefix("'") == _plain(was).removeprefix("'")


def _plain(value: object) -> str:
    return _text(safe_cell(value))


__all__ = ["ACCEPT", "CORRECT", "WAIT", "WRITE_OFF", "export_exceptions", "open_differences", "read_decisions"]

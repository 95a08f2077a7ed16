"""Differences out to a workbook, in which decisions are written; `importing` takes them in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duizhang.close.groups import by_item, events_of, no_such_day
from duizhang.close.rejecting import Rejected, rejected
from duizhang.digest import mapping_digest
from duizhang.errors import UserError
from duizhang.home.published import open_published
from duizhang.home.state import State
from duizhang.speech.harmless import for_spreadsheet

if TYPE_CHECKING:
    from duizhang.report import Language

IDENTITY = ("period", "leg", "entity", "key", "currency", "cause", "left_amount", "right_amount", "difference",
            "left_quantity", "right_quantity", "first_seen", "age_days", "status", "proposal", "shop", "order_id", "evidence")
# which events an item belongs to (one decision is about all items of an event), and the item that has their money
GROUP = ("event", "booked_in")
INPUT = ("decision", "reason", "wait_until", "to")
# columns that workbooks of earlier versions do not have
LATER = ("to",)
HEADER = (*IDENTITY, *GROUP, *INPUT, "row")
# the sheet of cells that were not read
CELL_HEADER = ("file", "line", "column_name", "value", "problem", "correction", "new_value", "new_reason", "sha256", "row")
# what changes by itself, or was cut for the page
DERIVED = ("age_days", "evidence", "proposal", "status")
EXACT_DIGITS = 15  # of a number in a spreadsheet


def open_differences(home: Path, period: dt.date) -> list[dict[str, Any]]:
    """The variances of a published period with their events; what is more than timing first, the largest first.

    Beside the columns of the workbook a row has `events`, the ids of its events, and `candidates`, what else it may be.
    Raises UserError where the period was never published.
    """
    events = events_of(home, period)
    of_item = by_item(events.values())
    with open_published(home) as con:
        no_such_day(con, period)
        names = (*IDENTITY, "candidates")
        columns = ", ".join(f'"{c}"' for c in names)
        cursor = con.execute(
            f"select {columns} from variances where period = ? order by cause = 'timing', abs(difference) desc, leg, "
            '"key"', [period]
        )
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
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
    if isinstance(value, str):
        return for_spreadsheet(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value


def rejected_rows(cells: Sequence[Rejected]) -> list[dict[str, Any]]:
    """The cells that were not read, as the columns of their sheet."""
    return [
        {"file": c.file, "line": c.line, "column_name": c.column, "value": c.value, "problem": c.reason, "correction": c.correction,
         "sha256": c.sha256, "row": mapping_digest({"sha256": c.sha256, "line": str(c.line), "column": c.column})[:24]}
        for c in cells
    ]


def export_exceptions(home: Path, state: State, period: dt.date, out: Path, language: Language | None = None) -> tuple[int, int]:
    """Write the workbook, in the language of the books where none is given; how many differences and cells are in it.

    A day that is held and was never published has only the cells of its files that were not read. Raises UserError where it has none
    of these either.
    """
    from duizhang.close.decided_sheet import decided_rows
    from duizhang.close.leg_sheets import write_sheets
    from duizhang.report import Labels, read_home_books

    cells = rejected(home, state, period)
    try:
        rows = open_differences(home, period)
    except UserError:
        if not cells:
            raise
        rows = []
    named = [{**row, "row": row_digest(row)} for row in rows]
    books = read_home_books(home)
    labels = Labels(language or books.language or "zh")
    write_sheets(named, period, out, labels, safe_cell, cells=rejected_rows(cells), decided=decided_rows(state, period),
                 shops=books.shop)
    return len(rows), len(cells)

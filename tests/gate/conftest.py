"""A store of made-up tables that pass the gate, and ways to break them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from duizhang.declared import schema
from duizhang.home import published
from duizhang.home.state import State
from duizhang.home.store import Store, days
from duizhang.reconcile import STATE_TABLES

FIRST = dt.date(2026, 3, 1)


def row(columns: pa.Schema, **values: Any) -> dict[str, Any]:
    """One row: 0, '' and null where nothing is said."""
    found: dict[str, Any] = {}
    for column in columns:
        kind = column.type
        zero: Any = None
        if pa.types.is_decimal(kind):
            zero = Decimal(0)
        elif pa.types.is_integer(kind):
            zero = 0
        elif pa.types.is_string(kind):
            zero = "CNY" if column.name == "currency" else ""
        elif pa.types.is_boolean(kind):
            zero = False
        found[column.name] = values.get(column.name, zero)
    return found


class Fake:
    """A home with every table for each period; one open item of 10.00 a day, so closing = 10 x number of days."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = Store(home)
        self.state = State(home)

    def put(self, table: str, period: dt.date, *rows: dict[str, Any]) -> None:
        columns = {**schema.TABLES, **published.TABLES, **STATE_TABLES}[table]
        listed = [row(columns, **{"period": period, "entity": "acme", **values}) for values in rows]
        self.store.write(table, period, pa.Table.from_pylist(listed, schema=columns))

    def fill(self, periods: Sequence[dt.date], *, amount: str = "10") -> None:
        """Write every table of the periods; `amount` is what each day leaves open."""
        step = Decimal(amount)
        for period in periods:
            before = (period - FIRST).days
            for table in {**schema.TABLES, **published.TABLES, **STATE_TABLES}:
                if table != "quality_results":
                    self.put(table, period)
            self.put(
                "orders", period,
                {"origin": "books", "order_id": f"o{period:%d}", "line_id": "1", "quantity": Decimal(1),
                 "amount": Decimal(20), "status": "paid", "source": "books_orders", "file": "a.csv", "line": 1},
            )
            self.put(
                "source_files", period,
                {"source": "books_orders", "file": f"company/{period}/a.csv", "sha256": f"{period:%Y%m%d}" * 8,
                 "status": "read", "rows_read": 1, "rows_parsed": 1, "control_totals_ok": True},
            )
            self.put(
                "recon_summary", period,
                {"leg": "order_payment", "opening": before * step, "left_amount": Decimal(20),
                 "right_amount": Decimal(20) - step, "closing": (before + 1) * step, "left_rows": 1},
            )
            items = [
                {"leg": "order_payment", "key": f"s/{day}", "cause": "timing", "cause_confidence": "certain", "left_amount": Decimal(20),
                 "right_amount": Decimal(20) - step, "difference": step, "first_seen": day,
                 "age_days": (period - day).days, "status": "open"}
                for day in days(FIRST, period)
            ]
            self.put("variances", period, *items)
            self.put("open_items", period, *items)
            self.put("event_items", period, *({**i, "event": f"E{i['key']}", "is_booked": True} for i in items))


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    return Fake(tmp_path / "home")

"""A published database made of rows alone: no run, no gate, so that a test says exactly what readers see."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from duizhang.home.published import PERIOD_STATUS, POINTER, TABLES
from duizhang.home.store import days

LAST = dt.date(2026, 3, 8)
EVIL = "<script>alert(1)</script>"
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def put(home: Path, tables: Rows) -> Path:
    """Write HOME/published.duckdb with these rows; what they do not say is '', 0 or empty."""
    home.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(home / POINTER)) as con:
        for name, schema in {**TABLES, "period_status": PERIOD_STATUS}.items():
            columns = schema if name == "period_status" else schema.append(pa.field("version", pa.int64()))
            given = tables.get(name, ()) if name != "event_items" else tables.get(name) or events(tables.get("variances", ()))
            listed = [{c.name: _value(c, row) for c in columns} for row in given]
            con.register("given", pa.Table.from_pylist(listed, schema=columns))
            con.execute(f"create table {name} as select * from given")
            con.unregister("given")
    return home


def events(variances: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of event_items: what was sold and paid of an order is one event, booked in the first leg that shows it; sums are part of
    the order's; everything else is an event by itself."""
    order = next((r for r in variances if r.get("order_id")), {})
    found: dict[str, list[dict[str, Any]]] = {}
    for r in variances:
        is_sum = r["leg"] in ("customer", "finance") and order
        one = is_sum or (r.get("order_id") and r["currency"] != "PCS" and r["cause"] != "timing")
        about = (order if is_sum else r).get("order_id") if one else " ".join((r["leg"], r["key"], r["cause"]))
        rows = found.setdefault(f"E {r['period']} {about}", [])
        rows.append({**r, "event": f"E {r['period']} {about}", "is_booked": not rows})
    return [row for rows in found.values() for row in rows]


def _value(column: pa.Field, row: Mapping[str, Any]) -> Any:
    value = row.get(column.name)
    if isinstance(value, str) and pa.types.is_decimal(column.type):
        return Decimal(value)
    if value is not None or column.name in ("held_reasons", "evidence", "proposal", "counted", "snapshot"):
        return value
    if pa.types.is_decimal(column.type):
        return Decimal(0)
    if pa.types.is_integer(column.type):
        return 1 if column.name == "version" else 0
    if pa.types.is_boolean(column.type):
        return True
    return "" if pa.types.is_string(column.type) else None


def status(day: dt.date, state: str = "reconciled", **more: Any) -> dict[str, Any]:
    return {"period": day, "state": state, "digest": "d" * 64, "held_reasons": "", **more}


def item(day: dt.date, leg: str, key: str, cause: str, difference: str, **more: Any) -> dict[str, Any]:
    """A row of variances and of open_items."""
    first = more.pop("first_seen", day)
    return {"period": day, "leg": leg, "entity": "acme", "key": key, "currency": "CNY", "cause": cause, "difference": difference,
            "first_seen": first, "age_days": (day - first).days, "status": "open", "sla_days": 1, **more}


def summary(day: dt.date, leg: str, *, left: str = "100", right: str = "100", opening: str = "0", matched: int = 9, opened: int = 0,
            **more: Any) -> dict[str, Any]:
    closing = Decimal(opening) + Decimal(left) - Decimal(right)
    return {"period": day, "leg": leg, "entity": "acme", "currency": "CNY", "opening": opening, "left_amount": left, "right_amount": right,
            "closing": closing, "matched_keys": matched, "open_keys": opened, **more}


def business(last: dt.date = LAST) -> dict[str, list[dict[str, Any]]]:
    """Eight days of a shop; on the last one an order differs in four legs, a product in stock, and one payment is on its way."""
    every = days(dt.date(2026, 3, 1), last)
    old = dt.date(2026, 3, 5)
    order = {"shop": "s", "order_id": "o1", "first_seen": old}
    lines = '[{"key":"s/o1","difference":"30.00"}]'
    claim = json.dumps([{"claimed": "2026-03-05", "side": "left", "kind": "sale", "amount": "30.00", "source": "books_orders",
                         "file": f"{EVIL}.csv", "line": 7}])
    open_now = [
        item(last, "order_payment", "s/o1", "missing_right", "30", evidence=claim, **order),
        item(last, "payment_settlement", "alipay/t1", "missing_right", "30", evidence=claim, **order),
        item(last, "customer", "p1", "missing_right", "30", shop="s", first_seen=old, evidence=lines),
        item(last, "finance", "s/revenue", "missing_right", "30", shop="s", first_seen=old, evidence=lines),
        item(last, "order_shipment", "s/o1/SKU1", "missing_right", "2", currency="PCS", evidence=claim, **order),
        item(last, "stock", f"W1/{EVIL}/count", "stock_count_error", "3", currency="PCS", evidence=claim),
        item(last, "payout_bank", "P9", "timing", "500", sla_days=3),
        item(last, "order_payment", "s/o2", "currency", "12.5", currency="USD", shop="s", order_id="o2"),
    ]
    return {
        "period_status": [status(day) for day in every],
        "recon_summary": [
            *(summary(day, "order_payment") for day in every[:-1]),
            summary(last, "order_payment", left="130", opened=1),
            summary(last, "order_payment", left="12.5", right="0", matched=0, currency="USD"),
            summary(last, "payout_bank", left="500", right="0", matched=0, opened=1),
        ],
        "variances": open_now, "open_items": open_now,
        "channel_pnl": [{"period": day, "entity": "acme", "shop": "s", "currency": "CNY", "orders": 3, "revenue": "300", "cost": "200",
                         "profit": "100"} for day in every],
        "source_files": [{"period": day, "source": "books_orders", "file": f"{day}.csv", "sha256": f"{day}", "status": "read",
                          "rows_read": 5, "rows_parsed": 5} for day in every],
        "anomalies": [{"period": last, "kind": "product", "shop": "s", "subject": EVIL, "measure": "sold_below_cost", "currency": "CNY",
                       "value": "5", "expected": "8", "reason": "sold for less than it cost"}],
    }


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of that business."""
    return put(tmp_path_factory.mktemp("report") / "home", business())


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[dict[str, list[dict[str, Any]]]], object]], Path]:
    """A home of the business in which something is otherwise."""
    def make(change: Callable[[dict[str, list[dict[str, Any]]]], object]) -> Path:
        tables = business()
        change(tables)
        return put(tmp_path / "home", tables)

    return make

"""The core on hand-made canonical rows: conservation, roll-forward, causes, and any split of a range the same."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duizhang.books import Books
from duizhang.declared import schema
from duizhang.home.store import Store, connect, days
from duizhang.reconcile import STATE_TABLES, Session, load_causes, reconcile
from duizhang.reconcile.lineage import order as models_of
from tests.thoroughness import THOROUGH, examples, in_parts, various

FIRST = dt.date(2026, 3, 1)
KEPT = ("recon_summary", "variances", *STATE_TABLES)


def books(root: Path) -> Books:
    return Books.model_validate({
        "root": root, "entity": "demo", "start": FIRST,
        "shops": {"tb": {"platform": "taobao", "provider": "alipay", "warehouse": "W"}},
        "expected": [{"source": source, "shop": "tb"} for source in ("taobao_order_lines", "books_orders", "alipay_trade")],
    })


def row(table: str, **values: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(schema.TABLES[table].names)
    found.update(entity="demo", shop="tb", source="s", file="f", line=1)
    if "currency" in found:
        found["currency"] = "CNY"
    found.update(values)
    period = found["period"]
    found["occurred_at"] = dt.datetime(period.year, period.month, period.day, 4)  # noqa: DTZ001 - naive UTC by contract
    return found


def order(period: dt.date, origin: str, order_id: str, amount: str, *, quantity: int = 1, sku: str = "A",
          line: str = "1", discount: str = "0") -> dict[str, Any]:
    return row(
        "orders", period=period, origin=origin, order_id=order_id, line_id=line, sku=sku, quantity=Decimal(quantity),
        unit_price=Decimal(amount) / quantity, amount=Decimal(amount), shop_discount=Decimal(0),
        platform_discount=Decimal(discount), status="paid", customer="c",
        paid_at=dt.datetime(period.year, period.month, period.day, 4),  # noqa: DTZ001
    )


def payment(period: dt.date, order_id: str, amount: str) -> dict[str, Any]:
    return row("payments", period=period, provider="alipay", transaction_id=f"T{order_id}", order_id=order_id,
               amount=Decimal(amount), fee=Decimal(0), customer="c")


def fill(store: Store, periods: list[dt.date], data: dict[str, list[dict[str, Any]]]) -> None:
    for table, columns in schema.TABLES.items():
        for period in periods:
            rows = [r for r in data.get(table, []) if r["period"] == period]
            store.write(table, period, pa.Table.from_pylist(rows, schema=columns))


def run(root: Path, periods: list[dt.date], data: dict[str, list[dict[str, Any]]]) -> Store:
    store = Store(root)
    fill(store, periods, data)
    with Session(books(root), store, periods) as session:
        reconcile(session)
    return store


def found(store: Store, period: dt.date, leg: str) -> dict[str, tuple[str, Decimal]]:
    rows = store.read("variances", period).to_pylist()
    return {r["key"]: (r["cause"], r["difference"]) for r in rows if r["leg"] == leg}


@pytest.mark.slow
def test_what_is_little_and_what_is_much_give_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread does what is little, and few rows are written by hand; all threads and the database do the rest."""
    periods = days(FIRST, FIRST + dt.timedelta(days=1))
    data = {
        "orders": [order(FIRST, "books", str(n), str(n)) for n in range(9)],
        "payments": [payment(periods[1], str(n), "4") for n in range(9)],
    }
    digests: list[dict[tuple[str, dt.date], str]] = []
    threads: list[object] = []
    with closing(connect()) as con:
        all_threads = con.execute("select current_setting('threads')").fetchone()
    for bound in (1 << 30, 0):
        for name in ("LITTLE", "MANY"):
            monkeypatch.setattr(f"duizhang.reconcile.session.{name}", bound)
        store = Store(tmp_path / str(bound))
        fill(store, periods, data)
        with Session(books(tmp_path), store, periods) as session:
            threads.append(session.con.execute("select current_setting('threads')").fetchone())
            reconcile(session)
            there = {name for (name,) in session.con.execute("select table_name from duckdb_tables()").fetchall()}
        # tables of items are dropped behind the last that reads them
        of_items = {name for room in ("items", "matching", "causes", "variances", "marts") for name in models_of(room)}
        assert "judged" in of_items and not there & of_items
        digests.append({(table, day): store.digest(table, day) for table in store.iter_tables() for day in store.periods(table)})
    assert threads == [(1,), all_threads]
    assert digests[0] == digests[1] and len(digests[0]) > 60


@pytest.mark.slow  # cases.txt has such claims, and the any-split test below such orders
def test_an_order_paid_after_midnight_is_timing_and_then_gone(tmp_path: Path) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=1))
    store = run(tmp_path, periods, {
        "orders": [order(periods[0], "books", "1", "50"), order(periods[1], "platform", "1", "50")],
    })
    assert found(store, periods[0], "order_platform") == {"tb/1/1": ("timing", Decimal(50))}
    assert found(store, periods[1], "order_platform") == {}


DIFFERENT = [
    ([("21", 1, "0")], [("12", 1, "0")], "amount_entry"),
    ([("1200", 1, "0")], [("12", 1, "0")], "amount_entry"),
    ([("24", 2, "0")], [("12", 1, "0")], "amount_entry"),
    ([("12.01", 1, "0")], [("12", 1, "0")], "rounding"),
    ([("7", 1, "5")], [("12", 1, "5")], "discount_bearer"),
    ([("12", 1, "0"), ("12", 1, "0")], [("12", 1, "0")], "duplicate"),
    ([("19.37", 1, "0")], [("12", 1, "0")], "amount_entry"),  # two unit prices
]


@pytest.mark.slow
def test_the_cause_of_a_line_that_differs(tmp_path: Path) -> None:
    lines, expected = [], {}
    for number, (left, right, cause) in enumerate(DIFFERENT):
        for origin, amounts in (("books", left), ("platform", right)):
            lines += [order(FIRST, origin, f"A{number}", a, quantity=q, discount=d) for a, q, d in amounts]
        expected[f"tb/A{number}/1"] = (cause, sum(Decimal(a) for a, _, _ in left) - sum(Decimal(a) for a, _, _ in right))
    # another product on the same line
    lines += [order(FIRST, "books", "1", "12"), order(FIRST, "platform", "1", "12", sku="B")]
    expected["tb/1/1"] = ("attribute_mismatch", Decimal(0))
    assert found(run(tmp_path, [FIRST], {"orders": lines}), FIRST, "order_platform") == expected


def test_causes_are_a_closed_list_that_ends_in_unexplained() -> None:
    assert list(load_causes())[-1] == "unexplained"


EVENT = st.tuples(st.sampled_from(["books", "platform", "paid"]), st.integers(0, 3), st.integers(0, 2),
                  st.integers(1, 3))


@settings(max_examples=examples(1, 8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=various(EVENT, 7, 12))
def test_a_range_equals_its_days_and_the_plain_sums(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, int, int, int]]
) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=3))
    data: dict[str, list[dict[str, Any]]] = {"orders": [], "payments": []}
    for kind, day, number, amount in events:
        if kind == "paid":
            data["payments"].append(payment(periods[day], str(number), str(amount)))
        else:
            data["orders"].append(order(periods[day], kind, str(number), str(amount)))
    with pytest.MonkeyPatch.context() as patch:  # a long range is judged in stretches
        patch.setattr("duizhang.reconcile.session.STRETCH", 2)
        stretched = run(tmp_path_factory.mktemp("stretches"), periods, data)
    # in `make test` the parts are ranges that are judged at once
    whole = run(tmp_path_factory.mktemp("range"), periods, data) if THOROUGH else stretched
    root = tmp_path_factory.mktemp("daily")
    daily = Store(root)
    fill(daily, periods, data)
    for part in in_parts(periods):
        with Session(books(root), daily, part) as session:
            reconcile(session)
    for period in periods:
        for table in KEPT:
            assert whole.read(table, period).equals(daily.read(table, period)), (table, period)
            assert whole.read(table, period).equals(stretched.read(table, period)), (table, period)
        balances: dict[str, Decimal] = {}
        for line in data["orders"]:
            if line["period"] <= period and line["origin"] == "books":
                key = f"tb/{line['order_id']}"
                balances[key] = balances.get(key, Decimal(0)) + line["amount"]
        for paid in data["payments"]:
            if paid["period"] <= period:
                key = f"tb/{paid['order_id']}"
                balances[key] = balances.get(key, Decimal(0)) - paid["amount"]
        expected = {key: amount for key, amount in balances.items() if amount}
        sums: dict[str, Decimal] = {}
        for item in whole.read("variances", period).to_pylist():
            if item["leg"] == "order_payment":
                sums[item["key"]] = sums.get(item["key"], Decimal(0)) + item["difference"]
        assert sums == expected

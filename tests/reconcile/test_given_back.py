"""Refunds of what a platform still keeps: told by its settlement, by its having closed the order, or by nobody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from duizhang.digest import table_digest
from duizhang.home.store import Store, days
from duizhang.reconcile import Session, reconcile
from tests.reconcile.test_engine import FIRST, KEPT, fill, order, payment, row
from tests.reconcile.test_sides import books, items

TERM = {"payment_settlement/douyin": 5}
SHOPS = {"tb": {"platform": "douyin", "provider": "douyin"}}
PERIODS = days(FIRST, FIRST + dt.timedelta(days=7))


def refund(day: int, origin: str, order_id: str, amount: str) -> dict[str, Any]:
    return row("refunds", period=PERIODS[day], origin=origin, provider="douyin" if origin == "provider" else None, refund_id=f"R{order_id}",
               transaction_id=f"T{order_id}", order_id=order_id, amount=Decimal(amount), fee=Decimal(0), kind="refund_only")


def settled(day: int, order_id: str, amount: str, kind: str = "sale") -> dict[str, Any]:
    return row("settlements", period=PERIODS[day], provider="douyin", entry_id=f"S{order_id}{kind}", transaction_id=f"T{order_id}",
               order_id=order_id, kind=kind, amount=Decimal(amount))


def data(orders: Sequence[str], *, closed: str = "") -> dict[str, list[dict[str, Any]]]:
    """Orders of 100 that the first day paid, and one that is settled the next day, so that every side is there."""
    numbers = [*orders, "9"]
    platform = [order(FIRST, "platform", n, "100") for n in numbers]
    for line in platform:
        line["status"] = "closed" if line["order_id"] == closed else "paid"
    return {
        "orders": [*(order(FIRST, "books", n, "100") for n in numbers), *platform],
        "payments": [{**payment(FIRST, n, "100"), "provider": "douyin"} for n in numbers],
        "settlements": [settled(0, "8", "-1", "other"), settled(1, "9", "100")], "refunds": [],
    }


def run(root: Path, given: dict[str, list[dict[str, Any]]], parts: Sequence[Sequence[dt.date]] = (PERIODS,)) -> Store:
    store = Store(root)
    fill(store, PERIODS, given)
    for part in parts:
        with Session(books(root, shops=SHOPS, sla_days=TERM), store, part) as session:
            reconcile(session)
    return store


def told(store: Store, day: int, number: str) -> dict[str, str]:
    return {leg: cause for (leg, key), (cause, _) in items(store, PERIODS[day]).items()
            if leg != "customer" and key in (f"tb/{number}", f"tb/R{number}", f"douyin/T{number}")}


@pytest.mark.slow
def test_what_was_given_back_before_settlement_waits_is_told_by_the_platform_and_clears(tmp_path: Path) -> None:
    given = data(["1", "2", "3"], closed="1")
    given["refunds"] += [refund(2, "books", "1", "100"), refund(2, "books", "2", "30"), refund(2, "books", "3", "100")]
    # of the second the settlement says what was given back; of the third nobody says anything
    given["settlements"] += [settled(4, "2", "100"), settled(4, "2", "-30", "refund")]
    given["refunds"] += [refund(4, "provider", "2", "30")]
    store = run(tmp_path / "whole", given)
    assert told(store, 1, "1")["payment_settlement"] == "timing" and "order_payment" not in told(store, 2, "1")
    assert "payment_settlement" not in told(store, 2, "1") and "return_refund" not in told(store, 2, "1")
    waiting = {"payment_settlement": "timing", "order_payment": "timing", "return_refund": "timing"}
    assert told(store, 3, "2") == told(store, 3, "3") == told(store, 4, "3") == waiting
    assert not {"payment_settlement", "order_payment"} & told(store, 4, "2").keys()
    late = told(store, 7, "3")
    assert (late["payment_settlement"], late["order_payment"], late["return_refund"]) == ("given_back", "unexplained", "timing")
    [one] = [r for r in store.read("variances", PERIODS[7]).to_pylist() if (r["leg"], r["key"]) == ("order_payment", "tb/3")]
    assert '"given_back"' in one["candidates"]

    daily = run(tmp_path / "daily", given, [[period] for period in PERIODS])
    for period in PERIODS:
        for name in KEPT:
            assert table_digest(store.read(name, period)) == table_digest(daily.read(name, period)), (name, period)


@pytest.mark.slow
def test_lines_that_the_platform_sends_after_all_do_not_count_again(tmp_path: Path) -> None:
    given = data(["1"], closed="1")
    given["refunds"] += [refund(2, "books", "1", "100"), refund(4, "provider", "1", "100")]
    given["settlements"] += [settled(4, "1", "100"), settled(4, "1", "-100", "refund")]
    for name, parts in (("whole", [PERIODS]), ("daily", [[period] for period in PERIODS])):
        store = run(tmp_path / name, given, parts)
        assert not {"payment_settlement", "order_payment", "return_refund"} & told(store, 7, "1").keys(), name


@pytest.mark.slow
def test_a_refund_of_another_amount_or_of_an_order_that_is_not_closed_is_still_a_difference(tmp_path: Path) -> None:
    given = data(["1", "2"], closed="1")
    given["refunds"] += [refund(2, "books", "1", "103")]
    given["settlements"] += [settled(3, "2", "100"), settled(3, "2", "-40", "refund")]
    given["refunds"] += [refund(3, "provider", "2", "40")]
    store = run(tmp_path, given)
    assert told(store, 7, "1")["order_payment"] != "timing" and told(store, 7, "1")["payment_settlement"] == "given_back"
    assert told(store, 4, "2")["order_payment"] == "refund_unrecorded"


def test_a_refund_that_a_platform_took_out_of_what_it_pays_has_no_line_of_its_own(tmp_path: Path) -> None:
    """Taobao keeps what was paid until the parcel is there: Alipay has the order less what was given back, or nothing of a closed one."""
    days_, shops = PERIODS[:4], {"tb": {"platform": "taobao", "provider": "alipay"}}
    platform = [order(FIRST, "platform", n, "100") for n in "1234"]
    platform[0]["status"] = "closed"
    given = {
        "orders": [*(order(FIRST, "books", n, "100") for n in "1234"), *platform],
        "payments": [payment(PERIODS[2], "2", "70"), payment(PERIODS[2], "4", "100")],
        "refunds": [
            *(refund(1, "books", number, amount) for number, amount in {"1": "100", "2": "30", "3": "100", "4": "30"}.items()),
            refund(2, "provider", "9", "5"), refund(2, "books", "9", "5"),
        ],
    }
    stores = []
    for name, parts in (("whole", [days_]), ("daily", [[period] for period in days_])):
        stores.append(store := Store(tmp_path / name))
        fill(store, days_, given)
        for part in parts:
            with Session(books(tmp_path / name, shops=shops, sla_days={"order_payment/tb": 3, "return_refund": 1}), store, part) as session:
                reconcile(session)
        found = items(store, days_[3])
        assert {key for leg, key in found if leg == "return_refund"} == {"tb/R3", "tb/R4"}
        assert {key for leg, key in found if leg == "order_payment"} == {"tb/4"}
    for period in days_:
        for name in KEPT:
            assert table_digest(stores[0].read(name, period)) == table_digest(stores[1].read(name, period)), (name, period)

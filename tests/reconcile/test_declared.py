"""What books.yaml declares is no difference: fees that are billed by the month, stock that is held back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from duizhang.books import Books
from duizhang.home.store import days
from duizhang.reconcile.books_relations import books_relations
from duizhang.report.home_books import _said as said_by
from duizhang.standing.assumed_terms import assumed_of, assumed_terms
from tests.reconcile import core
from tests.reconcile.core import claim
from tests.reconcile.test_engine import FIRST, found, payment, row
from tests.reconcile.test_legs import run

CARD = {"kind": "fee", "provider": "alipay", "from_day": FIRST, "percent": "0.6"}


def fund(period: dt.date, kind: str, amount: str, transaction: str = "") -> dict[str, Any]:
    return row("settlements", period=period, provider="alipay", entry_id=f"{kind}{period}{transaction}", transaction_id=transaction,
               order_id=transaction, kind=kind, amount=Decimal(amount))


@pytest.mark.slow
def test_a_monthly_bill_is_held_against_the_fees_of_its_month(tmp_path: Path) -> None:
    first, bill = dt.date(2026, 3, 30), dt.date(2026, 4, 3)
    periods = days(first, bill)
    sold = [{**payment(day, str(n), "100"), "fee": Decimal("0.6")} for n, day in enumerate(periods[:2])]
    store = run(tmp_path, periods, {
        "payments": sold,
        "settlements": [*(fund(p["period"], "sale", "100", p["transaction_id"]) for p in sold), fund(bill, "fee", "-1.5")],
    }, rate_cards=[CARD], fee_billing=[{"provider": "alipay", "from_day": first, "days": 5}], start=first)
    month = f"{first:%Y-%m}"
    before = bill - dt.timedelta(days=1)
    for leg, sign in (("payment_settlement", -1), ("fee", 1)):
        key = f"alipay/fees/tb/{month}" + ("/fee" if leg == "fee" else "")
        assert found(store, before, leg) == {key: ("timing", sign * Decimal("1.2"))}
        assert found(store, bill, leg) == {key: ("fee_rate", sign * Decimal("-0.3"))}


@pytest.mark.slow
def test_stock_that_is_held_back_is_not_missing(tmp_path: Path) -> None:
    cases: dict[str, tuple[dict[str, str], str, str | None]] = {
        "A": ({"keep": "20"}, "80", None), "B": ({"percent": "15"}, "85", None),
        "C": ({"keep": "20", "sku": "other"}, "80", "stock_sync_delay"),
        "D": ({"keep": "20"}, "70", "stock_sync_delay"), "E": ({"keep": "500"}, "0", None),
    }

    def level(origin: str, sku: str, quantity: str, **place: str) -> dict[str, Any]:
        return row("stock_snapshots", period=FIRST, origin=origin, sku=sku, quantity=Decimal(quantity), **place)

    store = run(tmp_path, [FIRST], {"stock_snapshots": [
        given for sku, (_, shown, _) in cases.items()
        for given in (level("warehouse", sku, "100", warehouse="W", shop=""), level("platform", sku, shown, warehouse="", shop="tb"))
    ]}, stock_allocations=[{"shop": "tb", "from_day": FIRST, "sku": sku, **declared} for sku, (declared, *_) in cases.items()])
    open_now = found(store, FIRST, "stock")
    assert {sku: open_now.get(f"tb/{sku}/platform", (None,))[0] for sku in cases} == {sku: cause for sku, (*_, cause) in cases.items()}


def test_a_declaration_names_a_shop_that_there_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown shop 'nowhere'"):
        Books.model_validate({"root": tmp_path, "entity": "demo", "start": FIRST,
                              "stock_allocations": [{"shop": "nowhere", "from_day": FIRST}]})


@pytest.mark.parametrize(("said", "days_waited"), [({}, 14), ({"order_payment": 3}, 3), ({"order_payment/shopee": 5}, 5)])
def test_what_books_say_of_a_deadline_wins_over_what_is_known_of_a_channel(tmp_path: Path, said: dict[str, int], days_waited: int) -> None:
    """Fails if orders of a platform that pays when the parcel has arrived are missing on the second day, or the books are not heard."""
    books = Books(root=tmp_path, entity="e", start=FIRST, sla_days=said)
    told = {(r["leg"], r["channel"]): r["days"] for r in books_relations(books)["sla"].to_pylist()}
    assert books.sla("order_payment", "shopee") == days_waited
    assert told.get(("order_payment", "shopee"), told[("order_payment", "")] if "order_payment" in said else None) == days_waited
    assert told[("customer", "tiktok")] == 14


def test_a_deadline_that_is_assumed_of_a_platform_is_said_until_books_declare_it(tmp_path: Path) -> None:
    """Fails if what a platform settles weeks later is missing on the second day, or an assumed term is silent."""
    shops = {"dy": {"platform": "douyin", "provider": "douyin"}}
    books = Books.model_validate({"root": tmp_path, "entity": "e", "start": FIRST, "shops": shops})
    assert (books.sla("payment_settlement", "douyin"), books.sla("fee", "douyin"), books.sla("order_payment", "douyin")) == (21, 21, 1)
    assert [what for what, _ in assumed_terms(books) if "21 days" in what and "Payments ↔ settlement" in what]
    assert not assumed_terms(books.model_copy(update={"sla_days": {"payment_settlement": 9, "fee/douyin": 9}}))


def test_status_and_report_know_of_it_from_the_books_of_the_last_run() -> None:
    raw = {"shops": {"dy": {"platform": "douyin", "provider": "douyin"}, "bad": 3}, "sla_days": {"fee": 2}}
    books = said_by(raw)
    assert (books.providers, books.waits) == ({"douyin"}, {"fee"})
    [(what, advice)] = assumed_of(books.providers, books.waits)
    assert "Payments ↔ settlement;" in what and "payment_settlement/douyin" in advice
    assert said_by({"shops": 4, "sla_days": []}).providers == frozenset()


def test_an_order_of_a_platform_that_settles_by_fortnight_waits_for_its_statement(tmp_path: Path) -> None:
    """Fails if orders between two statements of Amazon are missing before the next can be there, or one is waited for for ever."""
    sold = {0: "first", 5: "lost", 20: "next"}
    claims = [claim("order_payment", f"tb/{name}", "left", 10, day, channel="amazon") for day, name in sold.items()]
    claims.append(claim("order_payment", "tb/first", "right", 10, 2, channel="amazon"))
    outcome = core.run(tmp_path, claims, 36)
    causes = {day: {row["key"]: row["cause"] for row in outcome.rows("variances", day)} for day in (4, 30, 35)}
    assert causes == {4: {}, 30: {"tb/lost": "timing", "tb/next": "timing"}, 35: {"tb/lost": "missing_right", "tb/next": "timing"}}

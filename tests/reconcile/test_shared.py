"""Accounts that several shops share: a row is of the shop of its order, when that is known; nothing is guessed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from duizhang.books import Books
from duizhang.home.store import Store
from duizhang.ingest.inbox.placing import placed
from duizhang.reconcile import STATE_TABLES, Session, reconcile
from tests.reconcile.test_engine import FIRST, fill, order, payment, row
from tests.reconcile.test_goods import FOUR
from tests.thoroughness import SPLITS, examples, in_parts, various

SHOPS = ("tb", "tm")
PAY = {"provider": "alipay", "shops": list(SHOPS), "rules": [{"order_prefix": "M", "shop": "tm"}]}


def books(root: Path, **more: Any) -> Books:
    return Books.model_validate({
        "root": root, "entity": "demo", "start": FIRST, "shared_accounts": {"pay": PAY},
        "shops": {"tb": {"platform": "taobao", "provider": "alipay"}, "tm": {"platform": "tmall", "provider": "alipay", "entity": "other"}},
        "expected": [{"source": "books_orders"}, *({"source": s, "shop": "pay"} for s in ("alipay_trade", "alipay_fund"))], **more,
    })


def both(root: Path, data: dict[str, list[dict[str, Any]]], *, split: str = "days", **more: Any) -> Store:
    """The store of a range, which is that of its parts where it is to be split."""
    stores = {}
    for name, parts in (("range", [FOUR]), ("days", in_parts(FOUR)))[: 2 if split == "days" else 1]:
        stores[name] = Store(root / name)
        fill(stores[name], FOUR, data)
        for part in parts:
            with Session(books(root / name, **more), stores[name], part) as session:
                reconcile(session)
    for name in stores.keys() - {"range"}:
        for period in FOUR:
            for table in ("recon_summary", "variances", "clearings", *STATE_TABLES):
                assert stores["range"].read(table, period).equals(stores[name].read(table, period)), (table, period)
    return stores["range"]


def items(store: Store, period: dt.date, leg: str) -> dict[tuple[str, str], Decimal]:
    return {(r["entity"], r["key"]): r["difference"] for r in store.read("variances", period).to_pylist() if r["leg"] == leg}


def sold(day: int, shop: str, number: str, amount: str) -> dict[str, Any]:
    return {**order(FOUR[day], "books", number, amount), "shop": shop, "entity": "other" if shop == "tm" else "demo"}


def paid(day: int, number: str, amount: str) -> dict[str, Any]:
    return {**payment(FOUR[day], number, amount), "shop": "pay"}


@pytest.mark.parametrize("split", SPLITS)
def test_a_payment_of_a_shared_account_is_the_shops_whose_order_it_names(tmp_path: Path, split: str) -> None:
    booked = row("settlements", period=FIRST, shop="pay", provider="alipay", entry_id="E1", transaction_id="T1", order_id="1", kind="sale",
                 amount=Decimal(50))
    store = both(tmp_path, split=split, data={
        "orders": [sold(0, "tb", "1", "50"), sold(0, "tm", "2", "30"), sold(2, "tm", "3", "20")],
        "payments": [paid(0, "1", "50"), paid(0, "2", "31"), paid(1, "3", "20"), paid(1, "M9", "7"), paid(1, "8", "5")],
        "settlements": [booked],
    })
    # the payment of order 3 comes a day before its order, and waits under the account
    assert items(store, FOUR[1], "order_payment") == {
        ("other", "tm/2"): -1, ("demo", "unassigned/pay/3"): -20, ("other", "tm/M9"): -7, ("demo", "unassigned/pay/8"): -5,
    }
    assert items(store, FOUR[2], "order_payment") == {("other", "tm/2"): -1, ("other", "tm/M9"): -7, ("demo", "unassigned/pay/8"): -5}
    assert ("demo", "alipay/T1") not in items(store, FOUR[3], "payment_settlement")


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_an_order_number_of_two_shops_is_nobodys(tmp_path: Path, split: str) -> None:
    twice = [sold(0, "tb", "1", "50"), sold(0, "tm", "1", "50")]
    store = both(tmp_path, split=split, data={"orders": twice, "payments": [paid(0, "1", "50"), paid(1, "1", "50")]})
    assert items(store, FOUR[3], "order_payment") == {
        ("demo", "tb/1"): 50, ("other", "tm/1"): 50, ("demo", "unassigned/pay/1"): -100,
    }


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_parcels_of_a_shared_warehouse_find_their_shop(tmp_path: Path, split: str) -> None:
    sent = [row("shipments", period=FOUR[day], shop="", order_id=number, sku="A", quantity=Decimal(1), warehouse="W", carrier="",
                tracking_number="", zone="") for day, number in ((0, "1"), (1, "2"), (3, "9"))]
    store = both(tmp_path, split=split, data={"orders": [sold(0, "tb", "1", "50"), sold(2, "tm", "2", "30")], "shipments": sent},
                 shared_accounts={"house": {"warehouse": "W", "shops": list(SHOPS)}}, expected=[])
    assert items(store, FOUR[1], "order_shipment") == {("demo", "unassigned/house/2/A"): -1}
    assert items(store, FOUR[3], "order_shipment") == {("demo", "unassigned/house/9/A"): -1}


@pytest.mark.slow
def test_parcels_that_name_no_shop_are_of_the_only_one(tmp_path: Path) -> None:
    """Fails if a company with one shop sees every parcel of its warehouse missing on both sides, as no row says whose it is."""
    sent = [row("shipments", period=FIRST, shop="", order_id="1", sku="A", quantity=Decimal(1), warehouse="W", carrier="",
                tracking_number="", zone="")]
    store = both(tmp_path, split="range", data={"orders": [sold(0, "tm", "1", "50")], "shipments": sent}, shared_accounts={}, expected=[],
                 shops={"tm": {"platform": "tmall", "entity": "other"}})
    assert items(store, FOUR[3], "order_shipment") == {}


def test_the_folder_of_a_shared_account_is_a_place_of_the_inbox(tmp_path: Path) -> None:
    assert (placed("pay/2026-03-01/bill.zip", books(tmp_path)).shop, placed("pay/x", books(tmp_path)).problem) == ("pay", "")


@pytest.mark.parametrize("wrong", [{"shops": ["tb"], "provider": "alipay"}, {"shops": ["tb", "tm"]},
                                   {"shops": ["tb", "tm"], "provider": "a", "warehouse": "W"},
                                   {"shops": ["tb", "nn"], "provider": "alipay"}])
def test_a_shared_account_that_is_no_such_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"pay|shared"):
        books(tmp_path, shared_accounts={"pay": wrong})


SALE = st.tuples(st.integers(0, 3), st.sampled_from(SHOPS), st.integers(0, 3))
PAYMENT = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 4))


@pytest.mark.slow
@settings(max_examples=examples(1, 6), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate])
@given(various(SALE, 5, 8), various(PAYMENT, 5, 8))
def test_where_a_payment_stands_agrees_with_plain_python_in_any_split(
    tmp_path_factory: pytest.TempPathFactory, sales: list[tuple[int, str, int]], payments: list[tuple[int, int, int]]
) -> None:
    store = both(tmp_path_factory.mktemp("shared"), {
        "orders": [sold(day, shop, str(number), "10") for day, shop, number in sales],
        "payments": [paid(day, str(number), str(amount)) for day, number, amount in payments],
    })
    for now, period in enumerate(FOUR):
        expected: dict[str, int] = defaultdict(int)
        for day, shop, number in sales:
            expected[f"{shop}/{number}"] += 10 if day <= now else 0
        for day, number, amount in (p for p in payments if p[0] <= now):
            place = "unassigned/pay"
            for at in range(day, now + 1):
                known = {shop for d, shop, n in sales if n == number and d <= at}
                if place == "unassigned/pay" and len(known) == 1:
                    (place,) = known
            expected[f"{place}/{number}"] -= amount
        found = {key: difference for (_, key), difference in items(store, period, "order_payment").items()}
        assert found == {key: amount for key, amount in expected.items() if amount}, period


@pytest.mark.slow
def test_a_monthly_bill_of_a_shared_account_is_held_against_the_fees_of_all_its_shops(tmp_path: Path) -> None:
    fees = {"tb": "0.3", "tm": "0.2"}  # on the last day but one of a year
    bill = row("settlements", period=FOUR[3], shop="pay", provider="alipay", entry_id="E9", transaction_id="BILL", kind="fee",
               amount=Decimal("-0.6"))
    one_entity = {"tb": {"platform": "taobao", "provider": "alipay"}, "tm": {"platform": "tmall", "provider": "alipay"}}
    store = both(tmp_path, split="range", shops=one_entity, fee_billing=[{"provider": "alipay", "from_day": FIRST, "days": 2}], data={
        "orders": [{**sold(0, shop, shop, "50"), "entity": "demo"} for shop in fees],
        "payments": [{**paid(0, shop, "50"), "fee": Decimal(fee)} for shop, fee in fees.items()],
        "settlements": [bill],
    })
    key = ("demo", f"alipay/fees/pay/{FIRST:%Y-%m}")
    assert items(store, FOUR[2], "payment_settlement")[key] == Decimal("-0.5")
    assert {k: v for k, v in items(store, FOUR[3], "payment_settlement").items() if "/fees/" in k[1]} == {key: Decimal("0.1")}


@pytest.mark.parametrize("split", SPLITS)
def test_a_payment_is_of_the_order_whose_reference_the_provider_has(tmp_path: Path, split: str) -> None:
    """PayPal, Mercado Pago and others call a shop's payment by the shop's reference, on later days too, and may have it as their own id."""
    named = {"payment_references": "rnmk1bigAIyD, c2938.0001"}
    told = {"origin": "provider", "provider": "alipay", "refund_id": "R1", "transaction_id": "TR1", "kind": "", "fee": Decimal(0)}
    store = both(tmp_path, split=split, data={
        "orders": [
            {**sold(0, "tb", "1", "50"), **named}, {**sold(0, "tb", "2", "30"), "payment_references": "ch_000000002"},
            # two orders of one reference: from the second on nobody can say whose a payment of that name is
            {**sold(0, "tb", "3", "20"), "payment_references": "same-name"},
            {**sold(1, "tb", "4", "20"), "payment_references": "same-name"},
        ],
        "payments": [
            payment(FOUR[0], "rnmk1bigAIyD", "50"), {**payment(FOUR[0], "", "31"), "transaction_id": "ch_000000002"},
            payment(FOUR[1], "same-name", "20"), {**paid(1, "c2938.0001", "5")},
        ],
        "refunds": [
            row("refunds", period=FOUR[2], order_id="c2938.0001", sku="", amount=Decimal(7), **told),
            row("refunds", period=FOUR[2], order_id="1", sku="", amount=Decimal(6), **{**told, "origin": "books"}),
        ],
    })
    rest = {("demo", "tb/2"): -1, ("demo", "tb/3"): 20, ("demo", "tb/4"): 20, ("demo", "tb/same-name"): -20}
    assert items(store, FOUR[1], "order_payment") == {("demo", "tb/1"): -5, **rest}
    assert items(store, FOUR[2], "order_payment") == {("demo", "tb/1"): -4, **rest}

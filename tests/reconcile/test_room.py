"""Amounts of 10^15 in currencies with no, two and three decimals go through every leg; stock, freight and findings compare
like with like."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from duizhang.books import Books
from duizhang.declared.currency import in_places, places
from duizhang.home.store import Store, days
from duizhang.reconcile import LEG_MODELS, Session, reconcile
from tests.reconcile.test_engine import FIRST, fill, found, row

NEXT = FIRST + dt.timedelta(days=1)
HUGE = Decimal(10) ** 15


def books(root: Path, currency: str = "CNY", **more: Any) -> Books:
    return Books.model_validate({
        "root": root, "entity": "demo", "start": FIRST, "currency": currency,
        "shops": {
            "tb": {"platform": "taobao", "provider": "alipay", "warehouse": "W"},
            "us": {"platform": "own", "provider": "card", "warehouse": "U", "entity": "abroad", "currency": "USD"},
        },
        "expected": [{"source": "taobao_order_lines", "shop": "tb"}, {"source": "platform_statement", "shop": "tb"}],
        "bank_accounts": {"1": "demo", "2": "abroad"}, "legs": list(LEG_MODELS), **more,
    })


def run(
    root: Path, data: dict[str, list[dict[str, Any]]], currency: str = "CNY", files: tuple[str, ...] = (),
    last: dt.date = FIRST, **more: Any,
) -> Store:
    store, periods = Store(root), days(FIRST, last)
    fill(store, periods, data)
    with Session(books(root, currency, **more), store, periods, files=files) as session:
        reconcile(session)
    return store


@pytest.mark.parametrize(("currency", "rate"), [
    ("KWD", "0.3071"),  # three decimals, at a rate below one
    *(pytest.param(*given, marks=pytest.mark.slow) for given in (
        ("VND", "25000"),
        ("JPY", "157.33"), ("USD", "0.00004"), ("KRW", "1391.2"), ("CNY", "7.1137"), ("BHD", "0.37604"))),
])
def test_every_leg_has_room_for_ten_to_the_fifteen_and_is_exact_to_the_smallest_unit(tmp_path: Path, currency: str, rate: str) -> None:
    unit = Decimal(1).scaleb(-places(currency))
    foreign = "USD" if currency != "USD" else "VND"
    paid, less = HUGE - unit, HUGE - 2 * unit
    when = dt.datetime(2026, 3, 1, 4)  # noqa: DTZ001 - naive UTC by contract

    def rounded(value: Decimal) -> Decimal:
        return value.quantize(unit, ROUND_HALF_UP)

    def of(table: str, **values: Any) -> dict[str, Any]:
        return row(table, period=FIRST, **({"currency": currency} | values if "currency" in row(table, period=FIRST) else values))

    def line(origin: str, amount: Decimal) -> dict[str, Any]:
        return of("orders", origin=origin, order_id="1", line_id="1", sku="A", quantity=HUGE, unit_price=Decimal(1), amount=amount,
                  shop_discount=Decimal(0), platform_discount=Decimal(0), status="paid", customer="c", paid_at=when)

    fee = rounded(paid * Decimal("0.6") / 100)
    fx = rounded(paid * Decimal(rate))
    data: dict[str, list[dict[str, Any]]] = {
        "orders": [line("books", paid), line("platform", less)],
        "payments": [of("payments", provider="alipay", transaction_id="T", order_id="1", amount=less, fee=fee, customer="c")],
        "refunds": [of("refunds", origin="books", provider="alipay", refund_id="R", transaction_id="RT", order_id="1", sku="A",
                       kind="return", amount=paid, fee=Decimal(0), customer="c"),
                    of("refunds", origin="provider", provider="alipay", refund_id="R", transaction_id="RT", order_id="1", sku="A",
                       kind="", amount=less, fee=Decimal(0))],
        "returns": [of("returns", return_id="B", refund_id="R", order_id="1", sku="A", quantity=HUGE, amount=paid, warehouse="W")],
        "settlements": [of("settlements", provider="alipay", entry_id=k, transaction_id="T", order_id="1", kind=k, amount=a)
                        for k, a in (("sale", less), ("fee", -fee - unit))],
        "payouts": [of("payouts", provider="alipay", payout_id="P", amount=paid),
                    of("payouts", provider="alipay", payout_id="F", amount=paid, currency=foreign)],
        "bank_entries": [of("bank_entries", shop="", bank_account="1", entry_id="E", amount=less, reference="P"),
                         of("bank_entries", shop="", bank_account="1", entry_id="F", amount=fx + unit, reference="F",
                            original_amount=paid, original_currency=foreign)],
        "shipments": [of("shipments", order_id="1", sku="A", quantity=HUGE - 1, carrier="SF", tracking_number="N", zone="")],
        "freight_charges": [of("freight_charges", carrier="SF", tracking_number="N", weight=HUGE, amount=paid, zone="")],
        "stock_moves": [of("stock_moves", warehouse="W", sku="A", move_id="1", kind="purchase_in", quantity=HUGE)],
        "stock_snapshots": [of("stock_snapshots", origin="warehouse", warehouse="W", sku="A", quantity=HUGE)],
        "stock_counts": [of("stock_counts", warehouse="W", sku="A", quantity=HUGE - 1)],
        "platform_statements": [of("platform_statements", measure="revenue", amount=less)],
        "journal_lines": [of("journal_lines", voucher="1", line_no="1", account="60", debit=Decimal(0), credit=less, amount=-less)],
        "skus": [of("skus", sku="A", product="", category="", cost=Decimal(1), price=Decimal(1), weight=Decimal("0.1"))],
        "fx_rates": [row("fx_rates", period=FIRST, base=foreign, quote=currency, rate=Decimal(rate))],
    }
    store = run(
        tmp_path, data, currency,
        accounts={"60": {"measure": "sales", "shop": "tb"}, "66": {"measure": "fx_gain_loss", "bank_account": "1"}},
        rate_cards=[{"kind": "fee", "provider": "alipay", "from_day": FIRST, "percent": "0.6"},
                    {"kind": "freight", "provider": "SF", "from_day": FIRST, "first_weight": "1", "first_price": "1",
                     "step_weight": "0.1", "step_price": "1"}],
        policy_changes=[{"leg": "ledger", "from_day": FIRST, "description": "", "key": "99", "percent": "0.6"}],
    )
    summary = {(r["leg"], r["currency"]): r for r in store.read("recon_summary", FIRST).to_pylist()}
    assert {leg for leg, _ in summary} == set(LEG_MODELS)
    assert all(r["closing"] == r["opening"] + r["left_amount"] - r["right_amount"] for r in summary.values())
    assert found(store, FIRST, "order_platform")["tb/1/1"][1] == unit
    assert found(store, FIRST, "payment_settlement")["alipay/T"][1] == unit
    charged = found(store, FIRST, "fee")["alipay/T/fee"][1]
    assert charged == rounded(less * Decimal("0.6") / 100) - fee - unit
    assert found(store, FIRST, "ledger")["60/2026-03-01"][1] == -paid + less
    gains = [r["amount"] for r in store.read("payout_bank", FIRST).to_pylist() if r["kind"] == "fx_gain_loss"]
    assert gains == [unit]
    assert found(store, FIRST, "payout_bank")["P"][1] == unit
    assert summary["stock", "PCS"]["closing"] == 1
    [rolled] = store.read("stock_rollforward", FIRST).to_pylist()
    assert (rolled["difference"], rolled["difference_value"], rolled["cost_currency"]) == (1, 1, currency)


def test_amounts_are_shown_with_the_places_of_their_currency() -> None:
    shown = {c: str(in_places(Decimal("1234.5000"), c)) for c in ("CNY", "KWD", "JPY", "CLF")}
    assert shown == {"CNY": "1234.50", "KWD": "1234.500", "JPY": "1234.5", "CLF": "1234.5000"}
    assert str(in_places(Decimal("1234.0000"), "JPY")) == "1234"


def counted(period: dt.date, quantity: int, **values: Any) -> dict[str, Any]:
    return row("stock_counts", period=period, shop="", warehouse="U", sku="A", quantity=Decimal(quantity), **values)


def snapshot(period: dt.date, quantity: int, hour: int = 4, **values: Any) -> dict[str, Any]:
    found = row("stock_snapshots", period=period, shop="", origin="warehouse", warehouse="U", sku="A", quantity=Decimal(quantity), **values)
    return {**found, "occurred_at": dt.datetime(period.year, period.month, period.day, hour)}  # noqa: DTZ001


@pytest.mark.slow
def test_a_count_that_is_open_stands_in_the_rollforward_at_cost_until_it_clears(tmp_path: Path) -> None:
    """The warehouse is another entity's than the company's own, and the count is of the first of three days."""
    last = FIRST + dt.timedelta(days=2)
    store = run(tmp_path, {
        "stock_moves": [row("stock_moves", period=FIRST, shop="", warehouse="U", sku="A", move_id="1", kind="purchase_in",
                            quantity=Decimal(2))],
        "stock_snapshots": [snapshot(p, 10) for p in days(FIRST, last)],
        "stock_counts": [counted(FIRST, 7), counted(last, 10)],
        "skus": [row("skus", period=FIRST, sku="A", cost=Decimal(4), currency="USD")],
    }, last=last)
    seen = [
        [(r["entity"], r["counted"], r["count_difference"], r["difference"], r["difference_value"], r["cost_currency"])
         for r in store.read("stock_rollforward", period).to_pylist()]
        for period in days(FIRST, last)
    ]
    assert seen == [
        [("abroad", 7, 3, 3, 12, "USD")], [("abroad", None, 3, 3, 12, "USD")], [("abroad", 10, 0, 0, 0, "USD")],
    ]
    assert found(store, NEXT, "stock") == {"U/A/count": ("stock_count_error", Decimal(3))}


@pytest.mark.slow
def test_the_later_level_of_a_day_counts_and_not_the_name_of_its_file(tmp_path: Path) -> None:
    early, late = "snapshot_9h", "snapshot_22h"
    # which file is the newer one, and the times that the two files tell of each SKU
    for newest, cases in ((late, {"A": (9, 22, 22), "B": (4, 4, 22)}), (early, {"A": (9, 22, 22), "B": (4, 4, 9)})):
        moves = [row("stock_moves", period=FIRST, shop="", warehouse="U", sku=sku, move_id=sku, kind="purchase_in", quantity=Decimal(2))
                 for sku in cases]
        levels = [{**snapshot(FIRST, level, hour, file=file), "sku": sku} for sku, hours in cases.items()
                  for file, level, hour in ((early, 9, hours[0]), (late, 22, hours[1]))]
        files = (early, late) if newest == late else (late, early)
        store = run(tmp_path / newest, {"stock_moves": moves, "stock_snapshots": levels}, files=files)
        assert {r["sku"]: r["right_level"] for r in store.read("stock_levels", FIRST).to_pylist() if r["basis"] == "snapshot"} == {
            sku: level for sku, (*_, level) in cases.items()
        }
        assert sum(r["amount"] for r in store.read("stock", FIRST).to_pylist() if r["side"] == "right") == sum(
            level for *_, level in cases.values())


@pytest.mark.slow
def test_a_sale_in_dollars_is_held_against_its_cost_in_dollars(tmp_path: Path) -> None:
    def sold(number: str, sku: str, amount: str) -> dict[str, Any]:
        return row("orders", period=FIRST, entity="abroad", shop="us", origin="books", order_id=number, line_id="1", sku=sku,
                   quantity=Decimal(1), unit_price=Decimal(amount), amount=Decimal(amount), shop_discount=Decimal(0),
                   platform_discount=Decimal(0), currency="USD", status="paid", customer="c",
                   paid_at=dt.datetime(2026, 3, 1, 4))  # noqa: DTZ001

    store = run(tmp_path, {
        "orders": [sold("1", "A", "20"), sold("2", "B", "10"), sold("3", "C", "1")],
        "skus": [row("skus", period=FIRST, sku=s, cost=Decimal(71), currency=c) for s, c in (("A", "CNY"), ("B", "CNY"), ("C", "EUR"))],
    }, fx_rates=[{"base": "USD", "quote": "CNY", "from_day": FIRST, "rate": "7.1"}])
    assert store.read("anomalies", FIRST).to_pylist() == []
    store = run(tmp_path / "below", {
        "orders": [sold("2", "B", "9.99")], "skus": [row("skus", period=FIRST, sku="B", cost=Decimal(71), currency="CNY")],
    }, fx_rates=[{"base": "USD", "quote": "CNY", "from_day": FIRST, "rate": "7.1"}])
    rows = store.read("anomalies", FIRST).to_pylist()
    assert [(r["subject"], r["currency"], r["value"], r["expected"]) for r in rows] == [("B", "USD", Decimal("9.99"), 10)]


@pytest.mark.slow
def test_freight_is_in_the_currency_of_the_carriers_card_not_of_the_shop(tmp_path: Path) -> None:
    parcel = {"entity": "abroad", "shop": "us", "carrier": "SF", "tracking_number": "N", "zone": ""}
    store = run(tmp_path, {
        "skus": [row("skus", period=FIRST, sku="A", cost=Decimal(1), weight=Decimal("0.5"))],
        "shipments": [row("shipments", period=FIRST, order_id="1", sku="A", quantity=Decimal(1), **parcel)],
        "freight_charges": [row("freight_charges", period=FIRST, weight=Decimal("0.5"), amount=Decimal(12), currency="HKD", **parcel)],
    }, rate_cards=[{"kind": "freight", "provider": "SF", "from_day": FIRST, "first_weight": "1", "first_price": "12", "currency": "HKD"}])
    assert found(store, FIRST, "freight") == {}

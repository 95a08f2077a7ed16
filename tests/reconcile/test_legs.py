"""The legs that recompute or add up, on hand-made rows: fees, freight, returns, statements, conversion, entities."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duizhang.books import Books
from duizhang.errors import ConservationError
from duizhang.home.store import Store, days
from duizhang.reconcile import Session, reconcile
from tests.reconcile import core
from tests.reconcile.test_engine import FIRST, fill, found, order, payment, row
from tests.thoroughness import THOROUGH, examples, in_parts, various

NEXT = FIRST + dt.timedelta(days=1)


def books(root: Path, **more: Any) -> Books:
    return Books.model_validate({
        "root": root, "entity": "demo", "start": FIRST,
        "shops": {
            "tb": {"platform": "taobao", "provider": "alipay", "warehouse": "W"},
            "us": {"platform": "own", "provider": "card", "warehouse": "U", "entity": "abroad", "currency": "USD"},
        },
        "expected": [{"source": source, "shop": "tb"} for source in (
            "taobao_order_lines", "platform_statement", "books_orders", "books_refunds", "alipay_trade", "alipay_fund")]
        + [{"source": "kingdee_journal"}],
        "bank_accounts": {"1": "demo", "2": "abroad"},
        "fx_rates": [{"base": "USD", "quote": "CNY", "from_day": FIRST, "rate": "7.1"}],
        **more,
    })


def run(root: Path, periods: list[dt.date], data: dict[str, list[dict[str, Any]]], **more: Any) -> Store:
    store = Store(root)
    fill(store, periods, data)
    with Session(books(root, **more), store, periods) as session:
        reconcile(session)
    return store


def charge(period: dt.date, transaction: str, amount: str, kind: str = "fee") -> dict[str, Any]:
    return row("settlements", period=period, provider="alipay", entry_id=transaction, transaction_id=transaction,
               order_id=transaction, kind=kind, amount=-Decimal(amount))


MONEY = st.integers(1, 5_000_000).map(lambda fen: Decimal(fen).scaleb(-2))
PERCENT = st.integers(0, 9999).map(lambda value: Decimal(value).scaleb(-3))


@pytest.mark.slow
@settings(max_examples=examples(1, 30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=various(MONEY, 3, 4), percents=st.lists(PERCENT, min_size=1, max_size=3),
       bounds=st.lists(st.integers(1, 60_000), min_size=2, max_size=2, unique=True),
       fixed=st.none() | MONEY, minimum=st.none() | MONEY, cap=st.none() | MONEY)
def test_fees_are_those_of_a_plain_calculation(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[Decimal], percents: list[Decimal], bounds: list[int],
    fixed: Decimal | None, minimum: Decimal | None, cap: Decimal | None,
) -> None:
    limits = [Decimal(bound) for bound in sorted(bounds)[: len(percents) - 1]]
    tiers = [{"up_to": limit, "percent": percent} for limit, percent in zip(limits, percents, strict=False)]
    tiers.append({"percent": percents[-1]})
    card = {"kind": "fee", "provider": "alipay", "from_day": FIRST, "tiers": tiers, "fixed": fixed, "minimum": minimum,
            "cap": cap}

    def plain(amount: Decimal) -> Decimal:
        total, lower = Decimal(0), Decimal(0)
        for tier in tiers:
            upper = min(amount, tier.get("up_to", amount))
            total += max(upper - lower, Decimal(0)) * tier["percent"] / 100
            lower = tier.get("up_to", amount)
        total = max(total + (fixed or 0), minimum or Decimal(0))
        return min(total, cap if cap is not None else total).quantize(Decimal("0.01"), ROUND_HALF_UP)

    store = run(tmp_path_factory.mktemp("fees"), [FIRST],
                {"payments": [payment(FIRST, str(n), str(amount)) for n, amount in enumerate(amounts)]}, rate_cards=[card])
    claims = {r["key"]: r["amount"] for r in store.read("fee", FIRST).to_pylist()}
    assert claims == {f"alipay/T{n}/fee": plain(amount) for n, amount in enumerate(amounts)}


@pytest.mark.slow
def test_a_fee_goes_by_the_card_of_its_day_and_a_charge_from_before_waits_for_none(tmp_path: Path) -> None:
    cards = [{"kind": "fee", "provider": "alipay", "from_day": day, "percent": percent}
             for day, percent in ((FIRST, "0.6"), (NEXT, "0.5"))]
    periods = [FIRST, NEXT, NEXT + dt.timedelta(days=1)]
    store = run(tmp_path, periods, {
        "payments": [payment(FIRST, "1", "100"), payment(NEXT, "2", "100"), payment(NEXT, "3", "100")],
        "settlements": [charge(FIRST, "T1", "0.60"), charge(NEXT, "T2", "0.60"), charge(NEXT, "T9", "0.60"),
                        charge(NEXT, "T3", "0.50"), charge(NEXT, "T3", "0.50")],
    }, rate_cards=cards)
    assert found(store, periods[-1], "fee") == {
        "alipay/T2/fee": ("fee_rate", Decimal("-0.1")), "alipay/T9/fee": ("missing_left", Decimal("-0.6")),
        "alipay/T3/fee": ("duplicate", Decimal("-0.5")),
    }
    audit = store.read("fee_audit", NEXT).to_pylist()
    assert {(r["transaction_id"], r["base_amount"], r["expected_fee"], r["charged_fee"]) for r in audit} == {
        ("T2", Decimal(100), Decimal("0.5"), Decimal("0.6")), ("T3", Decimal(100), Decimal("0.5"), Decimal(1))}


@pytest.mark.slow
def test_freight_is_first_weight_and_every_step_begun(tmp_path: Path) -> None:
    card = {"kind": "freight", "provider": "SF", "from_day": FIRST, "zone": "near", "first_weight": "1", "first_price": "10",
            "step_weight": "0.5", "step_price": "2"}
    parcel = {"carrier": "SF", "zone": "near"}
    prices = {"0.2": "10", "1": "10", "1.01": "12", "1.5": "12", "1.51": "14"}
    skus, parcels, charges = [], [], []
    for weight, price in prices.items():
        skus.append(row("skus", period=FIRST, sku=weight, cost=Decimal(1), weight=Decimal(weight)))
        # one parcel as it was agreed, one too dear
        for kind, billed, amount in (("right", weight, price), ("dear", 9, 40)):
            name = f"{kind}{weight}"
            parcels.append(row("shipments", period=FIRST, order_id=name, sku=weight, quantity=Decimal(1), tracking_number=name, **parcel))
            charges.append(row("freight_charges", period=FIRST, tracking_number=name, weight=Decimal(billed), amount=Decimal(amount),
                               **parcel))
    store = run(tmp_path, [FIRST], {"skus": skus, "shipments": parcels, "freight_charges": charges}, rate_cards=[card])
    assert found(store, FIRST, "freight") == {
        f"SF/dear{weight}": ("overbilled_freight", Decimal(price) - 40) for weight, price in prices.items()
    }


@pytest.mark.slow
def test_freight_is_of_the_shop_and_order_whose_parcel_it_is_whenever_it_is_billed(tmp_path: Path) -> None:
    """A parcel billed the day after it was handed over; one that no record of ours knows is no shop's."""
    card = {"kind": "freight", "provider": "SF", "from_day": FIRST, "first_weight": "1", "first_price": "10"}
    data = {
        "skus": [row("skus", period=FIRST, sku="A", weight=Decimal(1))],
        "shipments": [row("shipments", period=FIRST, order_id=f"o{n}", sku="A", quantity=Decimal(1), tracking_number=n, carrier="SF")
                      for n in ("0", "1")],
        "freight_charges": [
            row("freight_charges", period=day, shop="", order_id="", carrier="SF", tracking_number=n, weight=Decimal(1), amount=Decimal(10))
            for day, n in ((FIRST, "0"), (NEXT, "1"), (NEXT, "2"))],
    }
    for name, ends in (("split", [[FIRST], [NEXT]]), *([("whole", [[FIRST, NEXT]])] if THOROUGH else [])):
        for periods in ends:
            store = run(tmp_path / name, periods, data, rate_cards=[card])
        rows = store.read("order_pnl", NEXT).to_pylist()
        assert {(r["shop"], r["order_id"]): r["freight"] for r in rows} == {("tb", "o1"): 10, ("", ""): 10}, name
        assert {r["shop"]: r["profit"] for r in store.read("channel_pnl", NEXT).to_pylist()} == {"tb": -10, "": -10}


def refund(period: dt.date, origin: str, number: str, amount: str, kind: str = "") -> dict[str, Any]:
    return row("refunds", period=period, origin=origin, provider="alipay", refund_id=number, transaction_id=number,
               order_id=number, sku="A", kind=kind, amount=Decimal(amount), fee=Decimal(0))


@pytest.mark.slow
def test_a_refund_needs_goods_or_a_record_that_needs_none(tmp_path: Path) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=8))
    goods = [row("returns", period=FIRST, return_id=n, refund_id=n, order_id=n, sku="A", quantity=Decimal(1),
                 amount=Decimal(20)) for n in ("back", "kept")]
    store = run(tmp_path, periods, {
        "returns": goods,
        "refunds": [refund(FIRST, "books", n, "20", kind) for n, kind in (
            ("back", "return"), ("kept", "return"), ("only", "refund_only"), ("never", "return"))]
        + [refund(FIRST, "provider", n, "20") for n in ("back", "only", "never", "silent")],
    })
    assert found(store, periods[0], "return_refund")["tb/kept"] == ("timing", Decimal(20))
    assert found(store, periods[-1], "return_refund") == {
        # the books have a refund for it that the provider has not: it was not paid, or another way
        "tb/kept": ("unexplained", Decimal(20)), "tb/never": ("refund_without_return", Decimal(-20)),
        "tb/silent": ("refund_unrecorded", Decimal(-20)),
    }


def test_a_statement_differs_by_the_causes_of_its_lines(tmp_path: Path) -> None:
    lines = [order(FIRST, "books", "1", "12.01"), order(FIRST, "platform", "1", "12"),
             order(FIRST, "books", "2", "7", discount="5"), order(FIRST, "platform", "2", "12", discount="5")]
    stated = [row("platform_statements", period=FIRST, measure=measure, amount=Decimal(amount))
              for measure, amount in (("revenue", "24"), ("discount", "0"), ("refund", "0"), ("profit", "20"))]
    store = run(tmp_path, [FIRST], {
        "orders": lines, "platform_statements": stated,
        "skus": [row("skus", period=FIRST, sku="A", cost=Decimal(2), weight=Decimal(1))],
    })
    rows = {(r["key"], r["cause"]): r["difference"] for r in store.read("variances", FIRST).to_pylist() if r["leg"] == "finance"}
    assert rows == {
        ("tb/revenue", "rounding"): Decimal("0.01"), ("tb/revenue", "discount_bearer"): Decimal(-5),
        ("tb/profit", "unexplained"): Decimal("-4.99"),
    }


@pytest.mark.slow
def test_dollars_are_matched_as_dollars_and_what_the_bank_made_of_them_is_its_own_line(tmp_path: Path) -> None:
    def entry(number: str, credited: str) -> dict[str, Any]:
        return row("bank_entries", period=FIRST, shop="", bank_account="2", entry_id=number, reference=f"P{number}",
                   amount=Decimal(credited), original_amount=Decimal(100), original_currency="USD")

    payouts = [row("payouts", period=FIRST, entity="abroad", shop="us", provider="card", payout_id=f"P{n}", currency="USD",
                   amount=Decimal(100)) for n in "12"]
    store = run(tmp_path, [FIRST], {"payouts": payouts, "bank_entries": [entry("1", "708"), entry("2", "650")]},
                accounts={"66": {"measure": "fx_gain_loss", "bank_account": "2"}})
    assert found(store, FIRST, "payout_bank") == {"P2/fx": ("currency", Decimal(60))}
    gains = {r["key"]: r["amount"] for r in store.read("payout_bank", FIRST).to_pylist() if r["kind"] == "fx_gain_loss"}
    assert gains == {"P1/fx": Decimal(-2)}
    assert found(store, FIRST, "ledger") == {f"66/{FIRST}": ("missing_right", Decimal(2))}


@pytest.mark.slow
def test_a_declared_policy_explains_its_own_share_and_nothing_else(tmp_path: Path) -> None:
    def booked(account: str, amount: str) -> dict[str, Any]:
        return row("journal_lines", period=FIRST, voucher="1", line_no="1", account=account, debit=Decimal(0),
                   credit=Decimal(0), amount=-Decimal(amount))

    store = run(
        tmp_path, [FIRST],
        {"orders": [order(FIRST, "books", "1", "100")], "journal_lines": [booked("60", "98"), booked("61", "97.5")]},
        accounts={code: {"measure": "sales", "shop": "tb"} for code in ("60", "61")},
        policy_changes=[{"leg": "ledger", "from_day": FIRST, "description": "net of returns", "percent": "2"}],
    )
    causes = {key: cause for key, (cause, _) in found(store, FIRST, "ledger").items()}
    assert causes["60/2026-03-01"] == "policy_change" != causes["61/2026-03-01"]


@pytest.mark.slow
def test_five_orders_in_a_row_that_the_platform_lacks_are_a_gap(tmp_path: Path) -> None:
    def at(line: dict[str, Any], minute: int) -> dict[str, Any]:
        return {**line, "occurred_at": dt.datetime(2026, 3, 1, 4, minute)}  # noqa: DTZ001 - naive UTC by contract

    lacking = {3, 4, 5, 6, 7, 10}
    lines = [at(order(FIRST, "books", str(n), "10"), n) for n in range(12)]
    lines += [at(order(FIRST, "platform", str(n), "10"), n) for n in range(12) if n not in lacking]
    store = run(tmp_path, [FIRST, NEXT], {"orders": lines})
    causes = {key: cause for key, (cause, _) in found(store, NEXT, "order_platform").items()}
    assert causes == {f"tb/{n}/1": "missing_right" if n == 10 else "system_outage" for n in lacking}


@pytest.mark.slow
def test_records_without_an_order_number_stand_by_themselves(tmp_path: Path) -> None:
    def nameless(table: str, number: str, amount: str, **more: Any) -> dict[str, Any]:
        return row(table, period=FIRST, provider="alipay", transaction_id=number, order_id="", amount=Decimal(amount),
                   fee=Decimal(0), **more)

    def entry(number: str, kind: str, amount: str, line: int) -> dict[str, Any]:
        return row("settlements", period=FIRST, provider="alipay", entry_id=number, transaction_id="", order_id="", kind=kind,
                   amount=Decimal(amount), line=line)

    refunds = [nameless("refunds", "", "140", origin="provider", refund_id="R1", sku="", line=7),
               nameless("refunds", "", "3", origin="provider", refund_id="", sku="", line=8),
               nameless("refunds", "T9", "4", origin="provider", refund_id="", sku="", line=9)]
    store = run(tmp_path, [FIRST], {
        "orders": [order(FIRST, "books", "1", "9")],
        "payments": [nameless("payments", f"T{n}", amount) for n, amount in enumerate(("50", "70", "20"))],
        "refunds": refunds,
        "returns": [row("returns", period=FIRST, return_id=n, refund_id="", order_id="", sku="", quantity=Decimal(1),
                        amount=Decimal(amount)) for n, amount in (("B1", "140"), ("", "7"))],
        "settlements": [entry("E1", "sale", "30", 1), entry("E2", "refund", "-30", 2), entry("", "fee", "-1", 3)],
    }, rate_cards=[{"kind": "fee", "provider": "alipay", "from_day": FIRST, "percent": "0"}])

    def amounts(leg: str) -> dict[str, Decimal]:
        return {key: difference for key, (_, difference) in found(store, FIRST, leg).items()}

    assert amounts("order_payment") == {
        "tb/1": Decimal(9), "tb/transaction/T0": Decimal(-50), "tb/transaction/T1": Decimal(-70),
        "tb/transaction/T2": Decimal(-20), "tb/refund/R1": Decimal(140), "tb/row/f:8": Decimal(3), "tb/transaction/T9": Decimal(4),
    }
    assert amounts("return_refund") == {
        "tb/R1": Decimal(-140), "tb/return/B1": Decimal(140), "tb/row/f:1": Decimal(7), "tb/row/f:8": Decimal(-3),
        "tb/transaction/T9": Decimal(-4),
    }
    assert {k: v for k, v in amounts("payment_settlement").items() if "/entry/" in k or "/row/" in k} == {
        "alipay/entry/E1": Decimal(-30), "alipay/entry/E2": Decimal(30), "alipay/row/f:3": Decimal(1),
        "alipay/row/f:7": Decimal(-140), "alipay/row/f:8": Decimal(-3),
    }
    assert amounts("fee") == {"alipay/row/f:3/fee": Decimal(-1)}
    assert not any(r["key"][-3:] == "tb/" for r in store.read("customer", FIRST).to_pylist())


def test_a_key_whose_last_part_is_empty_stops_the_books(tmp_path: Path) -> None:
    with pytest.raises(ConservationError, match="keys_are_whole"):
        core.run(tmp_path, [core.claim("order_payment", "tb/", "left", 5, 0)], 1)


@pytest.mark.slow
def test_five_in_a_row_may_be_chance_where_one_order_in_three_is_never_paid(tmp_path: Path) -> None:
    def at(line: dict[str, Any], minute: int) -> dict[str, Any]:
        return {**line, "occurred_at": dt.datetime(2026, 3, 1, 4, minute)}  # noqa: DTZ001 - naive UTC by contract

    unpaid = {"often": {*(n for n in range(45) if n % 3 == 0), *range(20, 25)}, "seldom": {3, *range(20, 25)}}
    lines, paid = [], []
    for shop in unpaid:
        lines += [at(order(FIRST, "books", str(n), str(10 + n)), n) | {"shop": shop} for n in range(45)]
        paid += [at(payment(FIRST, str(n), str(10 + n)), n) | {"shop": shop} for n in range(45) if n not in unpaid[shop]]
    store = run(tmp_path, [FIRST, NEXT], {"orders": lines, "payments": paid}, expected=[],
                shops={shop: {"platform": "own", "provider": "alipay"} for shop in unpaid})
    causes: dict[str, set[str]] = {}
    for key, (cause, _) in found(store, NEXT, "order_payment").items():
        shop, number = key.split("/")
        if int(number) in range(20, 25):
            causes.setdefault(shop, set()).add(cause)
    assert causes == {"often": {"unexplained"}, "seldom": {"system_outage"}}


@pytest.mark.slow
def test_money_is_drawn_taken_back_and_collected_as_it_was_announced_whatever_the_split(tmp_path: Path) -> None:
    """A debit is a payout's only while a negative one of its amount is open; a dispute is the order's; what was sent unpaid is due."""
    periods = days(FIRST, FIRST + dt.timedelta(days=2))

    def payout(day: int, name: str, amount: str) -> dict[str, Any]:
        return row("payouts", period=periods[day], provider="card", payout_id=name, amount=Decimal(amount))

    def bank(day: int, entry: str, amount: str, reference: str = "", remark: str = "") -> dict[str, Any]:
        return row("bank_entries", period=periods[day], shop="", bank_account="1", entry_id=entry, amount=Decimal(amount),
                   reference=reference, remark=remark)

    sent = order(FIRST, "books", "7", "20") | {"paid_at": None, "status": "shipped"}
    asked = order(FIRST, "books", "8", "20") | {"paid_at": None, "status": "unpaid"}
    data = {
        "payouts": [payout(0, "P1", "-37"), payout(0, "P2", "-50"), payout(0, "P3", "60"), payout(0, "PO-2026-40", "44"),
                    payout(0, "PO-2026-50", "45") | {"currency": "EUR"}],
        "bank_entries": [bank(0, "rent", "-900"), bank(1, "a", "-37"), bank(1, "b", "-50", "P2"), bank(2, "c", "-50"),
                         bank(2, "d", "60", "P3"), bank(1, "e", "44", remark="payout po2026 40"), bank(2, "f", "345", remark="PO-2026-50")],
        "orders": [sent, asked, *(order(FIRST, "books", name, "20") for name in ("5", "6"))],
        "payments": [payment(FIRST, name, "20") for name in ("5", "6")],
        "settlements": [row("settlements", period=NEXT, provider="alipay", entry_id="e", transaction_id="T5", order_id="5", kind="dispute",
                            amount=Decimal(-20))],
    }
    whole = run(tmp_path / "whole", periods, data)
    daily = Store(tmp_path / "daily")
    fill(daily, periods, data)
    for part in in_parts(periods):
        with Session(books(tmp_path / "daily"), daily, part) as session:
            reconcile(session)
    for period in periods:
        assert whole.read("variances", period).equals(daily.read("variances", period)), period
    assert {r["key"]: r["amount"] for p in periods for r in whole.read("payout_bank", p).to_pylist() if r["side"] == "right"} == {
        "bank/1/a": -37, "P2": -50, "P3": 60, "PO-2026-40": 44, "PO-2026-50": 345}
    left = [r for r in whole.read("variances", periods[2]).to_pylist() if r["leg"] == "payout_bank"]
    assert {(r["key"], r["currency"], r["cause"]) for r in left} == {
        ("P1", "CNY", "wrong_reference"), ("bank/1/a", "CNY", "wrong_reference"),
        ("PO-2026-50", "EUR", "fx_difference"), ("PO-2026-50", "CNY", "fx_difference"),
    }
    assert found(whole, periods[2], "order_payment") == {"tb/5": ("chargeback", Decimal(20)), "tb/7": ("timing", Decimal(20))}


@pytest.mark.slow
def test_refunds_whose_ids_only_the_provider_knows_go_by_their_order(tmp_path: Path) -> None:
    shops = {"st": {"platform": "own", "provider": "stripe"}, "tb": {"platform": "taobao", "provider": "alipay"}}
    rows = [refund(FIRST, origin, number, "30", "refund_only") | {"shop": shop, "order_id": "9"}
            for shop in shops for origin, number in (("books", "RB9"), ("provider", "re_9"))]
    store = run(tmp_path, [FIRST], {"refunds": rows, "payments": [payment(FIRST, "9", "30") | {"shop": "st"}]}, shops=shops, expected=[])
    assert found(store, FIRST, "return_refund") == {
        "tb/RB9": ("timing", Decimal(30)), "tb/re_9": ("timing", Decimal(-30))}


EVENT = st.tuples(st.sampled_from(["books", "paid", "refund", "return", "settled"]), st.integers(0, 1), st.integers(0, 2),
                  st.integers(1, 3), st.booleans())


@pytest.mark.slow
@settings(max_examples=examples(1, 12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=various(EVENT, 8, 14))
def test_records_of_different_entities_never_match(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, int, int, int, bool]]
) -> None:
    """Two entities use the same ids: what is found for one is what is found when the other does not exist."""
    periods = [FIRST, NEXT]
    card = {"kind": "fee", "provider": "alipay", "from_day": FIRST, "percent": "10"}

    def table(kind: str, day: int, number: int, amount: int) -> tuple[str, dict[str, Any]]:
        period, name, money = periods[day], str(number), str(amount)
        if kind == "books":
            return "orders", order(period, "books", name, money)
        if kind == "paid":
            return "payments", payment(period, name, money)
        if kind == "refund":
            return "refunds", refund(period, "provider", name, money)
        if kind == "settled":
            return "settlements", charge(period, f"T{name}", money)
        return "returns", row("returns", period=period, return_id=name, refund_id=name, order_id=name, sku="A",
                              quantity=Decimal(1), amount=Decimal(money))

    def data(entities: set[str]) -> dict[str, list[dict[str, Any]]]:
        filled: dict[str, list[dict[str, Any]]] = {}
        for kind, day, number, amount, abroad in events:
            entity = "abroad" if abroad else "demo"
            if entity in entities:
                name, values = table(kind, day, number, amount)
                filled.setdefault(name, []).append({**values, "entity": entity})
        return filled

    def items(entities: set[str]) -> list[dict[str, Any]]:
        store = run(tmp_path_factory.mktemp("entities"), periods, data(entities), rate_cards=[card])
        return sorted((r for period in periods for r in store.read("variances", period).to_pylist()), key=str)

    together = items({"demo", "abroad"})
    for entity in ("demo", "abroad") if THOROUGH else ("demo",):
        assert [r for r in together if r["entity"] == entity] == [r for r in items({entity}) if r["entity"] == entity]

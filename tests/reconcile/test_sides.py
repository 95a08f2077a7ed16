"""A leg is run where both its sides are supplied, and said not to be where one never was; whatever the split of the range."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duizhang.books import Books
from duizhang.digest import table_digest
from duizhang.home import published
from duizhang.home.store import Store, days
from duizhang.reconcile import Session, reconcile
from duizhang.reconcile.matching import prepare_matching
from duizhang.reconcile.sides import declared_sides
from duizhang.report.order_life import items_of
from tests.reconcile import oracle
from tests.reconcile.test_engine import FIRST, KEPT, fill, found, order, payment, row
from tests.thoroughness import THOROUGH, examples, in_parts, various

TABLES = (*KEPT, "legs_not_run", "clearings")


def books(root: Path, expected: tuple[str, ...] = (), **more: Any) -> Books:
    return Books.model_validate({
        "root": root, "entity": "demo", "start": FIRST,
        "shops": {"tb": {"platform": "taobao", "provider": "alipay"}, "jd": {"platform": "jd", "provider": "jdpay"}},
        "expected": [{"source": source, "shop": "tb"} for source in expected], **more,
    })


def run(
    root: Path, periods: list[dt.date], data: dict[str, list[dict[str, Any]]], expected: tuple[str, ...] = (),
    *, daily: bool = False, **more: Any,
) -> Store:
    store = Store(root)
    fill(store, periods, data)
    for part in in_parts(periods) if daily else [periods]:
        with Session(books(root, expected, **more), store, part) as session:
            reconcile(session)
    return store


def not_run(store: Store, period: dt.date) -> set[tuple[str, str, str, str]]:
    return {(r["leg"], r["shop"], r["missing"], r["wanted"]) for r in store.read("legs_not_run", period).to_pylist()}


def items(store: Store, period: dt.date) -> dict[tuple[str, str], tuple[str, Decimal]]:
    return {(r["leg"], r["key"]): (r["cause"], r["difference"]) for r in store.read("variances", period).to_pylist()}


@pytest.mark.slow
def test_a_source_is_known_by_its_tables_and_not_by_its_name(tmp_path: Path) -> None:
    store = run(tmp_path, [FIRST], {"orders": [order(FIRST, "books", "1", "50")], "payments": [payment(FIRST, "1", "50")]},
                ("books_orders", "alipay_trade"))
    assert items(store, FIRST) == {}
    assert not_run(store, FIRST) == {
        ("order_platform", "tb", "right", "orders"), ("order_shipment", "tb", "right", "shipments"),
        ("finance", "tb", "right", "platform_statements"), ("payment_settlement", "tb", "right", "settlements"),
    }


@pytest.mark.slow  # also among the first days of companies, below
def test_a_shop_without_orders_of_its_own_goes_by_those_of_its_platform(tmp_path: Path) -> None:
    store = run(tmp_path, [FIRST], {
        "orders": [order(FIRST, "platform", "1", "200"), order(FIRST, "platform", "2", "30")],
        "payments": [payment(FIRST, "1", "100"), payment(FIRST, "2", "30")],
    })
    assert found(store, FIRST, "order_payment").keys() == {"tb/1"}
    assert found(store, FIRST, "order_payment")["tb/1"][1] == Decimal(100)
    assert ("order_platform", "tb", "left", "orders") in not_run(store, FIRST)
    assert not {leg for leg, *_ in items(store, FIRST)} & {"order_platform"}


@pytest.mark.slow
def test_one_shop_without_a_side_does_not_stop_another(tmp_path: Path) -> None:
    lines = [order(FIRST, "books", "1", "5"), {**order(FIRST, "books", "2", "7"), "shop": "jd"}]
    store = run(tmp_path, [FIRST], {"orders": lines, "payments": [payment(FIRST, "9", "5")]})
    assert found(store, FIRST, "order_payment").keys() == {"tb/1", "tb/9"}
    assert ("order_payment", "jd") in {(leg, shop) for leg, shop, *_ in not_run(store, FIRST)}
    assert ("order_payment", "tb") not in {(leg, shop) for leg, shop, *_ in not_run(store, FIRST)}


def test_first_days_of_companies_as_they_are(tmp_path: Path) -> None:
    """Platform orders alone are held against payments; rows without an order number stand by themselves, though they would net; a
    carrier's bill is in the carrier's currency; a margin is one by the dated rate; moves that a shop is to supply are no opening."""
    price = {"platform_discount": Decimal(0), "shop_discount": Decimal(0)}
    sold = order(FIRST, "platform", "70", "30") | price | {"shop": "us", "currency": "USD", "sku": "B"}
    unknown = [payment(FIRST, name, amount) | {"order_id": "", "transaction_id": name}
               for name, amount in (("a", "50"), ("b", "70"), ("c", "20"))]
    store = run(tmp_path, [FIRST], {
        "orders": [order(FIRST, "platform", "1", "200"), sold],
        "payments": [payment(FIRST, "1", "100"), payment(FIRST, "70", "30") | {"shop": "us", "currency": "USD"}, *unknown],
        "refunds": [row("refunds", period=FIRST, origin="provider", provider="alipay", refund_id="", transaction_id="r", order_id="",
                        amount=Decimal(140))],
        "skus": [row("skus", period=FIRST, sku="B", cost=Decimal(60), weight=Decimal(1))],
        "shipments": [row("shipments", period=FIRST, shop="us", order_id="70", sku="B", quantity=Decimal(1), carrier="SF",
                          tracking_number="7")],
        "freight_charges": [row("freight_charges", period=FIRST, shop="", carrier="SF", tracking_number="7", weight=Decimal(1),
                                amount=Decimal(10))],
        "stock_snapshots": [row("stock_snapshots", period=FIRST, origin="warehouse", warehouse="W", sku="B", quantity=Decimal(5))],
    }, shops={"tb": {"platform": "taobao", "provider": "alipay"}, "us": {"platform": "own", "provider": "card", "currency": "USD"}},
        rate_cards=[{"kind": "freight", "provider": "SF", "from_day": FIRST, "first_weight": "1", "first_price": "10"}],
        fx_rates=[{"base": "USD", "quote": "CNY", "from_day": FIRST, "rate": "7"}], expected=("wms_moves",))
    assert {key: difference for (leg, key), (_, difference) in items(store, FIRST).items() if leg == "order_payment"} == {
        "tb/1": 100, "tb/transaction/a": -50, "tb/transaction/b": -70, "tb/transaction/c": -20, "tb/transaction/r": 140}
    assert {leg for leg, _ in items(store, FIRST)} <= {"order_payment", "customer", "return_refund", "order_shipment"}
    assert {r for r in not_run(store, FIRST) if r[0] == "order_platform"} == {
        ("order_platform", shop, "left", "orders") for shop in ("tb", "us")}
    assert store.read("anomalies", FIRST).filter(pc.field("measure") == "sold_below_cost").num_rows == 0


@pytest.mark.slow
@pytest.mark.parametrize("daily", [pytest.param(False, marks=pytest.mark.slow), True])
def test_what_may_belong_to_days_before_both_sides_were_there_is_told_so(tmp_path: Path, *, daily: bool) -> None:
    """An order of before the first payment waits for it, unless most of its day and shop are answered; a payment of an order that nobody
    has is told, and what is not paid of a day of which nothing is answered is not."""
    periods = days(FIRST, FIRST + dt.timedelta(days=4))
    orders = [order(p, "books", f"{n}{m}", "10") for n, p in enumerate(periods) for m in range(3)]
    # the provider's files begin on the third day, with payments of the orders of the second; one order of that day is not paid
    paid = [payment(p, f"{n + 1}{m}", "10") for n, p in enumerate(periods[2:]) for m in range(3) if (n, m) != (0, 2)]
    store = run(tmp_path, periods, {"orders": orders, "payments": [*paid, payment(periods[2], "99", "7")]}, daily=daily,
                sla_days={"order_payment": 2})
    assert {(shop, missing) for leg, shop, missing, _ in not_run(store, periods[1]) if leg == "order_payment"} == {("tb", "right")}
    late = {key: cause for (leg, key), (cause, _) in items(store, periods[4]).items() if leg == "order_payment"}
    assert {key: cause for key, cause in late.items() if cause != "timing"} == {
        "tb/99": "before_start", "tb/12": "missing_right"}, "what was there is claimed"
    (told,) = [r for r in store.read("variances", periods[4]).to_pylist() if r["leg"] == "order_payment" and r["key"] == "tb/99"]
    assert [c["cause"] for c in json.loads(told["candidates"])] == ["missing_left"]


@pytest.mark.slow
@pytest.mark.parametrize("daily", [pytest.param(False, marks=pytest.mark.slow), True])
def test_payouts_wait_for_the_first_statement_of_the_bank_and_are_not_run_without_any(tmp_path: Path, *, daily: bool) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=9))
    paid_out = [row("payouts", period=p, payout_id=f"P{n}", amount=Decimal(100 + n), provider="alipay",
                    occurred_at=dt.datetime(p.year, p.month, p.day, 4)) for n, p in enumerate(periods)]  # noqa: DTZ001
    accounts: dict[str, Any] = {"bank_accounts": {"1": "demo"}, "sla_days": {"payout_bank/alipay": 2}}
    never = run(tmp_path / "never", periods, {"payouts": paid_out}, daily=daily and THOROUGH, **accounts)
    assert [r for r in items(never, periods[9]) if r[0] == "payout_bank"] == [], "no statement, no item"
    assert ("payout_bank", "", "right", "bank_entries") in not_run(never, periods[9])
    # the statements begin on the ninth day: the first payout has had its days, the next may have come before it, the others are there
    lines = [row("bank_entries", period=periods[8], bank_account="1", entry_id=f"E{n}", reference=f"P{n}", amount=Decimal(100 + n))
             for n in range(4, 8)]
    store = run(tmp_path / "late", periods, {"payouts": paid_out, "bank_entries": lines}, daily=daily, **accounts)
    assert [r for r in items(store, periods[7]) if r[0] == "payout_bank"] == []
    late = {key: cause for (leg, key), (cause, _) in items(store, periods[9]).items() if leg == "payout_bank"}
    assert late == {**dict.fromkeys(("P1", "P2", "P3"), "timing"), "P8": "timing", "P9": "timing"}


def test_what_is_paid_elsewhere_is_so_in_the_languages_of_platforms() -> None:
    con = duckdb.connect()
    prepare_matching(con)
    said = ("Geschenkkarte", "Carte cadeau", "Contra reembolso", "Bonifico bancario", "Cadeaubon", "Pobranie", "銀行振込",
            "무통장입금", "貨到付款", "Наложенный платёж", "klarna", "SOFORT Überweisung", "支付宝", "visa")
    found = [con.execute("select is_paid_elsewhere(?)", [words]).fetchone() for words in said]
    assert found == [(True,)] * 10 + [(False,)] * 4


@pytest.mark.parametrize("sla", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_an_expected_file_that_has_nothing_for_a_day_is_one_item_of_that_day(tmp_path: Path, sla: int) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=2))
    lines = [order(p, "books", f"{n}-{i}", str(10 + i)) for n, p in enumerate(periods) for i in range(6)]
    paid = [payment(p, f"{n}-{i}", str(10 + i)) for n, p in enumerate(periods) for i in range(6) if n != 1]
    store = run(tmp_path, periods, {"orders": lines, "payments": paid}, ("books_orders", "alipay_trade"),
                sla_days={"order_payment": sla, "customer": sla})
    opened = {key: value for (leg, key), value in items(store, periods[2]).items() if leg == "order_payment"}
    if sla > 1:  # a day without rows proves nothing where more days are given
        assert len(opened) == 6
        return
    assert opened == {f"tb/absent/alipay_trade/{periods[1]}": ("missing_source", Decimal(75))}
    assert items(store, periods[1])["order_payment", f"tb/absent/alipay_trade/{periods[1]}"][0] == "missing_source"


@pytest.mark.slow
@pytest.mark.parametrize("daily", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_declared_source_that_never_had_a_row_is_one_item_until_it_answers(tmp_path: Path, *, daily: bool) -> None:
    """Fails if a shared account, whose files nobody supplied, opens an item for each order: they are one fault, of the account."""
    periods = days(FIRST, FIRST + dt.timedelta(days=3))
    orders = [order(p, "books", f"{n}-{i}", "10") | {"customer": f"c{n}{i}", "line": 10 * n + i}
              for n, p in enumerate(periods) for i in range(6)]
    # the account begins on the last day, with payments of the orders of the day before, all but one, and of one of the first
    paid = [payment(periods[3], name, "10") | {"shop": "pay", "line": 99} for name in ("0-0", *(f"2-{i}" for i in range(5)))]
    store = run(tmp_path, periods, {"orders": orders, "payments": paid}, daily=daily,
                shared_accounts={"pay": {"provider": "alipay", "shops": ["tb", "jd"]}})
    missing = "tb/unsupplied/pay/" + str(FIRST)

    def told(period: dt.date) -> dict[tuple[str, str], tuple[str, Decimal]]:
        return {k: v for k, v in items(store, period).items() if v[0] != "timing"}

    both = ("order_payment", missing), ("customer", missing)
    assert told(periods[0]) == {}
    assert told(periods[2]) == dict.fromkeys(both, ("missing_source", Decimal(120))), "what is due, and no order of it by itself"
    assert len({r["event"] for r in store.read("event_items", periods[2]).to_pylist() if r["cause"] != "timing"}) == 1
    assert told(periods[3])["order_payment", missing] == ("missing_source", Decimal(110)), "what is answered is no part of it"
    with duckdb.connect(str(tmp_path / "published.duckdb")) as con:
        for name in ("variances", "recon_summary"):
            store.view(con, name, periods, published.TABLES[name])
            con.execute(f'create table "_{name}" as select * from "{name}"; drop view "{name}"; alter table "_{name}" rename to "{name}"')
    assert {i["key"] for i in items_of(tmp_path, "0-3") if i["leg"] == "order_payment"} == {missing}, "each of its orders is told"
    assert not [i for i in items_of(tmp_path, "0-0") if i["is_open"]], "and one that is answered is in none"
    assert {k[1] for k, (cause, _) in told(periods[3]).items() if k[0] == "order_payment" and cause == "missing_right"} == {"tb/2-5"}


@pytest.mark.slow
def test_a_statement_without_rows_is_dated_by_its_day(tmp_path: Path) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=2))
    lines = [order(p, "books", str(n), "100") for n, p in enumerate(periods)]
    stated = [row("platform_statements", period=p, measure="revenue", amount=Decimal(amount))
              for p, amount in ((periods[0], "99.5"), (periods[2], "100"))]
    store = run(tmp_path, periods, {"orders": lines, "platform_statements": stated},
                ("books_orders", "alipay_trade", "platform_statement"))
    (missing,) = [r for r in store.read("variances", periods[2]).to_pylist() if r["key"] == "tb/revenue"]
    assert (missing["first_seen"], missing["age_days"], missing["cause"]) == (periods[1], 1, "missing_source")
    assert missing["difference"] == Decimal("100.5")
    [claim] = json.loads(missing["evidence"])
    assert claim["claimed"] == str(periods[1])
    assert claim["because"] == "lines of 100.0000 on days without a statement, and 0.5000 of other lines", "they make up the difference"


@pytest.mark.slow
@pytest.mark.parametrize("daily", [pytest.param(False, marks=pytest.mark.slow), True])
def test_snapshots_without_moves_are_not_run_and_leave_nothing_open(tmp_path: Path, *, daily: bool) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=3))
    seen = [row("stock_snapshots", period=p, origin="warehouse", warehouse="W", sku="A", quantity=Decimal(q))
            for p, q in zip(periods, (100, 90, 70, 60), strict=True)]
    sold = [row("stock_moves", period=p, warehouse="W", sku="A", move_id=str(p), kind="sale_out", quantity=Decimal(q))
            for p, q in ((periods[2], -20), (periods[3], -7))]
    store = run(tmp_path, periods, {"stock_snapshots": seen, "stock_moves": sold}, daily=daily)
    for period in periods[:3]:
        assert items(store, period) == {}, period
    for period in periods[:2]:
        assert not_run(store, period) == {("stock", "W", "left", "stock_moves")}, period
    # from the first move on what the warehouse says is held against what moved
    assert items(store, periods[3])["stock", "W/A/snapshot"][1] == 3
    assert not_run(store, periods[3]) == set()


EVENT = st.tuples(st.sampled_from(["books", "platform", "paid", "settled", "stated"]), st.integers(0, 3), st.sampled_from(["tb", "jd", ""]),
                  st.integers(0, 2), st.integers(1, 3))


@pytest.mark.slow
@settings(max_examples=examples(1, 8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=various(EVENT, 8, 14), expected=st.sets(st.sampled_from(["books_orders", "alipay_trade", "platform_statement"])))
def test_a_side_that_comes_late_gives_the_same_in_any_split(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, int, str, int, int]], expected: set[str]
) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=3))
    data: dict[str, list[dict[str, Any]]] = {"orders": [], "payments": [], "settlements": [], "platform_statements": []}
    for kind, day, shop, number, amount in events:
        period, name, money = periods[day], str(number), str(amount)
        if kind == "paid":
            data["payments"].append({**payment(period, name, money), "shop": shop})
        elif kind == "settled":
            data["settlements"].append(row(
                "settlements", period=period, shop=shop, provider="alipay", entry_id=name, transaction_id=f"T{name}", order_id=name,
                kind="sale", amount=Decimal(money)))
        elif kind == "stated":
            data["platform_statements"].append(row(
                "platform_statements", period=period, shop=shop, measure="revenue", amount=Decimal(money)))
        else:
            data["orders"].append({**order(period, kind, name, money), "shop": shop})
    named = tuple(sorted(expected))
    whole = run(tmp_path_factory.mktemp("range"), periods, data, named)
    daily = run(tmp_path_factory.mktemp("daily"), periods, data, named, daily=True)
    for period in periods:
        for table in TABLES:
            assert whole.read(table, period).equals(daily.read(table, period)), (table, period)
    # by plain dictionaries: a payment counts from the day on which orders of its shop are there, and the other way round
    declared = {"tb"} if "books_orders" in expected else set()
    paid_for = {"tb"} if "alipay_trade" in expected else set()

    def first(kinds: set[str], shop: str, given: set[str]) -> int:
        known = [day for kind, day, of, *_ in events if kind in kinds and (of == shop or "" in (of, shop))]
        return 0 if given & {shop} or (given and shop == "") else min(known, default=9)

    for shop in ("tb", "jd", ""):
        since = {"right": first({"books", "platform"}, shop, declared), "left": first({"paid"}, shop, paid_for)}
        for period_number, period in enumerate(periods):
            claims = [c for c in whole.read("order_payment", period).to_pylist() if c["shop"] == shop]
            sides = {c["side"] for c in claims}
            assert all(since[side] <= period_number for side in sides), (shop, period, since)
            if any(k == "paid" and d == period_number and s == shop for k, d, s, *_ in events) and since["right"] <= period_number:
                assert "right" in sides


@pytest.mark.slow
@settings(max_examples=examples(1, 8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=various(st.tuples(
    st.sampled_from(["left", "right", "right"]), st.integers(3, 40), st.sampled_from(["tb", "jd"]), st.integers(1, 4),
    st.sampled_from([5, 7, -3]),
), 12, 20))
def test_what_waits_is_claimed_as_plain_dictionaries_say_in_any_split(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, int, str, int, int]]
) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=40))
    data: dict[str, list[dict[str, Any]]] = {"orders": [], "payments": [], "refunds": []}
    claims = []
    # of the first day: a refund of our own, so that the provider's stand for no other, and orders that a payment names after three weeks,
    # that one names too late, and that only a refund names
    sure = [*(("own", 0, shop, 9, -1) for shop in ("tb", "jd")), *(("left", 0, "tb", n, 5) for n in (5, 6, 7)),
            ("right", 20, "tb", 5, 5), ("right", 39, "tb", 6, 5), ("right", 19, "tb", 7, -3)]
    for side, day, shop, number, amount in (*sure, *events):
        period, name, received = periods[day], str(number), Decimal(abs(amount) if side == "left" else amount)
        if side == "left":
            data["orders"].append({**order(period, "books", name, str(received)), "shop": shop})
        elif received > 0:
            data["payments"].append({**payment(period, name, str(received)), "shop": shop})
        else:
            origin, side = ("books", "left") if side == "own" else ("provider", side)
            data["refunds"].append(row("refunds", period=period, shop=shop, origin=origin, provider="alipay", refund_id="", order_id=name,
                                       transaction_id="", amount=-received))
        claims.append({"shop": shop, "side": side, "key": f"{shop}/{name}", "period": period, "amount": received})
    expected = sorted((c["period"], c["key"], c["side"], c["amount"]) for c in oracle.answered(claims, 14, 31))
    assert {(periods[20], "tb/5", "left", 5)} == {e for e in expected if e[1] in ("tb/5", "tb/6", "tb/7") and e[2] == "left"}
    for name, daily in (("range", False), ("daily", True))[not THOROUGH :]:
        store = run(tmp_path_factory.mktemp(name), periods, data, daily=daily)
        told = sorted((p, c["key"], c["side"], c["amount"]) for p in periods for c in store.read("order_payment", p).to_pylist())
        assert told == expected


def test_an_account_that_books_a_statement_is_a_side_of_its_own(tmp_path: Path) -> None:
    """Fails if a day without rows of the wallet is called the statement's, or the wallet settles what the statement does."""
    declared = declared_sides(books(tmp_path, ("shopee_income", "shopee_wallet"))).to_pylist()
    assert {r["source"]: r["channel"] for r in declared if (r["leg"], r["side"]) == ("payment_settlement", "right")} == {
        "shopee_income": "", "shopee_wallet": "shopee_wallet",
    }


@pytest.mark.slow
@pytest.mark.parametrize("daily", [False, True])
def test_what_a_platform_released_is_held_against_its_account_from_the_day_on_which_that_is_known(tmp_path: Path, *, daily: bool) -> None:
    """Fails if released income that never reaches the wallet makes no item, or a wallet that nobody supplied makes any."""
    periods = days(FIRST, FIRST + dt.timedelta(days=4))

    def line(number: int, provider: str, kind: str, amount: str, order_id: str) -> dict[str, Any]:
        return row("settlements", period=periods[number], shop="tb", provider=provider, entry_id=f"{provider}{kind}{order_id}", kind=kind,
                   transaction_id=order_id, order_id=order_id, amount=Decimal(amount))

    def sold(number: int, *orders: str) -> list[dict[str, Any]]:
        return [line(number, "shopee", kind, amount, o) for o in orders for kind, amount in (("sale", "100"), ("commission", "-8"))]

    settlements = [
        *sold(0, "before"), *sold(1, "good", "lost"), line(1, "shopee_wallet", "released", "92", "good"),
        *sold(2, "short"), line(2, "shopee_wallet", "released", "90", "short"), line(2, "shopee_wallet", "transfer", "-5", "short"),
        *sold(4, *(f"silent{n}" for n in range(5))),
    ]
    store = run(tmp_path, periods, {"settlements": settlements}, ("shopee_income", "shopee_wallet"), daily=daily)
    found = {key: item for (leg, key), item in items(store, periods[-1]).items() if leg == "payment_settlement" and "wallet" in key}
    absent = [key for key in found if "/absent/" in key]
    assert [key.split("/")[-2] for key in absent] == ["shopee_wallet"]
    assert {key: item for key, item in found.items() if key not in absent} == {
        "shopee_wallet/lost": ("missing_right", Decimal(92)), "shopee_wallet/short": ("unexplained", Decimal(2)),
    }


@pytest.mark.slow
def test_a_refund_that_our_bank_paid_before_it_is_booked_clears_when_it_is_and_in_parts_as_in_one_pass(tmp_path: Path) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=5))

    def booked(day: int, refund_id: str, order_id: str, amount: str) -> dict[str, Any]:
        return row("refunds", period=periods[day], origin="books", refund_id=refund_id, order_id=order_id, amount=Decimal(amount),
                   kind="refund_only", fee=Decimal(0))

    def debit(day: int, line: int, remark: str, amount: str) -> dict[str, Any]:
        return row("bank_entries", period=periods[day], shop="", file="b", line=line, bank_account="1", entry_id=f"B{line}", reference="",
                   counterparty="", remark=remark, amount=Decimal(amount))

    numbers = ("ORD-10000001", "ORD-10000002", "ORD-10000003", "ORD-10000004")
    data = {
        "orders": [order(FIRST, "books", number, "100") for number in numbers],
        "payments": [payment(FIRST, number, "100") for number in numbers],
        "refunds": [booked(1, "RF-00000001", numbers[3], "10"), booked(4, "RF-00000002", numbers[0], "30")],
        "bank_entries": [debit(1, 1, numbers[3], "-10"), debit(2, 2, f"refund {numbers[0]}", "-30"), debit(2, 3, numbers[1], "-40"),
                         debit(2, 4, numbers[2], "-140"), debit(3, 5, "rent", "-500")],
    }
    made = [run(tmp_path / str(daily), periods, data, daily=daily) for daily in (False, True)]
    for store in made:
        wrong = {key: item for key, item in items(store, periods[3]).items() if key[0] in ("order_payment", "return_refund")}
        assert wrong == {("order_payment", f"tb/{numbers[0]}"): ("refund_unrecorded", Decimal(30)),
                         ("order_payment", f"tb/{numbers[1]}"): ("refund_unrecorded", Decimal(40))}
        wrong = {key: item for key, item in items(store, periods[5]).items() if key[0] in ("order_payment", "return_refund")}
        assert wrong == {("order_payment", f"tb/{numbers[1]}"): ("refund_unrecorded", Decimal(40))}
    one, other = ({(t, p): table_digest(store.read(t, p)) for t in TABLES for p in periods} for store in made)
    assert one == other

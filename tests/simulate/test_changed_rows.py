"""One raw row changed in every source at once: the pipeline finds, on every day and in every leg, exactly what a second opinion
adds up from the changed records, and nothing else. Every change stands in an order, parcel, account or SKU of its own, so
what leaked from one to another would show."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from duizhang.books import load_books
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import build_canonical
from duizhang.ingest.inbox import collect
from duizhang.reconcile import Session, reconcile
from duizhang.simulate import Plan, write_files
from duizhang.simulate.raw_rows import Records, build_records, jd_statement
from duizhang.simulate.sums import Totals, add_up
from duizhang.simulate.true_claims import UNIT
from duizhang.simulate.truth import open_keys
from duizhang.simulate.world import DAY, SHOPS, World, build_world
from tests.thoroughness import some

PLAN = Plan(days=4, orders_per_day=110, seed=11, break_rate=0)
FRESH = 1_000_000  # added to the number of an order whose row names another order
Opened = dict[int, dict[tuple[str, str, str, str], int]]
C = pl.col


@dataclass(frozen=True)
class Source:
    """Rows of one kind of raw file: where they are, which of them, and what each change sets. also: frames that the same
    raw row feeds."""

    frame: str
    where: pl.Expr
    amount: dict[str, pl.Expr]
    key: dict[str, pl.Expr]
    date: dict[str, pl.Expr]
    status: dict[str, pl.Expr] = field(default_factory=dict)
    also: str = ""


def _other(name: str) -> dict[str, pl.Expr]:
    return {name: "9" + C(name).str.slice(1)}


_LATER = {"day": C("day") + 1, "at": C("at") + DAY}
_MORE = {"amount": C("amount") + 7}
_ORDER = {**_other("order_id"), "o": C("o") + FRESH}
_FIRST = (C("shop_no") == 0) & (C("n") == 0) & C("is_paid") & ~C("in_parts") & ~C("two_parcels")
_DONE = {"status": pl.lit("completed")}


def _by(provider: str) -> pl.Expr:
    return C("provider") == provider


RECORDS = {
    "books_orders": Source("books", _FIRST, _MORE, _ORDER, _LATER, _DONE),
    "taobao_order_lines": Source("platform", _FIRST, _MORE, _ORDER, _LATER, _DONE),
    **{f"{name}_trade": Source("payments", _by(name) & ~C("in_parts"), _MORE, _ORDER, _LATER) for name in ("alipay", "wechat")},
    "platform_settlement": Source(
        "payments", _by("cardpay") & ~C("in_parts"), _MORE, _ORDER, _LATER, also="fund"),
    "books_refunds": Source("books_refunds", C("kind") == "refund_only", _MORE, _ORDER, _LATER),
    **{f"{name}_trade refunds": Source("provider_refunds", _by(name), _MORE, _ORDER, _LATER) for name in ("alipay", "wechat")},
    **{f"{name}_fund": Source("fund", _by(name) & (C("kind") == "sale"), _MORE, _other("txn"), {"at": C("at") + DAY})
       for name in ("alipay", "wechat")},
    "jd_settlement": Source("jd_bill", (C("fee_name") == "货款") & (C("service_id") == ""), _MORE, _other("order_id"), {
        "day": C("day") + 1}),
    "jd_settlement commission": Source("jd_bill", C("fee_name") == "佣金", _MORE, _other("order_id"), {"day": C("day") + 1}),
    "wms_moves": Source("shipments", (C("carrier") != "SF") & ~C("two_parcels"), {"quantity": C("quantity") + 1}, _ORDER,
                        {"ship_day": C("ship_day") + 1, "ship_at": C("ship_at") + DAY}),
    "wms_moves returns": Source("returns", pl.lit(value=True), _MORE, _other("refund_id"), {"day": C("day") + 1}),
    "sf_bill": Source("carrier", pl.lit(value=True), _MORE, {"tracking": "SF9" + C("tracking").str.slice(3)}, {"day": C("day") + 1}),
}
_HOME_BANK = ~C("abroad") & (C("reference") != "")
TOTALS = {
    "bank_mt940": Source("bank", _HOME_BANK, _MORE, _other("reference"), {"day": C("day") + 1}),
    "bank_mt940 without payout": Source("bank", C("reference") == "", _MORE, {}, {"day": C("day") + 1}),
    "kingdee_journal": Source("journal", C("booked_account") == "6001.01", {"debit": C("debit") + 7},
                              {"booked_account": pl.lit("6001.02")}, {"booked_day": C("booked_day") + 1}),
    "wms_count": Source("counts", C("day") == 2, {"counted": C("counted") + 1}, {}, {}),
    "shop_stock": Source("shop_stock", C("day") == 2, {"available": C("available") + 1}, {}, {}),
    "wms_snapshot": Source("snapshots", C("day") == 2, {"quantity": C("quantity") + 1}, {}, {}),
    "platform_statement": Source("statements", (C("measure") == "revenue") & (C("day") == 1), _MORE, {}, {}),
}
CHANGES = ("nothing", "amount", "key", "date", "status", "deletion", "duplication")
# a level that is stated twice, or not at all, says nothing new
LEVELS = {"counts", "shop_stock", "snapshots", "statements"}


def _change(holder: Records | Totals, world: World, name: str, source: Source, change: str, used: set[int]) -> World:
    """Change one row of the source in the middle of the range; the world knows the buyer of an order that was renamed."""
    frame: pl.DataFrame = getattr(holder, source.frame)
    if (change in ("deletion", "duplication") and source.frame in LEVELS) or change == "nothing":
        return world
    setting = {"amount": source.amount, "key": source.key, "date": source.date, "status": source.status}.get(change, {})
    if not setting and change not in ("deletion", "duplication"):
        return world
    day = C("booked_day") if source.frame == "journal" else C("day") if "day" in frame.columns else C("at") // DAY
    able = frame.with_row_index("place").filter(source.where & day.is_between(1, 2))
    if "o" in frame.columns:
        refunds = source.frame in ("books_refunds", "provider_refunds", "returns")
        able = able.filter(~C("o").is_in(list(used)) & C("o").is_in(world.refunds["o"].implode()).eq(refunds))
    assert able.height, f"no row of {name} to change"
    row = able.row(able.height // 2, named=True)
    used.add(row.get("o", -1))
    setattr(holder, source.frame, _changed(frame, pl.int_range(pl.len()) == row["place"], setting, change))
    if source.also:
        other: pl.DataFrame = getattr(holder, source.also)
        kinds = ["sale"] if change == "amount" else ["sale", "fee"]
        same = (C("o") == row["o"]) & (C("provider") == row["provider"]) & C("kind").is_in(kinds)
        setattr(holder, source.also, _changed(other, same, {k: v for k, v in setting.items() if k in other.columns}, change))
    if "o" in setting:
        renamed = world.orders.filter(C("o") == row["o"]).with_columns(o=C("o") + FRESH)
        world = replace(world, orders=pl.concat([world.orders, renamed]))
    return world


def _changed(frame: pl.DataFrame, hit: pl.Expr, setting: dict[str, pl.Expr], change: str) -> pl.DataFrame:
    if change == "deletion":
        return frame.filter(~hit)
    if change == "duplication":
        return pl.concat([frame, frame.filter(hit)])
    return frame.with_columns(**{name: pl.when(hit).then(value).otherwise(C(name)) for name, value in setting.items()})


def _by_hand(before: Totals, after: Totals, opened: Opened) -> None:
    """What the second opinion takes for granted: that a snapshot is the sum of its moves and a statement that of its lines."""
    moved = before.snapshots.join(after.snapshots, on=["warehouse", "sku", "day"], suffix="_after").filter(
        C("quantity") != C("quantity_after"))
    for warehouse, sku, day, was, now in moved.select("warehouse", "sku", "day", "quantity", "quantity_after").iter_rows():
        entity = "demo-us" if warehouse == "WH-US" else "demo"
        opened[day]["stock", entity, f"{warehouse}/{sku}/snapshot", "PCS"] = (was - now) * UNIT
        for shop, place in zip(SHOPS, PLAN.warehouses, strict=True):  # what a shop offers is held against the same level
            if place == warehouse:
                opened[day]["stock", entity, f"{shop}/{sku}/platform", "PCS"] = (now - was) * UNIT
    said = before.statements.join(after.statements, on=["shop", "measure", "day"], suffix="_after").filter(
        C("amount") != C("amount_after"))
    for shop, measure, first, was, now in said.select("shop", "measure", "day", "amount", "amount_after").iter_rows():
        key = ("finance", "demo", f"{shop}/{measure}", "CNY")
        for day in range(first, PLAN.days):
            opened[day][key] = opened[day].get(key, 0) + (was - now) * UNIT // 100
            if not opened[day][key]:
                del opened[day][key]


def _build(change: str) -> tuple[World, Records, Totals, Opened]:
    streams = [np.random.default_rng([PLAN.seed, stage]) for stage in range(4)]
    world = build_world(PLAN, streams[0])
    records = build_records(world)
    records.jd_bill = jd_statement(world, records, [])
    used: set[int] = set()
    for name, source in RECORDS.items():
        world = _change(records, world, name, source, change, used)
    totals = add_up(world, records, streams[3], 0)
    before = replace(totals)
    for name, source in TOTALS.items():
        world = _change(totals, world, name, source, change, set())
    opened = open_keys(world, records, totals)
    _by_hand(before, totals, opened)
    return world, records, totals, opened


def _found(root: Path) -> Opened:
    """What the pipeline says, from the raw files on."""
    books, store = load_books(root / "books.yaml"), Store(root / "home")
    state, periods = State(root / "home"), [PLAN.date(day) for day in range(PLAN.days)]
    collect(books, store, state)
    build_canonical(books, store, state, periods)
    with Session(books, store, periods) as session:
        reconcile(session)
    found: Opened = {}
    for day, period in enumerate(periods):
        found[day] = {}
        for row in store.read("variances", period).select(["leg", "entity", "key", "currency", "difference"]).to_pylist():
            key = (row["leg"], row["entity"], row["key"], row["currency"])
            found[day][key] = found[day].get(key, 0) + int(row["difference"] * UNIT)
    return found


@pytest.fixture(scope="module")
def unchanged() -> Opened:
    return _build("nothing")[3]


@pytest.mark.slow
@pytest.mark.parametrize("change", some(CHANGES, "date"))
def test_a_changed_row_changes_what_it_must_and_nothing_else(
    tmp_path: Path, unchanged: Opened, change: str
) -> None:
    world, records, totals, opened = _build(change)
    write_files(tmp_path, world, records, totals)
    found = _found(tmp_path)
    for day in range(PLAN.days):
        wrong = {key: (opened[day].get(key), found[day].get(key)) for key in opened[day].keys() | found[day].keys()
                 if opened[day].get(key) != found[day].get(key)}
        assert not wrong, f"day {day}: (true, found) {wrong}"
    legs = {key[0] for day in range(PLAN.days) for key, amount in opened[day].items() if unchanged[day].get(key) != amount}
    legs |= {key[0] for day in range(PLAN.days) for key in unchanged[day].keys() - opened[day].keys()}
    every = {"order_platform", "order_payment", "order_shipment", "return_refund", "payment_settlement", "fee", "payout_bank",
             "freight", "customer", "ledger"}
    moved = {"nothing": set(), "status": set(), "key": every,  # completed is no disagreement with paid
             "amount": {*every, "finance", "stock"}}
    assert legs == moved.get(change, {*every, "finance"}), "every leg must be moved"



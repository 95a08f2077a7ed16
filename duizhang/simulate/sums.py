"""What follows from the records, whatever is wrong in them: payouts, bank, stock, statements; the ledger is in `vouchers`.

Amounts are in the smallest unit of their currency, as in `raw_rows`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from duizhang.simulate.chart import BANK_ACCOUNT, account_of
from duizhang.simulate.rates import ZONES, to_home
from duizhang.simulate.raw_rows import Records
from duizhang.simulate.vouchers import post
from duizhang.simulate.world import DAY, SHOPS, SKU_COUNT, World, dates, digits


@dataclass
class Totals:
    """What follows from the records, whatever is wrong in them: payouts, bank, stock and ledger."""

    fund: pl.DataFrame
    payouts: pl.DataFrame
    bank: pl.DataFrame
    moves: pl.DataFrame
    snapshots: pl.DataFrame
    counts: pl.DataFrame
    shop_stock: pl.DataFrame
    journal: pl.DataFrame
    statements: pl.DataFrame
    marks: list[tuple[str, str, str]]


def add_up(
    world: World, records: Records, rng: np.random.Generator, rate: float,
    change_bank: Callable[[pl.DataFrame], pl.DataFrame] = lambda bank: bank,
) -> Totals:
    """Payouts, bank, stock and ledger as they follow from the observed records, with their own breaks.

    change_bank: what is done to the bank's entries before they are booked.
    """
    plan = world.plan
    fund, payouts = _funds(world, records)
    marks: list[tuple[str, str, str]] = []
    bank = change_bank(_bank(world, payouts, rng, rate, marks))
    moves, levels = _stock(world, records, rng)
    snapshots = levels.select("warehouse", "sku", "sku_no", "day", "quantity")
    counts = snapshots.filter((pl.col("sku_no") + pl.col("day")) % 7 == 0).with_columns(
        counted=pl.col("quantity"), cause=pl.lit(None, pl.String)
    )
    shop_stock = pl.concat([
        snapshots.filter(pl.col("warehouse") == warehouse).with_columns(shop=pl.lit(shop))
        for shop, warehouse in zip(SHOPS, plan.warehouses, strict=True)
    ]).sort("shop", "sku_no", "day").with_columns(
        before=pl.col("quantity").shift(1).over("shop", "sku"), available=pl.col("quantity"),
        cause=pl.lit(None, pl.String),
    )
    if rate > 0:
        counts = _miscount(counts, plan.early(1), rng, rate)
        shop_stock = _stale(shop_stock, plan.days - 1, rng, rate)
    journal = post(world, records, fund, bank, rng, rate, marks)
    statements = _statements(world, records, fund, rng, rate)
    return Totals(fund, payouts, bank, moves, snapshots, counts, shop_stock, journal, statements, marks)


def _statements(
    world: World, records: Records, fund: pl.DataFrame, rng: np.random.Generator, rate: float
) -> pl.DataFrame:
    """What Taobao and JD state of their shops: shop, day, measure, amount; stated is false where they left a day out."""
    paid = records.platform.filter("is_paid")
    goods = paid.filter(pl.col("quantity") > 0)
    parts = [
        paid.select("shop", "day", "amount", measure=pl.lit("revenue")),
        goods.select("shop", "day", measure=pl.lit("discount"),
                     amount=pl.col("price") * pl.col("quantity") - pl.col("amount")),
        records.provider_refunds.select("shop", "day", "amount", measure=pl.lit("refund")),
        records.jd_bill.filter(pl.col("fee_name") == "佣金").select(
            "day", shop=pl.lit("jd-01"), measure=pl.lit("commission"), amount=-pl.col("amount")),
        fund.filter((pl.col("kind") == "fee") & (pl.col("provider") == "alipay")).select(
            "day", shop=pl.lit("tb-01"), measure=pl.lit("fee"), amount=-pl.col("amount")),
    ]
    columns = ["shop", "day", "measure", "amount"]
    days = pl.DataFrame({"day": np.arange(world.plan.days)}, schema={"day": pl.Int64})
    every = days.join(pl.DataFrame({"shop": ["tb-01", "jd-01"]}), how="cross").join(
        pl.DataFrame({"measure": ["revenue", "discount", "refund", "commission", "fee"]}), how="cross"
    ).filter(~((pl.col("shop") == "tb-01") & (pl.col("measure") == "commission"))
             & ~((pl.col("shop") == "jd-01") & (pl.col("measure") == "fee")))
    said = pl.concat([part.select(columns) for part in parts], how="vertical_relaxed").group_by(
        "shop", "day", "measure").agg(pl.col("amount").sum())
    out = ("", -1)
    if rate > 0 and world.plan.early(2) > 0:
        out = (("tb-01", "jd-01")[int(rng.integers(0, 2))], int(rng.integers(0, world.plan.early(2))))
    return every.join(said, on=["shop", "day", "measure"], how="left", maintain_order="left").with_columns(
        pl.col("amount").fill_null(0), stated=~((pl.col("shop") == out[0]) & (pl.col("day") == out[1])),
    )


def _funds(world: World, records: Records) -> tuple[pl.DataFrame, pl.DataFrame]:
    plan = world.plan
    order = pl.col("kind").replace_strict(["sale", "refund", "fee", "payout"], [0, 1, 2, 3], return_dtype=pl.Int64)
    fund = records.fund.with_columns(day=pl.col("at") // DAY)
    payouts = (
        fund.group_by("provider", "day").agg(net=pl.col("amount").sum())
        .with_columns(amount=pl.col("net") * 9 // 1000 * 100).filter(pl.col("amount") > 0)
        .sort("provider", "day")
        .with_columns(
            payout_id=pl.col("provider").replace_strict({"alipay": "AP", "wechat": "WP", "cardpay": "CP"})
            + dates(plan, pl.col("day")),
            at=pl.col("day") * DAY + 85_500,
        )
    )
    out = payouts.select(
        o=pl.lit(-1, pl.Int64), provider="provider", txn="payout_id", order_id=pl.lit(""), kind=pl.lit("payout"),
        amount=-pl.col("amount"), at="at", paid_txn=pl.lit(""), refund_id=pl.lit(""), day="day",
    )
    fund = (
        pl.concat([fund, out.select(fund.columns)]).with_columns(rank=order).sort("provider", "at", "o", "rank")
        .with_columns(balance=pl.col("amount").cum_sum().over("provider") + 5_000_000 * plan.scale,
                      number=pl.int_range(pl.len()).over("provider", "day") + 1)
        .with_columns(
            entry_id=pl.col("provider").replace_strict({"alipay": "18", "wechat": "1000", "cardpay": "bt_"})
            + dates(plan, pl.col("day")) + digits(pl.col("number"), 12)
        )
    )
    jd = (
        records.jd_bill.group_by("day", "payout_id").agg(amount=pl.col("amount").sum())
        .with_columns(provider=pl.lit("jd")).filter(pl.col("amount") != 0)
    )
    columns = ["provider", "payout_id", "day", "amount"]
    return fund, pl.concat([payouts.select(columns), jd.select(columns)]).sort("day", "provider")


def _bank(
    world: World, payouts: pl.DataFrame, rng: np.random.Generator, rate: float, marks: list[tuple[str, str, str]]
) -> pl.DataFrame:
    """Entries of both accounts. Dollars are credited in the currency at home, at a rate that is off the dated one by up to 0.3%; with
    breaks, one of them by a twentieth."""
    plan = world.plan
    debits = pl.DataFrame({"day": np.repeat(np.arange(plan.days), 3),
                           "amount": -rng.integers(10_000, 900_000, plan.days * 3) * plan.scale})
    entries = pl.concat([
        payouts.filter(pl.col("day") + 1 < plan.days).select(
            day=pl.col("day") + 1, amount="amount", reference="payout_id", provider="provider"
        ),
        debits.select("day", "amount", reference=pl.lit(""), provider=pl.lit("")),
    ], how="vertical_relaxed").sort("day", "reference", "amount", descending=[False, True, False])
    entries = entries.with_columns(abroad=pl.col("provider") == "cardpay", off=pl.Series(rng.integers(-30, 31, entries.height)))
    able = entries.with_row_index("row").filter(pl.col("abroad") & (pl.col("day") < plan.early(1)))
    if rate > 0 and able.height:
        wrong = able.row(int(rng.integers(0, able.height)), named=True)
        entries = entries.with_row_index("row").with_columns(
            off=pl.when(pl.col("row") == wrong["row"]).then(-500).otherwise("off")).drop("row")
        marks.append(("payout_bank", f"{wrong['reference']}/fx", "currency"))
    return entries.with_columns(
        original=pl.when("abroad").then("amount").otherwise(0),
        converted=pl.when("abroad").then(to_home(plan, pl.col("amount"), pl.col("day"))).otherwise(0),
        account=pl.col("provider").replace_strict(account_of(plan), default=BANK_ACCOUNT, return_dtype=pl.String),
    ).with_columns(
        amount=pl.when("abroad").then(to_home(plan, pl.col("original"), pl.col("day"), pl.col("off"))).otherwise("amount"),
    ).with_columns(
        gain=pl.when(pl.col("abroad") & ((pl.col("amount") - pl.col("converted")).abs() * 100 <= pl.col("converted").abs()))
        .then(pl.col("amount") - pl.col("converted")).otherwise(0),
        number=pl.int_range(pl.len()).over("day") + 1,
    ).with_columns(entry_id="B" + dates(plan, pl.col("day")) + digits(pl.col("number"), 4), text=pl.lit(None, pl.String))


def _stock(world: World, records: Records, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    plan = world.plan
    sold = records.shipments.select(
        "warehouse", "sku", "order_id", "shop", "carrier", "tracking", kind=pl.lit("sale_out"),
        quantity=-pl.col("quantity"), at="ship_at", day="ship_day",
        zone=pl.when(pl.col("carrier") == "SF").then(
            pl.col("zone").replace_strict({number: name for number, (name, *_) in ZONES.items()}, return_dtype=pl.String)
        ).otherwise(pl.lit("")),
        refund_id=pl.lit(""), value=pl.lit(None, pl.Int64), value_currency=pl.lit(""),
    )
    returned = records.returns.select(
        "warehouse", "sku", "order_id", "shop", carrier=pl.lit(""), tracking=pl.lit(""), kind=pl.lit("return_in"),
        quantity="quantity", at=pl.col("at") + 1800 + (pl.col("day") - pl.col("refund_day")) * DAY, day="day",
        zone=pl.lit(""), refund_id="refund_id", value="amount", value_currency="currency",
    )
    skus = world.skus.select("sku", sku_no="n")
    grid = (
        pl.DataFrame({"warehouse": sorted(set(plan.warehouses))}).join(skus, how="cross")
        .join(pl.DataFrame({"day": np.arange(plan.days)}), how="cross")
    )
    daily = max(1, plan.orders_per_day * 3 // (2 * SKU_COUNT * 2))
    drawn = grid.with_columns(
        bought=pl.Series(rng.integers(0, 12, grid.height) + daily * 10), chance=pl.Series(rng.random(grid.height)),
        change=pl.Series(rng.integers(1, 4, grid.height)),
    )
    blank = {name: pl.lit("") for name in ("order_id", "shop", "carrier", "tracking", "zone", "refund_id", "value_currency")}
    blank["value"] = pl.lit(None, pl.Int64)
    bought = drawn.filter((pl.col("sku_no") + pl.col("day")) % 5 == 0).select(
        "warehouse", "sku", quantity="bought", kind=pl.lit("purchase_in"), at=pl.col("day") * DAY + 28_800, day="day",
        **blank,
    )
    adjusted = drawn.filter(pl.col("chance") < 0.01).select(
        "warehouse", "sku", quantity=pl.when(pl.col("chance") < 0.005).then(-pl.col("change")).otherwise("change"),
        kind=pl.lit("adjustment"), at=pl.col("day") * DAY + 79_200, day="day", **blank,
    )
    moves = (
        pl.concat([part.select(sold.columns) for part in (sold, returned, bought, adjusted)], how="vertical_relaxed")
        .sort("day", "at", "warehouse", "sku", "order_id", "kind")
        .with_columns(number=pl.int_range(pl.len()).over("day") + 1)
        .with_columns(move_id="M" + dates(plan, pl.col("day")) + digits(pl.col("number"), 7))
    )
    levels = (
        grid.join(moves.group_by("warehouse", "sku", "day").agg(moved=pl.col("quantity").sum()),
                  on=["warehouse", "sku", "day"], how="left", maintain_order="left")
        .sort("warehouse", "sku_no", "day")
        .with_columns(quantity=pl.col("moved").fill_null(0).cum_sum().over("warehouse", "sku") + daily * 12 + 60)
    )
    return moves, levels


def _some(rows: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Positions of the rows to break: a share of them, at least one where there is any."""
    count = min(rows, max(1, round(rows * rate)))
    return np.sort(rng.choice(rows, count, replace=False)) if rows else np.array([], dtype=np.int64)


def _miscount(counts: pl.DataFrame, early: int, rng: np.random.Generator, rate: float) -> pl.DataFrame:
    counts = counts.with_row_index("row")
    able = counts.filter(pl.col("day") < early)["row"].to_numpy()
    hit = able[_some(len(able), rate, rng)].tolist()
    wrong = pl.Series(rng.integers(1, 9, counts.height))
    return counts.with_columns(
        counted=pl.when(pl.col("row").is_in(hit)).then(pl.col("quantity") - wrong).otherwise("counted"),
        cause=pl.when(pl.col("row").is_in(hit)).then(pl.lit("stock_count_error")).otherwise("cause"),
    ).drop("row")


def _stale(stock: pl.DataFrame, end: int, rng: np.random.Generator, rate: float) -> pl.DataFrame:
    stock = stock.with_row_index("row")
    able = stock.filter(
        (pl.col("day") < end) & (pl.col("day") > 0) & (pl.col("before") != pl.col("quantity"))
        & (pl.col("day") % 2 == 1)  # never two days running, so each clears on the next day
    )["row"].to_numpy()
    hit = able[_some(len(able), rate, rng)].tolist()
    return stock.with_columns(
        available=pl.when(pl.col("row").is_in(hit)).then("before").otherwise("available"),
        cause=pl.when(pl.col("row").is_in(hit)).then(pl.lit("stock_sync_delay")).otherwise("cause"),
    ).drop("row")

"""What each party wrote down: the same business as seen by the books, the platform, the provider, the warehouse.

Frames carry `o`, the number of the order they come from, and `day`, the day on whose file they stand. Amounts are fen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from duizhang.simulate.rates import ZONES, commission_of, fee_of, freight_of, rate_of, to_yuan
from duizhang.simulate.world import DAY, SHOPS, SKU_COUNT, UNPAID, WAREHOUSES, World, dates, digits

FUND_COLUMNS = ("o", "provider", "txn", "order_id", "kind", "amount", "at", "paid_txn", "refund_id")
BANK_ACCOUNT, US_BANK_ACCOUNT = "6225880000010001", "6225880000020002"
SALES_ACCOUNTS = {"tb-01": "6001.01", "jd-01": "6001.02", "wx-01": "6001.03", "us-01": "6001.04"}
REFUND_ACCOUNTS = {"tb-01": "6001.11", "jd-01": "6001.12", "wx-01": "6001.13", "us-01": "6001.14"}
FEE_ACCOUNTS = {"alipay": "6603.01", "wechat": "6603.02"}
BANK_LEDGERS = {BANK_ACCOUNT: "1002.01", US_BANK_ACCOUNT: "1002.02"}
FX_LEDGER = "6603.09"
# from that day the ledger accrues the fees of WeChat Pay less so many per cent: a declared change of estimate
POLICY_DAY, POLICY_ACCOUNT, POLICY_PERCENT = 2, "6603.02", 2
ACCOUNT_NAMES = {
    "6001.01": "主营业务收入-淘宝店", "6001.02": "主营业务收入-京东店", "6001.03": "主营业务收入-自营店",
    "6001.04": "主营业务收入-海外店", "6001.14": "销售退款-海外店", "1002.02": "银行存款-海外户", "6603.09": "汇兑损益",
    "6001.11": "销售退款-淘宝店", "6001.12": "销售退款-京东店", "6001.13": "销售退款-自营店",
    "6603.01": "手续费-支付宝", "6603.02": "手续费-微信支付", "1002.01": "银行存款-基本户",
    "1122": "应收账款", "1012.99": "其他货币资金-在途", "6602": "管理费用",
}


@dataclass
class Records:
    """The sources' rows, first faithful to the world, then broken, then added up (funds, bank, stock, ledger).

    marks: (o, leg, cause) of every injected break of an order. seconds: (leg, key, cause, amount) of a second fault on
    one key, whose amount (left - right, fen) is part of the difference. Stock breaks stand in `cause` columns of counts
    and shop_stock, those of other sums in marks of Totals (leg, key, cause).
    """

    books: pl.DataFrame
    platform: pl.DataFrame
    payments: pl.DataFrame
    books_refunds: pl.DataFrame
    provider_refunds: pl.DataFrame
    fund: pl.DataFrame
    jd_bill: pl.DataFrame
    shipments: pl.DataFrame
    returns: pl.DataFrame
    carrier: pl.DataFrame
    commission: pl.DataFrame
    marks: list[tuple[int, str, str]] = field(default_factory=list)
    seconds: list[tuple[str, str, str, int]] = field(default_factory=list)


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


def build_records(world: World) -> Records:
    """Every party's faithful record of the world."""
    about = world.orders.select(
        "o", "day", "shop", "shop_no", "provider", "warehouse", "order_id", "txn", "at", "ordered_at", "is_paid",
        "status", "customer", "ship_day", "ship_at", "carrier", "tracking", "is_shipped", "settle_lag", "zone", "entity",
        "currency", "in_parts", "two_parcels",
    )
    lines = world.lines.join(about, on="o", how="left", maintain_order="left")
    paid = lines.filter("is_paid")
    payments = _in_parts(world, (
        paid.group_by("o", maintain_order=True)
        .agg(amount=pl.col("amount").sum(), coupon=pl.col("coupon").sum())
        .join(about.select("o", "day", "shop", "shop_no", "entity", "currency", "provider", "order_id", "txn", "at",
                           "settle_lag", "customer", "in_parts"), on="o", how="left", maintain_order="left")
    )).with_columns(fee=fee_of(pl.col("amount")), damaged=pl.lit(value=False))
    refunds = world.refunds.with_columns(day=pl.col("refund_day")).with_columns(
        fee=pl.when(pl.col("provider") == "wechat").then(-fee_of(pl.col("amount"))).otherwise(0),
    )
    shipments = _in_parcels(
        lines.filter(pl.col("is_shipped") & (pl.col("sku") != "") & (pl.col("ship_day") < world.plan.days)))
    own = payments.filter(pl.col("provider") != "jd").with_columns(paid_txn=pl.col("txn"), refund_id=pl.lit(""))
    back = refunds.filter(pl.col("provider") != "jd")
    fund = pl.concat([
        own.with_columns(kind=pl.lit("sale")).select(FUND_COLUMNS),
        own.with_columns(kind=pl.lit("fee"), amount=-pl.col("fee")).select(FUND_COLUMNS),
        back.with_columns(kind=pl.lit("refund"), amount=-pl.col("amount")).select(FUND_COLUMNS),
        back.with_columns(kind=pl.lit("fee"), amount=-pl.col("fee")).filter(pl.col("amount") != 0)
        .select(FUND_COLUMNS),
    ]).filter(pl.col("amount") != 0)
    return Records(
        books=lines.with_columns(shop_currency=pl.col("currency")), platform=lines.filter(pl.col("shop_no") < 2),
        payments=payments, books_refunds=refunds,
        provider_refunds=refunds, fund=fund, jd_bill=pl.DataFrame(),
        shipments=shipments, returns=refunds.filter("comes_back").with_columns(day=pl.col("return_day")),
        carrier=parcels(shipments).with_columns(
            kilograms=pl.max_horizontal(1, -(-pl.col("grams") // 1000)), amount=freight_of(pl.col("grams"), pl.col("zone"))
        ),
        commission=paid.filter(pl.col("provider") == "jd").select(
            "o", "order_id", "at", "settle_lag", "sku", amount=-commission_of(pl.col("amount"), pl.col("category"))
        ),
    )


def _in_parts(world: World, payments: pl.DataFrame) -> pl.DataFrame:
    """Of an order in parts 30% are paid as a deposit, the balance just after midnight, when presales are opened for it."""
    deposit = pl.col("amount") * 3 // 10
    parts = pl.col("in_parts")
    head = pl.col("shop_no").replace_strict({0: "", 1: "", 2: "420000", 3: "ch_"}, return_dtype=pl.String)
    balance = payments.filter(parts).with_columns(
        amount=pl.col("amount") - deposit, day=pl.col("day") + 1, at=(pl.col("day") + 1) * DAY + 20 + pl.col("o") % 500,
        txn=head + dates(world.plan, pl.col("day") + 1) + pl.col("txn").str.slice(head.str.len_chars() + 8),
    )
    first = payments.with_columns(amount=pl.when(parts).then(deposit).otherwise("amount"))
    return pl.concat([first, balance]).sort("o", "at", maintain_order=True)


def _in_parcels(shipments: pl.DataFrame) -> pl.DataFrame:
    """A piece of the first line in a parcel of its own, a day later."""
    later = pl.col("two_parcels") & (pl.col("n") == 0)
    second = shipments.filter(later).with_columns(
        quantity=pl.lit(1, pl.Int64), ship_day=pl.col("ship_day") + 1, ship_at=pl.col("ship_at") + DAY,
        tracking=pl.col("tracking") + "2",
    )
    first = shipments.with_columns(quantity=pl.when(later).then(pl.col("quantity") - 1).otherwise("quantity"))
    return pl.concat([first, second]).sort("o", "n", "ship_day", maintain_order=True)


def parcels(shipments: pl.DataFrame) -> pl.DataFrame:
    """SF's parcels with zone and weight, on the day on which they were handed over."""
    return (
        shipments.filter(pl.col("carrier") == "SF")
        .group_by("o", "tracking", maintain_order=True)
        .agg(pl.col("zone", "entity", "shop").first(), day=pl.col("ship_day").first(),
             grams=(pl.col("grams") * pl.col("quantity")).sum())
    )


def jd_statement(world: World, records: Records, partial: list[int]) -> pl.DataFrame:
    """JD's settlement lines: goods and commission 1-2 days after the payment, refunds on their day.

    partial: orders whose goods are paid only in part.
    """
    sold = records.payments.filter(pl.col("provider") == "jd").with_columns(
        day=pl.col("at") // DAY + pl.col("settle_lag"), service_id=pl.lit(""), sku=pl.lit(""),
    )
    goods = sold.with_columns(
        fee_name=pl.lit("货款"),
        amount=pl.when(pl.col("o").is_in(partial)).then(pl.col("amount") * 6 // 10).otherwise("amount"),
    )
    # by line, as each category has its own rate
    commission = records.commission.with_columns(
        day=pl.col("at") // DAY + pl.col("settle_lag"), service_id=pl.lit(""), fee_name=pl.lit("佣金")
    )
    back = records.provider_refunds.filter(pl.col("provider") == "jd").with_columns(
        fee_name=pl.lit("货款"), amount=-pl.col("amount"), service_id=pl.col("refund_id"), sku=pl.lit(""),
    )
    columns = ["o", "day", "order_id", "fee_name", "amount", "at", "service_id", "sku"]
    return (
        pl.concat([part.select(columns) for part in (goods, commission, back)])
        .filter((pl.col("day") < world.plan.days) & (pl.col("amount") != 0))
        .with_columns(payout_id="JP" + dates(world.plan, pl.col("day")))
        .sort("day", "o", "fee_name", "sku", "amount")
    )


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
        for shop, warehouse in zip(SHOPS, WAREHOUSES, strict=True)
    ]).sort("shop", "sku_no", "day").with_columns(
        before=pl.col("quantity").shift(1).over("shop", "sku"), available=pl.col("quantity"),
        cause=pl.lit(None, pl.String),
    )
    if rate > 0:
        counts = _miscount(counts, plan.early(1), rng, rate)
        shop_stock = _stale(shop_stock, plan.days - 1, rng, rate)
    journal = _journal(world, records, fund, bank, rng, rate, marks)
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
        .with_columns(balance=pl.col("amount").cum_sum().over("provider") + 5_000_000,
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
    """Entries of both accounts. Dollars are credited in yuan, at a rate that is off the dated one by up to 0.3%; with
    breaks, one of them by a twentieth."""
    plan = world.plan
    debits = pl.DataFrame({"day": np.repeat(np.arange(plan.days), 3),
                           "amount": -rng.integers(10_000, 900_000, plan.days * 3)})
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
        converted=pl.when("abroad").then(to_yuan(pl.col("amount"), pl.col("day"))).otherwise(0),
        account=pl.when("abroad").then(pl.lit(US_BANK_ACCOUNT)).otherwise(pl.lit(BANK_ACCOUNT)),
    ).with_columns(
        amount=pl.when("abroad").then(
            (pl.col("original") * rate_of(pl.col("day")) * (10_000 + pl.col("off")) + 50_000_000) // 100_000_000
        ).otherwise("amount"),
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
        pl.DataFrame({"warehouse": ["WH-1", "WH-2", "WH-US"]}).join(skus, how="cross")
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


def _journal(
    world: World, records: Records, fund: pl.DataFrame, bank: pl.DataFrame, rng: np.random.Generator, rate: float,
    marks: list[tuple[str, str, str]],
) -> pl.DataFrame:
    """Vouchers by day, account and half day: account, contra account and what the account is debited (fen, in yuan).

    The shop abroad is booked once a day, at the dated rate.
    """
    sold = records.books.filter(pl.col("status") != UNPAID)
    half_day = pl.when(pl.col("shop") == "us-01").then(0).otherwise(pl.col("at") % DAY // 43_200)
    parts = [
        sold.select("day", half=half_day, account=pl.col("shop").replace_strict(SALES_ACCOUNTS),
                    contra=pl.lit("1122"), debit=-pl.col("amount"), summary=pl.lit("确认销售收入")),
        records.books_refunds.select("day", half=pl.lit(0, pl.Int64), contra=pl.lit("1122"), debit="amount",
                                     account=pl.col("shop").replace_strict(REFUND_ACCOUNTS),
                                     summary=pl.lit("销售退款")),
        fund.filter((pl.col("kind") == "fee") & pl.col("provider").is_in(list(FEE_ACCOUNTS))).select(
            "day", half=pl.lit(0, pl.Int64), account=pl.col("provider").replace_strict(FEE_ACCOUNTS),
            contra=pl.lit("1012.99"), debit=-pl.col("amount"), summary=pl.lit("平台手续费")),
        bank.filter(pl.col("gain") != 0).select(
            "day", half=pl.lit(0, pl.Int64), account=pl.lit(FX_LEDGER), contra=pl.lit("1012.99"), debit=-pl.col("gain"),
            summary=pl.lit("汇兑损益")),
        bank.select("day", half=(pl.col("amount") < 0).cast(pl.Int64),
                    account=pl.col("account").replace_strict(BANK_LEDGERS),
                    contra=pl.when(pl.col("amount") < 0).then(pl.lit("6602")).otherwise(pl.lit("1012.99")),
                    debit="amount",
                    summary=pl.when(pl.col("amount") < 0).then(pl.lit("付款")).otherwise(pl.lit("平台回款"))),
    ]
    columns = ["day", "half", "account", "contra", "summary", "debit"]
    vouchers = (
        pl.concat([part.select(columns) for part in parts], how="vertical_relaxed")
        .group_by("day", "account", "half", "contra", "summary").agg(pl.col("debit").sum())
        .with_columns(debit=pl.when(pl.col("account").is_in([SALES_ACCOUNTS["us-01"], REFUND_ACCOUNTS["us-01"]]))
                      .then(to_yuan(pl.col("debit"), pl.col("day"))).otherwise("debit"))
        .filter(pl.col("debit") != 0).sort("day", "account", "half", "contra")
        .with_row_index("row").with_columns(booked_day=pl.col("day"), booked_account=pl.col("account"))
    )
    if rate > 0:
        wrong_currency = records.books.filter(pl.col("is_paid") & (pl.col("currency") != pl.col("shop_currency"))).select(
            "day", account=pl.col("shop").replace_strict(SALES_ACCOUNTS, return_dtype=pl.String)).unique().sort("day", "account")
        marks += [("ledger", f"{account}/{world.plan.date(day).isoformat()}", "currency")
                  for day, account in wrong_currency.iter_rows()]
        vouchers = _misbook(world, vouchers, rng, marks, {(a, d) for d, a in wrong_currency.iter_rows()})
        vouchers = _new_estimate(world, vouchers, marks)
    return vouchers.sort("booked_day", "row").with_columns(
        month=dates(world.plan, pl.col("booked_day"), "%Y%m")
    ).with_columns(number=pl.int_range(pl.len()).over("month") + 1)


def _new_estimate(world: World, vouchers: pl.DataFrame, marks: list[tuple[str, str, str]]) -> pl.DataFrame:
    """From POLICY_DAY on the account is booked less POLICY_PERCENT, rounded half away from zero."""
    debit = pl.col("debit")
    share = (debit.abs() * POLICY_PERCENT * 2 + 100) // 200 * debit.sign()
    hit = (pl.col("account") == POLICY_ACCOUNT) & (pl.col("day") >= POLICY_DAY)
    marks += [("ledger", f"{POLICY_ACCOUNT}/{world.plan.date(day).isoformat()}", "policy_change")
              for day in vouchers.filter(hit & (share != 0))["day"].to_list()]
    return vouchers.with_columns(debit=pl.when(hit).then(debit - share).otherwise(debit)).filter(pl.col("debit") != 0)


def _misbook(
    world: World, vouchers: pl.DataFrame, rng: np.random.Generator, marks: list[tuple[str, str, str]],
    used: set[tuple[str, int]],
) -> pl.DataFrame:
    """Post some revenue a day late or on another shop's account; two ledger keys differ each time."""
    plan = world.plan
    share = max(1, plan.days // 5)
    home = [account for shop, account in SALES_ACCOUNTS.items() if shop != "us-01"]  # one entity's accounts
    able = vouchers.filter(pl.col("account").is_in(home) & (pl.col("day") < plan.early(1)))
    late: list[int] = []
    other: dict[int, str] = {}
    accounts = home
    for position in rng.permutation(able.height).tolist():
        voucher = able.row(position, named=True)
        account, day = str(voucher["account"]), int(voucher["day"])
        if len(late) <= len(other) and len(late) < share and day + 1 < plan.early(1):
            keys, cause = [(account, day), (account, day + 1)], "wrong_period"
        elif len(other) < share:
            there = accounts[(accounts.index(account) + 1) % len(accounts)]
            keys, cause = [(account, day), (there, day)], "wrong_account"
        else:
            continue
        if used.intersection(keys):
            continue
        used.update(keys)
        marks += [("ledger", f"{name}/{plan.date(when).isoformat()}", cause) for name, when in keys]
        if cause == "wrong_period":
            late.append(int(voucher["row"]))
        else:
            other[int(voucher["row"])] = keys[1][0]
    moved = pl.col("row").is_in(late)
    return vouchers.with_columns(
        booked_day=pl.when(moved).then(pl.col("day") + 1).otherwise("day"),
        booked_account=pl.col("row").cast(pl.Int64).replace_strict(
            other, default=pl.col("account"), return_dtype=pl.String) if other else pl.col("account"),
    )

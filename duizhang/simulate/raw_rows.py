"""What each party wrote down: the same business as seen by the books, the platform, the provider, the warehouse.

Frames carry `o`, the number of the order they come from, and `day`, the day on whose file they stand. Amounts are smallest units.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from duizhang.simulate.rates import commission_of, fee_of, freight_of
from duizhang.simulate.world import DAY, World, dates

FUND_COLUMNS = ("o", "provider", "txn", "order_id", "kind", "amount", "at", "paid_txn", "refund_id")


@dataclass
class Records:
    """The sources' rows, first faithful to the world, then broken, then added up (funds, bank, stock, ledger).

    marks: (o, leg, cause) of every injected break of an order. seconds: (leg, key, cause, amount) of a second fault on
    one key, whose amount (left - right, smallest units) is part of the difference. Stock breaks stand in `cause` columns of counts
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
    )).with_columns(fee=fee_of(world.plan, pl.col("amount")), damaged=pl.lit(value=False))
    refunds = world.refunds.with_columns(day=pl.col("refund_day")).with_columns(
        fee=pl.when(pl.col("provider") == "wechat").then(-fee_of(world.plan, pl.col("amount"))).otherwise(0),
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
            kilograms=pl.max_horizontal(1, -(-pl.col("grams") // 1000)), amount=freight_of(world.plan, pl.col("grams"), pl.col("zone"))
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

"""The business as it really happened, before anybody wrote it down: orders, lines, refunds, shipments.

Amounts are whole smallest units of their currency (fen in yuan, cents in dollars), instants are seconds since local midnight of
the first day, days are counted from 0. Everything is drawn from one seeded generator, so the same plan gives the same business.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

DAY = 86_400
SHOPS = ("tb-01", "jd-01", "wx-01", "us-01")
PROVIDERS = ("alipay", "jd", "wechat", "cardpay")  # by shop
# by shop, for so many legal entities
ENTITIES = {
    1: ("demo", "demo", "demo", "demo"), 2: ("demo", "demo", "demo", "demo-us"), 3: ("demo", "demo", "demo-own", "demo-us"),
    4: ("demo", "demo-jd", "demo-own", "demo-us"),
}
NEW_CARDS = 3  # the day from which Alipay and SF charge by new rate cards
SKU_COUNT = 121  # odd, so that the two steps of one order never meet
PAID, SHIPPED, CLOSED, UNPAID = "paid", "shipped", "closed", "unpaid"


@dataclass(frozen=True)
class Home:
    """A currency at home: its decimals, what a dollar costs in 1/10000, and the dollar price of one smallest unit in cents
    (numerator, denominator)."""

    places: int
    dollar: int
    cents: tuple[int, int]


HOMES = {
    "CNY": Home(2, 71_000, (1, 7)), "JPY": Home(0, 1_500_000, (2, 3)), "KWD": Home(3, 3_070, (1, 3)),
    "VND": Home(0, 254_000_000, (1, 250)),
}


@dataclass(frozen=True)
class Plan:
    """What to simulate: `days` days from `start`, so many orders a day; break_rate is a share of all orders;
    company `real`: shops that share accounts, codes and warehouses (see `real`); hard noise damages references, puts
    deposits together and pays refunds another way (see `noise`); contradictory noise is hard, and has two files of one account that
    state different amounts for one transaction.

    scale: every amount is so many times as large; currency: the one at home (the shop abroad sells in dollars); entities: to so
    many legal entities the shops belong, each with bank, ledger accounts and warehouses of its own."""

    start: dt.date = dt.date(2026, 3, 1)
    days: int = 7
    orders_per_day: int = 2000
    seed: int = 1
    break_rate: float = 0.005
    noise: Literal["easy", "hard", "contradictory"] = "easy"
    company: Literal["demo", "real"] = "demo"
    scale: int = 1
    currency: str = "CNY"
    entities: int = 2

    def date(self, day: int) -> dt.date:
        """The calendar date of a day counted from 0."""
        return self.start + dt.timedelta(days=day)

    @property
    def home(self) -> Home:
        """The currency at home."""
        return HOMES[self.currency]

    @property
    def places(self) -> int:
        """Decimals of the currency at home."""
        return self.home.places

    @property
    def owners(self) -> tuple[str, str, str, str]:
        """The legal entity of each shop."""
        return ENTITIES[self.entities]

    @property
    def currencies(self) -> tuple[str, str, str, str]:
        """The currency of each shop."""
        return (self.currency, self.currency, self.currency, "USD")

    @property
    def warehouses(self) -> tuple[str, str, str, str]:
        """The warehouse of each shop; no two entities share one."""
        return ("WH-1", "WH-2", "WH-1" if self.entities < 3 else "WH-3", "WH-US")

    def asked(self, orders: int) -> int:
        """How many of so many orders the break rate asks to be broken; one at least, where it is not 0."""
        return max(1, round(self.break_rate * orders)) if self.break_rate > 0 else 0

    def early(self, sla: int) -> int:
        """One past the last day whose items have outlived an SLA of so many days at the end of the range."""
        return max(0, self.days - 1 - sla)


@dataclass(frozen=True)
class World:
    """The true business. All frames are in order of time within their day.

    skus: sku, product, category, cost, price, grams. orders: one row an order, `o` its number; in_parts: a deposit first, the
    balance after midnight; two_parcels: a piece of the first line follows a day later. lines: one row an order line, freight
    to the buyer (line_id 'freight', sku '') and gifts at a price of 0 included. refunds: at most one an order.
    """

    plan: Plan
    skus: pl.DataFrame
    orders: pl.DataFrame
    lines: pl.DataFrame
    refunds: pl.DataFrame


def dates(plan: Plan, day: pl.Expr, pattern: str = "%Y%m%d") -> pl.Expr:
    """The date of a day number as text."""
    return (pl.lit(plan.start) + pl.duration(days=day)).dt.strftime(pattern)


def digits(value: pl.Expr, width: int) -> pl.Expr:
    """A whole number as text with leading zeros."""
    return value.cast(pl.String).str.zfill(width)


def build_world(plan: Plan, rng: np.random.Generator) -> World:
    """Draw the whole business of the plan."""
    skus = _skus(plan, rng)
    orders = _orders(plan, rng)
    lines = _lines(plan, orders, skus, rng)
    refunds = _refunds(plan, orders, lines, rng)
    closed = refunds.filter("full")["o"].implode()
    orders = _in_pieces(plan, orders, lines, refunds, rng)
    orders = orders.with_columns(
        status=pl.when(~pl.col("is_paid")).then(pl.lit(UNPAID))
        .when(pl.col("o").is_in(closed)).then(pl.lit(CLOSED))
        .when(pl.col("ship_day") == pl.col("day")).then(pl.lit(SHIPPED))
        .otherwise(pl.lit(PAID))
    ).with_columns(is_shipped=pl.col("status").is_in([PAID, SHIPPED]))
    return World(plan, skus, orders, lines, refunds)


def _skus(plan: Plan, rng: np.random.Generator) -> pl.DataFrame:
    price = (rng.integers(19, 300, SKU_COUNT) * 100 + 90) * plan.scale
    return pl.DataFrame(
        {"n": np.arange(SKU_COUNT), "price": price, "cost": price * rng.integers(35, 70, SKU_COUNT) // 100,
         "grams": rng.integers(1, 30, SKU_COUNT) * 100}
    ).with_columns(
        sku="SKU" + digits(pl.col("n") + 1, 4),
        product="测试商品" + digits(pl.col("n") + 1, 4),
        category=pl.when(pl.col("n") % 3 == 0).then(pl.lit("家居")).when(pl.col("n") % 3 == 1)
        .then(pl.lit("厨具")).otherwise(pl.lit("文具")),
    )


def _orders(plan: Plan, rng: np.random.Generator) -> pl.DataFrame:
    count = plan.days * plan.orders_per_day
    day = np.repeat(np.arange(plan.days), plan.orders_per_day)
    # Nothing happens by itself close to midnight: only an injected cut-off break crosses it.
    second = np.sort(rng.integers(600, 85_200, (plan.days, plan.orders_per_day)), axis=1).ravel()
    shop = rng.choice(4, count, p=[0.47, 0.23, 0.22, 0.08])
    same_day = (second < 17 * 3600) & (rng.random(count) < 0.75)
    ship_second = np.where(
        same_day, np.minimum(second + rng.integers(1800, 9000, count), 79_000), rng.integers(30_000, 64_000, count)
    )
    ship_day = day + ~same_day
    freight = np.where((shop != 1) & (rng.random(count) < 0.2), rng.integers(6, 13, count) * 100 * plan.scale, 0)
    stamp = dates(plan, pl.col("day"))
    number = digits(pl.col("o") + 1, 8)
    return (
        pl.DataFrame(
            {"o": np.arange(count), "day": day, "shop_no": shop, "at": day * DAY + second,
             "ordered_at": day * DAY + second - rng.integers(20, 500, count),
             "is_paid": rng.random(count) >= 0.02, "ship_day": ship_day, "ship_at": ship_day * DAY + ship_second,
             "freight": freight, "buyer": rng.integers(1, max(2, count // 2), count),
             "zone": rng.integers(1, 4, count), "is_sf": (rng.random(count) < 0.4) & (shop != 3),
             "settle_lag": rng.integers(1, 3, count), "line_count": rng.choice(3, count, p=[0.7, 0.2, 0.1]) + 1}
        )
        .with_columns(
            **{name: pl.col("shop_no").replace_strict(range(4), list(values), return_dtype=pl.String)
               for name, values in (("shop", SHOPS), ("entity", plan.owners), ("provider", PROVIDERS),
                                    ("warehouse", plan.warehouses), ("currency", plan.currencies))},
            order_id=pl.when(pl.col("shop_no") == 0).then("3" + stamp + number + "00")
            .when(pl.col("shop_no") == 1).then("29" + digits(pl.col("o") + 1, 10))
            .when(pl.col("shop_no") == 2).then("WX" + stamp + number).otherwise("US" + stamp + number),
            customer="buyer" + digits(pl.col("buyer"), 7),
            carrier=pl.when("is_sf").then(pl.lit("SF")).when(pl.col("shop_no") == 3).then(pl.lit("UPS"))
            .otherwise(pl.lit("ZTO")),
            tracking=pl.when("is_sf").then("SF" + digits(pl.col("o") + 1, 13))
            .otherwise("7" + digits(pl.col("o") + 1, 13)),
        )
        .with_columns(
            txn=pl.when(pl.col("shop_no") == 0).then(stamp + "2200145" + digits(pl.col("o") + 1, 13))
            .when(pl.col("shop_no") == 1).then("order_id")
            .when(pl.col("shop_no") == 2).then("420000" + stamp + digits(pl.col("o") + 1, 14))
            .otherwise("ch_" + stamp + digits(pl.col("o") + 1, 10))
        )
    )


def _lines(plan: Plan, orders: pl.DataFrame, skus: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    count = int(orders["line_count"].sum())
    first = rng.integers(0, SKU_COUNT, orders.height)
    step = rng.integers(1, SKU_COUNT // 2, orders.height)
    line = orders.with_columns(first=pl.Series(first), step=pl.Series(step), n=pl.int_ranges(0, "line_count"))
    line = line.explode("n").select("o", "shop_no", "order_id", "line_count", "n", "step",
                                    sku_no=(pl.col("first") + pl.col("step") * pl.col("n")) % SKU_COUNT)
    line = line.join(skus.rename({"n": "sku_no"}), on="sku_no", how="left", maintain_order="left")
    line = line.with_columns(
        price=pl.when(pl.col("shop_no") == 3).then(pl.col("price") * plan.home.cents[0] // plan.home.cents[1]).otherwise("price"),
        quantity=pl.Series(rng.choice([1, 2, 3, 6], count, p=[0.7, 0.18, 0.1, 0.02])),
        discounted=pl.Series(rng.random(count) < 0.25), couponed=pl.Series(rng.random(count) < 0.18),
        share=pl.Series(rng.integers(3, 16, count)),
    ).with_columns(goods=pl.col("quantity") * pl.col("price"))
    line = line.with_columns(
        shop_discount=pl.when("discounted").then(pl.col("goods") * pl.col("share") // 100).otherwise(0),
        coupon=pl.when(pl.col("couponed") & (pl.col("shop_no") < 2))
        .then(pl.col("goods") * (pl.col("share") // 3 + 1) // 100).otherwise(0),
        line_id=pl.when(pl.col("shop_no") == 1).then("sku")
        .when(pl.col("shop_no") >= 2).then((pl.col("n") + 1).cast(pl.String))
        .when(pl.col("line_count") == 1).then("order_id")
        .otherwise(pl.col("order_id").str.slice(0, 17) + digits(pl.col("n") + 1, 2)),
    ).with_columns(amount=pl.col("goods") - pl.col("shop_discount"))
    gifts = line.filter((pl.col("n") == 0) & pl.Series(rng.random(line.height) < 0.03)).select(
        "o", "shop_no", "order_id", n=pl.lit(8, pl.Int64), sku_no=(pl.col("sku_no") + pl.col("step") * 3) % SKU_COUNT,
    ).join(skus.rename({"n": "sku_no"}), on="sku_no", how="left", maintain_order="left").with_columns(
        line_id=pl.when(pl.col("shop_no") == 1).then("sku").when(pl.col("shop_no") >= 2).then(pl.lit("9"))
        .otherwise(pl.col("order_id").str.slice(0, 17) + "09"),
        quantity=pl.lit(1, pl.Int64), **{name: pl.lit(0, pl.Int64) for name in ("price", "shop_discount", "coupon", "amount")},
    )
    freight = orders.filter(pl.col("freight") > 0).select(
        "o", n=pl.lit(9, pl.Int64), line_id=pl.lit("freight"), sku=pl.lit(""), product=pl.lit("运费"),
        quantity=pl.lit(0, pl.Int64), price=pl.col("freight"), shop_discount=pl.lit(0, pl.Int64),
        coupon=pl.lit(0, pl.Int64), amount=pl.col("freight"), grams=pl.lit(0, pl.Int64), category=pl.lit(""),
    )
    return pl.concat([line.select(freight.columns), gifts.select(freight.columns), freight]).sort("o", "n")


def _in_pieces(
    plan: Plan, orders: pl.DataFrame, lines: pl.DataFrame, refunds: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """Orders that are paid in two parts or sent in two parcels; both parts within the plan, and nothing is paid back."""
    first = lines.filter(pl.col("n") == 0).select("o", first_quantity="quantity")
    return (
        orders.join(first, on="o", how="left", maintain_order="left")
        .with_columns(part=pl.Series(rng.random(orders.height)), parcel=pl.Series(rng.random(orders.height)),
                      whole=pl.col("is_paid") & pl.col("o").is_in(refunds["o"].implode()).not_())
        .with_columns(
            in_parts=pl.col("whole") & (pl.col("shop_no") != 1) & (pl.col("part") < 0.03) & (pl.col("day") + 1 < plan.days),
            two_parcels=pl.col("whole") & (pl.col("first_quantity") > 1) & (pl.col("parcel") < 0.15)
            & (pl.col("ship_day") + 1 < plan.days),
        ).drop("part", "parcel", "whole", "first_quantity")
    )


def _refunds(
    plan: Plan, orders: pl.DataFrame, lines: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """full: the whole order, paid back before it is shipped; else the first line, some days later."""
    totals = lines.group_by("o", maintain_order=True).agg(
        total=pl.col("amount").sum(), amount=pl.col("amount").first(), sku=pl.col("sku").first(),
        quantity=pl.col("quantity").first(),
    )
    drawn = orders.join(totals, on="o", how="left", maintain_order="left").with_columns(
        chance=pl.Series(rng.random(orders.height)), later=pl.Series(rng.integers(1, 5, orders.height)),
        second=pl.Series(rng.integers(36_000, 76_000, orders.height)),
        comes_back=pl.Series(rng.random(orders.height) < 0.6), first_home=pl.Series(rng.random(orders.height) < 0.4),
    )
    full = (pl.col("chance") < 0.01) & (pl.col("shop_no") != 1)
    return (
        drawn.filter(pl.col("is_paid") & (pl.col("chance") < 0.09))
        .with_columns(full=full)
        .with_columns(
            refund_day=pl.when("full").then("day")
            .otherwise(pl.col("day") + pl.col("later") + pl.when(pl.col("shop_no") == 1).then(2).otherwise(0)),
            sku=pl.when("full").then(pl.lit("")).otherwise("sku"),
            amount=pl.when("full").then("total").otherwise("amount"),
        )
        .with_columns(
            at=pl.when("full").then(pl.col("at") + 600).otherwise(pl.col("refund_day") * DAY + pl.col("second")),
            comes_back=pl.col("comes_back") & ~pl.col("full"),
            # some goods are back a day before the money is
            return_day=pl.col("refund_day") - (pl.col("first_home") & (pl.col("refund_day") - 1 > pl.col("ship_day"))),
        )
        .filter(pl.col("refund_day") < plan.days)
        .select(
            "o", "shop", "shop_no", "entity", "provider", "warehouse", "currency", "customer", "order_id", "total", "full",
            "refund_day", "at", "sku", "quantity", "amount", "comes_back", "return_day", "is_sf",
            kind=pl.when("comes_back").then(pl.lit("return")).otherwise(pl.lit("refund_only")),
            refund_id="RF" + digits(pl.col("o") + 1, 10),
            txn=pl.when(pl.col("shop_no") == 2).then("503000" + dates(plan, pl.col("refund_day"))
                                                     + digits(pl.col("o") + 1, 14))
            .when(pl.col("shop_no") == 3).then("re_" + dates(plan, pl.col("refund_day")) + digits(pl.col("o") + 1, 10))
            .otherwise("txn"),
            paid_txn=pl.col("txn"),
        )
    )

"""Breaks of orders: which orders are hit, what is changed in whose record, and which legs must show it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import polars as pl

from duizhang.simulate.records import Records, jd_statement
from duizhang.simulate.world import DAY, PAID, World

ALL, TB, JD, OWN_MONEY = (0, 1, 2), (0,), (1,), (0, 2)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of break: the shops it can hit, the days it needs to show itself, and (leg, cause) of what it leaves.

    needs: a further condition on the order (columns of the world's orders with coupon and settled first line).
    """

    shops: tuple[int, ...]
    wait: int
    shows: tuple[tuple[str, str], ...]
    needs: pl.Expr | None = None


def _legs(cause: str, *legs: str) -> tuple[tuple[str, str], ...]:
    return tuple((leg, cause) for leg in legs)


_ORDER = ("order_platform", "order_payment", "order_shipment")
_MONEY = ("order_platform", "order_payment")

KINDS: dict[str, Kind] = {
    "timing": Kind(ALL, 0, _legs("timing", *_MONEY), pl.col("ship_day") > pl.col("day")),
    "not_in_books": Kind(ALL, 3, _legs("missing_left", *_ORDER)),
    "platform_lacks": Kind(TB, 1, _legs("missing_right", "order_platform")),
    "trade_lacks": Kind(OWN_MONEY, 1, (("order_payment", "missing_right"), ("payment_settlement", "missing_left"))),
    "fund_lacks": Kind(OWN_MONEY, 1, _legs("missing_right", "payment_settlement")),
    "never_shipped": Kind(ALL, 2, _legs("missing_right", "order_shipment"), pl.col("status") == PAID),
    "books_twice": Kind(ALL, 3, _legs("duplicate", *_ORDER)),
    "fund_twice": Kind(OWN_MONEY, 1, _legs("duplicate", "payment_settlement")),
    "price_digits": Kind(ALL, 1, _legs("amount_entry", *_MONEY), pl.col("swapped") > 0),
    "price_factor": Kind(ALL, 1, _legs("amount_entry", *_MONEY)),
    "quantity_typed": Kind(ALL, 3, _legs("amount_entry", *_ORDER)),
    "discount_bearer": Kind((0, 1), 1, _legs("discount_bearer", *_MONEY), pl.col("coupon") > 0),
    "fee_rate": Kind(OWN_MONEY, 1, _legs("fee_rate", "payment_settlement"), pl.col("total") >= 500),
    "partial_settlement": Kind(JD, 3, _legs("partial_settlement", "payment_settlement")),
    "rounding": Kind(ALL, 1, _legs("rounding", *_MONEY)),
    "sku_mismatch": Kind(TB, 1, _legs("attribute_mismatch", "order_platform")),
}


def swap_digits(price: int) -> int:
    """A price with two neighbouring digits exchanged: the first pair, from the left, that makes it larger; else 0."""
    text = str(price)
    for i in range(len(text) - 2):
        if text[i] < text[i + 1]:
            return int(text[:i] + text[i + 1] + text[i] + text[i + 2:])
    return 0


def choose(world: World, rng: np.random.Generator) -> dict[str, list[int]]:
    """Orders to break, by kind of break: an equal share a kind, each order at most once, none with a refund."""
    plan = world.plan
    total = round(plan.break_rate * world.orders.height)
    if plan.break_rate > 0:
        total = max(1, total)
    first = world.lines.filter(pl.col("n") == 0).select("o", "price").with_columns(
        swapped=pl.col("price").map_elements(swap_digits, return_dtype=pl.Int64)
    )
    sums = world.lines.group_by("o").agg(total=pl.col("amount").sum(), coupon=pl.col("coupon").sum())
    able = (
        world.orders.join(first, on="o", how="left", maintain_order="left")
        .join(sums, on="o", how="left", maintain_order="left")
        .join(world.refunds, on="o", how="anti", maintain_order="left").filter("is_shipped")
    )
    able = able[rng.permutation(able.height)] if able.height else able
    used: set[int] = set()
    chosen: dict[str, list[int]] = {}
    kinds = [*KINDS, "refund_unrecorded"]
    for number, name in enumerate(kinds):
        count = total // len(kinds) + (number < total % len(kinds))
        if name == "refund_unrecorded":
            late = world.refunds.filter(~pl.col("full") & (pl.col("refund_day") < plan.early(1)))["o"].to_list()
            chosen[name] = sorted(rng.permutation(late).tolist()[:count]) if late else []
            continue
        kind = KINDS[name]
        end = plan.days - 1 if name == "timing" else plan.early(kind.wait)
        fit = able.filter(pl.col("shop_no").is_in(kind.shops) & (pl.col("day") < end))
        if kind.needs is not None:
            fit = fit.filter(kind.needs)
        picked = [o for o in fit["o"].to_list() if o not in used][:count]
        used.update(picked)
        chosen[name] = sorted(picked)
    return chosen


def inject(world: World, records: Records, chosen: dict[str, list[int]], rng: np.random.Generator) -> Records:
    """The records with every chosen break in them, and a mark for each leg that must show it."""
    broken = dataclasses.replace(records)
    for name, orders in chosen.items():
        if orders:
            _BREAK[name](world, broken, orders, rng)
    broken.jd_bill = jd_statement(world, broken, chosen.get("partial_settlement", []))
    broken.marks = [
        (o, leg, cause) for name, kind in KINDS.items() for o in chosen[name] for leg, cause in kind.shows
    ] + [(o, "order_payment", "refund_unrecorded") for o in chosen["refund_unrecorded"]]
    return broken


def _hit(orders: list[int]) -> pl.Expr:
    return pl.col("o").is_in(orders)


def _first(orders: list[int]) -> pl.Expr:
    return _hit(orders) & (pl.col("n") == 0)


def _without(frame: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    return frame.filter(~condition)


def _again(frame: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    return pl.concat([frame, frame.filter(condition)])


def _timing(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """Paid at 23:59:5x by our clock, at 00:00:0x of the next day by the platform's and the provider's."""
    noise = {o: int(second) for o, second in zip(orders, rng.integers(0, 10, len(orders)), strict=True)}
    late = pl.col("o").replace_strict(noise, default=0, return_dtype=pl.Int64)
    hit = _hit(orders)
    midnight = (pl.col("at") // DAY + 1) * DAY
    ours, theirs = midnight - 10 + late, midnight + late
    records.books = records.books.with_columns(at=pl.when(hit).then(ours).otherwise("at"))
    for name in ("platform", "payments"):
        frame: pl.DataFrame = getattr(records, name)
        setattr(records, name, frame.with_columns(
            at=pl.when(hit).then(theirs).otherwise("at"), day=pl.when(hit).then(pl.col("day") + 1).otherwise("day")
        ))
    records.fund = records.fund.with_columns(at=pl.when(hit).then(theirs).otherwise("at"))


def _not_in_books(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.books = _without(records.books, _hit(orders))


def _platform_lacks(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.platform = _without(records.platform, _hit(orders))


def _trade_lacks(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.payments = _without(records.payments, _hit(orders))


def _fund_lacks(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.fund = _without(records.fund, _hit(orders) & (pl.col("kind") == "sale"))


def _never_shipped(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.shipments = _without(records.shipments, _hit(orders))


def _books_twice(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.books = _again(records.books, _first(orders)).sort("o", "n", maintain_order=True)


def _fund_twice(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.fund = _again(records.fund, _hit(orders) & (pl.col("kind") == "sale"))


def _retype(records: Records, orders: list[int], price: pl.Expr, quantity: pl.Expr) -> None:
    """Another unit price or quantity on the first line of the books, and the amount that follows from it."""
    hit = _first(orders)
    records.books = records.books.with_columns(
        price=pl.when(hit).then(price).otherwise("price"), quantity=pl.when(hit).then(quantity).otherwise("quantity"),
    ).with_columns(
        amount=pl.when(hit).then(pl.col("price") * pl.col("quantity") - pl.col("shop_discount")).otherwise("amount")
    )


def _price_digits(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    prices = world.skus["price"].to_list()
    swapped = {price: swap_digits(price) for price in prices}
    _retype(records, orders, pl.col("price").replace_strict(swapped, default=pl.col("price"), return_dtype=pl.Int64),
            pl.col("quantity"))


def _price_factor(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _retype(records, orders[::2], pl.col("price") * 10, pl.col("quantity"))
    _retype(records, orders[1::2], pl.col("price") * 100, pl.col("quantity"))


def _quantity_typed(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _retype(records, orders[::2], pl.col("price"), pl.col("quantity") * 10)
    _retype(records, orders[1::2], pl.col("price"), pl.col("quantity") + 1)


def _discount_bearer(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.books = records.books.with_columns(
        amount=pl.when(_hit(orders)).then(pl.col("amount") - pl.col("coupon")).otherwise("amount")
    )


def _fee_rate(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """The fund bill charges 1.0% instead of the 0.6% of the trade bill."""
    records.fund = records.fund.join(
        records.payments.select("o", paid="amount"), on="o", how="left", maintain_order="left"
    ).with_columns(
        amount=pl.when(_hit(orders) & (pl.col("kind") == "fee")).then(-((pl.col("paid") + 50) // 100))
        .otherwise("amount")
    ).drop("paid")


def _rounding(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    for part, cent in ((orders[::2], 1), (orders[1::2], -1)):
        records.books = records.books.with_columns(
            amount=pl.when(_first(part)).then(pl.col("amount") + cent).otherwise("amount")
        )


def _sku_mismatch(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """The platform's line carries the merchant code of the next SKU."""
    skus = world.skus["sku"].to_list()
    follows = dict(zip(skus, [*skus[1:], skus[0]], strict=True))
    records.platform = records.platform.with_columns(
        sku=pl.when(_first(orders)).then(pl.col("sku").replace(follows)).otherwise("sku")
    )


def _refund_unrecorded(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.books_refunds = _without(records.books_refunds, _hit(orders))


def _nothing(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """Partial settlement is applied when JD's statement is drawn up."""


_BREAK: dict[str, Callable[[World, Records, list[int], np.random.Generator], None]] = {
    "timing": _timing, "not_in_books": _not_in_books, "platform_lacks": _platform_lacks, "trade_lacks": _trade_lacks,
    "fund_lacks": _fund_lacks, "never_shipped": _never_shipped, "books_twice": _books_twice,
    "fund_twice": _fund_twice, "price_digits": _price_digits, "price_factor": _price_factor,
    "quantity_typed": _quantity_typed, "discount_bearer": _discount_bearer, "fee_rate": _fee_rate,
    "partial_settlement": _nothing, "rounding": _rounding, "sku_mismatch": _sku_mismatch,
    "refund_unrecorded": _refund_unrecorded,
}

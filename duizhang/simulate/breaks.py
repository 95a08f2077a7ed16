"""Breaks of orders: what each kind of fault changes in whose record; the kinds and whom they hit are in `break_kinds`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import polars as pl

from duizhang.simulate.break_kinds import KINDS, OUTAGES, REFUND_KINDS, swap_digits
from duizhang.simulate.rates import freight_of
from duizhang.simulate.raw_rows import Records, jd_statement
from duizhang.simulate.world import DAY, World


def inject(world: World, records: Records, chosen: dict[str, list[int]], rng: np.random.Generator) -> Records:
    """The records with every chosen break in them, and a mark for each leg that must show it."""
    broken = dataclasses.replace(records, marks=[], seconds=[])
    for name, orders in chosen.items():
        if orders:
            _BREAK[name](world, broken, orders, rng)
    broken.jd_bill = jd_statement(world, broken, chosen.get("partial_settlement", []))
    home = set(world.refunds.filter("comes_back")["o"].to_list())  # goods that came back justify a refund by themselves
    broken.marks = [
        (o, leg, cause)
        for name, kind in {**KINDS, **REFUND_KINDS, **OUTAGES}.items() for o in chosen[name] for leg, cause in kind.shows
        if not (leg == "return_refund" and cause == "refund_unrecorded" and o in home)
    ]
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
    records.carrier = _without(records.carrier, _hit(orders))


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
    prices = world.lines["price"].unique().sort().to_list()
    swapped = {price: swap_digits(price) for price in prices}
    _retype(records, orders, pl.col("price").replace_strict(swapped, default=pl.col("price"), return_dtype=pl.Int64),
            pl.col("quantity"))


def _price_factor(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """Ten times the price only where the platform's lines tell it from a deposit of a tenth."""
    told = set(world.orders.filter(pl.col("shop_no") < 2)["o"].to_list())
    tenfold = [o for o in orders[::2] if o in told]
    _retype(records, tenfold, pl.col("price") * 10, pl.col("quantity"))
    _retype(records, [o for o in orders if o not in tenfold], pl.col("price") * 100, pl.col("quantity"))


def _quantity_typed(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _retype(records, orders[::2], pl.col("price"), pl.col("quantity") * 10)
    _retype(records, orders[1::2], pl.col("price"), pl.col("quantity") + 1)


def _discount_bearer(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.books = records.books.with_columns(
        amount=pl.when(_hit(orders)).then(pl.col("amount") - pl.col("coupon")).otherwise("amount")
    )


def _fee_rate(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """The fund bill charges 1.0% instead of the 0.6% of the trade bill, on each payment of an order in parts."""
    records.fund = records.fund.join(
        records.payments.filter(_hit(orders)).select("o", "txn", paid="amount"), on=["o", "txn"], how="left", maintain_order="left"
    ).with_columns(
        amount=pl.when(pl.col("paid").is_not_null() & (pl.col("kind") == "fee")).then(-((pl.col("paid") + 50) // 100))
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


def _discount_and_rounding(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _discount_bearer(world, records, orders, rng)
    records.books = records.books.with_columns(
        amount=pl.when(_first(orders)).then(pl.col("amount") + 1).otherwise("amount")
    )
    first = records.books.filter(_first(orders)).select("shop", "order_id", "line_id").iter_rows()
    for shop, order_id, line_id in first:
        records.seconds += [("order_platform", f"{shop}/{order_id}/{line_id}", "rounding", 1),
                            ("order_payment", f"{shop}/{order_id}", "rounding", 1)]


def _price_and_refund(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _price_factor(world, records, orders, rng)
    _refund_unrecorded(world, records, orders, rng)
    _mark_refunds(world, records, orders)


def _mark_refunds(world: World, records: Records, orders: list[int]) -> None:
    refunds = world.refunds.filter(_hit(orders)).select("shop", "order_id", "amount").iter_rows()
    records.seconds += [("order_payment", f"{shop}/{order_id}", "refund_unrecorded", int(amount))
                        for shop, order_id, amount in refunds]


def _price_twice(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """A line stands twice in the books, and its price is wrong."""
    meant = world.lines.filter(_first(orders)).select("o", meant="amount")
    _price_factor(world, records, orders, rng)
    typed = records.books.filter(_first(orders)).join(meant, on="o")
    for shop, order_id, line_id, amount, right in typed.select("shop", "order_id", "line_id", "amount", "meant").iter_rows():
        records.seconds += [("order_platform", f"{shop}/{order_id}/{line_id}", "amount_entry", amount - right),
                            ("order_payment", f"{shop}/{order_id}", "amount_entry", amount - right)]
    _books_twice(world, records, orders, rng)


def _two_lines(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """The price of the first line is wrong, and the second line differs by a fen."""
    _price_factor(world, records, orders, rng)
    other = _hit(orders) & (pl.col("n") == 1)
    records.books = records.books.with_columns(amount=pl.when(other).then(pl.col("amount") + 1).otherwise("amount"))
    for shop, order_id, line_id in records.books.filter(other).select("shop", "order_id", "line_id").iter_rows():
        records.seconds += [("order_platform", f"{shop}/{order_id}/{line_id}", "rounding", 1),
                            ("order_payment", f"{shop}/{order_id}", "rounding", 1)]


def _freight_twice_and_weight(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    meant = records.carrier.filter(_hit(orders)).select("o", "tracking", meant="amount")
    _freight_weight(world, records, orders, rng)
    billed = records.carrier.filter(_hit(orders)).join(meant, on=["o", "tracking"])
    records.seconds += [("freight", f"SF/{tracking}", "overbilled_freight", right - amount)
                        for tracking, amount, right in billed.select("tracking", "amount", "meant").iter_rows()]
    _freight_twice(world, records, orders, rng)


def _cent_and_refund(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _rounding(world, records, orders, rng)
    _refund_unrecorded(world, records, orders, rng)
    _mark_refunds(world, records, orders)


def _fee_and_refund(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """The fund bill charges another fee, and lacks the refund that the trade bill has; both stand under one number."""
    _fee_rate(world, records, orders, rng)
    records.fund = _without(records.fund, _hit(orders) & (pl.col("kind") == "refund"))
    for txn, amount in world.refunds.filter(_hit(orders)).select("txn", "amount").iter_rows():
        records.seconds.append(("payment_settlement", f"alipay/{txn}", "missing_right", -amount))


def _currency_typed(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.books = records.books.with_columns(
        currency=pl.when(_hit(orders)).then(pl.lit("USD")).otherwise("currency")
    )


def _fee_twice(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.fund = _again(records.fund, _hit(orders) & (pl.col("kind") == "fee"))


def _fee_card(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """Both bills agree on a fee that is a third higher than the rate card's."""
    dearer = pl.col("fee") * 4 // 3 + 2
    records.payments = records.payments.with_columns(fee=pl.when(_hit(orders)).then(dearer).otherwise("fee"))
    records.fund = records.fund.with_columns(
        amount=pl.when(_hit(orders) & (pl.col("kind") == "fee")).then(-(-pl.col("amount") * 4 // 3 + 2)).otherwise("amount")
    )


def _commission_rate(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.commission = records.commission.with_columns(
        amount=pl.when(_hit(orders)).then(-(-pl.col("amount") * 3 // 2)).otherwise("amount")
    )


def _rebill(world: World, records: Records, orders: list[int], kilograms: pl.Expr, zone: pl.Expr) -> None:
    """The carrier bills another weight or zone, at its own rates."""
    hit = _hit(orders)
    records.carrier = records.carrier.with_columns(
        kilograms=pl.when(hit).then(kilograms).otherwise("kilograms"), zone=pl.when(hit).then(zone).otherwise("zone")
    ).with_columns(
        amount=pl.when(hit).then(freight_of(world.plan, pl.col("kilograms") * 1000, pl.col("zone"))).otherwise("amount")
    )


def _freight_weight(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _rebill(world, records, orders[::2], pl.col("kilograms") + 1, pl.col("zone"))
    _rebill(world, records, orders[1::2], pl.col("kilograms") * 2 + 1, pl.col("zone"))


def _freight_zone(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _rebill(world, records, orders, pl.col("kilograms"), pl.lit(3, pl.Int64))


def _fee_and_freight(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _fee_card(world, records, orders, rng)
    _freight_weight(world, records, orders, rng)


def _freight_twice(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.carrier = _again(records.carrier, _hit(orders))


def _freight_unknown(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """The carrier bills a parcel that nobody handed over."""
    stranger = records.carrier.filter(_hit(orders)).with_columns(tracking="SF9" + pl.col("tracking").str.slice(3))
    records.carrier = pl.concat([records.carrier, stranger])


def _freight_unbilled(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    records.carrier = _without(records.carrier, _hit(orders))


def _refund_without_return(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """Our record says that the goods have to come back; they don't."""
    records.books_refunds = records.books_refunds.with_columns(
        kind=pl.when(_hit(orders)).then(pl.lit("return")).otherwise("kind")
    )


def _unpaid(records: Records, orders: list[int]) -> None:
    records.provider_refunds = _without(records.provider_refunds, _hit(orders))
    back = (pl.col("kind") == "refund") | (pl.col("refund_id") != "")
    records.fund = _without(records.fund, _hit(orders) & back)


def _return_without_refund(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _unpaid(records, orders)
    records.books_refunds = _without(records.books_refunds, _hit(orders))


def _refund_unpaid(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _unpaid(records, orders)


def _lost(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    """Handed over, never billed by the carrier, paid back, never returned."""
    _refund_without_return(world, records, orders, rng)
    _freight_unbilled(world, records, orders, rng)


_BREAK: dict[str, Callable[[World, Records, list[int], np.random.Generator], None]] = {
    "timing": _timing, "not_in_books": _not_in_books, "platform_lacks": _platform_lacks, "trade_lacks": _trade_lacks,
    "fund_lacks": _fund_lacks, "never_shipped": _never_shipped, "books_twice": _books_twice,
    "fund_twice": _fund_twice, "price_digits": _price_digits, "price_factor": _price_factor,
    "quantity_typed": _quantity_typed, "discount_bearer": _discount_bearer, "fee_rate": _fee_rate,
    "partial_settlement": _nothing, "rounding": _rounding, "sku_mismatch": _sku_mismatch,
    "refund_unrecorded": _refund_unrecorded, "discount_and_rounding": _discount_and_rounding,
    "price_and_refund": _price_and_refund, "currency_typed": _currency_typed, "fee_twice": _fee_twice,
    "fee_card": _fee_card, "commission_rate": _commission_rate, "fee_and_freight": _fee_and_freight,
    "freight_weight": _freight_weight, "freight_zone": _freight_zone, "freight_twice": _freight_twice,
    "freight_unknown": _freight_unknown, "freight_unbilled": _freight_unbilled,
    "refund_without_return": _refund_without_return, "return_without_refund": _return_without_refund,
    "refund_unpaid": _refund_unpaid, "lost": _lost, "price_twice": _price_twice, "two_lines": _two_lines,
    "freight_twice_and_weight": _freight_twice_and_weight, "cent_and_refund": _cent_and_refund,
    "fee_and_refund": _fee_and_refund, "platform_outage": _platform_lacks, "trade_outage": _trade_lacks,
    "books_outage": _not_in_books,
}

"""Breaks of orders: which orders are hit, what is changed in whose record, and which legs must show it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import polars as pl

from duizhang.simulate.rates import freight_of
from duizhang.simulate.raw_rows import Records, jd_statement
from duizhang.simulate.world import DAY, NEW_CARDS, PAID, World

ALL, TB, JD, OWN_MONEY, HOME = (0, 1, 2, 3), (0,), (1,), (0, 2), (0, 1, 2)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of break: the shops it can hit, the days it needs to show itself, and (leg, cause) of what it leaves.

    needs: a further condition on the order (columns of the world's orders with coupon and settled first line) or, for the
    breaks of refunds, on the refund.
    """

    shops: tuple[int, ...]
    wait: int
    shows: tuple[tuple[str, str], ...]
    needs: pl.Expr | None = None


def _legs(cause: str, *legs: str) -> tuple[tuple[str, str], ...]:
    return tuple((leg, cause) for leg in legs)


_ORDER = ("order_platform", "order_payment", "order_shipment")
_MONEY = ("order_platform", "order_payment")
_SENT = pl.col("is_sf") & (pl.col("ship_day") == pl.col("day"))
_BIG = pl.col("total") >= 2_000

KINDS: dict[str, Kind] = {
    "timing": Kind(ALL, 0, _legs("timing", *_MONEY), (pl.col("ship_day") > pl.col("day"))
                   & ~((pl.col("shop_no") == 0) & (pl.col("day") == NEW_CARDS - 1))),
    "not_in_books": Kind(ALL, 3, _legs("missing_left", *_ORDER)),
    "platform_lacks": Kind(TB, 1, _legs("missing_right", "order_platform")),
    "trade_lacks": Kind(OWN_MONEY, 1, (("order_payment", "missing_right"), ("payment_settlement", "missing_left"),
                                       ("fee", "missing_left"))),
    "fund_lacks": Kind(OWN_MONEY, 1, _legs("missing_right", "payment_settlement")),
    "never_shipped": Kind(ALL, 2, _legs("missing_right", "order_shipment"), pl.col("status") == PAID),
    "books_twice": Kind(ALL, 3, _legs("duplicate", *_ORDER)),
    "fund_twice": Kind(OWN_MONEY, 1, _legs("duplicate", "payment_settlement")),
    "fee_twice": Kind(OWN_MONEY, 1, _legs("duplicate", "payment_settlement", "fee"), _BIG),
    "price_digits": Kind(ALL, 1, _legs("amount_entry", *_MONEY), pl.col("swapped") > 0),
    "price_factor": Kind(ALL, 1, _legs("amount_entry", *_MONEY)),
    "quantity_typed": Kind((0, 1), 3, _legs("amount_entry", *_ORDER)),
    "discount_bearer": Kind((0, 1), 1, _legs("discount_bearer", *_MONEY), pl.col("coupon") > 0),
    "discount_and_rounding": Kind((0, 1), 1, _legs("discount_bearer", *_MONEY), pl.col("first_coupon") > 0),
    "fee_rate": Kind(OWN_MONEY, 1, _legs("fee_rate", "payment_settlement", "fee"), _BIG),
    "fee_card": Kind((0, 2, 3), 1, _legs("fee_rate", "fee"), _BIG),
    "fee_and_freight": Kind(OWN_MONEY, 2, (("fee", "fee_rate"), ("freight", "overbilled_freight")), _BIG & _SENT),
    "commission_rate": Kind(JD, 3, _legs("fee_rate", "fee"), _BIG),
    "partial_settlement": Kind(JD, 3, _legs("partial_settlement", "payment_settlement")),
    "rounding": Kind(ALL, 1, _legs("rounding", *_MONEY)),
    "sku_mismatch": Kind(TB, 1, _legs("attribute_mismatch", "order_platform")),
    "currency_typed": Kind(HOME, 1, _legs("currency", *_MONEY)),
    "freight_weight": Kind(ALL, 2, _legs("overbilled_freight", "freight"), _SENT),
    "freight_zone": Kind(ALL, 2, _legs("overbilled_freight", "freight"), _SENT & (pl.col("zone") < 3)),
    "freight_twice": Kind(ALL, 2, _legs("duplicate", "freight"), _SENT),
    "freight_unknown": Kind(ALL, 2, _legs("missing_left", "freight"), _SENT),
    "freight_unbilled": Kind(ALL, 2, _legs("missing_right", "freight"), _SENT),
    "price_twice": Kind((0, 1), 3, _legs("duplicate", *_ORDER)),
    "two_lines": Kind((0, 1), 1, _legs("amount_entry", *_MONEY), pl.col("line_count") > 1),
    "freight_twice_and_weight": Kind(ALL, 2, _legs("duplicate", "freight"), _SENT),
}

# Breaks of orders of which a part is paid back some days later.
_AFTER = ~pl.col("full") & (pl.col("amount") > 100)
REFUND_KINDS: dict[str, Kind] = {  # those that few refunds fit come first
    "fee_and_refund": Kind(TB, 2, _legs("fee_rate", "payment_settlement", "fee"), _AFTER & _BIG),
    "lost": Kind(HOME, 2, _legs("lost_in_transit", "return_refund", "freight"),
                 _AFTER & ~pl.col("comes_back") & pl.col("is_sf")),
    "refund_unrecorded": Kind(ALL, 2, _legs("refund_unrecorded", "order_payment", "return_refund"), _AFTER),
    "price_and_refund": Kind(ALL, 2, (*_legs("amount_entry", *_MONEY), ("return_refund", "refund_unrecorded")), _AFTER),
    "refund_without_return": Kind(ALL, 2, _legs("refund_without_return", "return_refund"), _AFTER & ~pl.col("comes_back")),
    "return_without_refund": Kind(ALL, 2, _legs("return_without_refund", "return_refund"), _AFTER & pl.col("comes_back")),
    "refund_unpaid": Kind(ALL, 2, _legs("missing_right", "order_payment", "return_refund"), _AFTER & ~pl.col("comes_back")),
    "cent_and_refund": Kind(ALL, 2, (*_legs("rounding", *_MONEY), ("return_refund", "refund_unrecorded")), _AFTER),
}

# Gaps: so many orders of a shop, one after the other, that one source lacks.
OUTAGES: dict[str, Kind] = {
    "platform_outage": Kind(TB, 2, _legs("system_outage", "order_platform")),
    "trade_outage": Kind(OWN_MONEY, 2, _legs("system_outage", "order_payment", "payment_settlement", "fee")),
    "books_outage": Kind(HOME, 3, _legs("system_outage", *_ORDER)),
}
GAP = 6


def swap_digits(price: int) -> int:
    """A price with two neighbouring digits exchanged: the first pair, from the left, that makes it larger; else 0."""
    text = str(price)
    for i in range(len(text) - 2):
        if text[i] < text[i + 1]:
            return int(text[:i] + text[i + 1] + text[i] + text[i + 2:])
    return 0


def choose(world: World, rng: np.random.Generator) -> dict[str, list[int]]:
    """Orders to break, by kind of break: an equal share a kind, and on a third of them a second kind that shows in other legs
    (the kinds whose names say `and`, `twice` or `two` show two faults in one). A gap takes GAP orders and more."""
    plan = world.plan
    total = round(plan.break_rate * world.orders.height)
    if plan.break_rate > 0:
        total = max(1, total)
    first = world.lines.filter(pl.col("n") == 0).select("o", "price", first_coupon="coupon").with_columns(
        swapped=pl.col("price").map_elements(swap_digits, return_dtype=pl.Int64)
    )
    sums = world.lines.group_by("o").agg(total=pl.col("amount").sum(), coupon=pl.col("coupon").sum())
    # hard noise hits orders that are paid in parts, sent in parcels, paid back or not sent as well
    whole = pl.lit(value=True) if plan.noise == "hard" else ~pl.col("in_parts") & ~pl.col("two_parcels")
    hit = world.orders.filter(whole & pl.col("is_paid"))
    able = (
        hit.join(first, on="o", how="left", maintain_order="left")
        .join(sums, on="o", how="left", maintain_order="left")
    )
    if plan.noise == "easy":
        able = able.join(world.refunds, on="o", how="anti", maintain_order="left").filter("is_shipped")
    able = able[rng.permutation(able.height)] if able.height else able
    paid_back = world.refunds[rng.permutation(world.refunds.height)] if world.refunds.height else world.refunds
    used: set[int] = set()
    chosen = _gaps(world, total, rng, used)
    kinds = {**KINDS, **REFUND_KINDS}
    fits: dict[str, set[int]] = {}
    for number, (name, kind) in enumerate(kinds.items()):
        count = total // len(kinds) + (number < total % len(kinds))
        if name in REFUND_KINDS:
            fit = paid_back.filter(pl.col("refund_day") < plan.early(kind.wait))
        else:
            end = plan.days - 1 if name == "timing" else plan.early(kind.wait)
            fit = able.filter(pl.col("day") < end)
        fit = fit.filter(pl.col("shop_no").is_in(kind.shops))
        if kind.needs is not None:
            fit = fit.filter(kind.needs)
        picked = [o for o in fit["o"].to_list() if o not in used][:count]
        used.update(picked)
        chosen[name] = sorted(picked)
        fits[name] = set(fit["o"].to_list())
    _add_second_faults(chosen, fits)
    return chosen


def _add_second_faults(chosen: dict[str, list[int]], fits: dict[str, set[int]]) -> None:
    """Give every third broken order another kind that fits it and shows in none of the same legs, each kind in its turn."""
    legs = {name: {leg for leg, _ in kind.shows} for name, kind in KINDS.items()}
    names = [name for name in KINDS if name != "timing"]
    second: list[tuple[str, int]] = []
    turn = 0
    for name in names:
        for o in chosen[name][::3]:
            for step in range(len(names)):
                other = names[(turn + step) % len(names)]
                if o in fits[other] and not legs[name] & legs[other]:
                    second.append((other, o))
                    turn += step + 1
                    break
    for name, o in second:
        chosen[name] = sorted([*chosen[name], o])


def _gaps(world: World, total: int, rng: np.random.Generator, used: set[int]) -> dict[str, list[int]]:
    """One gap of each kind, where there are enough breaks for it: successive paid orders without refunds."""
    back = {*world.refunds["o"].to_list(), *world.orders.filter(pl.col("in_parts") | pl.col("two_parcels"))["o"].to_list()}
    chosen: dict[str, list[int]] = {}
    for name, kind in OUTAGES.items():
        chosen[name] = []
        runs: list[tuple[list[int], list[int]]] = []
        paid = world.orders.filter(
            "is_paid" & pl.col("shop_no").is_in(kind.shops) & (pl.col("day") < world.plan.early(kind.wait))
        )
        for _, part in paid.sort("o").group_by("shop_no", "day", maintain_order=True):
            orders = part["o"].to_list()
            size = GAP + int(rng.integers(0, 3))
            for start in range(0, len(orders) - size + 1):
                run = orders[start:start + size]
                if not used.intersection(run) and not back.intersection(run):
                    runs.append((run, orders[max(0, start - 2):start + size + 2]))
        if runs and total >= 4 * GAP:
            chosen[name], around = runs[int(rng.integers(0, len(runs)))]
            used.update(around)  # a single fault beside a gap could not be told from it
    return chosen


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
    """The fund bill charges 1.0% instead of the 0.6% of the trade bill."""
    records.fund = records.fund.join(
        records.payments.filter(_hit(orders)).select("o", paid="amount"), on="o", how="left", maintain_order="left"
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
    meant = records.carrier.filter(_hit(orders)).select("o", meant="amount")
    _freight_weight(world, records, orders, rng)
    billed = records.carrier.filter(_hit(orders)).join(meant, on="o")
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


def _rebill(records: Records, orders: list[int], kilograms: pl.Expr, zone: pl.Expr) -> None:
    """The carrier bills another weight or zone, at its own rates."""
    hit = _hit(orders)
    records.carrier = records.carrier.with_columns(
        kilograms=pl.when(hit).then(kilograms).otherwise("kilograms"), zone=pl.when(hit).then(zone).otherwise("zone")
    ).with_columns(
        amount=pl.when(hit).then(freight_of(pl.col("kilograms") * 1000, pl.col("zone"))).otherwise("amount")
    )


def _freight_weight(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _rebill(records, orders[::2], pl.col("kilograms") + 1, pl.col("zone"))
    _rebill(records, orders[1::2], pl.col("kilograms") * 2 + 1, pl.col("zone"))


def _freight_zone(world: World, records: Records, orders: list[int], rng: np.random.Generator) -> None:
    _rebill(records, orders, pl.col("kilograms"), pl.lit(3, pl.Int64))


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

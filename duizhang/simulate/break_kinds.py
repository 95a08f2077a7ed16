"""Kinds of faults of orders, which legs must show them, and which orders are hit; what each changes is in `breaks`."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from duizhang.simulate.world import NEW_CARDS, PAID, World

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
_BIG = pl.col("total") >= 2_000  # a fee of some units

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
    total = plan.asked(world.orders.height)
    first = world.lines.filter(pl.col("n") == 0).select("o", "price", first_coupon="coupon").with_columns(
        swapped=pl.col("price").map_elements(swap_digits, return_dtype=pl.Int64)
    )
    sums = world.lines.group_by("o").agg(total=pl.col("amount").sum(), coupon=pl.col("coupon").sum())
    # hard noise hits orders that are paid in parts, sent in parcels, paid back or not sent as well
    whole = pl.lit(value=True) if plan.noise != "easy" else ~pl.col("in_parts") & ~pl.col("two_parcels")
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

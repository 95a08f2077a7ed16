"""What providers, platforms, carriers and banks charge in the simulation, in whole smallest units of a currency and on its own.

These are the rate cards that settings.py writes into books.yaml; here they are worked out once more, so that a fee that
the pipeline recomputes has a second opinion.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from duizhang.simulate.text import money
from duizhang.simulate.world import NEW_CARDS, Plan

# zone: name, first kilogram and each further one (hundreds of units), the same from NEW_CARDS on
ZONES = {1: ("同城", 10, 2, 10, 2), 2: ("省内", 12, 3, 12, 4), 3: ("省外", 18, 8, 20, 8)}
COMMISSIONS = {"家居": 5, "厨具": 8}  # per cent; every other category:
COMMISSION = 6
CARD_CAP, CARD_MINIMUM = 6_000, 10  # Alipay; these and the next are units at a scale of 1
CARD_FIXED, CARD_TIER = 30, 10_000  # the card processor abroad, cents


def fee_of(plan: Plan, amount: pl.Expr) -> pl.Expr:
    """The transaction fee by the columns provider and day, rounded half up to the smallest unit. At a scale of 1, in yuan:

    WeChat Pay 0.6%; Alipay 0.6%, 0.55% from NEW_CARDS on, at least 0.10, at most 60 yuan; the card processor abroad 2.9% of
    the first 100 dollars and 2.5% of the rest, plus 0.30; JD takes a commission instead.
    """
    permyriad = pl.when(pl.col("day") >= NEW_CARDS).then(55).otherwise(60)
    tier = CARD_TIER * plan.scale
    abroad = pl.min_horizontal(amount, tier) * 29 + pl.max_horizontal(amount - tier, 0) * 25 + CARD_FIXED * plan.scale * 1000
    return (
        pl.when(pl.col("provider") == "jd").then(0)
        .when(pl.col("provider") == "alipay").then(((amount * permyriad + 5_000) // 10_000)
              .clip(CARD_MINIMUM * plan.scale, CARD_CAP * plan.scale))
        .when(pl.col("provider") == "cardpay").then((abroad + 500) // 1000)
        .otherwise((amount * 6 + 500) // 1000)
    )


def commission_of(amount: pl.Expr, category: pl.Expr) -> pl.Expr:
    """JD's commission on a line, by category."""
    percent = category.replace_strict(COMMISSIONS, default=COMMISSION, return_dtype=pl.Int64)
    return (amount * percent + 50) // 100


def freight_of(plan: Plan, grams: pl.Expr, zone: pl.Expr) -> pl.Expr:
    """SF's price by the column day: the first kilogram, then each further one begun."""
    more = pl.max_horizontal(1, -(-grams // 1000)) - 1

    def price(first: int, step: int) -> pl.Expr:
        firsts = zone.replace_strict({number: prices[first] for number, prices in ZONES.items()}, return_dtype=pl.Int64)
        steps = zone.replace_strict({number: prices[step] for number, prices in ZONES.items()}, return_dtype=pl.Int64)
        return (firsts + steps * more) * 100 * plan.scale

    return pl.when(pl.col("day") >= NEW_CARDS).then(price(3, 4)).otherwise(price(1, 2))


def rate_of(plan: Plan, day: pl.Expr) -> pl.Expr:
    """What a dollar costs at home in 1/10000, the dated rate of a day."""
    base = plan.home.dollar
    return base + (day.cast(pl.Int64) * 137) % 400 * base // 71_000


def to_home(plan: Plan, cents: pl.Expr, day: pl.Expr, off: pl.Expr | int = 0) -> pl.Expr:
    """Dollar cents in the currency at home, rounded half away from zero: at the dated rate, or off it by so many 1/10000."""
    # wide, as cents times rate times 10000 leaves 64 bits
    product = cents.abs().cast(pl.Int128) * rate_of(plan, day) * (10_000 + off) * int(10**plan.places)
    return ((product + 5 * 10**9) // 10**10).cast(pl.Int64) * cents.sign()


def rate_cards(plan: Plan) -> list[dict[str, Any]]:
    """The same as entries of books.yaml."""
    start, later = plan.start, plan.date(NEW_CARDS)

    def at_home(units: int) -> str:
        return money(units * plan.scale, plan.places)

    alipay = {"minimum": at_home(CARD_MINIMUM), "cap": at_home(CARD_CAP)}
    cards: list[dict[str, Any]] = [
        {"kind": "fee", "provider": "alipay", "from_day": start, "percent": "0.6", **alipay},
        {"kind": "fee", "provider": "alipay", "from_day": later, "percent": "0.55", **alipay},
        {"kind": "fee", "provider": "wechat", "from_day": start, "percent": "0.6", "on_refund": "returned"},
        {"kind": "fee", "provider": "cardpay", "from_day": start, "fixed": money(CARD_FIXED * plan.scale),
         "tiers": [{"up_to": money(CARD_TIER * plan.scale), "percent": "2.9"}, {"percent": "2.5"}]},
        {"kind": "commission", "provider": "jd", "from_day": start, "percent": str(COMMISSION)},
        *({"kind": "commission", "provider": "jd", "from_day": start, "category": category, "percent": str(percent)}
          for category, percent in COMMISSIONS.items()),
    ]
    for name, first, step, new_first, new_step in ZONES.values():
        for day, one, further in ((start, first, step), (later, new_first, new_step)):
            cards.append({"kind": "freight", "provider": "SF", "from_day": day, "zone": name, "first_weight": "1",
                          "first_price": at_home(one * 100), "step_weight": "1", "step_price": at_home(further * 100)})
    return cards

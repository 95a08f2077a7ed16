"""Whether decisions about two events would book the same money, as far as the records can tell; in doubt they would.

What a day shows of one fault is one event. What is left: a leg that shows it on another day, and sums that name no order.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from duizhang.close.decisions import SUMS
from duizhang.close.groups import Event

# one fault is first seen by two legs within so many days
_NEAR = dt.timedelta(days=7)


@dataclass(frozen=True)
class Footprint:
    """What a decision is about: orders as `shop/order_id`, as far as the records tell them."""

    leg: str
    entity: str
    currency: str
    shop: str
    amount: Decimal
    first_seen: dt.date
    orders: frozenset[str]


def footprint(event: Event) -> Footprint:
    """What a decision on an event is about."""
    lead = event.lead
    return Footprint(lead.leg, lead.entity, lead.currency, lead.shop, event.amount, event.first_seen, event.orders)


def same_money(one: Footprint, other: Footprint) -> bool:
    """Whether both may be about the same money.

    A shared order and the same amount are, and of sums that know no order the same amount first seen in the same week: a ledger
    account, or a line that no order explains. Two items of one leg never are: there, a key has its money to itself.
    """
    if one.leg == other.leg or (one.entity, one.currency) != (other.entity, other.currency):
        return False
    if abs(one.amount) != abs(other.amount):
        return False
    blind = any((f.leg in SUMS and not f.orders) or f.leg == "ledger" for f in (one, other))
    elsewhere = one.shop and other.shop and one.shop != other.shop
    return bool(one.orders & other.orders) or (blind and not elsewhere and abs(one.first_seen - other.first_seen) <= _NEAR)

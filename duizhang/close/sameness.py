"""Whether two decisions would book the same money, as far as the records can tell; in doubt they would."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from duizhang.close.decisions import Decision
from duizhang.published import open_published
from duizhang.reconcile import STATE_TABLES
from duizhang.store import Store, connect

# what was sold and paid, seen by line, by order, by customer and by shop
_SALES = ("order_platform", "order_payment", "customer", "finance")
# legs that add up what others show line by line, and so know no order of their own
_SUMS = ("customer", "finance", "ledger")
# the legs whose lines a measure of the finance leg adds up
_LINES = {"revenue": "order_platform", "discount": "order_platform", "fee": "fee", "commission": "fee", "freight": "freight"}
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


def same_money(one: Footprint, other: Footprint) -> bool:
    """Whether both may be about the same money.

    Of what was sold and paid, two legs that share an order are. Elsewhere a shared order and the same amount are, and of
    sums that know no order the same amount first seen in the same week: a ledger account, or a line that no order explains.
    Two items of one leg never are: there, a key has its money to itself.
    """
    if one.leg == other.leg or (one.entity, one.currency) != (other.entity, other.currency):
        return False
    shared = one.orders & other.orders
    if one.leg in _SALES and other.leg in _SALES and shared:
        return True
    if abs(one.amount) != abs(other.amount):
        return False
    blind = any((f.leg in _SUMS and not f.orders) or f.leg == "ledger" for f in (one, other))
    elsewhere = one.shop and other.shop and one.shop != other.shop
    return bool(shared) or (blind and not elsewhere and abs(one.first_seen - other.first_seen) <= _NEAR)


def footprint(home: Path, store: Store, d: Decision) -> Footprint:
    """What a decision on a published difference is about. A line of a customer's or a shop's sum is about the orders in it."""
    orders = {f"{d.shop}/{d.order_id}"} if d.order_id and d.leg not in _SUMS else set()
    with open_published(home) as con:
        row = con.execute(
            'select min(first_seen) from variances where period = ? and leg = ? and entity = ? and "key" = ? and currency = ?',
            [d.period, d.leg, d.entity, d.key, d.currency],
        ).fetchone()
        if d.leg == "finance":
            lines = _LINES.get(d.key.rpartition("/")[2], "")
            orders |= {str(o) for (o,) in con.execute(
                "select distinct concat_ws('/', shop, order_id) from variances where period = ? and leg = ? and entity = ? "
                "and currency = ? and shop = ? and cause = ? and order_id <> ''",
                [d.period, lines, d.entity, d.currency, d.shop, d.cause],
            ).fetchall()}
    if d.leg == "customer":
        orders |= _unequal(store, d, "leg = 'customer' and \"key\" = ?", d.key)
    elif d.leg == "finance" and d.key.endswith("/refund"):
        orders |= _unequal(store, d, "leg = 'order_payment' and kind = 'refund' and shop = ?", d.shop)
    return Footprint(d.leg, d.entity, d.currency, d.shop, d.amount, row[0] if row and row[0] else d.period, frozenset(orders))


def _unequal(store: Store, d: Decision, which: str, value: str) -> set[str]:
    """The orders whose open claims of a kind do not net at the end of the decision's day."""
    with connect() as con:
        store.view(con, "open_claims", [d.period], STATE_TABLES["open_claims"])
        found = con.execute(
            f"select concat_ws('/', shop, order_id) from open_claims where {which} and entity = ? and currency = ? and order_id <> '' "
            "group by shop, order_id having sum(case side when 'left' then amount else -amount end) <> 0",
            [value, d.entity, d.currency],
        ).fetchall()
    return {str(order) for (order,) in found}

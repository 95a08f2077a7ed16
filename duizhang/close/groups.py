"""The events of a published day: the items that show one fault, as sql/variances/event_items puts them together."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb

from duizhang.close.decisions import SUMS, Item
from duizhang.errors import UserError
from duizhang.home.published import open_published

Place = tuple[str, str, str, str, str]  # leg, entity, key, currency, cause
# the legs whose lines a measure of the finance leg adds up
_LINES = {"fee": "fee", "commission": "fee", "freight": "freight"}


@dataclass(frozen=True)
class Event:
    """What one decision is about. orders: `shop/order_id`, as far as the records tell them."""

    id: str
    period: dt.date
    items: tuple[Item, ...]
    first_seen: dt.date
    orders: frozenset[str]

    @property
    def booked(self) -> tuple[Item, ...]:
        """The items whose amounts are the event's money."""
        return tuple(item for item in self.items if item.is_booked) or self.items[:1]

    @property
    def lead(self) -> Item:
        """The item that it is told by: the first one that is booked."""
        return self.booked[0]

    @property
    def amount(self) -> Decimal:
        """Its money: left - right. Of two accounts that have what the other lacks, what the first has too much."""
        of_lead = [item for item in self.booked if item.leg == self.lead.leg]
        total = sum((item.difference for item in of_lead), Decimal(0))
        return total if total or " " in self.id else self.lead.difference

    @property
    def quantity(self) -> Decimal:
        return sum((item.quantity for item in self.booked), Decimal(0))


def linked(events: Sequence[Event]) -> Event:
    """Events of one day that are one fault seen from two sides, as somebody says: a pair, or n to m.

    Their amounts net and nothing is booked; what does not net stays open where the largest of them is. Raises UserError where they are
    of several legs, entities or currencies, or add up instead of netting.
    """
    found = sorted({event.id: event for event in events}.values(), key=lambda e: (-abs(e.amount), e.id))
    if len(found) < 2:
        raise UserError("a link needs at least two events")
    kinds = {(e.lead.leg, e.lead.entity, e.lead.currency) for e in found}
    if len(kinds) > 1:
        raise UserError(f"only events of one leg, entity and currency net: {' and '.join(sorted(' '.join(k) for k in kinds))}")
    first, rest = found[0], sum((e.amount for e in found), Decimal(0))
    if abs(rest) >= abs(first.amount):
        raise UserError(f"they do not net: {', '.join(f'{e.id} {e.amount.normalize():f}' for e in found)}")
    items = [item for e in (found if not rest else found[1:]) for item in e.items]
    if rest:
        if len(first.booked) > 1:
            raise UserError(f"{first.id} has its money in {len(first.booked)} items, so nobody can tell in which of them the rest of "
                            f"{rest.normalize():f} stays")
        items.append(replace(first.lead, difference=first.lead.difference - rest, quantity=Decimal(0)))
    return Event(
        " ".join(sorted(e.id for e in found)), first.period, tuple(sorted(items, key=lambda i: not i.is_booked)),
        min(e.first_seen for e in found), frozenset().union(*(e.orders for e in found)),
    )


def no_such_day(con: duckdb.DuckDBPyConnection, period: dt.date) -> None:
    """UserError where a published database knows nothing of a day, or has no version of it."""
    row = con.execute("select state, version from period_status where period = ?", [period]).fetchone()
    if row is None:
        raise UserError(f"{period} was never computed", advice="`duizhang status` lists the days; `duizhang run` computes one.")
    if not row[1]:
        raise UserError(f"{period} is {row[0]} and was never published", advice="`duizhang status` says what holds it.")


def events_of(home: Path, period: dt.date) -> dict[str, Event]:
    """The events of a published day by id, the largest amount first.

    A version that was published before events were has each of its items as an event. Raises UserError where the day was never
    published.
    """
    with open_published(home) as con:
        no_such_day(con, period)
        rows = con.execute(
            'select event, leg, entity, "key", currency, cause, difference, quantity, is_booked, shop, order_id from event_items '
            'where period = ? order by event, not is_booked, cause = \'timing\', abs(difference) desc, leg, "key", entity, currency, cause',
            [period],
        ).fetchall()
        known = {tuple(row[1:6]) for row in rows}
        seen: dict[Place, dt.date] = {}
        for leg, entity, key, currency, cause, difference, quantity, shop, order_id, first in con.execute(
            'select leg, entity, "key", currency, cause, difference, left_quantity - right_quantity, shop, order_id, first_seen '
            'from variances where period = ? order by all', [period],
        ).fetchall():
            place = (leg, entity, key, currency, cause)
            seen[place] = first or period
            if place not in known:
                rows.append((_event_id("item", *place), *place, difference, quantity, True, shop, order_id))
        of_lines = _orders_of_lines(con, period)
    grouped: dict[str, list[Item]] = {}
    for event, leg, entity, key, currency, cause, difference, quantity, booked, shop, order_id in rows:
        grouped.setdefault(event, []).append(
            Item(leg, entity, key, currency, cause, difference, quantity, booked, shop or "", order_id or "")
        )
    found = [
        Event(event, period, tuple(items), min(seen.get((*i.place, i.cause), period) for i in items), _orders(items, of_lines))
        for event, items in grouped.items()
    ]
    return {event.id: event for event in sorted(found, key=lambda e: (-abs(e.amount), e.id))}


def by_item(events: Iterable[Event]) -> dict[Place, list[Event]]:
    """The events that each line of `variances` is made of."""
    found: dict[Place, list[Event]] = {}
    for event in events:
        for item in event.items:
            found.setdefault((*item.place, item.cause), []).append(event)
    return found


def _orders(items: list[Item], of_lines: dict[tuple[str, str, str], frozenset[str]]) -> frozenset[str]:
    own = {f"{i.shop}/{i.order_id}" for i in items if i.order_id and (i.leg not in SUMS or not i.is_booked)}
    for item in items:
        if item.leg == "finance" and item.is_booked:
            own |= of_lines.get((_LINES.get(item.key.rpartition("/")[2], ""), item.shop, item.cause), frozenset())
    return frozenset(own)


def _orders_of_lines(con: duckdb.DuckDBPyConnection, period: dt.date) -> dict[tuple[str, str, str], frozenset[str]]:
    """By leg, shop and cause, the orders whose fees or freight differ: what a sum of them may be about."""
    rows = con.execute(
        "select leg, shop, cause, list(distinct concat_ws('/', shop, order_id)) from variances where period = ? "
        "and leg in ('fee', 'freight') and order_id <> '' group by all", [period],
    ).fetchall()
    return {(leg, shop, cause): frozenset(orders) for leg, shop, cause, orders in rows}


def _event_id(*parts: str) -> str:
    return "E" + hashlib.md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()[:12].upper()

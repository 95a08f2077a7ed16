"""The clock of claims: what each counterparty has been asked for, until when the rest can be claimed, and what came of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from duizhang.books import Books
from duizhang.close.decisions import MOVING, decisions
from duizhang.close.disputes import SOON, Item, claim_by, party_of, to_answer
from duizhang.declared.terms import EventKind
from duizhang.home.events import events
from duizhang.home.state import State

DISPUTED = EventKind.DISPUTED


@dataclass(frozen=True)
class Clock:
    """What there is to claim of one counterparty, in one currency; amounts are what we ask for, negative where it is in their favour.

    claimed: open, and in a letter. unclaimed: open, and in none; of these, expiring ends within the week, expired is over. recovered:
    was in a letter, and is not open any more without a decision of ours. next: the first day on which a claim that is not made ends.
    """

    counterparty: str
    currency: str
    claimed: Decimal
    unclaimed: Decimal
    expiring: Decimal
    expired: Decimal
    recovered: Decimal
    next: dt.date | None


def told_of(items: list[Item]) -> list[dict[str, str]]:
    """The items of a letter as its event tells them."""
    return [{"leg": i.leg, "key": i.key, "cause": i.request.cause, "currency": i.currency, "order_id": i.order_id, "claim": str(i.claim)}
            for i in items]


def clock(home: Path, books: Books, state: State, period: dt.date) -> list[Clock]:
    """The clock at a period's end, by counterparty and currency. Raises UserError where the period is not published."""
    letters: dict[str, dict[tuple[str, ...], Decimal]] = {}
    for event in events(state, DISPUTED):
        said = event["payload"]
        if said["period"] <= period.isoformat():
            for entry in said.get("items", ()):
                letters.setdefault(str(said["counterparty"]).casefold(), {})[_named(entry)] = Decimal(entry["claim"])
    ours = {(i.leg, i.key, i.currency) for d in decisions(state) if d.decision in MOVING and not d.taken_back for i in d.about}
    found = []
    for name, items in to_answer(home, books, period).items():
        asked = letters.get(name.casefold(), {})
        party = party_of(books, name)
        open_now = {_identity(item): item for item in items}
        gone = {place: amount for place, amount in asked.items() if place not in open_now and (place[0], place[1], place[3]) not in ours}
        for currency in sorted({i.currency for i in items} | {place[3] for place in gone}):
            own = [i for i in items if i.currency == currency]
            rest = [i for i in own if _identity(i) not in asked]
            ends = {id(i): claim_by(i.since, party) for i in rest}
            days = [day for day in ends.values() if day and day >= period]
            found.append(Clock(
                name, currency, _sum([i for i in own if _identity(i) in asked]), _sum(rest),
                _sum([i for i in rest if (day := ends[id(i)]) and period <= day <= period + SOON]),
                _sum([i for i in rest if (day := ends[id(i)]) and day < period]),
                sum((amount for place, amount in gone.items() if place[3] == currency), Decimal(0)), min(days, default=None),
            ))
    return found


def _identity(item: Item) -> tuple[str, ...]:
    return item.leg, item.key, item.request.cause, item.currency, item.order_id


def _named(entry: dict[str, Any]) -> tuple[str, ...]:
    return entry["leg"], entry["key"], entry["cause"], entry["currency"], entry["order_id"]


def _sum(items: list[Item]) -> Decimal:
    return sum((item.claim for item in items), Decimal(0))

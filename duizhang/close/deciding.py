"""Decisions taken and taken back: checked against each other, stored, and told in the event log, all in one change.

One event, one decision: a second one is refused with who took the first and when, or replaces it openly. A decision that moves
money is refused where an earlier one, about another event, may have moved the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from duizhang.close.authority import Actor, Key, actor
from duizhang.close.choosing import Choice, Ground, chosen
from duizhang.close.decisions import (
    DECIDED,
    LINK,
    MOVING,
    RECLASSIFY,
    STANDING,
    SUMS,
    TAKEN_BACK,
    Decision,
    Item,
    Undo,
    decisions,
    next_entry,
    shown_since,
    store_decision,
    store_undo,
)
from duizhang.close.groups import Event, events_of, linked
from duizhang.close.sameness import Footprint, footprint, same_money
from duizhang.declared.terms import EventKind, PeriodStatus
from duizhang.errors import UserError
from duizhang.gate import accept_failure
from duizhang.home.events import append_event, events
from duizhang.home.lock import acquire
from duizhang.home.state import State
from duizhang.publish import period_states, refresh_published

CLOSED = PeriodStatus.CLOSED
MOST_TOLD = 20


@dataclass(frozen=True)
class Taken:
    """What came of choices: the decisions that were stored, and those that they replace."""

    stored: tuple[Decision, ...]
    replaced: tuple[Decision, ...] = ()


def decide(
    home: Path, state: State, period: dt.date, event_ids: Sequence[str], decision: str, *, by: str, reason: str,
    until: dt.date | None = None, to: str = "", replace_earlier: bool = False, key: Key | None = None,
) -> Taken:
    """Decide about events of a published day, all of them or none; `link` is one decision about all of them together.

    to: what `chosen` needs of the decision. replace_earlier: decisions about the same events that are not computed yet are taken
    back. Raises UserError where an event is not open, was decided by somebody, its money was booked before, or its day is closed.
    """
    who = actor(home, state, by, "decide", key=key)
    with acquire(home):
        refresh_published(home, state)
        choices = prepared(home, state, period, event_ids, decision, reason=reason, until=until, to=to)
        return take(state, choices, by=who, replace_earlier=replace_earlier)


def prepared(
    home: Path, state: State, period: dt.date, event_ids: Sequence[str], decision: str, *, reason: str, until: dt.date | None = None,
    to: str = "",
) -> list[Choice]:
    """What a decision on events would be, before anything is stored. UserError with all that nobody could decide so."""
    known = events_of(home, period)
    missing = [event for event in event_ids if event not in known]
    if missing:
        raise UserError(f"{period} has no open event {', '.join(missing)}", advice="`duizhang exceptions list` lists them.")
    about = [known[event] for event in dict.fromkeys(event_ids)]
    if decision == LINK:
        about = [linked(about)]
    ground = Ground(home, state)
    choices: list[Choice] = []
    problems = []
    for event in about:
        try:
            choices += chosen(ground, Choice(event, decision, reason.strip(), until, place=event.id, to=to.strip()))
        except UserError as error:
            problems.append(f"{event.id}: {error}")
    if problems:
        raise UserError("nothing was decided\n  " + "\n  ".join(problems[:MOST_TOLD]))
    return choices


def take(state: State, choices: Sequence[Choice], *, by: Actor, what: str = "", replace_earlier: bool = False) -> Taken:
    """Store what may be, all of it or nothing. what: where the choices stand; UserError with every one that may not be."""

    def go() -> Taken:
        taking = _Taking(state, replace_earlier=replace_earlier)
        problems = []
        for choice in choices:
            refused = taking.take(choice, by)
            if refused:
                problems.append(f"{choice.place}: {refused}")
        if problems:
            more = f"\n  and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
            told = f"{what}: nothing was imported" if what else "nothing was decided"
            raise UserError(f"{told}\n  " + "\n  ".join(problems[:MOST_TOLD]) + more,
                            advice="Correct these, or leave them out.")
        return Taken(tuple(taking.stored), tuple(taking.replaced))

    return state.change(go)


class _Taking:
    """One look at what was decided before, inside a change."""

    def __init__(self, state: State, *, replace_earlier: bool) -> None:
        self.state, self.replaces = state, replace_earlier
        self.closed = {p for p, s in period_states(state).items() if s.state == CLOSED}
        self.shown = shown_since(state)
        told = {e["payload"]["id"]: e for e in events(state, DECIDED)}
        self.count = len(told)
        known = decisions(state)
        self.entry = next_entry(known)
        self.earlier = [_earlier(told[d.id], d) for d in known if not d.taken_back and d.id in told]
        self.stored: list[Decision] = []
        self.replaced: list[Decision] = []

    def take(self, choice: Choice, by: Actor) -> str:
        """Store a choice; why not, where it may not be."""
        event, period = choice.event, choice.event.period
        if period in self.closed:
            return f"{period} is closed; reopen it first, or decide on a later day"
        lead = event.lead
        new = Decision(
            choice.digest(self.count), period, lead.leg, lead.entity, lead.key, lead.currency, lead.cause, choice.decision, event.amount,
            event.quantity, lead.shop, lead.order_id, choice.reason, choice.until, by.name, event=event.id, row=choice.row,
            items=event.items, to=choice.to, split=choice.split,
        )
        steps, replaced = footprint(choice.whole or event), []
        places, parts = _own_places(event.items), _own_parts(event.items)
        for seq, at, old, was in self.earlier:
            if old.split and old.split == new.split:
                continue  # another part of the same split
            what = f"{old.decided_by} decided {old.decision} on it ({old.leg} {old.key} of {old.period}, {old.name}, {at})"
            # what was shown before the entry was computed cannot be what is to be posted
            is_shown = seq <= self.shown.get(old.period, 0)
            if new.moves_money and old.moves_money and is_shown and _is_to_be_posted(event, old):
                return (f"{what}; its entry J{old.entry:06d} is for this account and day: what differs may be that entry, not posted or "
                        "posted otherwise, so decide accept or wait, or take that one back")
            # from one day to the next an item may have another cause: what was on its way is missing
            if parts & _own_parts(old.about) if old.period == period else places & _own_places(old.about):
                is_waiting = old.decision in STANDING and is_shown
                if is_waiting or (self.replaces and old.period == period and seq > self.shown.get(period, 0)):
                    replaced.append(old)
                elif not is_shown and old.period <= period:
                    return f"{what}; run {old.period} before it is decided again, or take {old.name} back"
                elif new.decision in MOVING and old.decision in MOVING and old.period > period:
                    return f"{what}, on a later day; decide there"
            elif new.moves_money and old.moves_money and same_money(steps, was):
                return (f"the same money was booked before: {what.replace(' on it ', ' ')}; "
                        "decide accept here, or wait, so that it is not booked twice")
        gone = {old.id for old in replaced}
        if refused := by.beyond(new, [d for _, _, d, _ in self.earlier if d.id not in gone]):
            return refused
        for old in replaced:
            if old.decision not in STANDING:
                self._undo(old, Undo(old.period, by.name, f"replaced: {choice.reason}"), by)
        self._store(new, steps, replaced, by)
        return ""

    def _store(self, d: Decision, steps: Footprint, replaced: Sequence[Decision], by: Actor) -> None:
        d = replace(d, entry=self._number(d))
        stored = replace(d, id=store_decision(self.state, d))
        told = {**told_of(stored, steps), **({"replaces": [old.id for old in replaced]} if replaced else {})}
        seq = append_event(self.state, actor=by.name, kind=DECIDED, payload=told, sign=by.sign)
        self.count += 1
        gone = {old.id for old in replaced}
        self.earlier = [e for e in self.earlier if e[2].id not in gone] + [(seq, "just now", stored, steps)]
        self.stored.append(stored)
        self.replaced += replaced

    def _number(self, d: Decision) -> int:
        """The next number, where a decision, or taking it back, makes an entry."""
        if not d.moves_money:
            return 0
        self.entry += 1
        return self.entry - 1

    def _undo(self, old: Decision, undo: Undo, by: Actor) -> None:
        undo = replace(undo, entry=self._number(old))
        store_undo(self.state, old.id, undo)
        append_event(self.state, actor=by.name, kind=TAKEN_BACK, payload=told_undo(old.id, undo), sign=by.sign)


def take_back(
    home: Path, state: State, number: int, *, by: str, reason: str, period: dt.date | None = None, key: Key | None = None,
) -> tuple[Decision, ...]:
    """Take a decision back: its items are open again, its entry is reversed. The decision, as it now is; of a split all of its parts.

    period: the day from which on it does not count; needed only where its own day is closed. Raises UserError where there is no
    such decision, it was taken back before, or the day is closed.
    """
    who = actor(home, state, by, "decide", key=key)
    if not reason.strip():
        raise UserError("taking a decision back needs a reason")

    with acquire(home):
        return state.change(lambda: undone(state, number, by=who, reason=reason, period=period))


def undone(state: State, number: int, *, by: Actor, reason: str, period: dt.date | None = None) -> tuple[Decision, ...]:
    """Take a decision back, as a part of a change; what `take_back` says of it holds."""
    known = decisions(state)
    found = next((d for d in known if d.id == number), None)
    if found is None:
        raise UserError(f"there is no decision C{number:06d}", advice="`duizhang exceptions list --decided` lists them.")
    if found.taken_back:
        raise UserError(f"{found.taken_back.by} took {found.name} back before: {found.taken_back.reason}")
    closed = {p for p, s in period_states(state).items() if s.state == CLOSED}
    day = period or found.period
    if day in closed:
        raise UserError(f"{day} is closed", advice="Give with --period an open day behind it, from which on it is not to count.")
    if day < found.period or (day != found.period and found.period not in closed):
        raise UserError(f"{found.name} was decided on {found.period}, which is open; it is taken back there")
    parts = [d for d in known if not d.taken_back and (d.id == number or (found.split and d.split == found.split))]
    entry, taken = next_entry(known), []
    for part in parts:
        undo = Undo(day, by.name, reason.strip(), entry if part.moves_money else 0)
        entry += part.moves_money
        store_undo(state, part.id, undo)
        append_event(state, actor=by.name, kind=TAKEN_BACK, payload=told_undo(part.id, undo), sign=by.sign)
        taken.append(replace(part, taken_back=undo))
    return tuple(taken)


def told_of(d: Decision, steps: Footprint) -> dict[str, Any]:
    """A decision as its event tells it: whole, so that the table of decisions follows from the log."""
    return {
        "id": d.id, "digest": d.digest, "period": d.period.isoformat(), "leg": d.leg, "entity": d.entity, "key": d.key,
        "currency": d.currency, "cause": d.cause, "decision": d.decision, "amount": str(d.amount), "quantity": str(d.quantity),
        "shop": d.shop, "order_id": d.order_id, "reason": d.reason, "until": d.until.isoformat() if d.until else "",
        "first_seen": steps.first_seen.isoformat(), "orders": sorted(steps.orders),
        "event": d.event, "row": d.row, "entry": d.entry, "items": [item.told() for item in d.items],
        **({"to": d.to} if d.to else {}), **({"split": d.split} if d.split else {}),
    }


def told_undo(number: int, undo: Undo) -> dict[str, Any]:
    """That a decision was taken back, as its event tells it."""
    return {"id": number, "period": undo.period.isoformat(), "reason": undo.reason, "entry": undo.entry}


def decision_of(actor: str, said: Mapping[str, Any]) -> Decision:
    """The decision that an event tells of. KeyError or ValueError where it is not whole."""
    return Decision(
        said["digest"], dt.date.fromisoformat(said["period"]), said["leg"], said["entity"], said["key"], said["currency"],
        said["cause"], said["decision"], Decimal(said["amount"]), Decimal(said["quantity"]), said["shop"], said["order_id"],
        said["reason"], dt.date.fromisoformat(said["until"]) if said["until"] else None, actor, int(said["id"]),
        said.get("event", ""), said.get("row", ""), int(said.get("entry", 0)), tuple(Item.of(item) for item in said.get("items", ())),
        to=said.get("to", ""), split=said.get("split", ""),
    )


def undo_of(actor: str, said: Mapping[str, Any]) -> Undo:
    """That a decision was taken back, from its event."""
    return Undo(dt.date.fromisoformat(said["period"]), actor, said["reason"], int(said["entry"]))


def accept(
    home: Path, state: State, period: dt.date, table: str, expectation: str, *, by: str, reason: str, key: Key | None = None,
) -> bool:
    """Let a failed check of a period pass, by name and with a reason; False where the same was accepted before.

    Raises UserError where there is no such failure, or the period is closed.
    """
    who = actor(home, state, by, "accept", key=key)

    def let() -> bool:
        states = period_states(state)
        if period in states and states[period].state == CLOSED:
            raise UserError(f"{period} is closed", advice="Reopen it first.")
        if not accept_failure(state, period, table, expectation, who.name, reason):
            return False
        append_event(state, actor=who.name, kind=EventKind.ACCEPTED, sign=who.sign, payload={
            "period": period.isoformat(), "table": table, "expectation": expectation, "reason": reason.strip(),
        })
        return True

    with acquire(home):
        return state.change(let)


def _is_to_be_posted(event: Event, old: Decision) -> bool:
    """Whether an event is about the account and day on which the entry of an earlier decision is to be posted."""
    keys = {f"{item.key.split('/')[0]}/{old.period}" for item in old.about if item.leg == "ledger" and item.is_booked}
    keys |= {f"{old.to}/{old.period}"} if old.decision == RECLASSIFY else set()
    return any(item.leg == "ledger" and item.key in keys for item in event.items)


def _own(items: Sequence[Item]) -> list[Item]:
    """The items that are of one event alone: lines of sums, and accounts of the ledger, are shared unless they are booked."""
    return [item for item in items if item.is_booked or item.leg not in (*SUMS, "ledger")]


def _own_places(items: Sequence[Item]) -> set[tuple[str, ...]]:
    return {item.place for item in _own(items)}


def _own_parts(items: Sequence[Item]) -> set[tuple[str, ...]]:
    """Of an item that has two causes, each part is of an event of its own."""
    return {(*item.place, item.cause) for item in _own(items)}


def _earlier(event: Mapping[str, Any], d: Decision) -> tuple[int, str, Decision, Footprint]:
    said = event["payload"]
    steps = Footprint(d.leg, d.entity, d.currency, d.shop, d.amount, dt.date.fromisoformat(said["first_seen"]), frozenset(said["orders"]))
    return event["seq"], event["at"][:16].replace("T", " "), d, steps

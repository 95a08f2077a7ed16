"""Decisions taken in: checked against each other, stored, and told in the event log, all in one change.

The same money shows in several legs: an order's payment is also a line of its customer's account and of the shop's
statement. It is booked once: a decision that moves money is refused where an earlier one may have moved the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from duizhang.close.decisions import CORRECT, DECIDED, WRITE_OFF, Decision, decisions, shown_since, store_decision
from duizhang.close.people import signed_name
from duizhang.close.sameness import Footprint, footprint, same_money
from duizhang.close.workbook import read_decisions
from duizhang.errors import UserError
from duizhang.events import append_event, events
from duizhang.gate import accept_failure
from duizhang.lock import acquire
from duizhang.publish import period_states, rebuild_published
from duizhang.schema import PIECES
from duizhang.state import State
from duizhang.store import Store

CLOSED = "closed"
MOST_TOLD = 20
Say = Callable[[str], None] | None


def import_decisions(home: Path, state: State, path: Path, *, by: str, say: Say = None) -> tuple[list[Decision], int]:
    """Take the decisions of a workbook, all or none: those in it, and how many of them were new.

    Raises UserError, naming sheet, row and reason, where one cannot be taken.
    """
    name = signed_name(by)
    with acquire(home, say=say):
        # what was published last is what readers and the workbook are held against, also after a kill
        rebuild_published(home, state)
        known = {d.digest for d in decisions(state)}
        rows = read_decisions(home, path, name, known)
        fresh = [row for row in rows if row.decision.digest not in known]
        trodden = {row.decision.digest: footprint(home, Store(home), row.decision) for row in fresh}

        def take() -> None:
            _Taking(state, path).take([(row.place, row.decision, trodden[row.decision.digest]) for row in fresh])

        state.change(take)
    return [row.decision for row in rows], len(fresh)


class _Taking:
    """One look at what was decided before, inside a change."""

    def __init__(self, state: State, path: Path) -> None:
        self.state, self.path = state, path
        self.closed = {p for p, s in period_states(state).items() if s.state == CLOSED}
        self.shown = shown_since(state)
        self.earlier = [_earlier(e) for e in events(state, DECIDED)]

    def take(self, rows: Sequence[tuple[str, Decision, Footprint]]) -> None:
        """Store what may be; UserError with every row that may not."""
        problems = []
        for place, decision, trodden in rows:
            reason = self._refused(decision, trodden)
            if reason:
                problems.append(f"{place}: {reason}")
            else:
                self._store(decision, trodden)
        if problems:
            more = f"\n  and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
            raise UserError(f"{self.path}: nothing was imported\n  " + "\n  ".join(problems[:MOST_TOLD]) + more,
                            advice="Correct these rows, or empty their column `decision`.")

    def _refused(self, d: Decision, trodden: Footprint) -> str:
        if d.period in self.closed:
            return f"{d.period} is closed; reopen it first, or decide on a later day"
        moves = _moves_money(d)
        for seq, at, old, was in self.earlier:
            what = f"{old.decided_by} decided {old.decision} on it ({old.leg} {old.key} of {old.period}, C{old.id:06d}, {at})"
            if _item(old) == _item(d):
                if seq > self.shown.get(d.period, 0) and old.cause == d.cause:
                    return f"{what}; run {d.period} before it is decided again"
                if moves and _moves_money(old) and old.period > d.period and old.cause == d.cause:
                    return f"{what}, on a later day; decide there"
            elif moves and _moves_money(old) and same_money(trodden, was):
                return (f"the same money was booked before: {what.replace(' on it ', ' ')}; "
                        "decide accept here, or wait, so that it is not booked twice")
        return ""

    def _store(self, d: Decision, trodden: Footprint) -> None:
        number = store_decision(self.state, d)
        stored = replace(d, id=number)
        seq = append_event(self.state, actor=d.decided_by, kind=DECIDED, payload=told(stored, trodden))
        self.earlier.append((seq, "just now", stored, trodden))


def told(d: Decision, trodden: Footprint) -> dict[str, Any]:
    """A decision as its event tells it: whole, so that the table of decisions follows from the log."""
    return {
        "id": d.id, "digest": d.digest, "period": d.period.isoformat(), "leg": d.leg, "entity": d.entity, "key": d.key,
        "currency": d.currency, "cause": d.cause, "decision": d.decision, "amount": str(d.amount), "quantity": str(d.quantity),
        "shop": d.shop, "order_id": d.order_id, "reason": d.reason, "until": d.until.isoformat() if d.until else "",
        "first_seen": trodden.first_seen.isoformat(), "orders": sorted(trodden.orders),
    }


def decision_of(actor: str, said: dict[str, Any]) -> Decision:
    """The decision that an event tells of. KeyError or ValueError where it is not whole."""
    return Decision(
        said["digest"], dt.date.fromisoformat(said["period"]), said["leg"], said["entity"], said["key"], said["currency"],
        said["cause"], said["decision"], Decimal(said["amount"]), Decimal(said["quantity"]), said["shop"], said["order_id"],
        said["reason"], dt.date.fromisoformat(said["until"]) if said["until"] else None, actor, int(said["id"]),
    )


def accept(
    home: Path, state: State, period: dt.date, table: str, expectation: str, *, by: str, reason: str, say: Say = None
) -> bool:
    """Let a failed check of a period pass, by name and with a reason; False where the same was accepted before.

    Raises UserError where there is no such failure, or the period is closed.
    """
    name = signed_name(by)

    def let() -> bool:
        states = period_states(state)
        if period in states and states[period].state == CLOSED:
            raise UserError(f"{period} is closed", advice="Reopen it first.")
        if not accept_failure(state, period, table, expectation, name, reason):
            return False
        append_event(state, actor=name, kind="accepted", payload={
            "period": period.isoformat(), "table": table, "expectation": expectation, "reason": reason.strip(),
        })
        return True

    with acquire(home, say=say):
        return state.change(let)


def _earlier(event: dict[str, Any]) -> tuple[int, str, Decision, Footprint]:
    said = event["payload"]
    d = decision_of(event["actor"], said)
    trodden = Footprint(d.leg, d.entity, d.currency, d.shop, d.amount, dt.date.fromisoformat(said["first_seen"]), frozenset(said["orders"]))
    return event["seq"], event["at"][:16].replace("T", " "), d, trodden


def _item(d: Decision) -> tuple[str, str, str, str]:
    return d.leg, d.entity, d.key, d.currency


def _moves_money(d: Decision) -> bool:
    return d.decision in (CORRECT, WRITE_OFF) and d.currency != PIECES and bool(d.amount)

"""The sheet of the workbook in which what was decided is taken back: its rows out, and what somebody marked in them back in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from duizhang.close.authority import Actor
from duizhang.close.deciding import undone
from duizhang.close.decisions import Decision, decisions
from duizhang.declared.currency import in_places
from duizhang.declared.terms import PeriodStatus
from duizhang.digest import mapping_digest
from duizhang.home.state import State
from duizhang.publish import period_states
from duizhang.speech.labels import load_labels

DECIDED_HEADER = ("number", "what", "about", "leg", "key", "cause", "amount", "currency", "decided_by", "why", "take_back", "back_reason",
                  "row")
DECIDED_INPUT = ("take_back", "back_reason")


def decided_rows(state: State, period: dt.date) -> list[dict[str, Any]]:
    """The decisions of a day that count, the newest first. Those of a closed day are taken back by command, which names the day from which
    on they do not count."""
    states = period_states(state)
    if period in states and states[period].state == PeriodStatus.CLOSED:
        return []
    found = [d for d in decisions(state) if not d.taken_back and d.period == period]
    return [
        {"number": d.name, "what": d.decision, "about": d.to, "leg": d.leg, "key": d.key, "cause": d.cause,
         "amount": in_places(d.amount, d.currency), "currency": d.currency, "decided_by": d.decided_by, "why": d.reason, "row": _digest(d)}
        for d in sorted(found, key=lambda d: -d.id)
    ]


@dataclass
class Undoing:
    """What a workbook takes back, and what is wrong with it."""

    asked: list[tuple[int, str]] = field(default_factory=list)  # number, reason
    problems: list[str] = field(default_factory=list)
    rows: int = 0

    def do(self, state: State, by: Actor) -> tuple[Decision, ...]:
        """Take them back, as a part of a change. Of a split all of its parts are, whichever is marked."""
        found: dict[int, Decision] = {}
        for number, reason in self.asked:
            if number not in found:
                found |= {d.id: d for d in undone(state, number, by=by, reason=reason)}
        return tuple(found.values())


def undoing(state: State, rows: Sequence[tuple[str, int, Mapping[str, str]]]) -> Undoing:
    """Sheet, number and cells of every row of the sheet -> what is to be taken back. The same as was taken back before is nothing new."""
    found = Undoing()
    known = {d.name: d for d in decisions(state)} if rows else {}
    for sheet, line, row in rows:
        place, reason = f"sheet {sheet}, row {line}", row["back_reason"]
        if not row["take_back"]:
            if reason:
                found.problems.append(f"{place}: a reason without a decision that is taken back")
            continue
        found.rows += 1
        if row["take_back"] not in load_labels()["workbook"]["yes"].values():
            found.problems.append(f"{place}: take_back {row['take_back']!r}; choose what the list offers, or leave it empty")
            continue
        decision = known.get(row["number"])
        if decision is None or _digest(decision) != row["row"]:
            found.problems.append(f"{place}: there is no decision {row['number']} as the workbook shows it; export again")
        elif decision.taken_back and decision.taken_back.reason == reason:
            continue
        elif decision.taken_back:
            found.problems.append(f"{place}: {decision.taken_back.by} took {decision.name} back before: {decision.taken_back.reason}")
        elif not reason:
            found.problems.append(f"{place}: taking a decision back needs a reason")
        else:
            found.asked.append((decision.id, reason))
    return found


def _digest(d: Decision) -> str:
    """What a row is about, so that nothing else is taken back."""
    return mapping_digest({"number": d.name, "event": d.event, "decision": d.decision, "amount": str(d.amount), "by": d.decided_by})[:24]

"""The plan: recorded inputs held against derived ones, period by period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from duizhang.books import Books
from duizhang.declared.terms import PeriodStatus
from duizhang.digest import mapping_digest
from duizhang.errors import UserError
from duizhang.home.state import State
from duizhang.home.store import Store, days
from duizhang.home.working_tables import damaged
from duizhang.ingest import records
from duizhang.plan.inputs import Inputs, derive, openings, recorded
from duizhang.publish import PeriodState, period_states, read_manifest
from duizhang.reconcile import STATE_TABLES

NEVER, OPENING, DAMAGED, FILE, CHANGED = "never", "opening", "damaged", "file", "changed"
CLOSED = PeriodStatus.CLOSED


@dataclass(frozen=True)
class Reason:
    """Why a period has to be computed. kind: never | file | cell | order | books | rule | expectation | correction | entry | decision
    | acceptance | opening | engine | missing | damaged | interrupted | asked; change: new | changed | gone, and of a file whose bytes are
    those of the version that is published `read differently` (by another specification, other books or a newer program)."""

    kind: str
    subject: str = ""
    change: str = ""

    def __str__(self) -> str:
        names = {
            "never": "never computed", "opening": "the day before leaves something else open",
            "missing": "its working tables are gone", "asked": "asked for",
            "interrupted": "a run ended while it computed this day",
        }
        if self.kind in names:
            return names[self.kind]
        if self.kind == DAMAGED:
            return f"not as it was written: {self.subject}"
        label = {"books": "books.yaml", "cell": "corrected cell of", "order": "order of files of"}.get(self.kind, self.kind)
        return f"{label} {self.subject} {self.change}"


@dataclass(frozen=True)
class Plan:
    """What a run over `periods` would compute: the reasons of each stale period. `refused`: stale, but closed.

    later: computed periods behind the last stale one; they follow as long as the closing of the day before changes.
    """

    periods: tuple[dt.date, ...]
    stale: dict[dt.date, tuple[Reason, ...]]
    refused: dict[dt.date, tuple[Reason, ...]]
    may_follow: tuple[dt.date, ...]
    wanted: dict[dt.date, Inputs]

    def digest(self, periods: Sequence[dt.date] | None = None) -> str:
        """Digest of what the given periods (all stale ones by default) are to be made from."""
        return mapping_digest({
            p.isoformat(): mapping_digest({**self.wanted[p].parts, "opening": self.wanted[p].opening})
            for p in (self.stale if periods is None else periods)
        })


def last_day(books: Books, state: State) -> dt.date:
    """The last day that has come: computed, or with most of the files that are expected of it (any where none is)."""
    sources: dict[dt.date, set[tuple[str, str]]] = {}
    for file in records(state):
        for day in file.days():
            sources.setdefault(day, set()).add((file.source, file.shop))
    found = [books.start, *recorded(state)]
    for day, seen in sources.items():
        expected = {(e.source, e.shop) for e in books.due(day)}
        if 2 * len(expected & seen) >= len(expected) and day > books.start:
            found.append(day)
    return max(found)


def make_plan(books: Books, store: Store, state: State, start: dt.date, end: dt.date) -> Plan:
    """What has to be computed between `start` and `end`, by the files as they were last taken in."""
    periods = days(start, end)
    was, states = recorded(state), period_states(state)
    wanted, spoilt = derive(books, store, state, periods), damaged(store, state)
    stale: dict[dt.date, tuple[Reason, ...]] = {}
    refused: dict[dt.date, tuple[Reason, ...]] = {}
    taken: dict[str, str] = {}
    for period in periods:
        reasons = _reasons(was.get(period), wanted[period], whole=all(store.has(t, period) for t in STATE_TABLES))
        if not reasons and period in spoilt:
            reasons = (Reason(DAMAGED, ", ".join(spoilt[period])),)
        if any(r.kind == FILE and r.change == CHANGED for r in reasons) and period in states:
            taken = taken or {record.path: record.sha256 for record in records(state)}
            reasons = _whether_read_differently(reasons, state.home, states[period], taken)
        if reasons:
            closed = period in states and states[period].state == CLOSED
            (refused if closed else stale)[period] = reasons
    first = min(stale, default=None)
    follow = tuple(
        p for p in was if first and p > first and p not in stale and (p not in states or states[p].state != CLOSED)
    )
    return Plan(tuple(periods), stale, refused, follow, wanted)


def _whether_read_differently(
    reasons: tuple[Reason, ...], home: Path, published: PeriodState, taken: Mapping[str, str]
) -> tuple[Reason, ...]:
    """The reasons, of which a file that has the bytes that were published has not changed. taken: the digests of files by path."""
    try:
        was = {str(one["file"]): str(one["sha256"]) for one in read_manifest(home, published.period, published.version)["inputs"]}
    except UserError:  # of a day that was held, or of a manifest that is damaged, nothing tells
        return reasons
    same = {path for path, sha256 in was.items() if sha256 and taken.get(path) == sha256}
    return tuple(
        replace(r, change="read differently") if r.kind == FILE and r.change == CHANGED and r.subject in same else r for r in reasons)


def opens_differently(store: Store, state: State, period: dt.date) -> bool:
    """Whether a computed period now opens with something else than when it was computed."""
    was = recorded(state, period).get(period)
    return was is not None and was.opening != openings(store, state, [period])[period]


def _reasons(was: Inputs | None, now: Inputs, *, whole: bool) -> tuple[Reason, ...]:
    if was is None:
        return (Reason(NEVER),)
    if not was.is_whole:
        return (Reason("interrupted"),)
    found = [] if whole else [Reason("missing")]
    for name in sorted({*was.parts, *now.parts}):
        before, after = was.parts.get(name), now.parts.get(name)
        if before != after:
            kind, _, subject = name.partition(":")
            found.append(Reason(kind, subject, "new" if before is None else "gone" if after is None else CHANGED))
    named = [r for r in found if r.kind != "rules"]
    if any(r.kind == "rule" for r in named) or len(named) == len(found):
        found = named
    if was.opening != now.opening:
        found.append(Reason(OPENING))
    return tuple(found)

"""Days that are quiet enough to be signed by the machine: by thresholds of books.yaml, and with its own key.

Nobody looks at such a day, so nothing in it may be anybody's work: a day on which somebody decided something, or let a check pass, needs
two people. Whoever objects reopens the day, and that version is not certified again. Why a day was not certified is on record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from duizhang.close.approval import MACHINE, RECONCILED, certified
from duizhang.close.authority import machine
from duizhang.close.decisions import cells_not_computed, deciders, not_computed
from duizhang.declared.schema import PIECES
from duizhang.declared.terms import EventKind
from duizhang.home.events import Event, Sign, append_event, event_log, last_event
from duizhang.home.published import open_published
from duizhang.home.state import State
from duizhang.publish import period_states, read_manifest, refresh_published
from duizhang.publish.metrics import with_events
from duizhang.report.usual import usual

if TYPE_CHECKING:
    from duizhang.books import Books
    from duizhang.books.books_entries import Certify

_LOOKED = (EventKind.CERTIFIED, EventKind.NOT_CERTIFIED)


def certify(home: Path, books: Books, state: State, periods: Sequence[dt.date]) -> dict[dt.date, tuple[str, ...]]:
    """Certify each of the days that is quiet; why the others are not, by day. Days that are signed or closed are left alone.

    The caller holds the lock of the home, and says only days that are current. Raises UserError where the machine's key is not at hand.
    """
    rules = books.certify
    if rules is None:
        return {}
    sign = machine(home, rules.key)
    states = period_states(state)
    found: dict[dt.date, tuple[str, ...]] = {}
    waiting = [p for p in periods if p in states and states[p].state == RECONCILED]
    numbers: dict[dt.date, list[str]] = {}
    looked = _looked_at(state) if waiting else {}
    if waiting:
        with open_published(home) as con:
            numbers = {period: _of_numbers(con, period, rules, books.currency) for period in waiting}
    for period in waiting:
        digest = str(read_manifest(home, period, states[period].version)["digest"])
        reasons = (*_of_people(state, period, digest, looked.get(period, [])), *numbers[period])
        last = looked[period][-1] if period in looked else None
        told = {"period": period.isoformat(), "digest": digest}
        if reasons:
            found[period] = reasons
            if last is None or (last.kind, last.payload.get("digest"), last.payload.get("reasons")) != (
                EventKind.NOT_CERTIFIED, digest, list(reasons)
            ):
                append_event(state, actor=MACHINE, kind=EventKind.NOT_CERTIFIED, payload={**told, "reasons": list(reasons)})
            continue
        state.change(partial(_put_on_record, state, period, digest, rules, sign))
    refresh_published(home, state)
    return found


def _put_on_record(state: State, period: dt.date, digest: str, rules: Certify, sign: Sign) -> None:
    certified(state, period, digest)
    append_event(state, actor=MACHINE, kind=EventKind.CERTIFIED, sign=sign, payload={
        "period": period.isoformat(), "digest": digest,
        "rules": {name: str(value) for name, value in rules.model_dump(exclude={"key"}).items()},
    })


def _looked_at(state: State) -> dict[dt.date, list[Event]]:
    """Every time that the machine has looked at a day, in order; one look at the log, for all of them."""
    found: dict[dt.date, list[Event]] = {}
    for event in event_log(state, _LOOKED):
        found.setdefault(dt.date.fromisoformat(event.payload["period"]), []).append(event)
    return found


def _of_people(state: State, period: dt.date, digest: str, looked: Sequence[Event]) -> list[str]:
    found = []
    if names := sorted(deciders(state, period)):
        found.append(f"{', '.join(names)} decided something of it, so somebody else has to look at it")
    if cells_not_computed(state, period) or not_computed(state, period):
        found.append("decisions are not in its version yet")
    objection = last_event(state, period, (EventKind.REOPENED,))
    before = [event.seq for event in looked if event.kind == EventKind.CERTIFIED and event.payload["digest"] == digest]
    if objection and before and before[-1] < objection.seq:
        found.append(f"{objection.actor} objected: {objection.payload.get('reason', '')}")
    return found


def _of_numbers(con: duckdb.DuckDBPyConnection, period: dt.date, rules: Certify, currency: str) -> list[str]:
    with_events(con)
    found = []
    open_now = dict(con.execute(
        "select currency, sum(amount) from events where period = ? and cause <> 'timing' and amount <> 0 "
        "group by currency order by currency", [period],
    ).fetchall())
    for name, amount in open_now.items():
        most = rules.open_money if name == currency else rules.open_pieces if name == PIECES else Decimal(0)
        if amount > most:
            found.append(f"{amount.normalize():f} {name} are open, more than {most.normalize():f}")
    [(late,)] = con.execute("select count(*) from open_items where period = ? and overdue", [period]).fetchall()
    if late:
        found.append(f"items past their deadline: {late}")
    for leg, rate in con.execute(
        "select leg, min(match_rate) from recon_summary where period = ? and left_rows + right_rows > 0 group by leg order by leg",
        [period],
    ).fetchall():
        if rate is None or rate < rules.match_rate:
            found.append(f"{leg} matches {rate or 0:.2%}, less than {rules.match_rate:.2%}")
    volumes = {day: float(rows) for day, rows in con.execute(
        "select period, sum(left_rows + right_rows) from recon_summary where period <= ? group by period", [period]).fetchall()}
    band, volume = usual(volumes, period), volumes.get(period, 0.0)
    if band is None:
        found.append("there are too few days before it to say what its volume usually is")
    elif not band.holds(volume):
        found.append(f"{volume:.0f} rows, where {max(band.low, 0):.0f} to {band.high:.0f} are usual")
    return found


"""What the database remembers of how each day was computed, told in the log as a digest: inputs, working tables, checks.

Which days are current follows from it, and so does what the next run takes over without computing it again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from duizhang.close.decisions import COMPUTED
from duizhang.declared.terms import Outcome
from duizhang.digest import mapping_digest
from duizhang.gate import recorded_results
from duizhang.home.events import append_event
from duizhang.home.state import State
from duizhang.home.working_tables import BEGUN, sealed
from duizhang.home.working_tables import COMPUTED as COMPUTED_PERIODS

if TYPE_CHECKING:
    from duizhang.publish import PeriodOutcome

# a day has hundreds of checks, which are read of so many days at a time
_AT_A_TIME = 100


def announce(state: State, outcomes: Sequence[PeriodOutcome]) -> None:
    """Record that a range was computed, from what, and which of its days are held, so that it is known which decisions readers see."""
    if outcomes:
        days = [o.period for o in outcomes]
        append_event(state, actor="pipeline", kind=COMPUTED, payload={
            "from": days[0].isoformat(), "to": days[-1].isoformat(),
            "held": [o.period.isoformat() for o in outcomes if o.state == Outcome.HELD],
            "records": {day.isoformat(): digest for day, digest in computations(state, days).items()},
        })


def differing(state: State, recorded: Mapping[str, str]) -> list[str]:
    """The days of which the database remembers something else than the log. One that is being computed, or was when a run ended
    before its end, is computed again whatever is remembered of it."""
    with state.read() as con:
        begun = set(con.execute(sa.select(COMPUTED_PERIODS.c.period).where(COMPUTED_PERIODS.c.opening == BEGUN)).scalars())
    now = computations(state)
    return [
        f"what the database remembers of the computation of {day} (its inputs, working tables or checks) was changed; "
        "`duizhang run --force` computes it again"
        for day, digest in recorded.items()
        if dt.date.fromisoformat(day) not in begun and now.get(dt.date.fromisoformat(day)) != digest
    ]


def computations(state: State, periods: Collection[dt.date] = ()) -> dict[dt.date, str]:
    """A digest for each of the periods (of every one by default) that was computed to the end."""
    with state.read() as con:
        rows = con.execute(sa.select(COMPUTED_PERIODS).order_by(COMPUTED_PERIODS.c.period)).all()
    computed = {row.period: (row.opening, row.parts) for row in rows if row.opening != BEGUN and (not periods or row.period in periods)}
    tables = {day: {name: file.sha256 for name, file in files.items()} for day, files in sealed(state).items() if day in computed}
    found = {}
    listed = list(computed)
    for first in range(0, len(listed), _AT_A_TIME):
        some = listed[first:first + _AT_A_TIME]
        checks: dict[dt.date, list[str]] = {day: [] for day in some}
        for result in recorded_results(state, some):
            # who let a failure pass is on a record of its own, and may do so later
            checks[result.period].append(repr(astuple(replace(result, accepted_by="", accepted_because=""))))
        for day in some:
            found[day] = mapping_digest({"inputs": list(computed[day]), "tables": tables.get(day, {}), "checks": checks[day]})[:32]
    return found

"""Why days that wait for signatures were not certified: what `status` asks, which needs nothing of what certifies."""

from __future__ import annotations

import datetime as dt

from duizhang.declared.terms import EventKind, PeriodStatus
from duizhang.home.events import events
from duizhang.home.state import State
from duizhang.publish import period_states


def why_not(state: State) -> dict[dt.date, tuple[str, ...]]:
    """Why days that wait for signatures were not certified when that was last tried, by day."""
    states = period_states(state)
    last: dict[dt.date, tuple[str, ...]] = {}
    for event in events(state, EventKind.NOT_CERTIFIED):
        last[dt.date.fromisoformat(event["payload"]["period"])] = tuple(event["payload"]["reasons"])
    return {day: reasons for day, reasons in last.items() if day in states and states[day].state == PeriodStatus.RECONCILED}

"""What a schedule or a sensor has to ask for: the day whose bills are there, and every other day that is not current; and of
which sources."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from duizhang.books import Books
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import SourceSpec, collect, load_specs, sources_seen
from duizhang.plan import Plan, last_day, make_plan


def yesterday(books: Books, now: dt.datetime) -> dt.date:
    """The last business day that is over at an instant, in the books' time zone and by their cut-off."""
    local = now.astimezone(ZoneInfo(books.time_zone)) - dt.timedelta(minutes=books.cut_off_minutes)
    return local.date() - dt.timedelta(days=1)


def plan_until(books: Books, store: Store, state: State, end: dt.date | None = None) -> Plan:
    """Take in the inbox, and plan from the books' first day to `end` (default: the last day that has come).

    The caller holds the lock of the home.
    """
    collect(books, store, state)
    return make_plan(books, store, state, books.start, max(books.start, end or last_day(books, state)))


def sources_named(books: Books, state: State | None = None) -> dict[str, SourceSpec]:
    """The sources that books name, by name: expected, of a database, their own, and those of which files came."""
    known, shipped = load_specs(books.sources_path), load_specs()
    own = {name for name, spec in known.items() if spec is not shipped.get(name)}
    seen = sources_seen(state) if state else []
    named = {*own, *seen, *(e.source for e in books.expected), *(d.source for d in books.databases)}
    return {name: known[name] for name in sorted(named & {*known})}

"""What a schedule or a sensor has to ask for: the day whose bills are there, and every other day that is not current."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from duizhang.books import Books
from duizhang.ingest import collect
from duizhang.plan import Plan, last_day, make_plan
from duizhang.state import State
from duizhang.store import Store


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

"""Whether days are what their inputs give now, by the books that the last run went by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from duizhang.close import last_books
from duizhang.plan.plan import make_plan
from duizhang.state import State
from duizhang.store import Store


def not_current(home: Path, state: State, periods: Sequence[dt.date]) -> dict[dt.date, str]:
    """The days of these that a run would compute again, with the first reason; files count as they were last taken in.

    books.yaml is read where the last run found it, or from the archive where it is not there any more.
    """
    books = last_books(home, state) if periods else None
    if books is None:
        return {}
    plan = make_plan(books, Store(home.resolve()), state, min(periods), max(periods))
    return {period: str(reasons[0]) for period, reasons in plan.stale.items() if period in periods}

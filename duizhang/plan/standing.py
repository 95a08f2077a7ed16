"""Whether days are what their inputs give now, by the books that the last run went by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from duizhang.books import load_books
from duizhang.events import last_before
from duizhang.plan.plan import make_plan
from duizhang.state import State
from duizhang.store import Store


def not_current(home: Path, state: State, periods: Sequence[dt.date]) -> dict[dt.date, str]:
    """The days of these that a run would compute again, with the first reason; files count as they were last taken in.

    books.yaml is read where the last run found it, or from the archive where it is not there any more.
    """
    run = last_before(state, "run_started")
    if run is None or not periods:
        return {}
    sha = str(run.payload["books"])
    path = Path(str(run.payload.get("books_path", "")))
    books = load_books(path if path.is_file() else home / "archive" / sha[:2] / sha)
    plan = make_plan(books, Store(home.resolve()), state, min(periods), max(periods))
    return {period: str(reasons[0]) for period, reasons in plan.stale.items() if period in periods}

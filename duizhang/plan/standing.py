"""Whether days are what their inputs give now, by the books that the last run went by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from duizhang.books import Books
from duizhang.close import last_books
from duizhang.digest import file_digest
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import records
from duizhang.ingest.files import inbox_path
from duizhang.plan.plan import make_plan


def not_current(home: Path, state: State, periods: Sequence[dt.date]) -> dict[dt.date, str]:
    """The days of these that a run would compute again, with the first reason. Files count as they were last taken in; but one
    that has other bytes by now is told. Of what came since nobody knows the days.

    books.yaml is read where the last run found it, or from the archive where it is not there any more.
    """
    books = last_books(home, state) if periods else None
    if books is None:
        return {}
    plan = make_plan(books, Store(home.resolve()), state, min(periods), max(periods))
    return {
        **_changed(books, state, periods), **{period: str(reasons[0]) for period, reasons in plan.stale.items() if period in periods},
    }


def _changed(books: Books, state: State, periods: Sequence[dt.date]) -> dict[dt.date, str]:
    """The days of which a file of the inbox is not what was taken in; none where the inbox is elsewhere."""
    if books.remote_inbox:
        return {}
    wanted, found = {period.isoformat(): period for period in periods}, {}
    for record in records(state):
        listed = record.detail.get("days")
        days = [wanted[day] for day in map(str, listed) if day in wanted] if isinstance(listed, list) and record.sha256 else []
        path = books.inbox_path / inbox_path(record.path)
        if days and _is_another(path, record.sha256, (record.size, record.modified)):
            found.update(dict.fromkeys(days, f"file {inbox_path(record.path)} changed"))
    return found


def _is_another(path: Path, sha256: str, seen: tuple[int, int]) -> bool:
    """Whether a file has other bytes than were taken in. One of the same size and time is not read; one that is gone may have moved."""
    if not path.is_file():
        return False
    stat = path.stat()
    return (stat.st_size, stat.st_mtime_ns) != seen and file_digest(path) != sha256

"""One partition a business day."""

import datetime as dt
import os
from zoneinfo import ZoneInfo

from dagster import BackfillPolicy, DailyPartitionsDefinition

from assets.workspace import BOOKS_VARIABLE
from duizhang.books import load_books
from duizhang.errors import BooksError

SINGLE_RUN = BackfillPolicy.single_run()


def daily(start: str, time_zone: str, *, last: dt.date | None = None) -> DailyPartitionsDefinition:
    """Days from the books' start on, in the books' time zone; the running day counts, as its files may be there.

    last: a day that there must be even where the clock has not come to it (made-up books, a clock that is wrong).
    """
    ahead = (last - dt.datetime.now(ZoneInfo(time_zone)).date()).days + 1 if last else 1
    return DailyPartitionsDefinition(start_date=start, timezone=time_zone, end_offset=max(1, ahead))


def from_environment() -> DailyPartitionsDefinition:
    """The partitions of the books that the environment names; a wide default where there are none yet."""
    from pathlib import Path

    try:
        books = load_books(Path(os.environ.get(BOOKS_VARIABLE, "demo/raw/books.yaml")))
    except BooksError:
        return daily("2020-01-01", "Asia/Shanghai")
    return daily(books.start.isoformat(), books.time_zone)

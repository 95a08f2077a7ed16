"""One partition a business day."""

import os

from dagster import BackfillPolicy, DailyPartitionsDefinition

from assets.workspace import BOOKS_VARIABLE
from duizhang.books import load_books
from duizhang.errors import BooksError

SINGLE_RUN = BackfillPolicy.single_run()


def daily(start: str, time_zone: str) -> DailyPartitionsDefinition:
    """Days from the books' start on, in the books' time zone; the running day counts, as its files may be there."""
    return DailyPartitionsDefinition(start_date=start, timezone=time_zone, end_offset=1)


def from_environment() -> DailyPartitionsDefinition:
    """The partitions of the books that the environment names; a wide default where there are none yet."""
    from pathlib import Path

    try:
        books = load_books(Path(os.environ.get(BOOKS_VARIABLE, "demo/raw/books.yaml")))
    except BooksError:
        return daily("2020-01-01", "Asia/Shanghai")
    return daily(books.start.isoformat(), books.time_zone)

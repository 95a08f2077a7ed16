"""One partition a business day."""

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from dagster import BackfillPolicy, DailyPartitionsDefinition

from assets.workspace import BOOKS_VARIABLE
from duizhang.books import load_books
from duizhang.errors import BooksError

SINGLE_RUN = BackfillPolicy.single_run()
# Dagster's tags of a run. A range in a single run is asked for by the first two; a run with the third leaves no event for each
# table and day, which for a year takes a minute and is read by nobody where the instance ends with the run.
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
DEFER_EVENTS = "dagster/defer_asset_events"


def asking_for(days: Sequence[dt.date]) -> dict[str, str]:
    """The tags of a run over consecutive days."""
    return {RANGE_START: min(days).isoformat(), RANGE_END: max(days).isoformat()}


def daily(start: str, time_zone: str, *, last: dt.date | None = None) -> DailyPartitionsDefinition:
    """Days from the books' start on, in the books' time zone; the running day counts, as its files may be there.

    last: a day that there must be even where the clock has not come to it (made-up books, a clock that is wrong).
    """
    ahead = (last - dt.datetime.now(ZoneInfo(time_zone)).date()).days + 1 if last else 1
    return DailyPartitionsDefinition(start_date=start, timezone=time_zone, end_offset=max(1, ahead))


def from_environment() -> DailyPartitionsDefinition:
    """The partitions of the books that the environment names; a wide default where there are none yet."""
    try:
        books = load_books(Path(os.environ.get(BOOKS_VARIABLE, "demo/raw/books.yaml")))
    except BooksError:
        return daily("2020-01-01", "Asia/Shanghai")
    return daily(books.start.isoformat(), books.time_zone)

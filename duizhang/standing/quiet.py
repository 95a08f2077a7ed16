"""Sources that fell silent or thin against their own weeks: told before a run, as no file says that another is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from duizhang.errors import UserError
from duizhang.home.state import State
from duizhang.ingest import FileRecord, records
from duizhang.ingest.files import READ

WEEKS = 4  # days of the same weekday before that a day is held against
ENOUGH = 20  # rows of a usual day; fewer vary by chance
THIN = 4  # a day with less than this part of its usual rows


@dataclass(frozen=True)
class Quiet:
    """A source of a shop ('' for the company's own) that has less on a day than on such days before. rows: those that it has, where it
    is thin; None where it is silent. usual: rows of such a day."""

    source: str
    shop: str
    rows: int | None = None
    usual: float = 0.0

    @property
    def name(self) -> str:
        """Source and shop in words."""
        return f"{self.source} of {self.shop or 'the company'}"

    @property
    def is_silent(self) -> bool:
        """Whether it has no file at all."""
        return self.rows is None

    def __str__(self) -> str:
        if self.rows is None:
            return f"{self.name} is silent: it had files on the same weekday of the last {WEEKS} weeks"
        return f"{self.name} is thin: {self.rows} rows, where this weekday usually has {self.usual:g}"


def quiet_of_home(home: Path, periods: Sequence[dt.date]) -> dict[dt.date, tuple[Quiet, ...]]:
    """By day, the sources of a home that are silent or thin; none where its state cannot be read, which is told where files are."""
    try:
        return quiet_sources(records(State(home, read_only=True)), periods)
    except UserError:
        return {}


def quiet_sources(records: Iterable[FileRecord], periods: Sequence[dt.date]) -> dict[dt.date, tuple[Quiet, ...]]:
    """By day, the sources of a shop that had files on the same weekday of each of the four weeks before, and have none, or less than
    a quarter of the usual rows (counted where a file is of one day)."""
    there: dict[tuple[str, str], set[dt.date]] = {}
    rows: dict[tuple[str, str], dict[dt.date, int]] = {}
    for record in records:
        if record.status == READ:
            days, whose = record.days(), (record.source, record.shop)
            there.setdefault(whose, set()).update(days)
            if len(days) == 1:
                by_day = rows.setdefault(whose, {})
                by_day[days[0]] = by_day.get(days[0], 0) + int(str(record.detail.get("rows_parsed", 0)))
    found: dict[dt.date, tuple[Quiet, ...]] = {}
    for day in periods:
        before = [day - dt.timedelta(weeks=n) for n in range(1, WEEKS + 1)]
        said = []
        for (source, shop), seen in sorted(there.items(), key=lambda entry: entry[0]):
            counts = rows.get((source, shop), {})
            usual = median(counts.get(past, 0) for past in before)
            if day not in seen and seen.issuperset(before):
                said.append(Quiet(source, shop))
            elif day in counts and all(past in counts for past in before) and usual >= ENOUGH and counts[day] * THIN < usual:
                said.append(Quiet(source, shop, counts[day], usual))
        if said:
            found[day] = tuple(said)
    return found

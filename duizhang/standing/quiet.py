"""Sources that fell silent or thin against their own weeks, and statements of a bank that do not go on where the one before them ended:
told before a run, as no file says that another is missing."""

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
from duizhang.ingest.rows import Statement

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


@dataclass(frozen=True)
class Gap:
    """A statement of a bank that opens with another balance than that with which the one before it closed."""

    before: Statement
    behind: Statement
    name: str = ""  # of no source that is silent
    is_silent: bool = False

    def __str__(self) -> str:
        one, other = self.before, self.behind
        return (
            f"the statement of account {other.account} opens with {other.opening:f} {other.currency}, and the one before it closed on "
            f"{one.closed} with {one.closing:f}: something between them is missing"
        )


def gaps(records: Iterable[FileRecord]) -> dict[dt.date, tuple[Gap, ...]]:
    """By the first day of the later one, statements of an account that do not go on where the one before them ended. Of those that overlap,
    as downloads of a range do, none says anything of what is between them."""
    by_account: dict[tuple[str, str], set[Statement]] = {}
    for record in records:
        for one in record.statements() if record.status == READ else ():
            by_account.setdefault((one.account, one.currency), set()).add(one)
    found: dict[dt.date, tuple[Gap, ...]] = {}
    for _, statements in sorted(by_account.items()):
        listed = sorted(statements, key=lambda s: (s.closed, s.opened, s.opening, s.closing))
        for at, one in enumerate(listed):
            past = [s for s in listed[:at] if s.closed <= max(one.opened, min(one.days()))]
            others = [s for s in listed if s != one]
            if past and not any(s.closing == one.opening or s.opened < one.opened < s.closed for s in others):
                day = min(one.days())
                found[day] = (*found.get(day, ()), Gap(past[-1], one))
    return found


def quiet_of_home(home: Path, periods: Sequence[dt.date]) -> dict[dt.date, tuple[Quiet | Gap, ...]]:
    """By day, the sources of a home that are silent or thin; none where its state cannot be read, which is told where files are."""
    try:
        return quiet_sources(records(State(home, read_only=True)), periods)
    except UserError:
        return {}


def quiet_sources(records: Iterable[FileRecord], periods: Sequence[dt.date]) -> dict[dt.date, tuple[Quiet | Gap, ...]]:
    """By day, the sources of a shop that had files on the same weekday of each of the four weeks before, and have none, or less than
    a quarter of the usual rows (counted where a file is of one day), and statements that do not go on where the one before ended."""
    records = list(records)
    broken = gaps(records)
    there: dict[tuple[str, str], set[dt.date]] = {}
    rows: dict[tuple[str, str], dict[dt.date, int]] = {}
    for record in records:
        if record.status == READ:
            days, whose = record.days(), (record.source, record.shop)
            there.setdefault(whose, set()).update(days)
            if len(days) == 1:
                by_day = rows.setdefault(whose, {})
                by_day[days[0]] = by_day.get(days[0], 0) + int(str(record.detail.get("rows_parsed", 0)))
    found: dict[dt.date, tuple[Quiet | Gap, ...]] = {}
    for day in periods:
        before = [day - dt.timedelta(weeks=n) for n in range(1, WEEKS + 1)]
        said: list[Quiet | Gap] = [*broken.get(day, ())]
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

"""Before anything is computed: which days will be held and why, as far as files alone can say it, and which legs have both sides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from duizhang.books import Books
from duizhang.home.state import State
from duizhang.ingest import FileRecord, records, unresolved
from duizhang.ingest.files import READ, REFUSED
from duizhang.reconcile import Supply, supplies
from duizhang.standing.quiet import quiet_sources


@dataclass(frozen=True)
class Preflight:
    """holds: by day, what will hold it. refused: files that no day is known of; a run ends with 2 until somebody decides. supplies: of
    each leg of the books, what there is on either side. quiet: by day, sources that fell silent or thin; they hold nothing."""

    holds: dict[dt.date, tuple[str, ...]]
    refused: tuple[FileRecord, ...]
    supplies: tuple[Supply, ...]
    quiet: dict[dt.date, tuple[str, ...]]


def preflight(books: Books, state: State, periods: Sequence[dt.date]) -> Preflight:
    """What the files that were taken in say of a run over `periods`."""
    known = records(state)
    wanted = set(periods)
    holds: dict[dt.date, list[str]] = {period: [] for period in periods}
    covered: set[tuple[str, str, dt.date]] = set()
    for record in known:
        days = wanted & set(record.days())
        if record.status == READ:
            covered |= {(record.source, record.shop, day) for day in days}
        for day in days:
            holds[day] += _doubts(record)
    for day in periods:
        for expected in books.due(day):
            if (expected.source, expected.shop, day) not in covered:
                holds[day].append(f"{expected.source} of {expected.shop or 'the company'} is missing")
    read = [(record.source, record.shop) for record in known if record.status == READ]
    pulled = [(database.source, database.shop) for database in books.databases]
    return Preflight(
        {day: tuple(sorted(said)) for day, said in holds.items() if said}, tuple(unresolved(known, books.start)),
        tuple(supplies(books, [*read, *pulled])),
        {day: tuple(str(one) for one in sources) for day, sources in quiet_sources(known, periods).items()},
    )


def _doubts(record: FileRecord) -> list[str]:
    """Why a file holds its days."""
    if record.status == REFUSED:
        return [f"not read: {record.problem}"]
    if record.status != READ:
        return []
    said = []
    if not record.detail.get("control_totals_ok", True):
        said.append(f"{record.path}: a total that it states does not tie: {record.problem}")
    if rows := record.detail.get("rows_quarantined"):
        said.append(f"{record.path}: {rows} rows were rejected (an amount among them holds the day)")
    return said

"""The cells of raw files that were not read, whether their days are published or held, and what is said about them. Correcting one
takes the readers of files (`correcting`); looking at them does not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from duizhang.home.state import State
from duizhang.ingest.corrected import QUARANTINED, CellCorrection
from duizhang.ingest.files import READ, REFUSED, by_content, cell_corrections, member_of, records


@dataclass(frozen=True)
class CellChoice:
    """What somebody wants a cell to be read as. file: its name of record (or the end of it, where that is one's alone); sha256: its
    content as it was seen, '' where nobody says; was: the cell as it was seen; place: where this is said, for messages."""

    file: str
    line: int
    column: str
    was: str
    value: str
    reason: str
    sha256: str = ""
    place: str = ""


@dataclass(frozen=True)
class Corrected:
    """What came of corrections: those that are new, the days that they touch, and by number what else is wrong with their record."""

    stored: tuple[CellCorrection, ...]
    still: Mapping[str, str] = field(default_factory=dict)
    days: tuple[dt.date, ...] = ()


@dataclass(frozen=True)
class Rejected:
    """A cell that was not read, as it may be shown. correction: what was decided about it since, '' where nothing was."""

    file: str
    sha256: str
    source: str
    line: int
    column: str
    value: str
    reason: str
    is_money: bool
    correction: str = ""


def rejected(home: Path, state: State, period: dt.date | None = None) -> list[Rejected]:
    """The cells that were not read of the files of a day (of all of them by default), amounts first; also of days that are held."""
    known = by_content(cell_corrections(state))
    found = []
    for record in records(state):
        days = record.days()
        if record.status not in (READ, REFUSED) or not record.landed or (period and days and period not in days):
            continue
        own = {(c.line, c.column): c for c in known.get(record.sha256, ()) if c.member == member_of(record.path)}
        path = home / record.landed / QUARANTINED
        for cell in pq.ParquetFile(path).read().to_pylist() if path.is_file() else []:
            done = own.get((cell["line"], cell["column_name"]))
            found.append(Rejected(
                record.path, record.sha256, record.source, cell["line"], cell["column_name"], cell["value"] or "", cell["reason"] or "",
                bool(cell["is_money"]), f"{done.name} {done.by}: {done.value}" if done else ""))
    return sorted(found, key=lambda r: (not r.is_money, r.file, r.line, r.column))

"""Canonical tables by business day, out of what the files of the inbox gave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import closing

import duckdb
import pyarrow as pa

from duizhang.books import Books
from duizhang.declared import schema
from duizhang.declared.terms import FileStatus
from duizhang.home import published
from duizhang.home.state import State
from duizhang.home.store import MANY as MANY_A_DAY
from duizhang.home.store import Store, duck_type, named, scratch
from duizhang.ingest.files import (
    ACCEPTED,
    READ,
    REFUSED,
    CountedFile,
    FileRecord,
    Overlaps,
    Told,
    by_content,
    cell_corrections,
    corrections_of,
    counted_twice,
    overlaps_of,
    records,
)
from duizhang.ingest.inbox import landed_quarantine
from duizhang.ingest.landing import MANY, LandedFiles, Setting, ranks
from duizhang.ingest.specification import load_specs

_NAMED = 3  # refused files that are named where one is missing
# status, on one day, of a file that tells the same money as another, or another amount of a movement
TWICE, CONTRADICTORY = FileStatus.TWICE, FileStatus.CONTRADICTORY


def build_canonical(books: Books, store: Store, state: State, periods: Sequence[dt.date]) -> dict[str, int]:
    """Write every canonical table, `source_files`, `quarantine` and `corrected_cells` for every period; rows a table.

    Where a spec says `overlap: latest`, the rows of the newest file win for each grain key; else a row that several files have
    counts once (`duizhang.ingest.files.overlaps`). Rows inside one file are all kept, so a line that a file repeats stays visible
    as a duplicate.
    """
    wanted = set(periods)
    known = records(state)
    touching = [r for r in known if wanted & set(r.touched())]
    active = [r for r in touching if r.status == READ]
    settings = {shop: Setting.of(books, shop) for shop in {r.shop for r in active}}
    feeding = ((r.source, r.shop, store.home / r.landed) for r in active)
    landed = LandedFiles(load_specs(books.sources_path), settings, feeding, store=store)
    by_age = sorted(active, key=lambda r: r.recency)
    counting = [
        CountedFile(r.path, r.source, r.shop, store.home / r.landed, frozenset(r.days()), _parsed(r), rank, r.restates())
        for rank, r in enumerate(by_age)
    ]
    overlap = overlaps_of(landed, counting, wanted)
    order = ranks([r.path for r in by_age])
    rows: dict[str, int] = {}
    landed_rows = sum(_parsed(r) for r in active)
    # all processors for many rows, one connection for all tables: to start one takes longer than to read small files
    is_large = landed_rows > MANY
    with closing(store.connect()) if is_large else scratch() as con:
        con.register("ranks", order)
        for source, again in overlap.again.items():
            con.register(_again_in(overlap, source), again)
        for name in schema.TABLES:
            if is_large:
                rows[name] = _write(con, landed, store, name, periods, overlap, books.start)
            else:
                found = _rows(con, landed, name, periods, overlap, books.start)
                store.split(name, found, periods)
                rows[name] = found.num_rows
    if is_large:
        store.clear_spill()
    undated = [r for r in known if r.status == REFUSED and not r.days()]
    files = _source_files(books, touching, undated, periods, _said(overlap, counted_twice(landed, counting, wanted)))
    store.split("source_files", files, periods)
    wrong = _quarantine(store, active, periods)
    store.split("quarantine", wrong, periods)
    corrected = _corrected_cells(state, active, periods)
    store.split("corrected_cells", corrected, periods)
    return {**rows, "source_files": files.num_rows, "quarantine": wrong.num_rows, "corrected_cells": corrected.num_rows}


def _parsed(record: FileRecord) -> int:
    """The rows of a file that were read."""
    return int(str(record.detail.get("rows_parsed", 0)))


def _said(overlap: Overlaps, twice: Told) -> dict[tuple[str, dt.date], tuple[str, str]]:
    """(file, day) -> what its status is instead of `read` ('' where it is that), and why, or what is to be known of it."""
    found: dict[tuple[str, dt.date], tuple[str, str]] = {}
    # what holds the day stands first
    for status, told in ((CONTRADICTORY, overlap.contradicting), (TWICE, overlap.undecided), (TWICE, twice), ("", overlap.noted)):
        for key, text in told.items():
            before = found.get(key, ("", ""))
            found[key] = (before[0] or status, "; ".join(filter(None, [before[1], text])))
    return found


def _rows(
    con: duckdb.DuckDBPyConnection, landed: LandedFiles, name: str, periods: Sequence[dt.date], overlap: Overlaps, start: dt.date
) -> pa.Table:
    """The rows of a canonical table, of the periods and perhaps of days between them. con: knows the ranks of files, and which of
    their rows count in another one. start: the first day of the books."""
    columns = schema.TABLES[name]
    found = [
        landed.ask(con, name, source, _select(landed, name, source, periods, start), again=_again_in(overlap, source)).cast(columns)
        for source in landed.sources(name)
    ]
    return pa.concat_tables([columns.empty_table(), *found])


def _write(
    con: duckdb.DuckDBPyConnection, landed: LandedFiles, store: Store, name: str, periods: Sequence[dt.date], overlap: Overlaps,
    start: dt.date
) -> int:
    """Write a canonical table of the periods, within the memory of the database; the number of rows. con: as for `_rows`."""
    columns = schema.TABLES[name]
    con.execute(f'create or replace table "{name}" ({", ".join(f"{named(c.name)} {duck_type(c.type)}" for c in columns)})')
    for source in landed.sources(name):
        landed.put(con, name, source, _select(landed, name, source, periods, start), again=_again_in(overlap, source))
    [(rows,)] = con.execute(f'select count(*) from "{name}"').fetchall()
    if rows > MANY_A_DAY * len(periods):
        store.copy(con, name, f'select * from "{name}"', periods, order=columns.names)
    else:
        store.split(name, con.sql(f'select * from "{name}"').to_arrow_table().cast(columns), periods)
    con.execute(f'drop table "{name}"')
    return int(rows)


def _again_in(overlap: Overlaps, source: str) -> str:
    """The name under which a connection knows the rows of a source's files that count in another one; '' where there are none."""
    return f"again_{source}" if source in overlap.again else ""


def _select(landed: LandedFiles, name: str, source: str, periods: Sequence[dt.date], start: dt.date) -> str:
    """Which rows of a source (`canonical`) count on the periods."""
    between = f"period between date '{periods[0]}' and date '{periods[-1]}'"
    spec = landed.specs[source]
    counting = "canonical" if spec.overlap != "latest" else f"({_newest(landed, name, source)})"
    if spec.is_reference:
        day = f"greatest(period, date '{start}')"
        whose = ", ".join(f'"{column}"' for column in schema.REFERENCE[name])
        counting = (
            f"(select * replace ({day} as period) from {counting} qualify period = max(period) over (partition by {whose}, {day}))")
    return f"select * from {counting} where {between}"


def _newest(landed: LandedFiles, name: str, source: str) -> str:
    """Of rows with one grain key those of the newest file."""
    # a newer file may say another day of a record, so it is found before days are chosen
    keys = ", ".join(f'c."{g}"' for g in landed.specs[source].grain_of(name))
    return (
        "select c.* from canonical as c inner join ranks as r on c.file = r.file "
        f"qualify r.rank = max(r.rank) over (partition by {keys})"
    )


def _source_files(
    books: Books, touching: Sequence[FileRecord], undated: Sequence[FileRecord], periods: Sequence[dt.date],
    said: Mapping[tuple[str, dt.date], tuple[str, str]]
) -> pa.Table:
    rows = []
    covered: set[tuple[str, str, dt.date]] = set()
    for record in touching:
        for day in record.days():
            if periods[0] <= day <= periods[-1] and record.status in (READ, REFUSED, ACCEPTED):
                if record.status == READ:
                    covered.add((record.source, record.shop, day))
                status, why = said.get((record.path, day), ("", ""))
                rows.append({
                    "period": day, "source": record.source, "shop": record.shop, "file": record.path,
                    "sha256": record.sha256, "status": status or record.status,
                    "problem": "; ".join(filter(None, [why, record.problem])),
                    **{k: record.detail.get(k, 0) for k in ("rows_read", "rows_parsed", "rows_quarantined", "rows_ignored")},
                    "control_totals_ok": bool(record.detail.get("control_totals_ok", record.status == READ)),
                })
    for day in periods:
        for expected in books.due(day):
            if (expected.source, expected.shop, day) not in covered:
                rows.append({
                    "period": day, "source": expected.source, "shop": expected.shop, "file": "", "sha256": "",
                    "status": FileStatus.MISSING, "rows_read": 0, "rows_parsed": 0, "rows_quarantined": 0, "rows_ignored": 0,
                    "control_totals_ok": True,
                    "problem": _missing(expected.source, expected.shop, day, undated),
                })
    return pa.Table.from_pylist(rows, schema=published.TABLES["source_files"])


def _missing(source: str, shop: str, day: dt.date, undated: Sequence[FileRecord]) -> str:
    """What is said of a file that is not there. undated: refused files of which no day is known, of which it may be one."""
    perhaps = [r.problem for r in undated if r.shop == shop]
    more = f"; and {len(perhaps) - _NAMED} more" if len(perhaps) > _NAMED else ""
    why = f"; there are files of no known day that could not be read: {'; '.join(perhaps[:_NAMED])}{more}" if perhaps else ""
    return f"{source} of {shop or 'the company'} is missing for {day}{why}"


def _quarantine(store: Store, active: Sequence[FileRecord], periods: Sequence[dt.date]) -> pa.Table:
    """Quarantined cells of a file stand in every period that the file belongs to: their own day is not known."""
    rows = []
    for record in active:
        if not record.detail.get("rows_quarantined"):
            continue
        for cell in landed_quarantine(store, record).to_pylist():
            rows += [
                {"period": day, "source": record.source, "file": record.path, **cell}
                for day in record.days() if periods[0] <= day <= periods[-1]
            ]
    return pa.Table.from_pylist(rows, schema=published.TABLES["quarantine"])


def _corrected_cells(state: State, active: Sequence[FileRecord], periods: Sequence[dt.date]) -> pa.Table:
    """Cells that were read as people corrected them stand where quarantined ones do: in every period that their file belongs to."""
    corrections = by_content(cell_corrections(state))
    rows = [
        {"period": day, "source": record.source, "file": record.path, "line": c.line, "column_name": c.column, "was": c.was,
         "value": c.value, "reason": c.reason, "corrected_by": c.by, "correction": c.name}
        for record in active for c in corrections_of(record, corrections) for day in record.days() if periods[0] <= day <= periods[-1]
    ]
    return pa.Table.from_pylist(rows, schema=published.TABLES["corrected_cells"])

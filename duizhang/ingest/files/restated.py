"""What newer files take the place of: files that state the same days, and records that they move to another day, as an order that was
unpaid in yesterday's export and is paid in today's.

Where a source's newer files repeat records of older ones (`overlap: latest`), the newest one counts, on the day that it says.
So it touches the day of the older one as well: that day is without the record from now on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from duizhang.home.store import connect
from duizhang.ingest.files.file_records import READ, SUPERSEDED, FileRecord
from duizhang.ingest.files.redated import REACH_DAYS, moved_days
from duizhang.ingest.landing import LandedFiles, Setting, ranks
from duizhang.ingest.specification import SourceSpec


def superseded(records: Mapping[str, FileRecord]) -> dict[str, FileRecord]:
    """The records; of several files of one source and shop that state the same days, only the newest counts."""
    slots: dict[tuple[str, str, str], list[FileRecord]] = {}
    for record in records.values():
        if record.status == READ and record.detail.get("coverage"):
            slots.setdefault((record.source, record.shop, str(record.detail["coverage"])), []).append(record)
    settled = dict(records)
    for same in slots.values():
        kept = max(same, key=lambda record: record.recency)
        for record in same:
            if record is not kept:
                detail = {**record.detail, "problem": f"replaced by {kept.path}"}
                settled[record.path] = replace(record, status=SUPERSEDED, detail=detail)
    return settled


def restated_days(
    specs: Mapping[str, SourceSpec], settings: Mapping[str, Setting], home: Path, active: Sequence[FileRecord],
    known: Mapping[str, FileRecord]
) -> dict[str, set[dt.date]]:
    """File -> days on which an older file has a record that this one says is of another day.

    active: the files that count, from the oldest to the newest. known: what was found when the inbox was last looked at; it stands for
    sources of which no file has come, gone or changed.
    """
    found: dict[str, set[dt.date]] = {}
    groups: dict[str, list[FileRecord]] = {}
    for record in active:
        if record.source in specs:
            groups.setdefault(record.source, []).append(record)
    before: dict[str, dict[str, FileRecord]] = {}
    for record in known.values():
        if record.status == READ:
            before.setdefault(record.source, {})[record.path] = record
    with connect() as con:
        for source, files in sorted(groups.items()):
            spec, old = specs[source], before.get(source, {})
            near = _near(files, old)
            for record in files:
                was = old[record.path].restates() if record.path in old and (spec.overlap == "keep" or not near) else frozenset[dt.date]()
                if kept := was - near:
                    found[record.path] = set(kept)
            reached = [r for r in files if spec.overlap == "latest" or near.intersection(r.days())] if near else []
            if len(reached) < 2:
                continue
            landed = LandedFiles(specs, settings, ((r.source, r.shop, home / r.landed) for r in reached))
            con.register("ranks", ranks([r.path for r in reached]))
            if spec.overlap == "keep":
                more: Iterable[tuple[str, dt.date]] = (
                    (file, day) for file, days in moved_days(con, landed).items() for day in days if day in near)
            else:
                tables = sorted({t.table for t in spec.tables}) if "period" not in spec.grain else []
                more = (row for table in tables for row in _moved(con, landed, source, table))
            for file, day in more:
                found.setdefault(file, set()).add(day)
            con.unregister("ranks")
    return found


def _near(files: Sequence[FileRecord], old: Mapping[str, FileRecord]) -> set[dt.date]:
    """The days of which what is known may be another now: near a file that came, went, or is read or ranked otherwise."""
    now = {(r.path, r.landed, r.recency): r for r in files}
    then = {(r.path, r.landed, r.recency): r for r in old.values()}
    changed = [*(r for key, r in now.items() if key not in then), *(r for key, r in then.items() if key not in now)]
    days = {day for record in changed for day in record.days()}
    return {day + dt.timedelta(days=n) for day in days for n in range(-REACH_DAYS, REACH_DAYS + 1)}


def _moved(con: duckdb.DuckDBPyConnection, landed: LandedFiles, source: str, table: str) -> list[tuple[str, dt.date]]:
    keys = ", ".join(f'"{g}"' for g in landed.specs[source].grain_of(table))
    # most often there is none, which their hashes tell soonest
    hashes = landed.ask(
        con, table, source, f"select hash({keys}) as h from canonical group by 1 having min(period) <> max(period)")
    if not hashes.num_rows:
        return []
    con.register("hashes", hashes)
    rows = landed.ask(
        con, table, source,
        f"select * from (with k as (select distinct {keys}, period, file, rank from canonical inner join ranks using (file) "
        f"where hash({keys}) in (select h from hashes)) "
        f"select distinct newer.file, older.period from k as older inner join k as newer using ({keys}) "
        "where newer.rank > older.rank and newer.period <> older.period) order by all")
    con.unregister("hashes")
    return list(zip(rows["file"].to_pylist(), rows["period"].to_pylist(), strict=True))

"""What newer files take the place of: files that state the same days, and records that they move to another day, as an order that was
unpaid in yesterday's export and is paid in today's.

Where a source's newer files repeat records of older ones (`overlap: latest`), the newest one counts, on the day that it says.
So it touches the day of the older one as well: that day is without the record from now on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from duizhang.ingest.files.file_records import READ, SUPERSEDED, FileRecord
from duizhang.ingest.landing import LandedFiles, prepare, ranks
from duizhang.store import connect


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


def restated_days(landed: LandedFiles, order: Sequence[str]) -> dict[str, set[dt.date]]:
    """File -> days on which an older file has a record that this one says is of another day.

    order: the files that count, from the oldest to the newest.
    """
    moving = [
        (source, table.table) for source, spec in landed.specs.items() if source in landed.folders
        and spec.overlap == "latest" and "period" not in spec.grain and sum(map(len, landed.folders[source].values())) > 1
        for table in spec.tables
    ]
    found: dict[str, set[dt.date]] = {}
    if not moving:
        return found
    with connect() as con:
        prepare(con)
        con.register("ranks", ranks(order))
        for source, table in sorted(set(moving)):
            for file, day in _moved(con, landed, source, table):
                found.setdefault(file, set()).add(day)
    return found


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

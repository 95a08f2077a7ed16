"""Canonical tables by business day, out of what the files of the inbox gave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import pyarrow as pa

from duizhang import published, schema
from duizhang.books import Books
from duizhang.ingest.collect import READ, REFUSED, FileRecord, landed_quarantine, records
from duizhang.ingest.spec import SourceSpec, load_specs
from duizhang.state import State
from duizhang.store import Store, connect, quoted, scratch

TWICE = "twice"  # status, on one day, of a file that tells the same money as another


def build_canonical(books: Books, store: Store, state: State, periods: Sequence[dt.date]) -> dict[str, int]:
    """Write every canonical table, `source_files` and `quarantine` for every period; rows a table.

    Where a spec says `overlap: latest`, the rows of the newest file win for each grain key; rows inside one file are
    all kept, so a line that a file repeats stays visible as a duplicate.
    """
    wanted = set(periods)
    touching = [r for r in records(state) if wanted & set(r.days())]
    active = [r for r in touching if r.status == READ]
    rows: dict[str, int] = {}
    specs = load_specs(books.sources_path)
    for name, columns in schema.TABLES.items():
        found = _table(store, specs, name, columns, active, periods)
        store.split(name, found, periods)
        rows[name] = found.num_rows
    files = _source_files(books, touching, periods, _twice(store, specs, active, wanted))
    store.split("source_files", files, periods)
    wrong = _quarantine(store, active, periods)
    store.split("quarantine", wrong, periods)
    return {**rows, "source_files": files.num_rows, "quarantine": wrong.num_rows}


def _table(
    store: Store, specs: Mapping[str, SourceSpec], name: str, columns: pa.Schema, active: Sequence[FileRecord],
    periods: Sequence[dt.date],
) -> pa.Table:
    landed = [(r, store.home / r.landed / f"{name}.parquet") for r in active]
    present = [(r, path) for r, path in landed if path.is_file()]
    if not present:
        return columns.empty_table()
    order = sorted(present, key=lambda e: (e[0].modified, e[0].sha256))
    ranks = pa.table({
        "file": [r.path for r, _ in order],
        "rank": pa.array(range(len(order)), pa.int64()),
        "latest": [specs[r.source].overlap == "latest" for r, _ in order],
        "grain": ["/".join(specs[r.source].grain) for r, _ in order],
    })
    listed = ", ".join(quoted(path) for _, path in present)
    names = ", ".join(f'd."{c.name}"' for c in columns)
    grains = {specs[r.source].grain for r, _ in order if specs[r.source].overlap == "latest"}
    with connect() as con:
        con.register("ranks", ranks)
        con.execute(
            f"create table d as select d.*, r.rank, r.latest, r.grain from read_parquet([{listed}]) as d "
            "inner join ranks as r on d.file = r.file where d.period between ? and ?", [periods[0], periods[-1]]
        )
        for grain in sorted(grains):
            keys = ", ".join(f'"{g}"' for g in ("source", *grain) if g in columns.names)
            con.execute(
                f"create or replace table d as select * from d where not latest or grain <> {quoted('/'.join(grain))} "
                f"union all select * from d where latest and grain = {quoted('/'.join(grain))} "
                f"qualify rank = max(rank) over (partition by {keys})"
            )
        return con.sql(f"select {names} from d").to_arrow_table().cast(columns)


def _twice(
    store: Store, specs: Mapping[str, SourceSpec], active: Sequence[FileRecord], wanted: Set[dt.date]
) -> dict[tuple[str, dt.date], str]:
    """(file, day) -> which files of another source tell the same money of that day, in words.

    Accounts are told by their last digits: one bank writes an IBAN into CAMT and the bare number into MT940.
    """
    groups: dict[str, list[FileRecord]] = {}
    for record in active:
        if word := specs[record.source].same_money:
            groups.setdefault(word, []).append(record)
    found: dict[tuple[str, dt.date], set[str]] = {}
    for members in groups.values():
        if len({record.source for record in members}) < 2:
            continue
        tellers: dict[tuple[str, str, dt.date], list[FileRecord]] = {}
        for record in members:
            for table in {t.table for t in specs[record.source].tables}:
                for key, day in _told(store.home / record.landed / f"{table}.parquet", table):
                    if day in wanted:
                        tellers.setdefault((table, key, day), []).append(record)
        for (_, _, day), records_ in tellers.items():
            for record in records_:
                others = {f"{other.path} ({other.source})" for other in records_ if other.source != record.source}
                if others:
                    found.setdefault((record.path, day), set()).update(others)
    return {
        (path, day): f"{path} tells the same money of {day} as {', '.join(sorted(others))}; keep one of them in the inbox"
        for (path, day), others in found.items()
    }


def _told(path: Path, table: str) -> list[tuple[str, dt.date]]:
    """Whose money (shop, or bank account by its last eight digits) a landed table tells, and of which days."""
    if not path.is_file():
        return []
    digits = "regexp_replace(bank_account, '[^0-9]', '', 'g')"
    whose = f"case when length({digits}) >= 6 then right({digits}, 8) else bank_account end" if table == "bank_entries" else "shop"
    with scratch() as con:
        return con.execute(f"select distinct {whose}, period from read_parquet({quoted(path)}) where period is not null").fetchall()


def _source_files(
    books: Books, touching: Sequence[FileRecord], periods: Sequence[dt.date], twice: Mapping[tuple[str, dt.date], str]
) -> pa.Table:
    rows = []
    covered: set[tuple[str, str, dt.date]] = set()
    for record in touching:
        for day in record.days():
            if periods[0] <= day <= periods[-1] and record.status in (READ, REFUSED):
                covered.add((record.source, record.shop, day))
                rows.append({
                    "period": day, "source": record.source, "shop": record.shop, "file": record.path,
                    "sha256": record.sha256, "status": TWICE if (record.path, day) in twice else record.status,
                    "problem": twice.get((record.path, day), record.problem),
                    **{k: record.detail.get(k, 0) for k in ("rows_read", "rows_parsed", "rows_quarantined", "rows_ignored")},
                    "control_totals_ok": bool(record.detail.get("control_totals_ok", record.status == READ)),
                })
    for expected in books.expected:
        for day in periods:
            late = expected.from_day and day < expected.from_day
            if not late and (expected.source, expected.shop, day) not in covered:
                rows.append({
                    "period": day, "source": expected.source, "shop": expected.shop, "file": "", "sha256": "",
                    "status": "missing", "rows_read": 0, "rows_parsed": 0, "rows_quarantined": 0, "rows_ignored": 0,
                    "control_totals_ok": True,
                    "problem": f"{expected.source} of {expected.shop or 'the company'} is missing for {day}",
                })
    return pa.Table.from_pylist(rows, schema=published.TABLES["source_files"])


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

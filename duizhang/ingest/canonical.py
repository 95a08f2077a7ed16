"""Canonical tables by business day, out of what the files of the inbox gave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set

import pyarrow as pa

from duizhang import published, schema
from duizhang.books import Books
from duizhang.ingest.collect import READ, REFUSED, FileRecord, landed_quarantine, records
from duizhang.ingest.landed import LandedFiles, Setting, prepare
from duizhang.ingest.spec import load_specs
from duizhang.state import State
from duizhang.store import Store, connect, scratch

TWICE = "twice"  # status, on one day, of a file that tells the same money as another


def build_canonical(books: Books, store: Store, state: State, periods: Sequence[dt.date]) -> dict[str, int]:
    """Write every canonical table, `source_files` and `quarantine` for every period; rows a table.

    Where a spec says `overlap: latest`, the rows of the newest file win for each grain key; rows inside one file are
    all kept, so a line that a file repeats stays visible as a duplicate.
    """
    wanted = set(periods)
    touching = [r for r in records(state) if wanted & set(r.touched())]
    active = [r for r in touching if r.status == READ]
    settings = {shop: Setting.of(books, shop) for shop in {r.shop for r in active}}
    landed = LandedFiles(load_specs(books.sources_path), settings, ((r.source, r.shop, store.home / r.landed) for r in active))
    order = sorted(active, key=lambda r: (r.modified, r.sha256))
    ranks = pa.table({"file": [r.path for r in order], "rank": pa.array(range(len(order)), pa.int64())})
    rows: dict[str, int] = {}
    for name in schema.TABLES:
        found = _rows(landed, ranks, name, periods)
        store.split(name, found, periods)
        rows[name] = found.num_rows
    files = _source_files(books, touching, periods, _twice(landed, active, wanted))
    store.split("source_files", files, periods)
    wrong = _quarantine(store, active, periods)
    store.split("quarantine", wrong, periods)
    return {**rows, "source_files": files.num_rows, "quarantine": wrong.num_rows}


def _rows(landed: LandedFiles, ranks: pa.Table, name: str, periods: Sequence[dt.date]) -> pa.Table:
    """The rows of a canonical table, of the periods and perhaps of days between them."""
    columns = schema.TABLES[name]
    between = f"period between date '{periods[0]}' and date '{periods[-1]}'"
    found = []
    with connect() as con:
        prepare(con)
        con.register("ranks", ranks)
        for source in landed.sources(name):
            spec = landed.specs[source]
            if spec.overlap == "latest":
                # a newer file may say another day of a record, so it is found before days are chosen
                keys = ", ".join(f'c."{g}"' for g in spec.grain if g in columns.names)
                select = (
                    "select c.* from canonical as c inner join ranks as r on c.file = r.file "
                    f"qualify r.rank = max(r.rank) over (partition by {keys})"
                )
                select = f"select * from ({select}) where {between}"
            else:
                select = f"select * from canonical where {between}"
            found.append(landed.ask(con, name, source, select).cast(columns))
    return pa.concat_tables([columns.empty_table(), *found])


def _twice(
    landed: LandedFiles, active: Sequence[FileRecord], wanted: Set[dt.date]
) -> dict[tuple[str, dt.date], str]:
    """(file, day) -> which files of another source tell the same money of that day, in words.

    Accounts are told by their last digits: one bank writes an IBAN into CAMT and the bare number into MT940.
    """
    sources = {record.path: record.source for record in active}
    groups: dict[str, set[str]] = {}
    for source in set(sources.values()):
        if word := landed.specs[source].same_money:
            groups.setdefault(word, set()).add(source)
    found: dict[tuple[str, dt.date], set[str]] = {}
    for members in groups.values():
        tellers: dict[tuple[str, str, dt.date], list[str]] = {}
        for source in sorted(members) if len(members) > 1 else []:
            for table in sorted({t.table for t in landed.specs[source].tables}):
                for file, key, day in _told(landed, source, table):
                    if day in wanted:
                        tellers.setdefault((table, key, day), []).append(file)
        for (_, _, day), files in tellers.items():
            for file in files:
                others = {f"{other} ({sources[other]})" for other in files if sources[other] != sources[file]}
                if others:
                    found.setdefault((file, day), set()).update(others)
    return {
        (path, day): f"{path} tells the same money of {day} as {', '.join(sorted(others))}; keep one of them in the inbox"
        for (path, day), others in found.items()
    }


def _told(landed: LandedFiles, source: str, table: str) -> list[tuple[str, str, dt.date]]:
    """(file, whose money it tells: a shop, or a bank account by its last eight digits, day) of the rows of a table."""
    digits = "regexp_replace(bank_account, '[^0-9]', '', 'g')"
    whose = f"case when length({digits}) >= 6 then right({digits}, 8) else bank_account end" if table == "bank_entries" else "shop"
    with scratch() as con:
        prepare(con)
        rows = landed.ask(con, table, source, f"select distinct file, {whose} as whose, period from canonical where period is not null")
    return list(zip(*(rows[name].to_pylist() for name in ("file", "whose", "period")), strict=True))


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

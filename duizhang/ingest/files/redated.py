"""Rows that two files of one source and shop state under one id on different days: a movement that was pending and is completed on the
next day, one that a bank books anew, a range that was downloaded by another clock.

One id, kind and amount is one movement, on the day that the newer file says, as of sources that restate (`overlap: latest`). It is not
where a file itself has the id on several rows (so it names something else than a movement) or on both days, nor where both rows state
balances that can follow each other. Where the source gives its entries no id of their own, the newer file must cover the day without
having the row on it: the reference of a bank may be that of a standing order, and orders go in parcels, are paid in parts and are
refunded in parts that are equal. Other amounts under one id are told; where the newer file covers the older row's day, they hold it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from duizhang.ingest.files.overlap_models import create, text
from duizhang.ingest.files.row_names import measures, row_names
from duizhang.ingest.landing import LandedFiles, Setting, expressions_of, scan_of
from duizhang.ingest.specification import SourceSpec, Table

REACH_DAYS = 31  # a movement is not looked for further away
# tables of movements that happen once; a level, a price or a numbered voucher of another month is another one, and a parcel charged twice
# is a difference that the freight leg names
_ONCE = ("orders", "payments", "refunds", "settlements", "payouts", "bank_entries", "shipments", "returns", "stock_moves")


@dataclass(frozen=True)
class Redated:
    """A row of an older file, and the row of a newer one that has its id on another day.

    part: of the specification's tables. is_equal: whether both state the same figures. is_covered: whether the newer file's own range
    has the older row's time in it.
    """

    part: int
    table: str
    file: str
    line: int
    day: dt.date
    other: str
    other_line: int
    other_day: dt.date
    name: str
    is_equal: bool
    is_covered: bool


def redated(con: duckdb.DuckDBPyConnection, landed: LandedFiles, source: str, shop: str) -> list[Redated]:
    """The rows of a source's files that a newer file of the same shop has on another day. con: prepared, knows `ranks` of the files."""
    spec, setting, folders = landed.specs[source], landed.settings[shop], landed.folders[source][shop]
    if spec.overlap != "keep" or len(folders) < 2:
        return []
    found: list[Redated] = []
    for number, part in enumerate(spec.tables):
        names = row_names(spec, part, setting)
        if part.table not in _ONCE or names.has_ids == "false":
            continue
        own, covered = expressions_of(part, spec, setting), not _has_own_ids(spec, part.of)
        rows = f"(select * replace (0::bigint as line), line as real_line from {scan_of(part, folders)} where ({part.where}))"
        # most often there is none, which their hashes tell soonest
        hashes = con.sql(f"select hash({names.name}) as h from {rows} group by 1 "
                         f"having min(file) <> max(file) and min({own['period']}) <> max({own['period']})").to_arrow_table()
        if hashes.num_rows:
            con.register("hashes", hashes)
            create(con, "redating", "redating_ranges")
            con.execute(f"insert into redating by name {_named(part, spec, setting, rows)}")
            con.unregister("hashes")
            times = f"min({own['occurred_at']}), max({own['occurred_at']})"
            con.execute(f"insert into redating_ranges select file, {times} from {rows} group by file")
            con.execute(f"set variable reach_days = {REACH_DAYS}; set variable only_covered = {covered}")
            found += [Redated(number, part.table, *row) for row in con.execute(text("redated")).fetchall()]
    return found


def _named(part: Table, spec: SourceSpec, setting: Setting, rows: str) -> str:
    """The rows whose name stands in several files, where it holds an id and not the place of the row."""
    names, own = row_names(spec, part, setting), expressions_of(part, spec, setting)
    figures = ", ".join(f"coalesce(({own[name]})::varchar, '')" for name in [*measures(part.table), "currency"] if name in own)
    said = {name: own.get(name, "null") for name in ("kind", "amount", "bank_account")}
    balance = f"try_cast({own['balance']} as decimal(28, 4))" if "balance" in own else "null"
    columns = (
        f"file, real_line, {own['period']} as day, {own['occurred_at']} as occurred_at, {names.name} as name, {names.has_ids} as has_ids, "
        f"coalesce(({said['kind']})::varchar, '') as kind, concat_ws('|', {figures}) as figures, "
        f"try_cast({said['amount']} as decimal(28, 4)) as amount, coalesce(({said['bank_account']})::varchar, '') as account, "
        f"nullif({balance}, 0) as balance")
    place = f"select file, real_line, {names.name} as moved from (select * replace (1::bigint as line) from base)"
    return (f"with base as materialized (select * from {rows} where hash({names.name}) in (select h from hashes)), "
            f"said as (select {columns} from base), placed as ({place}) "
            "select s.* exclude (has_ids), ranks.rank from said as s inner join placed as p using (file, real_line) "
            "inner join ranks on s.file = ranks.file where s.has_ids and s.name = p.moved and s.day is not null")


def _has_own_ids(spec: SourceSpec, of: str) -> bool:
    """Whether the source itself gives every entry, or trade, of these rows an id that it uses once; not one that is put together here, nor
    that of an order."""
    def is_own(part: Table, column: str) -> bool:
        name = part.columns.get(column, "")
        return name in spec.fields and spec.fields[name].type == "id" and name != part.columns.get("order_id")

    parts = [part for part in spec.tables if part.of == of]
    entries = [part for part in parts if part.table == "settlements"]
    if entries:
        return any(is_own(part, "entry_id") for part in entries)
    trades = {"payments": "transaction_id", "refunds": "refund_id"}
    return any(part.table in trades for part in parts) and all(is_own(p, trades[p.table]) for p in parts if p.table in trades)


def moved_days(con: duckdb.DuckDBPyConnection, landed: LandedFiles) -> dict[str, set[dt.date]]:
    """File -> days of older files on which they have a movement that this one states on another. con: as for `redated`."""
    found: dict[str, set[dt.date]] = {}
    for source, shops in sorted(landed.folders.items()):
        for shop in sorted(shops):
            for row in redated(con, landed, source, shop):
                found.setdefault(row.other, set()).add(row.day)
    return found


def told_of(rows: Sequence[Redated]) -> str:
    """What is said on one day of a file of the rows that a newer one states on another day, all equal or none."""
    one, count = rows[0], len({row.line for row in rows})
    where = f"line {one.line} of {one.file} and line {one.other_line} of {one.other} ({one.other_day})"
    if one.is_equal:
        return f"{count} rows of {one.day} are on another day in newer files, and count there: {where}, {one.table} {one.name}"
    return (f"{count} rows of {one.day} stand in newer files with another amount and on another day: {where}, {one.table} "
            f"{one.name}")

"""Files of one source and shop, held against each other in SQL: which rows they share, and in what they contradict each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence, Set

import duckdb
import pyarrow as pa

from duizhang.declared import schema
from duizhang.home.store import quoted
from duizhang.ingest.files.overlap_models import create, make, text
from duizhang.ingest.files.row_names import measures, row_names
from duizhang.ingest.files.told_overlaps import COUNTED_AGAIN, CountedFile, Overlaps, add, few, plain, states_of
from duizhang.ingest.landing import LandedFiles, landed_schema, part_sql, scan_of
from duizhang.ingest.specification import SourceSpec, Table

_BETWEEN = "\x1f"


class FilesOfOneAccount:
    """Files of one source and shop, each of which shares a wanted day with another."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, landed: LandedFiles, spec: SourceSpec, files: Sequence[CountedFile], wanted: Set[dt.date]
    ) -> None:
        self.con, self.spec, self.files = con, spec, files
        [(self.shop, self.folders)] = landed.folders[spec.name].items()
        self.setting = landed.settings[self.shop]
        self.days = f"period in ({', '.join(f'date {quoted(day)}' for day in sorted(wanted))})"
        create(con, "ranked", "given", "again", "differ", "facts", "unsure", "part_ranges")
        con.executemany("insert into ranked values (?, ?)", [(f.path, f.rank) for f in files])

    def into(self, found: Overlaps) -> None:
        """Add what these files tell again."""
        for number, part in enumerate(self.spec.tables):
            self._read(number, part)
        if self.spec.overlap == "keep":
            self._equal_rows()
        else:
            self._restated(found)
        differing = self._differing_days()
        if differing:
            self._facts(differing)
            self._one_movement()
            self._other_amounts(found)
            self._rows_without_a_name(found)
        self._unknown_accounts(found)
        self._tell(found)

    def _read(self, number: int, part: Table) -> None:
        """Note the rows of a part (`given`)."""
        con, rows = self.con, part_sql(part, self.spec, self.setting, scan_of(part, self.folders))
        if self.spec.overlap == "latest":
            grain = [*self.spec.grain_of(part.table), *(["amount"] if part.table == "bank_entries" else [])]
            keys = ", ".join(f'"{name}"' for name in dict.fromkeys(grain))
            con.execute(
                f"insert into given select {number}, file, rank, line, period, hash({keys}), 1 from ({rows}) "
                f"inner join ranked using (file) where {self.days}")
            return
        con.execute(
            f"create table if not exists content_{part.of} as select file, line, h, row_number() over (partition by file, h order by line) "
            f"as n from (select file, line, hash({', '.join(self._columns)}) as h from {scan_of(part, self.folders)})")
        con.execute(
            f"insert into given select {number}, r.file, rank, r.line, r.period, c.h, c.n from ({rows}) as r "
            f"inner join content_{part.of} as c on r.file = c.file and r.line = c.line inner join ranked on r.file = ranked.file "
            f"where {self.days}")

    @property
    def _columns(self) -> list[str]:
        """What a landed row says, without its place."""
        return [f'"{name}"' for name in landed_schema(self.spec, masked=self.setting.masked).names if name not in ("file", "line")]

    def _equal_rows(self) -> None:
        """A row that a newer file has as well counts there; hashes only choose what is compared."""
        columns = ", ".join(self._columns)
        for of, part in sorted({part.of: part for part in self.spec.tables}.items()):
            if not self._any(f"select h from content_{of} group by h having count(distinct file) > 1"):
                continue
            self.con.execute(f"""
                create or replace table equal as
                with common as (select h from content_{of} group by h having count(distinct file) > 1),
                alike as (
                    select r.*, ranked.rank as age from {scan_of(part, self.folders)} as r
                    inner join content_{of} as c on r.file = c.file and r.line = c.line
                    inner join ranked on r.file = ranked.file where c.h in (select h from common)),
                numbered as (select *, row_number() over (partition by file, {columns} order by line) as nth from alike)
                select file, line, age, first_value(file) over newest as other, max(age) over newest as last from numbered
                window newest as (
                    partition by nth, {columns} order by age desc rows between unbounded preceding and unbounded following)""")
            parts = ", ".join(str(n) for n, p in enumerate(self.spec.tables) if p.of == of)
            self.con.execute(
                f"insert into again select g.part, g.file, g.line, g.day, e.other, 'equal' from given as g "
                f"inner join equal as e on g.file = e.file and g.line = e.line where g.part in ({parts}) and e.age < e.last")

    def _any(self, query: str) -> bool:
        return bool(self.con.execute(f"select 1 from ({query}) limit 1").fetchone())

    def _differing_days(self) -> list[tuple[dt.date, str]]:
        """(day, file) where files say different things of a day: of those that say the same, the newest."""
        said: dict[dt.date, dict[tuple[int, int], tuple[int, str]]] = {}
        for day, file, rank, *what in self.con.execute(text("differing_days")).fetchall():
            slot = said.setdefault(day, {})
            key = (what[0], what[1])
            slot[key] = max(slot.get(key, (-1, "")), (rank, file))
        return [(day, file) for day, slot in sorted(said.items()) if len(slot) > 1 for _, file in sorted(slot.values())]

    def _facts(self, differing: Sequence[tuple[dt.date, str]]) -> None:
        """What the rows of differing files say, and which of them another one lacks (`lacking`)."""
        con = self.con
        con.executemany("insert into differ values (?, ?)", differing)
        for number, part in enumerate(self.spec.tables):
            con.execute(f"insert into facts {self._fact_sql(number, part, 'differ')}")
            if "occurred_at" in schema.TABLES[part.table].names:
                rows = part_sql(part, self.spec, self.setting, scan_of(part, self.folders))
                con.execute(f"insert into part_ranges select file, {_account(part)}, min(occurred_at), max(occurred_at) from ({rows}) "
                            "where file in (select file from differ) group by 1, 2")
        make(con, "ranges", "likely", "lacking")

    def _fact_sql(self, number: int, part: Table, days: str) -> str:
        """The rows of a part with their names: without the line and the amounts that may be in them, and with. days: a relation of
        (file, day)."""
        names, columns = row_names(self.spec, part, self.setting), schema.TABLES[part.table].names
        landed = landed_schema(self.spec, masked=self.setting.masked)
        amounts = "".join(f', null::{_sql(f.type)} as "{f.name}"' for f in landed if pa.types.is_decimal(f.type))
        after = self.spec.balance.after if self.spec.balance else ""
        balances = [f'try_cast(base."{name}" as decimal(28, 4))' for name in (after, "balance") if name in landed.names]
        balance = f"coalesce({', '.join([*(['r.balance'] if 'balance' in columns else []), *balances, 'null'])})"
        figures = ", ".join(f"coalesce(r.{name}::varchar, '')" for name in measures(part.table))
        about = ", ".join(f"r.{name}" for name in ("order_id", "voucher", "account", "tracking_number", "sku") if name in columns) or "''"
        own = {name: f"r.{name}" if name in columns else "null" for name in
               ("kind", "amount", "quantity", "currency", "occurred_at", "statement_id", "payout_id")}
        if own["amount"] == "null":
            own["amount"] = own["quantity"]
        return f"""
            with base as materialized (
                select * from {scan_of(part, self.folders)} where ({part.where}) and file in (select file from {days})),
            placed as (
                select file, real_line, {names.name} as name from (select * replace (0::bigint as line), line as real_line from base)),
            moved as (
                select file, real_line, {names.name} as name from (select * replace (1::bigint as line), line as real_line from base)),
            bare as (
                select file, real_line, {names.name} as ids, {names.has_ids} as has_ids, {names.texts} as texts
                from (select * replace (0::bigint as line{amounts}), line as real_line from base)),
            canonical as ({part_sql(part, self.spec, self.setting, "base")})
            select g.part, {quoted(part.table)}, g.file, g.rank, g.line, g.day, g.h, g.n,
                case when p.name = m.name then p.name end, case when p.name = m.name then {_cut("p.name")} end,
                case when p.name = m.name and b.has_ids then b.ids end, b.texts, {own["kind"]},
                concat_ws('|', {figures}, {own["currency"]}), {own["amount"]}, {own["currency"]}, {own["occurred_at"]},
                nullif({balance}, 0), {_account(part, "r.")},
                coalesce(nullif({own["statement_id"]}, ''), nullif({own["payout_id"]}, '')), concat_ws('|', {about})
            from given as g
            inner join {days} as d on g.file = d.file and g.day = d.day
            inner join base on g.file = base.file and g.line = base.line
            inner join canonical as r on g.file = r.file and g.line = r.line
            inner join placed as p on g.file = p.file and g.line = p.real_line
            inner join moved as m on g.file = m.file and g.line = m.real_line
            inner join bare as b on g.file = b.file and g.line = b.real_line
            where g.part = {number}"""

    def _one_movement(self) -> None:
        """Rows of one name and amount are one movement of which files say other things: the newer one counts, but what lost its seconds or
        digits of its ids to a spreadsheet does not take the place of what is whole."""
        make(self.con, "met")
        self.con.execute(f"insert into met by name {text('met_cut')}")
        if self.spec.overlap == "keep":
            self.con.execute(f"insert into again by name {text('restated')}")
        make(self.con, "apart")

    def _other_amounts(self, found: Overlaps) -> None:
        """Rows of one id of which two files state other amounts, or other times within the range of both."""
        if self.spec.overlap == "latest" and not _is_named_by_amounts(self.spec):
            return
        rows = self.con.execute(text("other_amounts")).fetchall()
        if self.spec.overlap == "keep" and rows:
            rank = {file.path: file.rank for file in self.files}
            older = [(r[0], r[3], r[4], r[2], r[9]) for r in rows if rank[r[3]] < rank[r[9]]]
            if older:
                self.con.executemany("insert into again values (?, ?, ?, ?, ?, 'contradicted')", older)
        told: dict[tuple[str, str, dt.date], list[str]] = {}
        seen: set[tuple[str, int, str]] = set()
        for _, table, day, file, line, ids, amount, currency, at, other, other_line, amount2, currency2, at2, own, others in rows:
            lines = told.setdefault((file, other, day), [])
            if (file, line, other) in seen:
                continue  # another amount of the same line
            seen.add((file, line, other))
            states = (f"{at:%H:%M:%S} UTC", f"{at2:%H:%M:%S}") if own == others else states_of(
                table, (amount, currency, own), (amount2, currency2, others))
            lines.append(f"line {line} of {file} states {states[0]}, line {other_line} of {other} {states[1]} "
                         f"for {table} {' '.join(t for t in ids.split(_BETWEEN) if t)}")
        for (file, other, day), lines in told.items():
            words = (f"{few(lines)}; withdraw the wrong file (`duizhang source withdraw FILE`), or correct the cell in it (`duizhang "
                    "source correct`)")
            add(found.contradicting, (file, other), day, words)

    def _rows_without_a_name(self, found: Overlaps) -> None:
        """Rows that look alike, and are each in one of two files alone although it lies in the range of both: unless the balances lead
        through all of them, nothing tells what happened. So of rows without an id, and of such as a bank's reference may name twice."""
        if self.spec.overlap == "latest":
            return
        make(self.con, "nameless")
        for day, file, other, shared, lines, own, others in self.con.execute(text("undecided_rows")).fetchall():
            words = (
                f"line {lines[0]} of {file} and line {lines[1]} of {other} may be one movement or two: they have no id; of the rows of "
                f"{day} {shared} stand in both files, {own} only in the first and {others} only in the second; withdraw one of the "
                    "two (`duizhang source withdraw FILE`), or download the whole day once more")
            add(found.undecided, (file, other), day, words)

    def _restated(self, found: Overlaps) -> None:
        """Other amounts that a newer file states by design: it counts, and that is told."""
        for part in self.spec.tables:
            keys = ", ".join(f'"{name}"' for name in self.spec.grain_of(part.table))
            names = ", ".join(f'"{name}"::varchar' for name in self.spec.grain_of(part.table) if name not in ("shop", "period")) or "''"
            figures = measures(part.table)
            sums = ", ".join(f"sum({name})::varchar" for name in figures)
            rows = self.con.execute(f"""
                with rows as (
                    select *, hash({keys}) as h from ({part_sql(part, self.spec, self.setting, scan_of(part, self.folders))})
                    inner join ranked using (file) where {self.days}),
                said as (
                    select h, period, file, rank, min(line) as line, [{sums}] as figures, any_value(concat_ws(' ', {names})) as name
                    from rows where h in (select h from rows group by h, period having count(distinct file) > 1) group by all),
                compared as (
                    select *, lag(file) over earlier as older, lag(figures) over earlier as was,
                        rank = max(rank) over (partition by h, period) as is_newest
                    from said window earlier as (partition by h, period order by rank))
                select file, period, count(*), first({{line: line, name: name, was: was, now: figures, older: older}} order by line)
                from compared where is_newest and was is distinct from figures and older is not null
                group by all order by all""").fetchall() if figures else []
            for file, day, count, one in rows:
                figure, was, now = next(e for e in zip(figures, one["was"], one["now"], strict=True) if e[1] != e[2])
                add(found.noted, (file,), day, (
                    f"{count} rows of {part.table} of {day} state other figures than older files do, and count: line {one['line']} "
                    f"({one['name']}) {figure} {plain(now)}, {one['older']} {plain(was)}"))

    def _unknown_accounts(self, found: Overlaps) -> None:
        """Equal rows that neither an id nor a balance names, in files that do not say which account they are of (it has no digit): two
        accounts may have paid the same fee on one day."""
        for number, part in enumerate(self.spec.tables):
            if part.table != "bank_entries" or not self._any(f"select 1 from again where part = {number} and reason = 'equal'"):
                continue
            self.con.execute(
                f"create or replace table repeated as select distinct file, day from again where part = {number} and reason = 'equal'")
            create(self.con, "unsure")
            self.con.execute(f"insert into unsure {self._fact_sql(number, part, 'repeated')}")
            rows = self.con.execute(text("unknown_accounts")).fetchall()
            for file, day, other, line, count in rows:
                words = (f"{file} and {other} have {count} equal rows of {day}, such as line {line} of {file}, without an id, a balance or "
                        "the number of their account, so nothing tells whether they are the same (`duizhang source withdraw FILE`, or "
                        "download one file of the whole range)")
                add(found.undecided, (file, other), day, words)

    def _tell(self, found: Overlaps) -> None:
        """What counts in which file."""
        again = self.con.sql("select distinct part, file, line from again order by all").to_arrow_table().cast(COUNTED_AGAIN)
        if again.num_rows:
            found.again[self.spec.name] = pa.concat_tables([found.again.get(self.spec.name, COUNTED_AGAIN.empty_table()), again])
        for file, day, other, reason, count in self.con.execute(text("told_again")).fetchall():
            what = (f"{count} rows of {day} stand in {other} as well, and count there" if reason == "equal"
                    else f"{count} rows of {day} are the same movements in {other}, which says more or later of them, and count there")
            add(found.noted, (file,), day, what)


def _is_named_by_amounts(spec: SourceSpec) -> bool:
    """Whether newer files of a source repeat rows without restating them; so of banks, that do not restate what is booked."""
    return any(t.table == "bank_entries" or set(spec.grain_of(t.table)) & set(measures(t.table)) for t in spec.tables)


def _account(part: Table, alias: str = "") -> str:
    """Whose money a row tells, within a shop's files of a source."""
    columns = [name for name in ("shop", "bank_account", "warehouse") if name in schema.TABLES[part.table].names]
    return f"concat_ws('/', {', '.join(f'{alias}{name}' for name in columns)})"


def _cut(name: str) -> str:
    """An id as a spreadsheet leaves it that takes it for a number: without zeros before it and what stands behind fifteen digits."""
    return (f"case when regexp_matches({name}, '(^|[^0-9])0[0-9]|[0-9]{{16}}') then regexp_replace("
            f"regexp_replace({name}, '(^|[^0-9])0+([0-9])', '\\1\\2', 'g'), '([0-9]{{15}})[0-9]+', '\\1', 'g') else {name} end")


def _sql(kind: pa.DataType) -> str:
    return f"decimal({kind.precision}, {kind.scale})"

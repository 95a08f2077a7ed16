"""What is counted while a bill is read: rows that feed a table, their business days, and the totals that they give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.errors import RefusedFile
from duizhang.ingest.landed import Hazard, period_of, prepare, typed_schema
from duizhang.ingest.spec import SourceSpec, Table
from duizhang.ingest.texts import whole
from duizhang.store import scratch


@dataclass(frozen=True)
class Tally:
    """Counts over typed rows; those of two batches add up.

    parsed: rows that feed a table. undated: rows of tables that belong to no day. sums: what the rows give to each total
    of the specification (0 where it is one of groups). groups: index of a total of groups -> tables of `name`, `stated` (null
    where rows state nothing) and `computed`, a row for each group and statement.
    """

    rows: int = 0
    parsed: int = 0
    undated: int = 0
    days: frozenset[dt.date] = frozenset()
    sums: tuple[Decimal, ...] = ()
    groups: Mapping[int, tuple[pa.Table, ...]] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        groups = {n: self.groups.get(n, ()) + other.groups.get(n, ()) for n in {*self.groups, *other.groups}}
        sums = tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)) if self.sums and other.sums else self.sums or other.sums
        return Tally(
            self.rows + other.rows, self.parsed + other.parsed, self.undated + other.undated, self.days | other.days, sums, groups)


@dataclass(frozen=True)
class Tie:
    """What the totals of all groups come to (group None), or those of the first group that does not tie."""

    group: str | None
    stated: tuple[Decimal, ...]
    computed: Decimal


def tie(groups: Sequence[pa.Table]) -> Tie:
    """Hold what every group states against what its rows give."""
    if not groups:
        return Tie(None, (Decimal(0),), Decimal(0))
    with scratch() as con:
        con.register("parts", pa.concat_tables(groups))
        con.execute(
            "create table g as select name, list_sort(list(distinct stated)) as said, count(*) filter (where stated is null) as silent, "
            "sum(computed)::decimal(38, 4) as computed from parts group by name")
        bad = con.execute(
            "select name, said, computed from g where silent > 0 or said <> [computed] order by len(said) = 0, name limit 1").fetchone()
        if bad is not None:
            return Tie(bad[0], tuple(bad[1]), bad[2])
        [(total,)] = con.execute("select coalesce(sum(computed), 0)::decimal(38, 4) from g").fetchall()
        return Tie(None, (total,), total)


class Counter:
    """Counts batches of typed rows of one specification, on one DuckDB connection."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, spec: SourceSpec, tables: Sequence[Table], hazard: Hazard | None = None
    ) -> None:
        self.con, self.hazard = con, hazard
        prepare(con)
        # business day -> conditions of the tables that take their rows' day from it
        wheres: dict[str, list[str]] = {}
        for table in tables:
            wheres.setdefault(period_of(table), []).append(table.where.strip())
        days = {f.name for f in typed_schema(spec) if pa.types.is_date(f.type)}
        feeds = sorted({table.where.strip() for table in tables})
        self.every = "true" in feeds  # row feeds a table
        # days that are a field of every row need no engine
        self.plain = {period: len(given) for period, given in wheres.items() if set(given) == {"true"} and period in days}
        self.sums = ["0" if total.each else f"coalesce({total.computed}, 0)::decimal(38, 4)" for total in spec.totals]
        asked = [f"count(*) filter (where {' or '.join(f'({where})' for where in feeds)})" if feeds and not self.every else "0"]
        asked += self.sums
        self.queries: list[str] = []
        for period, given in wheres.items():
            if period not in self.plain:
                counts = " + ".join(f"count(*) filter (where {where})" for where in given)
                # what is asked of the whole batch goes along with the first of them
                more = asked if not self.queries else []
                self.queries.append(f"select {', '.join([f'({period})::date', counts, *more])} from typed group by 1")
        if not self.queries and set(asked) != {"0"}:
            self.queries.append(f"select {', '.join(['null', '0', *asked])} from typed")
        self.groups = [
            (n, f"select coalesce({t.each}::varchar, '') as name, ({t.stated})::decimal(38, 4) as stated, "
                f"coalesce({t.computed}, 0)::decimal(38, 4) as computed from typed group by 1, 2 order by all")
            for n, t in enumerate(spec.totals) if t.each
        ]

    def count(self, typed: pa.Table) -> Tally:
        """The counts of a batch. Raises RefusedFile where its rows cannot be turned into canonical ones."""
        self.con.register("typed", typed)
        try:
            if self.hazard and self.hazard.is_near(typed):
                self._try(typed, self.hazard)
            answers = [self.con.execute(query).fetchall() for query in self.queries]
            groups = {n: (self.con.sql(sql).to_arrow_table(),) for n, sql in self.groups}
        finally:
            self.con.unregister("typed")
        days = {day for rows in answers for day, count, *_ in rows if day is not None and count}
        undated = sum(count for rows in answers for day, count, *_ in rows if day is None)
        for period, times in self.plain.items():
            column = whole(typed[period])
            days |= {day for day in pc.unique(column).to_pylist() if day is not None}
            undated += column.null_count * times
        totals = [row[2:] for row in answers[0]] if answers else []
        parsed, *sums = (sum(column) for column in zip(*totals, strict=True)) if totals else (0, *(0 for _ in self.sums))
        return Tally(
            typed.num_rows, typed.num_rows if self.every else parsed, undated, frozenset(days),
            tuple(Decimal(str(value)) for value in sums), groups)

    def _try(self, typed: pa.Table, hazard: Hazard) -> None:
        try:
            for trial in hazard.trials:
                self.con.execute(trial).fetchall()
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
            ends = pc.min_max(typed["line"]).as_py()
            raise RefusedFile(
                f"a row of lines {ends['min']} to {ends['max']} does not fit its table: {error}", advice="Look at its amounts.",
            ) from error

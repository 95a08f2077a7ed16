"""What is counted while a bill is read: rows that feed a table, their business days, and the totals that they give."""

from __future__ import annotations

import atexit
import datetime as dt
import itertools
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.errors import RefusedFile, SpecError
from duizhang.home.store import cursor, duck_type, quoted, scratch
from duizhang.ingest.landing.chain import Chain, chains_of, joined
from duizhang.ingest.landing.landed import KEPT, Hazard, Setting, period_of, typed_schema
from duizhang.ingest.specification import Running, SourceSpec
from duizhang.ingest.texts import constant, whole
from duizhang.ingest.typing import ten_thousandths, without_values


@dataclass(frozen=True)
class Tally:
    """Counts over typed rows; those of two batches add up.

    parsed: rows that feed a table. undated: rows of tables that belong to no day. sums: what the rows give to each total
    of the specification (0 where it is one of groups). groups: index of a total of groups -> tables of `name`, `stated` (null
    where rows state nothing) and `computed`, a row for each group and statement. chains: running balances by account and currency.
    """

    rows: int = 0
    parsed: int = 0
    undated: int = 0
    days: frozenset[dt.date] = frozenset()
    sums: tuple[Decimal, ...] = ()
    groups: Mapping[int, tuple[pa.Table, ...]] = field(default_factory=dict)
    chains: Mapping[str, Chain] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        groups = {n: self.groups.get(n, ()) + other.groups.get(n, ()) for n in {*self.groups, *other.groups}}
        sums = tuple(a + b for a, b in zip(self.sums, other.sums, strict=True))
        return Tally(
            self.rows + other.rows, self.parsed + other.parsed, self.undated + other.undated, self.days | other.days, sums, groups,
            joined(self.chains, other.chains))


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
            "create table g as select name, coalesce(list_sort(list(distinct stated) filter (where stated is not null)), []) as said, "
            "count(*) filter (where stated is null) as silent, coalesce(sum(computed), 0)::decimal(38, 4) as computed "
            "from parts group by name")
        bad = con.execute(
            "select name, said, computed from g where silent > 0 or said <> [computed] order by len(said) = 0, name limit 1").fetchone()
        if bad is not None:
            return Tie(bad[0], tuple(bad[1]), bad[2])
        [(total,)] = con.execute("select coalesce(sum(computed), 0)::decimal(38, 4) from g").fetchall()
        return Tie(None, (total,), total)


SHORT = 40
ALL = "null"  # in place of a count: all rows


class Calendar:
    """The business days of the tables that take them from one expression."""

    def __init__(self, period: str, wheres: Sequence[str], fields: pa.Schema) -> None:
        """fields: of typed rows."""
        self.wheres = sorted(set(wheres))
        words = {word.casefold() for word in re.findall(r"\w+", period)}
        reads = [name for name in fields.names if name.casefold() in words]
        # days that are a field of every row need no engine
        self.field = period if period in reads and pa.types.is_date(fields.field(period).type) else None
        fed = "true" if "true" in self.wheres else " or ".join(f"({where})" for where in self.wheres)
        columns = ", ".join(f'"{name}"' for name in reads)
        distinct = f"(select distinct {columns} from typed where {fed})" if reads else f"typed where {fed}"
        self.days = f"select distinct ({period})::date from {distinct}"
        counts = " + ".join(f"count(*) filter (where ({where}) and ({period}) is null)" for where in wheres)
        self.undated = f"select {counts} from typed"

    def read(self, asked: Callable[[str], list[tuple[Any, ...]]], typed: pa.Table, *, everything: bool) -> tuple[set[dt.date], int]:
        """(days, rows of tables without one) of `typed`. asked: answers of SQL over it; everything: every row feeds one of the tables."""
        if self.field is not None and everything:
            found = pc.unique(whole(typed[self.field])).to_pylist()
        else:
            found = [day for (day,) in asked(self.days)]
        without = asked(self.undated)[0][0] if None in found else 0
        return {day for day in found if day is not None}, without


@dataclass(frozen=True)
class Led:
    """How well balances follow. breaks: rows after which they do not; steps: from one balance to the next, `longest` of one account.

    has_balances: whether any row states one, be it 0.
    """

    breaks: int
    steps: int
    longest: int
    has_balances: bool


class Balance:
    """The running balance of typed rows."""

    def __init__(self, rule: Running, fields: pa.Schema) -> None:
        """fields: of typed rows. Raises SpecError where a rule is no SQL that Polars knows."""
        self.after, self.by = rule.after, rule.by
        words = {word.casefold() for word in re.findall(r"\w+", f"{rule.step} {rule.where}")}
        self.reads = [name for name in fields.names if name.casefold() in words]
        try:
            self.step, self.where = pl.sql_expr(f"coalesce({rule.step}, 0) as step"), pl.sql_expr(rule.where)
        except (pl.exceptions.SQLInterfaceError, pl.exceptions.SQLSyntaxError) as error:
            raise SpecError(f"balance: {error}; expected SQL that Polars knows") from error

    def chains(self, typed: pa.Table) -> dict[str, Chain]:
        """The chains of a batch by account and currency; none where no row has a balance."""
        if typed[self.after].null_count == typed.num_rows:
            return {}
        rows = pl.DataFrame(typed.select(self.reads)).with_columns(pl.col(pl.Categorical).cast(pl.String))
        if not self.where.meta.eq(pl.lit(value=True)):
            mask = rows.select(self.where).to_series()
            typed, rows = typed.filter(mask.to_arrow()), rows.filter(mask)
            if not len(rows):
                return {}
        balances = whole(typed[self.after])
        steps = rows.select(self.step.cast(pl.Decimal(28, 4))).to_series().to_arrow()
        if len(steps) < len(balances):  # of a step that reads no field
            steps = pa.repeat(steps[0], len(balances))
        whose, known = self._whose(typed), np.asarray(balances.is_valid())
        return chains_of(
            whose.dictionary.to_pylist(), whose.indices.to_numpy(), typed["line"].to_numpy(), ten_thousandths(steps),
            np.where(known, ten_thousandths(balances), 0), known)

    def led(self, typed: pa.Table) -> Led:
        """How well the balances of a batch follow, each account and currency by itself; those that are all 0 lead nowhere."""
        found = self.chains(typed).values()
        steps = [max(chain.rows - 1, 0) for chain in found if not chain.flat]
        return Led(sum(chain.breaks[1] for chain in found), sum(steps), max(steps, default=0), any(chain.rows for chain in found))

    def _whose(self, typed: pa.Table) -> pa.DictionaryArray:
        """Account and currency of every row."""
        names = [whole(typed[name]) for name in self.by]
        if names and all(pa.types.is_dictionary(name.type) and len(name.dictionary) == 1 and not name.null_count for name in names[:-1]):
            # mostly of one account: its name once, before the currency of every row
            last = names[-1] if pa.types.is_dictionary(names[-1].type) else names[-1].dictionary_encode()
            if not last.null_count:
                before = "".join(f"{name.dictionary[0]} " for name in names[:-1])
                return pa.DictionaryArray.from_arrays(last.indices, pa.array([f"{before}{name}" for name in last.dictionary], pa.string()))
        texts = [name.cast(pa.string()) for name in names]
        joined_names = pc.binary_join_element_wise(*texts, " ", null_handling="skip") if texts else None
        return constant("", typed.num_rows) if joined_names is None else joined_names.dictionary_encode()


_IDLE: OrderedDict[tuple[int, SourceSpec, str, int], Counter] = OrderedDict()  # by process, and by when they were put here
_IDLE_LOCK, _TIMES = Lock(), itertools.count()
atexit.register(_IDLE.clear)  # connections that are open when the program ends are complained of


@contextmanager
def counting(spec: SourceSpec, of: str = "rows") -> Iterator[Counter]:
    """A counter that nobody else uses. Those of files before are used again: to plan what they ask takes longer than to ask it."""
    with _IDLE_LOCK:
        key = next((key for key in reversed(_IDLE) if key[:3] == (os.getpid(), spec, of)), None)
        counter = _IDLE.pop(key) if key else None
    counter = counter or Counter(cursor(), spec, of)
    try:
        yield counter
    except BaseException:
        counter.con.close()
        raise
    counter.forget()
    with _IDLE_LOCK:
        _IDLE[os.getpid(), spec, of, next(_TIMES)] = counter
        over = [_IDLE.popitem(last=False)[1] for _ in range(len(_IDLE) - KEPT)]
    for old in over:
        old.con.close()


def _fed(wheres: Sequence[str]) -> str:
    """How many rows meet one of the conditions."""
    if "true" in wheres:
        return ALL
    return f"count(*) filter (where {' or '.join(f'({where})' for where in wheres)})" if wheres else "0"


def _given(constants: Mapping[str, pa.Scalar]) -> str:
    """`typed` with what is the same in all rows as literals, so that the engine computes with it once and not in every row."""
    listed = ", ".join(
        f"cast({quoted(str(value.as_py())) if value.is_valid else 'null'} as {duck_type(_plain(value.type))}) as \"{name}\""
        for name, value in constants.items())
    return f"with typed as (select *, {listed} from given) " if constants else "with typed as (from given) "


class _Batch:
    """The rows that the engine reads as `given`: a statement that is prepared over it holds for every batch of the same columns."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


MANY_ROWS = 4096  # of a batch: for fewer it is not worth another query
MOST_UNFIT = 1000  # rows of a batch that are looked for one by one


class Counter:
    """Counts batches of typed rows of one specification, on one DuckDB connection."""

    def __init__(self, con: duckdb.DuckDBPyConnection, spec: SourceSpec, of: str = "rows") -> None:
        """of: whether the tables of its rows are counted, or those of the line with its totals."""
        self.con, self.hazard = con, Hazard(spec)
        tables = [table for table in spec.tables if table.of == of]
        feeds = sorted({table.where.strip() for table in tables})
        self.feeds, self.every = feeds, "true" in feeds  # row feeds a table
        fields = typed_schema(spec)
        wheres: dict[str, list[str]] = {}
        for table in tables:
            wheres.setdefault(period_of(table), []).append(table.where.strip())
        self.calendars = [Calendar(period, given, fields) for period, given in wheres.items()]
        sums = ["0" if total.each else f"coalesce({total.computed}, 0)::decimal(38, 4)" for total in spec.totals]
        # rows that feed a table, rows that feed one of each calendar, totals
        # most often every row meets one of the short conditions, which are planned sooner than all
        short = [where for where in feeds if len(where) <= SHORT]
        self.fed = f"select {_fed(feeds)} from typed" if 0 < len(short) < len(feeds) and not self.every else ""
        of_calendars = ["0" if calendar.wheres == feeds else _fed(calendar.wheres) for calendar in self.calendars]
        asked = [_fed(short if self.fed else feeds), *of_calendars, *sums]
        self.whole = f"select {', '.join(asked)} from typed" if set(asked) - {"0", ALL} else ""
        self.groups = [
            (n, f"select coalesce({t.each}::varchar, '') as name, ({t.stated})::decimal(38, 4) as stated, "
                f"coalesce({t.computed}, 0)::decimal(38, 4) as computed from typed group by 1, 2 order by all")
            for n, t in enumerate(spec.totals) if t.each
        ]
        self.balance = Balance(spec.balance, fields) if spec.balance else None
        self.nothing = (None if feeds else 0, *(None for _ in self.calendars), *(0 for _ in sums))
        self.given = _Batch(fields.empty_table())
        self.prepared: dict[str, str] = {}  # statement over the columns of the last batch -> its name
        self.columns: tuple[object, ...] = ()  # of the last batch, with what is the same in all of its rows
        self.typed = ""

    def count(self, typed: pa.Table, constants: Mapping[str, pa.Scalar] | None = None) -> Tally:
        """The counts of a batch of rows that fit their tables (`unfit`). constants: the columns of which every row has this value."""
        rows, calendars = typed.num_rows, len(self.calendars)
        self._give(typed, constants if constants and rows > MANY_ROWS else {})
        [answer] = self._asked(self.whole) if self.whole else [self.nothing]
        if self.fed and answer[0] < rows:
            answer = (*self._asked(self.fed)[0], *answer[1:])
        given = [answer[0], *(answer[0] if c.wheres == self.feeds else n for c, n in zip(self.calendars, answer[1:], strict=False))]
        fed = [rows if count is None else count for count in given]
        days: set[dt.date] = set()
        undated = 0
        for calendar, count in zip(self.calendars, fed[1:], strict=True):
            found, without = calendar.read(self._asked, typed, everything=count == rows)
            days |= found
            undated += without
        groups = {n: (self.con.sql(self.typed + sql).to_arrow_table(),) for n, sql in self.groups}
        chains = self.balance.chains(typed) if self.balance else {}
        sums = tuple(Decimal(str(value)) for value in answer[1 + calendars :])
        return Tally(rows, rows if self.every else fed[0], undated, frozenset(days), sums, groups, chains)

    def _give(self, typed: pa.Table, constants: Mapping[str, pa.Scalar]) -> None:
        """Make a batch the one that is asked about."""
        self.given.rows = typed.drop_columns(list(constants)) if constants else typed
        if (columns := (self.given.rows.schema, tuple(constants.items()))) != self.columns:
            self.con.register("given", self.given)
            self.columns, self.typed, self.prepared = columns, _given(constants), {}

    def forget(self) -> None:
        """Keep no row of the last batch."""
        self.given.rows = self.given.rows.schema.empty_table()

    def _asked(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement gives of the batch. It is planned once, which takes as long as to carry it out on a batch."""
        if sql not in self.prepared:
            self.prepared[sql] = f"asked_{len(self.prepared)}"
            self.con.execute(f"prepare {self.prepared[sql]} as {self.typed}{sql}")
        return self.con.execute(f"execute {self.prepared[sql]}").fetchall()

    def unlisted(self, typed: pa.Table) -> dict[int, tuple[str, ...]]:
        """The rows, by number, of a kind that their table's expression does not list, with the fields that name it."""
        if not self.hazard.kinds:
            return {}
        found: dict[int, tuple[str, ...]] = {}
        self.con.register("typed", typed.append_column("row number", pa.array(range(typed.num_rows), pa.int64())))
        try:
            for (where, kind), names in self.hazard.kinds.items():
                rows = self.con.execute(f'select "row number" from typed where ({where}) and ({kind}) is null').fetchall()
                found |= dict.fromkeys((row for (row,) in rows), tuple(names))
        finally:
            self.con.unregister("typed")
        return found

    def unfit(self, typed: pa.Table, setting: Setting) -> dict[int, str]:
        """The rows, by number, that cannot be turned into canonical ones, and why.

        Raises RefusedFile where there are so many that it is not the rows that are wrong.
        """
        if not self.hazard.is_near(typed):
            return {}
        trials = self.hazard.trials(setting)
        found: dict[int, str] = {}
        waiting = [(0, typed.num_rows)]
        while waiting:
            start, stop = waiting.pop()
            problem = self._try(typed.slice(start, stop - start), trials)
            if problem and stop - start == 1:
                found[start] = problem
                if len(found) > MOST_UNFIT:
                    raise RefusedFile(
                        f"more than {MOST_UNFIT} rows do not fit their tables: {problem}", advice="Look at its amounts.")
            elif problem:
                middle = (start + stop) // 2
                waiting += [(middle, stop), (start, middle)]
        return found

    def _try(self, typed: pa.Table, trials: Sequence[str]) -> str:
        """What goes wrong when the rows are turned into canonical ones, '' where nothing does."""
        self.con.register("typed", typed)
        try:
            for trial in trials:
                self.con.execute(trial).fetchall()
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
            return without_values(str(error)).splitlines()[0]
        finally:
            self.con.unregister("typed")
        return ""

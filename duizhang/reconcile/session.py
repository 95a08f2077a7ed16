"""A connection with the inputs of a range in place, on which the models are run and from which their tables are kept.

What is open at the end of a day is a row for every day on which it is open, so a long range is judged a stretch of days after
the other; what a day gets does not depend on the stretch that it is in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.books import Books
from duizhang.declared import schema
from duizhang.declared.matching_passes import load_matching
from duizhang.declared.schema import CLAIM, DAY, TEXT
from duizhang.errors import ConservationError, UserError, ValueFault
from duizhang.home.store import MANY, Store, duck_type, quoted, scratch, typed
from duizhang.memory import of_database, told_when_short
from duizhang.reconcile.backends import DUCKDB, Backend
from duizhang.reconcile.books_relations import books_relations, rows_of
from duizhang.reconcile.causes import prepare_causes
from duizhang.reconcile.goods import goods_tables
from duizhang.reconcile.matching import prepare_matching
from duizhang.reconcile.models import JOINED, LEG_MODELS, MAPPED, OF_ONLY_SHOP, OF_PAYMENTS, PLACED, VIEWS, model_text, prepare_macros
from duizhang.reconcile.nothing import Nothing
from duizhang.reconcile.outputs import KEPT_TABLES, OPEN_CLAIM, SIDES, STOCK_LEVEL, WAITING_CLAIM
from duizhang.reconcile.parts import prepare_parts
from duizhang.reconcile.sides import declared_sides, side_feeds

DECISION = pa.schema(
    [
        ("leg", TEXT), ("entity", TEXT), ("key", TEXT), ("currency", TEXT), ("from_period", DAY), ("until", DAY),
        ("status", TEXT),
    ]
)
# What rows are left out of, besides the canonical tables: they have a file and a line as well.
OPENING = "opening_claims"
LEFT_OUT = pa.schema([("table_name", TEXT), ("file", TEXT), ("line", pa.int64())])
# What the database, a backend and Arrow raise where a value has no room or is not of the type that it is taken for.
OF_VALUES = (duckdb.DataError, duckdb.InvalidInputException, ValueFault, pa.ArrowInvalid)

# Days whose open items are judged, and written, at once: it sets the memory that a long range takes.
STRETCH = 31
# Days after which a bank of which there is no line has said that it has nothing: see sql/items/statements_until.
STATEMENT = 31
# Bytes of canonical tables below which one thread is given the work: of so little, others take longer to be handed a part of it (a
# sixth of the processor time of a day of thirty orders) than to do it.
LITTLE = 1 << 20
# Steps of the optimizer that stay on there: without the others a plan is made a fifth quicker, and to follow it takes as long. Without
# these all columns of the days before would be read, and a condition would come behind the join that it is for.
_KEPT_STEPS = ("filter_pushdown", "unused_columns")
# What a late duplicate is compared by.
_PAST = (
    'period, leg, entity, "key", currency, side, kind, amount, quantity, sku, occurred_at, record_id, file, line, shop, channel, remark'
)
# What the models of a stretch are to see of its own days alone.
_BY_PERIOD = ("stock_levels", "shop_measures", "goods_lines", "goods_sold", "fx_results", "same_day_matches")


@dataclass
class Session:
    """One connection with the inputs of a range in place: canonical tables, books, what was open before.

    files: the files of the inbox from the oldest to the newest; where two say another level, cost or rate of one time, the
    newest counts. left_out: rows of the inputs, by table, file and line, that the models do not get to see. backend: what
    computes the models, which no row depends on.
    """

    books: Books
    store: Store
    periods: Sequence[dt.date]
    corrections: pa.Table = field(default_factory=CLAIM.empty_table)
    decisions: pa.Table = field(default_factory=DECISION.empty_table)
    files: Sequence[str] = ()
    left_out: pa.Table = field(default_factory=LEFT_OUT.empty_table)
    backend: Backend = DUCKDB

    def __post_init__(self) -> None:
        expected = [self.periods[0] + dt.timedelta(days=n) for n in range(len(self.periods))]
        if list(self.periods) != expected:
            raise UserError("periods must be consecutive days in order")
        self.whole = list(self.periods)
        self.at = "the inputs"  # the model at work
        self.claims_of_leg = ""  # what `leg_claims` is while a leg is being made: a view, or a table that was changed
        self.made: dict[str, str] = {}  # the tables that models have left so far, with their rooms
        self._columns: dict[str, str] = {}  # of the tables that grow, as they are listed
        self.is_little = False
        self.con = self.backend.connect(self.store.spill())
        if self.backend.in_stretches:  # memory is one machine's
            self.con.execute(f"set memory_limit = {quoted(of_database(self.store.memory))}")
            self.is_little = self._is_little()
            if self.is_little:
                self.con.execute("set threads = 1")
                self.con.execute(f"set disabled_optimizers = {quoted(_steps_of_little())}")
        self.nothing = Nothing(self.con, is_asked=self.is_little and len(self.whole) <= STRETCH)

    def __enter__(self) -> Session:
        self._load()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.con.close()
        self.store.clear_spill()

    def _is_little(self) -> bool:
        """Whether the canonical tables of the range have few bytes."""
        sizes = (self.store.size(name, period) for period in self.periods for name in schema.TABLES)
        return all(so_far < LITTLE for so_far in accumulate(sizes))

    def _load(self) -> None:
        con, periods = self.con, self.periods
        con.register("left_out", self.left_out)
        self._span(periods, "")
        self._input("skus_known", self._history("skus"), schema.TABLES["skus"], table_of="skus")
        for name in ("shared_orders", "payment_names"):
            self._kept(f"{name}_before", name, [p for p in self.store.periods(name) if p < periods[0]])
        # a payout that was announced so long ago may have been added up of what was announced so long before that
        for name, table in {"announced_before": "announced_payouts", "payout_providers_before": "payout_providers"}.items():
            self._kept(name, table, _days_before(periods[0], 2 * load_matching().repeat_horizon_days))
        for name, table in {"booked_before": "booked_refunds", "closed_before": "closed_orders"}.items():
            self._kept(name, table, _days_before(periods[0], load_matching().repeat_horizon_days))
        self._input("sku_map_filed", self._history("sku_map"), schema.TABLES["sku_map"], table_of="sku_map")
        self._input("bundles_filed", self._history("bundles"), schema.TABLES["bundles"], table_of="bundles")
        self._input("fx_filed", self._history("fx_rates"), schema.TABLES["fx_rates"], table_of="fx_rates")
        prepare_macros(con)
        prepare_matching(con)
        prepare_causes(con)
        prepare_parts(con)
        given = {
            "corrections": self.corrections.filter(pc.is_in(self.corrections["period"], pa.array(periods, DAY))),
            "decisions": self.decisions,
            "file_ranks": rows_of(list(zip(self.files, range(len(self.files)), strict=True)), file=TEXT, rank=pa.int64()),
            **books_relations(self.books), **goods_tables(self.books),
            "declared_sides": declared_sides(self.books), "side_feeds": side_feeds(),
        }
        for name, table in given.items():
            con.register(name, table)
            self.nothing.saw_input(name, is_empty=table.num_rows == 0)
        con.execute(
            "create table sides_known (leg varchar, side varchar, entity varchar, shop varchar, channel varchar, since date)"
        )
        con.execute(
            "create table all_leg_runs (leg varchar, period date, entity varchar, side varchar, scope_shop varchar, "
            "scope_channel varchar, claims bigint, is_run boolean)"
        )
        waiting = ", ".join(f'"{c.name}" {duck_type(c.type)}' for c in WAITING_CLAIM)
        con.execute(f"create table all_waiting ({waiting}, waits_days bigint, said date)")
        self.run("sides/supplied_sides.sql")

    def _span(self, periods: Sequence[dt.date], temporary: str) -> None:
        """Calendar, variables and views of the store for these periods; temporary ones stand before those of the range."""
        con = self.con
        con.execute("set variable period_from = ?::date", [periods[0]])
        con.execute("set variable period_to = ?::date", [periods[-1]])
        con.execute(
            f"create or replace {temporary} table calendar as select unnest(generate_series("
            "getvariable('period_from'), getvariable('period_to'), interval 1 day))::date as period"
        )
        for name, columns in schema.TABLES.items():
            self._input(name, periods, columns, temporary=temporary)
        before = [periods[0] - dt.timedelta(days=1)]
        self._input(OPENING, before, OPEN_CLAIM, table_of="open_claims", temporary=temporary)
        self._see("carried_stock_levels", "stock_levels", before, STOCK_LEVEL, temporary)
        if not temporary:  # sides are known for the whole range before it is judged
            self._see("carried_sides", "sides", before, SIDES)
            self._see("waiting_before", "waiting_claims", before, WAITING_CLAIM)
        self._kept("bank_days_before", "bank_days", _days_before(periods[0], STATEMENT), temporary)
        # as far back as a late duplicate is looked for
        self._past_claims(_days_before(periods[0], load_matching().repeat_horizon_days), temporary)

    def _kept(self, name: str, table: str, periods: Sequence[dt.date], temporary: str = "") -> None:
        """A view of what earlier days left for later ones to look up."""
        self._see(name, table, periods, KEPT_TABLES[table], temporary)

    def _see(self, name: str, table: str, periods: Sequence[dt.date], columns: pa.Schema, temporary: str = "") -> None:
        """A view of these periods of a table of the store."""
        self.store.view(self.con, name, periods, columns, table_of=table, temporary=temporary)
        if self.nothing.is_asked:
            there = [period for period in periods if self.store.has(table, period)]
            # to look into the files of many days takes longer than it spares
            is_empty = len(there) <= STRETCH and not any(self.store.rows(table, period) for period in there)
            self.nothing.saw_input(name, is_empty=is_empty)

    def _input(
        self, name: str, periods: Sequence[dt.date], columns: pa.Schema, *, table_of: str = "", temporary: str = ""
    ) -> None:
        """A view of an input without the rows that are left out of it."""
        table = OPENING if name == OPENING else table_of or name
        if not pc.any(pc.equal(self.left_out["table_name"], table)).as_py():
            self._see(name, table_of or name, periods, columns, temporary)
            return
        self.store.view(self.con, f"{name}_given", periods, columns, table_of=table_of or name, temporary=temporary)
        self.con.execute(
            f"create or replace {temporary} view {name} as select g.* from {name}_given as g "
            f"anti join (select file, line from left_out where table_name = {quoted(table)}) as l "
            "on g.file = l.file and g.line is not distinct from l.line"
        )

    def see_claims(self, periods: Sequence[dt.date], temporary: str = "") -> None:
        """Views of the claims as the store has them: of each leg by its name, and `claims` of all, a table where they are few."""
        for leg in LEG_MODELS:
            self.store.view(self.con, leg, periods, CLAIM, table_of=leg, temporary=temporary)
        union = " union all ".join(f'select * from "{leg}"' for leg in LEG_MODELS)
        # for each model that reads them the files of all legs would be opened again
        self.con.execute(f"create or replace {temporary} {'table' if self.is_little else 'view'} claims as {union}")

    def _past_claims(self, periods: Sequence[dt.date], temporary: str) -> None:
        """A view of the claims of earlier days, with what a late duplicate is compared by."""
        for leg in LEG_MODELS:
            self.store.view(self.con, f"past_{leg}", periods, CLAIM, table_of=leg, temporary=temporary)
        union = " union all ".join(f'select {_PAST} from "past_{leg}"' for leg in LEG_MODELS)
        self.con.execute(f"create or replace {temporary} view past_claims as {union}")

    def stretches(self) -> Iterator[Sequence[dt.date]]:
        """The range in stretches, each of which the models then see as if it were the range; what came before is stored."""
        if len(self.whole) <= STRETCH or not self.backend.in_stretches:
            yield self.periods
            return
        # all of about one length: each has what it costs to begin
        count = -(-len(self.whole) // STRETCH)
        for number in range(count):
            self.periods = self.whole[len(self.whole) * number // count : len(self.whole) * (number + 1) // count]
            self._span(self.periods, "temp")
            self.see_claims(self.periods, "temp")
            for name in _BY_PERIOD:
                self.con.execute(
                    f"create or replace temp view {name} as select * from memory.main.{name} "
                    "where period between getvariable('period_from') and getvariable('period_to')"
                )
            for name in (*PLACED, *MAPPED):
                self._make(f"derived/{name}.sql", "temp")
            yield self.periods

    def _history(self, table: str) -> list[dt.date]:
        return [p for p in self.store.periods(table) if p <= self.periods[-1]]

    def run(self, path: str) -> None:
        """Materialise one model as an in-memory table that is named like its file, or put it in place as a view."""
        self._make(path, "")

    def _make(self, path: str, temporary: str) -> None:
        name = Path(path).stem
        table = self._unchanged(name)
        kind = "view" if table or name in (*VIEWS, *PLACED, *MAPPED) else "table"
        if name in ("scoped_claims", "run_claims") and self.is_little:  # to plan what is behind them takes longer than to make few rows
            kind = "table"
        self.at = f"sql/{path}"
        try:
            with told_when_short(f"sql/{path}", self.store.memory):
                select = f"select * from {table}" if table else model_text(path)
                is_empty = self.nothing.comes_of(path)
                if is_empty and kind == "table":
                    self.nothing.make(path, name, select)
                else:
                    made = self.con.execute(f'create or replace {temporary} {kind} "{name}" as {select}')
                    is_empty = is_empty or (self.is_little and kind == "table" and made.fetchall() == [(0,)])
                self.nothing.saw_made([name], are_empty=is_empty)
            if kind == "table":
                self.made[name] = Path(path).parent.name
            self.at = f"behind sql/{path}"
        except OF_VALUES as error:
            if isinstance(error, duckdb.Error) and not self._has_plan(select):  # no row has been read yet
                raise ConservationError(f"sql/{path} has no plan: {error}") from error
            raise
        except self.backend.faults as error:
            raise ConservationError(f"sql/{path}: {error}") from error

    def _has_plan(self, select: str) -> bool:
        """Whether the database knows how it would compute a query; if not, that is not for the values of any row."""
        try:
            self.con.execute(f"explain {select}")
        except duckdb.Error:
            return False
        return True

    def drop_unread(self, rooms: Sequence[str], still: Iterable[str]) -> None:
        """Drop the tables of models of these rooms that are not among those that something is still to read."""
        for name in sorted({name for name, room in self.made.items() if room in rooms}.difference(still)):
            self.con.execute(f'drop table "{name}"')
            del self.made[name]

    def drop(self, *names: str) -> None:
        """Drop what is there of these, in order, whether it is a view or a table."""
        self.nothing.saw_made(names, are_empty=False)
        for name in names:
            kind = "table" if self.made.pop(name, "") else "view"
            self.con.execute(f'drop {kind} if exists "{name}"')

    def add_to(self, table: str, relation: str) -> None:
        """Add the rows of a relation to a table that grows, by the columns of that table."""
        if table not in self._columns:
            self._columns[table] = ", ".join(f'"{row[0]}"' for row in self.con.execute(f'describe "{table}"').fetchall())
        self.con.execute(f'insert into "{table}" select {self._columns[table]} from "{relation}"')

    def _unchanged(self, name: str) -> str:
        """The table whose rows a model gives as they are, where there are no shared accounts, no shop is the only one and no payment
        has a name of its own, no codes to map, or no side that is declared and not there; '' else."""
        if name in PLACED:
            changing = "shared_accounts" + (" union all select 1 from only_shop" if name in OF_ONLY_SHOP else "")
            table, changing = PLACED[name], changing + (" union all select 1 from order_places" if name in OF_PAYMENTS else "")
        elif name in MAPPED:
            table, changing = MAPPED[name], "bundle_parts union all select 1 from coded_goods where sku <> code"
        elif name in JOINED:
            table, changing = JOINED[name], "sides_unsupplied"
        else:
            return ""
        return "" if self.con.execute(f"select 1 from {changing} limit 1").fetchall() else table

    def result(self, name: str, columns: pa.Schema, periods: Sequence[dt.date]) -> pa.Table:
        """The periods of a table in its declared schema: column order and types; a missing column is an error."""
        listed = ", ".join(f'"{column.name}"' for column in columns)
        query = f'select {listed} from "{name}" where period between ? and ?'
        return self.con.sql(query, params=[periods[0], periods[-1]]).to_arrow_table().cast(columns)

    def keep(self, name: str, columns: pa.Schema, *, table_of: str = "") -> int:
        """Write a table into the store (as table_of, by default of its own name), period by period; the number of rows."""
        table = table_of or name
        if self._is_large(name, columns):  # sorted by the database, which spills what does not fit
            self.store.copy(self.con, table, f'select {typed(columns)} from "{name}"', self.periods, order=columns.names)
            return sum(self.store.rows(table, period) for period in self.periods)
        rows = 0
        for at in range(0, len(self.periods), STRETCH):
            part = self.periods[at : at + STRETCH]
            found = self.result(name, columns, part)
            self.store.split(table, found, part)
            rows += int(found.num_rows)
        return rows

    def _is_large(self, name: str, columns: pa.Schema) -> bool:
        """Whether the database is to write a table: where it has many rows a day, and its decimals are as declared, since the database
        would round what has more places, and Arrow refuses it."""
        if not self.backend.in_stretches:
            return False
        if not self.con.execute(f'select 1 from "{name}" limit 1 offset {MANY * len(self.periods)}').fetchall():
            return False
        given = {str(row[0]): str(row[1]).lower().replace(" ", "") for row in self.con.execute(f'describe "{name}"').fetchall()}
        return all(
            given[c.name] == duck_type(c.type).replace(" ", "") for c in columns if pa.types.is_decimal(c.type) and c.name in given
        )

    def see_claims_of_leg(self, relation: str) -> None:
        """Make `leg_claims` a view of these claims: they are written as they are, without a copy of them."""
        self.drop_claims()
        self.con.execute(f"create view leg_claims as select * from {relation}")
        self.claims_of_leg = "view"

    def set_claims(self, relation: str) -> None:
        """Make `leg_claims` a table of these claims, which may then be changed; what is a table already stays it."""
        if relation != "leg_claims":
            self.drop_claims()
            self.con.execute(f"create table leg_claims as select * from {relation}")
        elif self.claims_of_leg == "table":
            return
        else:  # a view cannot be replaced by a table that is made of it
            self.con.execute("create table claims_changed as select * from leg_claims")
            self.drop_claims()
            self.con.execute("create table leg_claims as select * from claims_changed")
            self.con.execute("drop table claims_changed")
        self.claims_of_leg = "table"

    def drop_claims(self) -> None:
        """Drop `leg_claims`, whatever it is."""
        if self.claims_of_leg:
            self.con.execute(f"drop {self.claims_of_leg} leg_claims")
        self.claims_of_leg = ""

    def keep_claims(self, leg: str) -> int:
        """Write the claims of a leg, which `leg_claims` names, into the store; the number of rows."""
        if self.is_little:
            return self.keep("leg_claims", CLAIM, table_of=leg)
        listed = ", ".join(f'"{column.name}"' for column in CLAIM)
        for at in range(0, len(self.periods), STRETCH):
            self.backend.write(self.con, self.store, leg, f"select {listed} from leg_claims", self.periods[at : at + STRETCH])
        return sum(self.store.rows(leg, period) for period in self.periods)

    def keep_no_claims(self, leg: str) -> int:
        """Write into the store that a leg has no claims; their number."""
        self.store.split(leg, CLAIM.empty_table(), self.periods)
        return 0


@cache
def _steps_of_little() -> str:
    """The steps of the optimizer that few rows are planned without, by name."""
    with scratch() as con:
        return ",".join(name for (name,) in con.execute("select name from duckdb_optimizers()").fetchall() if name not in _KEPT_STEPS)


def _days_before(day: dt.date, number: int) -> list[dt.date]:
    """So many days before a day, in order."""
    return [day - dt.timedelta(days=n) for n in range(number, 0, -1)]


__all__ = ["LEFT_OUT", "OF_VALUES", "OPENING", "Session"]

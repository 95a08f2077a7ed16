"""From typed rows to the canonical tables: the expressions of a specification, batch by batch.

An expression that is a constant or a field needs no engine; DuckDB computes the others, for the rows that a table takes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang import schema
from duizhang.errors import RefusedFile
from duizhang.ingest.cells import Typist
from duizhang.ingest.reading import Batch
from duizhang.ingest.spec import SourceSpec, Table
from duizhang.ingest.texts import Cells, whole
from duizhang.store import quoted

if TYPE_CHECKING:
    from duizhang.ingest.extract import Setting

# ISO 4217: currencies whose smallest unit is not a hundredth
_NO_MINOR = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
_THOUSANDTHS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
MACROS = (
    "create or replace macro minor(amount, currency) as cast(amount as decimal(18, 4)) * cast(case "
    f"when upper(currency) in ({', '.join(map(quoted, _NO_MINOR))}) then 1 "
    f"when upper(currency) in ({', '.join(map(quoted, _THOUSANDTHS))}) then 0.001 else 0.01 end as decimal(4, 3))"
)
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Part:
    """What one batch gave. pieces: (table, rows), the same table more than once where the specification says so.

    rows: typed rows; parsed: those that feed a table; wrong: rows in quarantine. undated: rows of tables that belong to no
    day. groups: (index of the total, group, total that its rows repeat, what they give) of the totals of each group.
    """

    pieces: list[tuple[str, pa.Table]]
    quarantine: pa.Table
    rows: int
    parsed: int
    wrong: int
    sums: list[Decimal]
    days: set[dt.date]
    groups: list[tuple[int, str, Decimal | None, Decimal]]
    undated: int


@dataclass(frozen=True)
class _Select:
    """How typed rows become rows of one table.

    constants: column -> text; fields: column -> typed column of the same kind; computed: column -> SQL. What is in none
    of them is null. filled: column -> text that stands where a field is empty.
    """

    table: str
    where: str
    constants: Mapping[str, str]
    fields: Mapping[str, str]
    computed: Mapping[str, str]
    filled: Mapping[str, str]
    reads: tuple[str, ...]


class Canoniser:
    """Turns batches of one bill into parts, on one DuckDB connection."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, typist: Typist, spec: SourceSpec, setting: Setting, file: str
    ) -> None:
        self.con, self.typist, self.spec = con, typist, spec
        con.execute(MACROS)
        self.selects = [_select(t, spec, setting, file) for t in spec.tables if t.of == "rows"]
        self.of_totals = [_select(t, spec, setting, file) for t in spec.tables if t.of == "totals"]
        self.wheres = sorted({s.where for s in self.selects} - {"true"})
        masks = ", ".join(f'coalesce(({where}), false) as "{n}"' for n, where in enumerate(self.wheres))
        self.masks = f"select {masks} from typed" if self.wheres else ""
        self.groups = [
            (n, f"select {t.each}::varchar, {t.stated}, coalesce({t.computed}, 0)::decimal(38, 4) from typed group by all order by all")
            for n, t in enumerate(spec.totals) if t.each
        ]
        computed = [f"coalesce({total.computed}, 0)::decimal(38, 4)" for total in spec.totals]
        self.sums = f"select {', '.join(computed)} from typed" if computed else ""

    def part(self, batch: Batch, broken: pa.Table) -> Part:
        """Type a batch and select the canonical rows out of it."""
        typed, wrong = self.typist.type(self.con, batch)
        sums: list[Decimal] = []
        groups: list[tuple[int, str, Decimal | None, Decimal]] = []
        masks: dict[str, pa.Array | None] = {"true": None}
        self.con.register("typed", typed)
        if self.masks:
            rows = self.con.sql(self.masks).to_arrow_table()
            masks |= {where: whole(rows[n]) for n, where in enumerate(self.wheres)}
        if self.sums:
            sums = [Decimal(str(value)) for value in self.con.execute(self.sums).fetchall()[0]]
            groups = [(n, *row) for n, sql in self.groups for row in self.con.execute(sql).fetchall()]
        self.con.unregister("typed")
        pieces = [(s.table, rows) for s in self.selects if (rows := self._selected(s, typed, masks[s.where])) is not None]
        return Part(
            pieces, pa.concat_tables([wrong, broken]), typed.num_rows,
            _fed([masks[s.where] for s in self.selects], typed.num_rows),
            len(pc.unique(wrong["line"])) + broken.num_rows, sums, days_of(pieces), groups,
            sum(rows["period"].null_count for _, rows in pieces),
        )

    def of_totals_line(self, batch: Batch) -> list[tuple[str, pa.Table]]:
        """What the line that carries the file's totals gives to tables. Raises RefusedFile where a cell of it is wrong."""
        typed, wrong = self.typist.type(self.con, batch, required=False)
        if wrong.num_rows:
            cell = wrong.to_pylist()[0]
            raise RefusedFile(
                f"line {cell['line']}, which carries the totals: {cell['column_name']} {cell['value']!r} {cell['reason']}",
                advice="Download it again.")
        pieces = []
        for select in self.of_totals:
            self.con.register("typed", typed)
            mask = whole(self.con.sql(f"select coalesce(({select.where}), false) as m from typed").to_arrow_table()["m"])
            rows = self._selected(select, typed, mask)
            pieces += [(select.table, rows)] if rows is not None else []
        return pieces

    def _selected(self, select: _Select, typed: pa.Table, mask: pa.Array | None) -> pa.Table | None:
        """The rows of one table; columns of text may be dictionary-encoded. None where there is no row."""
        taken = typed.num_rows if mask is None else mask.true_count
        if not taken:
            return None
        rows = typed.select(select.reads)
        if taken < typed.num_rows:
            rows = rows.filter(mask)
        computed = self._computed(select.computed, rows)
        target = schema.TABLES[select.table]
        columns = []
        for column in target:
            if column.name in select.constants:
                columns.append(_repeated(select.constants[column.name], taken))
            elif column.name in select.fields:
                columns.append(_fit(whole(rows[select.fields[column.name]]), column.type, select.filled.get(column.name)))
            elif column.name in select.computed:
                columns.append(_fit(computed[column.name], column.type, None))
            else:
                columns.append(pa.nulls(taken, column.type))
        return pa.table(columns, target.names)

    def _computed(self, expressions: Mapping[str, str], rows: pa.Table) -> Mapping[str, pa.Array]:
        """The values of SQL expressions; one of a single column of few distinct values is computed once for each of them."""
        alone = {name: words[0] for name, sql in expressions.items() if len(words := _read_by(sql, rows.column_names)) == 1}
        found: dict[str, pa.Array] = {}
        for column in sorted(set(alone.values())):
            cells = whole(rows[column])
            if pa.types.is_dictionary(cells.type) and not cells.null_count and len(cells.dictionary) * 8 < len(cells):
                # only of values that stand in these rows: an expression may fail on others
                used = pc.unique(cells.indices)
                places = pc.index_in(cells.indices, used)
                wanted = {name: expressions[name] for name, read in alone.items() if read == column}
                values = self._run(wanted, pa.table({column: cells.dictionary.take(used)}))
                found |= {name: pa.DictionaryArray.from_arrays(places, whole(values[name])) for name in wanted}
        rest = {name: sql for name, sql in expressions.items() if name not in found}
        if rest:
            values = self._run(rest, rows)
            found |= {name: whole(values[name]) for name in rest}
        return found

    def _run(self, expressions: Mapping[str, str], rows: pa.Table) -> pa.Table:
        listed = ", ".join(f'{expression} as "{name}"' for name, expression in expressions.items())
        self.con.register("typed", rows)
        found = self.con.sql(f"select {listed} from typed").to_arrow_table()
        self.con.unregister("typed")
        return found


def days_of(pieces: Sequence[tuple[str, pa.Table]]) -> set[dt.date]:
    """The business days of rows."""
    return {day for _, rows in pieces for day in pc.unique(rows["period"]).to_pylist() if day}


def _fed(masks: Sequence[pa.Array | None], rows: int) -> int:
    """How many rows feed a table."""
    fed = np.zeros(rows, dtype=bool)
    for mask in masks:
        if mask is None:
            return rows
        fed |= mask.to_numpy(zero_copy_only=False)
    return int(fed.sum())


def _repeated(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text], pa.string()))


def _fit(column: pa.Array, kind: pa.DataType, filled: str | None) -> pa.Array:
    """A column as its table wants it: text is never null, and dictionary-encoded where it came so."""
    if pa.types.is_dictionary(column.type):
        if column.indices.null_count:
            return _fit(pc.cast(column, column.type.value_type), kind, filled)
        return Cells(_fit(column.dictionary, kind, filled), column.indices).column(coded=pa.types.is_string(kind))
    if not pa.types.is_string(kind):
        return column if column.type == kind else column.cast(kind)
    if column.null_count:
        column = pc.fill_null(column.cast(kind), "")
    return column if filled is None else pc.if_else(pc.equal(column, ""), filled, column)


def _select(table: Table, spec: SourceSpec, setting: Setting, file: str) -> _Select:
    """Sort the expressions of a table; what a spec does not give is null, '' or the setting's."""
    shop = table.columns.get("shop") or quoted(setting.shop)
    entity = quoted(setting.entities.get(setting.shop, setting.entity))
    if "shop" in table.columns and setting.entities:
        entities = ", ".join(f"{quoted(k)}: {quoted(v)}" for k, v in setting.entities.items())
        entity = f"coalesce((map {{{entities}}})[{shop}], {quoted(setting.entity)})"
    given = {
        "entity": entity, "shop": shop, "source": quoted(spec.name),
        "file": quoted(file), "line": "line", "period": "occurred_at_day", "occurred_at": "occurred_at",
        "currency": quoted(setting.currency), **table.columns,
    }
    kinds = _kinds(spec)
    constants: dict[str, str] = {}
    fields: dict[str, str] = {}
    computed: dict[str, str] = {}
    filled: dict[str, str] = {}
    for column in schema.TABLES[table.table]:
        text = pa.types.is_string(column.type)
        expression = given.get(column.name, "''" if text else "null").strip()
        # a row may leave out its currency where it is that of the books
        spare = setting.currency if column.name == "currency" and "currency" in table.columns else None
        literal = _LITERAL.fullmatch(expression)
        if literal and text:
            constants[column.name] = literal.group(1).replace("''", "'") or spare or ""
        elif kinds.get(expression) == column.type:
            fields[column.name] = expression
            if spare is not None:
                filled[column.name] = spare
        elif expression != "null":
            computed[column.name] = _sql(expression, column.type, spare)
    reads = tuple(name for name in kinds if name in fields.values() or _read_by(" ".join(computed.values()), [name]))
    return _Select(table.table, table.where.strip(), constants, fields, computed, filled, reads or ("line",))


def _kinds(spec: SourceSpec) -> dict[str, pa.DataType]:
    """What the typed columns are."""
    kinds: dict[str, pa.DataType] = {"line": pa.int64()}
    types = {"id": schema.TEXT, "text": schema.TEXT, "money": schema.MONEY, "number": schema.MONEY, "time": schema.INSTANT}
    for name, field in spec.fields.items():
        kinds[name] = types[field.type]
        if field.type == "time":
            kinds[f"{name}_day"] = schema.DAY
    return kinds


def _read_by(sql: str, columns: Sequence[str]) -> list[str]:
    """The columns that an expression may read."""
    words = {word.casefold() for word in _WORD.findall(sql)}
    return [name for name in columns if name.casefold() in words]


def _sql(expression: str, kind: pa.DataType, spare: str | None) -> str:
    if spare is not None:
        expression = f"coalesce(nullif({expression}, ''), {quoted(spare)})"
    if pa.types.is_decimal(kind):
        return f"cast({expression} as decimal({kind.precision}, {kind.scale}))"
    if pa.types.is_string(kind):
        return f"coalesce(cast({expression} as varchar), '')"
    return expression

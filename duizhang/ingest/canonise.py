"""From typed rows to the canonical tables: the expressions of a specification, run by DuckDB on every batch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from duizhang import schema
from duizhang.errors import RefusedFile
from duizhang.ingest.cells import Typist
from duizhang.ingest.reading import Batch
from duizhang.ingest.spec import SourceSpec
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


@dataclass(frozen=True)
class Part:
    """What one batch gave. rows: typed rows; parsed: those that feed a table; wrong: rows in quarantine.

    undated: rows of tables that belong to no day. groups: (index of the total, group, total that its rows repeat, what they
    give) of the totals of each group.
    """

    tables: dict[str, pa.Table]
    quarantine: pa.Table
    rows: int
    parsed: int
    wrong: int
    sums: list[Decimal]
    days: set[dt.date]
    groups: list[tuple[int, str, Decimal | None, Decimal]]
    undated: int


class Canoniser:
    """Turns batches of one bill into parts, on one DuckDB connection."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, typist: Typist, spec: SourceSpec, setting: Setting, file: str
    ) -> None:
        self.con, self.typist, self.spec = con, typist, spec
        con.execute(MACROS)
        selects = [(t, _table_sql(t.table, t.where, t.columns, spec, setting, file)) for t in spec.tables]
        self.selects = [(t.table, sql) for t, sql in selects if t.of == "rows"]
        self.of_totals = [(t.table, sql) for t, sql in selects if t.of == "totals"]
        feeds = " or ".join(f"coalesce({t.where}, false)" for t in spec.tables if t.of == "rows") or "false"
        self.groups = [
            (n, f"select {t.each}::varchar, {t.stated}, coalesce({t.computed}, 0)::decimal(38, 4) from typed group by all order by all")
            for n, t in enumerate(spec.totals) if t.each
        ]
        computed = [f"coalesce({total.computed}, 0)::decimal(38, 4)" for total in spec.totals]
        self.counts = f"select {', '.join([f'count(*) filter (where {feeds})', *computed])} from typed"

    def part(self, batch: Batch, broken: pa.Table) -> Part:
        """Type a batch and select the canonical rows out of it."""
        typed, wrong = self.typist.type(self.con, batch)
        self.con.register("typed", typed)
        tables, days = self._selected(self.selects)
        [(parsed, *sums)] = self.con.execute(self.counts).fetchall()
        groups = [(n, *row) for n, sql in self.groups for row in self.con.execute(sql).fetchall()]
        self.con.unregister("typed")
        rejected = len(pc.unique(wrong["line"])) + broken.num_rows
        return Part(
            tables, pa.concat_tables([wrong, broken]), typed.num_rows, int(parsed), rejected,
            [Decimal(str(value)) for value in sums], days, groups,
            _undated(tables),
        )

    def of_totals_line(self, batch: Batch) -> tuple[dict[str, pa.Table], set[dt.date]]:
        """What the line that carries the file's totals gives to tables. Raises RefusedFile where a cell of it is wrong."""
        typed, wrong = self.typist.type(self.con, batch, required=False)
        if wrong.num_rows:
            cell = wrong.to_pylist()[0]
            raise RefusedFile(
                f"line {cell['line']}, which carries the totals: {cell['column_name']} {cell['value']!r} {cell['reason']}",
                advice="Download it again.")
        self.con.register("typed", typed)
        tables, days = self._selected(self.of_totals)
        self.con.unregister("typed")
        return tables, days

    def _selected(self, selects: Sequence[tuple[str, str]]) -> tuple[dict[str, pa.Table], set[dt.date]]:
        tables: dict[str, pa.Table] = {}
        days: set[dt.date] = set()
        for name, sql in selects:
            rows = self.con.sql(sql).to_arrow_table().cast(schema.TABLES[name])
            days |= {day for day in pc.unique(rows["period"]).to_pylist() if day}
            tables[name] = pa.concat_tables([tables[name], rows]) if name in tables else rows
        return tables, days


def _undated(tables: Mapping[str, pa.Table]) -> int:
    return sum(rows["period"].null_count for rows in tables.values())


def _table_sql(
    name: str, where: str, columns: Mapping[str, str], spec: SourceSpec, setting: Setting, file: str
) -> str:
    """The select that turns typed fields into a canonical table; what a spec does not give is null, '' or the setting's."""
    shop = columns.get("shop") or quoted(setting.shop)
    entity = quoted(setting.entities.get(setting.shop, setting.entity))
    if "shop" in columns and setting.entities:
        entities = ", ".join(f"{quoted(k)}: {quoted(v)}" for k, v in setting.entities.items())
        entity = f"coalesce((map {{{entities}}})[{shop}], {quoted(setting.entity)})"
    given = {
        "entity": entity, "shop": shop, "source": quoted(spec.name),
        "file": quoted(file), "line": "line", "period": "occurred_at_day", "occurred_at": "occurred_at",
        "currency": quoted(setting.currency), **columns,
    }
    listed = []
    for column in schema.TABLES[name]:
        empty = "''" if pa.types.is_string(column.type) else "null"
        kind = "varchar" if pa.types.is_string(column.type) else None
        if pa.types.is_decimal(column.type):
            kind = f"decimal({column.type.precision}, {column.type.scale})"
        expression = given.get(column.name, empty)
        if column.name == "currency" and "currency" in columns:
            # a row may leave it out where it is that of the books
            expression = f"coalesce(nullif({expression}, ''), {quoted(setting.currency)})"
        if kind:
            expression = f"cast({expression} as {kind})"
        if kind == "varchar":
            expression = f"coalesce({expression}, '')"
        listed.append(f'{expression} as "{column.name}"')
    return f"select {', '.join(listed)} from typed where {where}"

"""A day computed by DuckDB, and every query of it by Spark as well, of the rows that DuckDB read: what differs is known of all queries
after one day, and not of the first alone."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
from pyspark.errors import PySparkException
from sqlglot import exp, parse_one

from duizhang.errors import UserError, ValueFault
from duizhang.home.store import Store
from duizhang.reconcile import DUCKDB
from duizhang.spark import SparkConnection, Untranslatable
from tests.spark.engines import multiset

_MAKES = re.compile(r'\s*create\s+(?:or\s+replace\s+)?(?:temp\s+)?(?:table|view)\s+"?(\w+)"?\s+as\s+(select|with|from)\b', re.IGNORECASE)
_ADDS = re.compile(r'\s*insert\s+into\s+"?(\w+)"?\s+(?:by\s+name\s+)?(?=select)', re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*(\n|\Z)")


# also those of a translation that fails halfway: the queries behind it are compared all the same
_FAULTS = (Untranslatable, UserError, ValueFault, duckdb.Error, PySparkException, ValueError, TypeError, LookupError, AttributeError)


@dataclass
class Compared:
    """One query: the relation that it makes, or what it begins with. differs: '' where both engines give the same rows and types."""

    name: str
    query: str
    rows: int
    differs: str
    seconds: float
    inputs: dict[str, pa.Table] = field(default_factory=dict)
    types: dict[str, dict[str, str]] = field(default_factory=dict)


class Beside:
    """Has what a session asks of DuckDB's connection, and holds each query against Spark's rows."""

    def __init__(self, plain: duckdb.DuckDBPyConnection, spark: SparkConnection, found: list[Compared], only: str = "") -> None:
        self.plain, self.spark, self.found, self.only = plain, spark, found, only
        self._seen: set[str] = set()

    def execute(self, text: str, values: Any = None) -> Any:
        bare = _COMMENT.sub("\n", text).strip()
        if bare.lower().startswith(("set variable", "create macro")):
            self.spark.execute(text, values)
        made = _MAKES.match(bare)
        added = _ADDS.match(bare)
        if made and "read_parquet" not in bare:
            self._hold(made[1], bare[made.start(2):], values)
        elif added:
            self._hold(f"into {added[1]}", bare[added.end():], values)
        elif bare.lower().startswith(("select", "with")):
            self._hold(bare[:60].replace("\n", " "), bare, values)
        return self.plain.execute(text, values)

    def sql(self, text: str, params: Any = None) -> Any:
        return self.plain.sql(text, params=params)

    def register(self, name: str, table: pa.Table) -> None:
        self.plain.register(name, table)

    def close(self) -> None:
        self.plain.close()
        self.spark.close()

    def _hold(self, name: str, query: str, values: Any) -> None:
        if self.only and not re.fullmatch(self.only, name):
            return
        query = self.spark._bound(query, values)
        reads = self._reads(query)
        inputs = {one: self.plain.sql(f'select * from "{one}"').to_arrow_table() for one in reads}
        if not any(table.num_rows for table in inputs.values()):  # which Spark is not asked
            return
        state = hashlib.sha256(query.encode())
        for one in sorted(inputs):
            state.update(repr((one, inputs[one].to_pylist())).encode())
        state.update(repr(sorted(self.spark._variables(query).items())).encode())
        if state.hexdigest() in self._seen:
            return
        self._seen.add(state.hexdigest())
        types = {one: self._types(f'"{one}"') for one in reads}
        expected = self.plain.sql(query)
        columns = [str(c) for c in expected.columns]
        rows = expected.fetchall()
        start = time.time()
        for one, table in inputs.items():
            self._put(one, table, types[one])
        try:
            given = self.spark.sql(query)
            table = given.to_arrow_table()
            differs = _difference(columns, rows, table.column_names, given.fetchall(), is_cut="limit" in query.lower())
        except _FAULTS as error:
            differs = f"{type(error).__name__}: {str(error)[:1500]}"
        self.found.append(Compared(name, query, len(rows), differs, time.time() - start, inputs if differs else {}, types))

    def _reads(self, query: str) -> list[str]:
        tree = parse_one(query, dialect="duckdb")
        named = {t.name for t in tree.find_all(exp.Table) if isinstance(t.this, exp.Identifier)}
        macros = self.spark.macros
        calls = [call for call in tree.find_all(exp.Anonymous) if call.name in macros and macros[call.name].is_table]
        named |= {text.name for call in calls for text in call.find_all(exp.Literal)}
        there = self.plain.sql("select table_name from duckdb_tables() union all select view_name from duckdb_views()").fetchall()
        return sorted(named & {str(name) for (name,) in there})

    def _types(self, what: str) -> dict[str, str]:
        return {str(row[0]): str(row[1]) for row in self.plain.execute(f"describe {what}").fetchall()}

    def _put(self, name: str, table: pa.Table, types: dict[str, str]) -> None:
        if name in self.spark.relations:
            self.spark.execute(f'drop table "{name}"')
        self.spark.execute(f'create table "{name}" ({", ".join(f"{chr(34)}{c}{chr(34)} {kind}" for c, kind in types.items())})')
        huge = {c: kind.replace("HUGEINT", "decimal(38, 0)") for c, kind in types.items() if "HUGEINT" in kind}
        if huge:
            listed = ", ".join(f'"{c}"::{kind} as "{c}"' for c, kind in huge.items())
            table = self.plain.sql(f'select * replace ({listed}) from "{name}"').to_arrow_table()
        self.spark.relations[name].rows = table


def _difference(names: Sequence[str], rows: list[Any], other_names: Sequence[str], others: list[Any], *, is_cut: bool) -> str:
    if list(names) != list(other_names):
        return f"columns {names} and {other_names}"
    if is_cut:
        return "" if len(rows) == len(others) else f"{len(rows)} rows and {len(others)}"
    plain, spark = multiset(rows), multiset(others)
    lacking, more = list((plain - spark).elements()), list((spark - plain).elements())
    if not lacking and not more:
        return ""
    text = f"{len(rows)} rows and {len(others)}; {len(lacking)} only on DuckDB, {len(more)} only on Spark"
    for one, other in zip(sorted(lacking)[:3], sorted(more)[:3], strict=False):
        text += "\n    " + "; ".join(f"{n}: {a} / {b}" for n, a, b in zip(names, one, other, strict=True) if a != b)[:600]
    return text


class BesideBackend:
    """DuckDB with Spark beside it. found: what was compared."""

    name = "duckdb, with spark beside it"
    in_stretches = False
    faults: tuple[type[Exception], ...] = (duckdb.Error,)

    def __init__(self, spark: Any, only: str = "") -> None:
        self.spark, self.only = spark, only
        self.found: list[Compared] = []

    def connect(self, spill: Path) -> duckdb.DuckDBPyConnection:
        return cast(duckdb.DuckDBPyConnection, Beside(DUCKDB.connect(spill), SparkConnection(self.spark), self.found, self.only))

    def write(self, con: duckdb.DuckDBPyConnection, store: Store, table: str, query: str, periods: Sequence[dt.date]) -> None:
        store.split(table, con.sql(query).to_arrow_table(), periods)

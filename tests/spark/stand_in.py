"""What a SparkConnection asks of Spark, done by DuckDB: it shows that the connection keeps the books of a day (relations, views, rows that
are added, changed and taken away, files), without a Spark and whatever the translation of a query is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp, parse_one

from duizhang.home.store import quoted
from duizhang.spark import Translation
from duizhang.spark.macros import Macro, inlined

_CAST = re.compile(r"cast\((`\w[^`]*`|null) as .*\) as (`[^`]+`)\Z", re.DOTALL)


def as_it_is(
    sql: str, known: Mapping[str, Mapping[str, str]], *, macros: Mapping[str, Macro] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Translation:
    """A query that stays DuckDB's, with macros and variables put in as for Spark."""
    tree = inlined(parse_one(sql, dialect="duckdb"), macros or {}, {} if variables is None else variables)
    return Translation((), tree.sql("duckdb"), frozenset({table.name for table in tree.find_all(exp.Table)} & known.keys()))


@dataclass
class Frame:
    """A DataFrame as far as it is needed."""

    of: StandIn
    query: str

    def _more(self, query: str) -> Frame:
        return Frame(self.of, query)

    @property
    def columns(self) -> list[str]:
        return [str(row[0]) for row in self.of.con.execute(f"describe {self.query}").fetchall()]

    def selectExpr(self, *listed: str) -> Frame:
        # what DuckDB computed has its type already
        found = [_CAST.match(one) for one in listed]
        assert all(found)
        return self._more(f"select {', '.join(f'{one[1]} as {one[2]}' for one in found if one)} from ({self.query})".replace("`", '"'))

    def toDF(self, *names: str) -> Frame:
        return self._more(f"select * from ({self.query}) as renamed({', '.join(f'{chr(34)}{n}{chr(34)}' for n in names)})")

    def limit(self, number: int) -> Frame:
        return self._more(f"select * from ({self.query}) limit {number}")

    def unionAll(self, other: Frame) -> Frame:
        return self._more(f"({self.query}) union all ({other.query})")

    def coalesce(self, number: int) -> Frame:
        assert number
        return self

    def isEmpty(self) -> bool:
        return not self.of.con.sql(f"{self.query} limit 1").fetchall()

    def toArrow(self) -> pa.Table:
        return self.of.con.sql(self.query).to_arrow_table()

    def localCheckpoint(self, *, eager: bool) -> Frame:
        assert eager
        name = f"kept_{next(self.of.numbers)}"
        self.of.con.execute(f"create table {name} as {self.query}")
        return self._more(f"select * from {name}")

    def createOrReplaceTempView(self, name: str) -> None:
        # a view of Spark is what its relations were when it was made
        self.of.con.execute(f'create or replace table "{name}" as {self.query}')


class StandIn:
    """A session of Spark as far as it is needed. asked: how many queries there were."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        self.con.execute("set timezone = 'UTC'")
        self.numbers = itertools.count()
        self.udf = SimpleNamespace(register=lambda *_: None)
        self.catalog = SimpleNamespace(dropTempView=lambda name: self.con.execute(f'drop table "{name}"'))
        self.conf = {"spark.sql.shuffle.partitions": "1"}
        self.read = SimpleNamespace(schema=lambda _: SimpleNamespace(parquet=self._files))
        self.asked = 0

    def sql(self, text: str) -> Frame:
        self.asked += 1
        if text.startswith("select cast(null"):
            return Frame(self, sqlglot.transpile(text, read="spark", write="duckdb")[0])
        return Frame(self, text.replace("`", '"'))

    def createDataFrame(self, table: pa.Table) -> Frame:
        name = f"given_{next(self.numbers)}"
        self.con.register(name, table)
        return Frame(self, f"select * from {name}")

    def _files(self, *paths: str) -> Frame:
        listed = ", ".join(map(quoted, paths))
        return Frame(self, f"select * from read_parquet([{listed}], hive_partitioning = false)")

"""Every construct that is rewritten for Spark, one by one: the same rows as from DuckDB, NULL, negative and empty ones among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from duizhang.reconcile.causes import prepare_causes
from duizhang.reconcile.matching import prepare_matching
from duizhang.reconcile.models import prepare_macros
from duizhang.spark import SparkConnection
from tests.spark.engines import local_spark, multiset

HERE = Path(__file__).parent
SET_UP = (HERE / "rows.sql").read_text(encoding="utf-8")
CONSTRUCTS = {
    title.strip(): query.strip()
    for title, _, query in (one.partition("\n") for one in (HERE / "constructs.sql").read_text(encoding="utf-8").split("-- title: ")[1:])
}


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[duckdb.DuckDBPyConnection, SparkConnection]]:
    spark = SparkConnection(local_spark())
    plain = duckdb.connect()
    plain.execute(SET_UP)
    for con in (plain, spark):
        prepare_macros(con)  # type: ignore[arg-type]
        prepare_matching(con)  # type: ignore[arg-type]
        prepare_causes(con)  # type: ignore[arg-type]
        con.execute("set variable today = date '2026-03-01'")
    for name in ("t", "d", "l"):
        table: pa.Table = plain.sql(f"select * from {name}").to_arrow_table()
        if name == "t":
            table = plain.sql("select * replace (h::decimal(38, 0) as h) from t").to_arrow_table()
        spark.register(f"{name}_given", table)
        spark.execute(f"create table {name} as select * {'replace (h::hugeint as h) ' if name == 't' else ''}from {name}_given")
    yield plain, spark
    spark.close()


def rows(con: Any, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()  # type: ignore[no-any-return]


@pytest.mark.slow
@pytest.mark.parametrize("title", CONSTRUCTS)
def test_a_construct_gives_on_spark_what_it_gives_on_duckdb(engines: tuple[duckdb.DuckDBPyConnection, SparkConnection], title: str) -> None:
    plain, spark = engines
    expected = rows(plain, CONSTRUCTS[title])
    assert expected
    assert multiset(rows(spark, CONSTRUCTS[title])) == multiset(expected)

"""Statements that change what there is, on Spark, as a session of DuckDB has them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
import pytest

from duizhang.errors import ValueFault
from duizhang.spark import SparkConnection
from tests.spark.engines import local_spark


@pytest.fixture
def con() -> Iterator[SparkConnection]:
    opened = SparkConnection(local_spark())
    opened.register("given", pa.table({
        "n": pa.array([1, 2], pa.int64()), "k": ["a", "b"], "m": pa.array([Decimal("1.5"), None], pa.decimal128(28, 4)),
    }))
    yield opened
    opened.close()


@pytest.mark.slow
def test_a_view_sees_what_its_table_has_when_it_is_read(con: SparkConnection) -> None:
    con.execute("create table t as select n, k from given where n = 1")
    con.execute("create view v as select count(*) as n from t")
    assert con.execute("select n from v").fetchall() == [(1,)]
    con.execute("insert into t select n, k from given where n = ?", [2])
    con.execute("insert into t by name select 'c' as k")
    assert con.execute("select n from v").fetchall() == [(3,)]
    assert sorted(con.execute("select k, n from t").fetchall(), key=str) == [("a", 1), ("b", 2), ("c", None)]
    con.execute("drop view v; drop table t")
    assert con.relations.keys() == {"given"}


@pytest.mark.slow
def test_a_value_without_room_is_an_error_and_not_null(con: SparkConnection) -> None:
    with pytest.raises(ValueFault):
        con.execute("select (m * 10000000000)::decimal(10, 4) as m from given").fetchall()
    with pytest.raises(ValueFault):
        con.execute("select n // (n - 1) as n from given").fetchall()

"""Statements that change what there is, on Spark, as a session of DuckDB has them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duizhang.errors import UserError, ValueFault
from duizhang.spark import SparkConnection, spark_connection
from duizhang.spark.spark_faults import told
from tests.spark.engines import local_spark
from tests.spark.stand_in import StandIn, as_it_is


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


@pytest.fixture(params=["stand-in", pytest.param("spark", marks=pytest.mark.slow)])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SparkConnection]:
    """A connection to Spark, and one with DuckDB in Spark's place: what it keeps is its own."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    if request.param == "stand-in":
        monkeypatch.setattr(spark_connection, "transpile", as_it_is)
    opened = SparkConnection(cast(Any, StandIn()) if request.param == "stand-in" else local_spark())
    yield opened
    opened.close()


def test_rows_are_changed_by_those_of_another_relation_and_taken_away(kept: SparkConnection) -> None:
    kept.execute("create table t (k varchar, day date, n bigint)")
    kept.execute("insert into t values ('a', date '2026-03-01', 1), ('b', null, 2), ('c', null, 3)")
    kept.execute("create table changes as select k, upper(k) as name from t where n < 3")
    kept.execute("update t set k = c.name, n = n + 10 from changes as c where t.k = c.k and t.n > 1")
    assert sorted(kept.execute("select k, n from t").fetchall()) == [("B", 12), ("a", 1), ("c", 3)]
    kept.execute("delete from t")
    assert kept.execute("select * from t").fetchall() == []
    assert kept.sql("select * from t").to_arrow_table().column_names == ["k", "day", "n"]


def test_a_view_is_what_its_table_is_also_when_that_is_made_again_or_a_variable_changes(kept: SparkConnection) -> None:
    kept.execute("set variable least = 2")
    kept.execute("create table t as select 1 as n union all select 2 union all select 3")
    kept.execute("create view v as select count(*) as n from t where n >= getvariable('least')")
    assert kept.execute("select n from v").fetchall() == [(2,)]
    kept.execute("set variable least = 3")
    assert kept.execute("select n from v").fetchall() == [(1,)]
    kept.execute("alter view v rename to w")
    kept.execute("drop table t")
    kept.execute("create table t as select 4 as n union all select 5")
    assert kept.execute("select n from w").fetchall() == [(2,)]


@pytest.mark.parametrize("few", [0, 10_000])
def test_files_are_read_whether_as_rows_or_by_name(
    kept: SparkConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(spark_connection, "_FEW", few)
    folders = [tmp_path / "it's one", tmp_path / "other"]
    for number, folder in enumerate(folders):
        folder.mkdir()
        pq.write_table(pa.table({"n": [number], "m": pa.array([Decimal("1.5")], pa.decimal128(28, 4))}), folder / "data.parquet")
    listed = ", ".join("'" + f"{folder}/data.parquet".replace("'", "''") + "'" for folder in folders)
    kept.execute(f'create or replace view "f" as select * from read_parquet([{listed}], hive_partitioning = false)')
    assert sorted(kept.execute("select n, m from f").fetchall()) == [(0, Decimal("1.5")), (1, Decimal("1.5"))]


def test_what_reads_only_relations_without_rows_is_not_asked_of_spark(kept: SparkConnection) -> None:
    kept.execute("create table t (k varchar, n bigint)")
    kept.execute("create view v as select k, n + 1 as n from t")
    kept.execute("create table made as select count(*) as rows, sum(n) as total, [{'h': max(n)::hugeint}] as listed from v")
    kept.execute("insert into t select k, n from v")
    assert kept.execute("select k from t").fetchall() == []
    assert getattr(kept.spark, "asked", 0) == 0
    assert kept.execute("select rows, total, listed from made").fetchall() == [(0, None, [{"h": None}])]
    kept.execute("insert into t values ('a', 1)")
    assert kept.execute("select n from v").fetchall() == [(2,)]


def test_a_spark_that_is_gone_and_one_that_fails_are_told_apart() -> None:
    protocol = pytest.importorskip("py4j.protocol", reason="the extra `spark` is not installed")
    with pytest.raises(UserError, match="Spark stopped answering: no answer"), told():
        raise protocol.Py4JNetworkError("no answer")
    with pytest.raises(UserError, match="Spark stopped answering"), told():
        raise ConnectionRefusedError

"""A day computed by something else than DuckDB: what the connection keeps of it, what readers see, and what is left when it stops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from duizhang.errors import UserError
from duizhang.plan import acquire
from duizhang.reconcile import DUCKDB, Backend
from duizhang.runs import PUBLISH, Run
from duizhang.spark import SparkConnection, spark_connection
from duizhang.store import Store, days
from tests.pipelines.test_end_to_end import START, duizhang, query
from tests.spark.stand_in import Frame, StandIn, as_it_is


class _Backend:
    in_stretches = False
    faults: tuple[type[Exception], ...] = (duckdb.Error,)

    def __init__(self, spark: StandIn) -> None:
        self.spark = spark

    def connect(self, spill: Path) -> duckdb.DuckDBPyConnection:
        return cast(duckdb.DuckDBPyConnection, SparkConnection(cast(Any, self.spark)))

    def write(self, con: duckdb.DuckDBPyConnection, store: Store, table: str, query: str, periods: Sequence[dt.date]) -> None:
        store.split(table, con.sql(query).to_arrow_table(), periods)


class _Stopping(StandIn):
    """Stops answering in the middle of a day."""

    def sql(self, text: str) -> Frame:
        if self.asked > 150:
            raise UserError("Spark stopped answering")
        return super().sql(text)


def run(books: Path, home: Path, first: int, last: int, backend: Backend) -> dict[dt.date, str]:
    """The digests of what readers see then."""
    with acquire(home):
        given = Run(books, home, backend=backend)
        given.begin(days(START + dt.timedelta(days=first), START + dt.timedelta(days=last)))
        given.to(PUBLISH)
        while given.advance():
            given.to(PUBLISH)
        given.end()
    return digests(home)


def digests(home: Path) -> dict[dt.date, str]:
    return dict(query(home, "select period, digest from period_status where digest <> ''"))


@pytest.mark.slow
def test_what_computes_a_day_changes_no_digest_and_readers_keep_the_old_when_it_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unchecked: None
) -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    duizhang("simulate", "--out", tmp_path, "--start", START, "--days", 2, "--orders-per-day", 15, "--break-rate", "0.5", "--noise", "hard")
    books = tmp_path / "books.yaml"
    expected = run(books, tmp_path / "duckdb", 0, 1, DUCKDB)
    assert len(expected) == 2
    # queries stay DuckDB's, and of the files some are handed over as rows, some by name
    monkeypatch.setattr(spark_connection, "transpile", as_it_is)
    monkeypatch.setattr(spark_connection, "_FEW", 20)
    home = tmp_path / "other"
    first = run(books, home, 0, 0, _Backend(StandIn()))
    assert first == {START: expected[START]}
    with pytest.raises(UserError, match="stopped answering"):
        run(books, home, 1, 1, _Backend(_Stopping()))
    assert digests(home) == first
    assert run(books, home, 1, 1, _Backend(StandIn())) == expected

"""A day computed by something else than DuckDB: what the connection keeps of it, what readers see, and what is left when it stops."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from duizhang.errors import UserError
from duizhang.home.store import Store, days
from duizhang.plan import acquire
from duizhang.publish import read_manifest
from duizhang.reconcile import DUCKDB, Backend
from duizhang.runs import PUBLISH, Run
from duizhang.spark import SparkConnection, spark_connection
from tests.pipelines.test_end_to_end import START, duizhang, query
from tests.spark.engines import local_spark_is_there
from tests.spark.stand_in import Frame, StandIn, as_it_is


class _Backend:
    name = "stand-in"
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


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[dt.date, str]]:
    """The books of two days, and what DuckDB publishes for them."""
    local_spark_is_there()
    folder = tmp_path_factory.mktemp("two")
    raw = folder / "raw"
    orders = ("--orders-per-day", 12, "--seed", 4, "--break-rate", "0.5", "--noise", "hard")
    duizhang("simulate", "--out", raw, "--start", START, "--days", 2, *orders)
    return raw / "books.yaml", run(raw / "books.yaml", folder / "home", 0, 1, DUCKDB)


def command(books: Path, home: Path, first: int, last: int, engine: str) -> list[str]:
    """`duizhang run`, in a process of its own: a Spark is one a process."""
    days_of = ("--from", f"{START + dt.timedelta(days=first)}", "--to", f"{START + dt.timedelta(days=last)}")
    return [sys.executable, "-m", "duizhang", "run", "--books", f"{books}", "--home", f"{home}", *days_of, "--engine", engine]


@pytest.mark.slow
def test_two_days_have_the_same_digests_on_spark_as_on_duckdb(tmp_path: Path, two_days: tuple[Path, dict[dt.date, str]]) -> None:
    books, expected = two_days
    done = subprocess.run(command(books, tmp_path, 0, 1, "local[2]"), capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2), done.stderr
    assert digests(tmp_path) == expected
    for day in expected:
        assert read_manifest(tmp_path, day, 1)["engine"].startswith("spark ")
    [(carried,)] = query(tmp_path, f"select count(*) from open_items where period = '{max(expected)}' and first_seen = '{START}'")
    assert carried


@pytest.mark.slow
def test_a_spark_that_is_killed_leaves_readers_the_old_and_the_next_run_completes(
    tmp_path: Path, two_days: tuple[Path, dict[dt.date, str]], unchecked: None
) -> None:
    books, expected = two_days
    first = run(books, tmp_path, 0, 0, DUCKDB)
    assert first == {START: expected[START]}
    with subprocess.Popen(command(books, tmp_path, 1, 1, "local[2]"), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = ""
        for line in process.stderr:
            said += line
            if "open items" in line:  # the claims are made and written
                children = " ".join(path.read_text("ascii") for path in Path(f"/proc/{process.pid}/task").glob("*/children"))
                [java] = [int(pid) for pid in children.split()]
                os.kill(java, signal.SIGKILL)
    assert process.returncode == 1, said
    assert "Spark stopped answering" in said and "Traceback" not in said
    assert digests(tmp_path) == first
    done = subprocess.run(command(books, tmp_path, 1, 1, "local[2]"), capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2), done.stderr
    assert digests(tmp_path) == expected

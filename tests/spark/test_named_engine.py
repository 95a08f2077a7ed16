"""The engine of a run by its name: what is refused, before anything is read or written, and that no result depends on it."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from duizhang.books import Books
from duizhang.cli import cli
from duizhang.errors import UserError
from duizhang.reconcile import DUCKDB
from duizhang.runs import engine_of
from duizhang.spark import start


def java(home: Path, version: str) -> None:
    """A Java that has this version."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.mark.parametrize("name", ["sqlite", "Local[2]", "local[x]", "spark:host", "http://host:7077"])
def test_an_engine_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="no engine and no address of a Spark"):
        engine_of(name)


def test_what_is_no_spark_is_not_started() -> None:
    for name in ("duckdb", ""):
        assert engine_of(name) is DUCKDB
        with pytest.raises(UserError, match="no address of a Spark"):
            start(name)


def test_without_pyspark_the_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(UserError, match="pyspark is not installed") as told:
        engine_of("spark://host:7077")
    assert "duizhang[spark]" in told.value.advice


def test_without_java_17_the_engine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing"))
    with pytest.raises(UserError, match=r"JAVA_HOME, .*nothing, has no Java that runs"):
        engine_of("local[2]")
    java(tmp_path / "old", "11.0.2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    with pytest.raises(UserError, match="older than Java 17"):
        engine_of("local[2]")
    java(tmp_path / "new", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "new"))
    backend = engine_of("local[2]")
    assert backend.name.startswith("spark ") and not backend.in_stretches
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing"))
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="Java is not installed"):
        engine_of("local[2]")


def test_a_run_with_an_engine_that_is_none_says_so_and_begins_nothing(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").write_text("books: 1\nentity: acme\nstart: 2026-03-01\n", encoding="utf-8")
    home = tmp_path / "home"
    arguments = ["run", "--books", f"{tmp_path}/books.yaml", "--home", f"{home}", "--from", "2026-03-01", "--to", "2026-03-01"]
    error = CliRunner().invoke(cli, [*arguments, "--engine", "oracle"], standalone_mode=False).exception
    assert isinstance(error, UserError) and "engine 'oracle': no engine and no address of a Spark" in str(error)
    assert not home.exists()


def test_the_engine_of_the_books_changes_no_digest(tmp_path: Path) -> None:
    day = dt.date(2026, 3, 1)
    plain, other = (Books(root=tmp_path, entity="acme", start=day, engine=engine) for engine in ("", "sc://cluster:15002"))
    assert plain.digest(day) == other.digest(day)

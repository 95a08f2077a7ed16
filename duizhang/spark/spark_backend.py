"""Spark as what a session computes with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import duckdb

from duizhang.home.store import Store
from duizhang.spark.spark_connection import SparkConnection
from duizhang.spark.starting import check, start
from duizhang.spark.untranslatable import Untranslatable


class SparkBackend:
    """Computes the models of a session by Spark; what they give comes back to the process that runs, which writes it.

    A cluster has the memory for a range, however long, so it is judged at once. engine: see `start`. Spark is started when a session
    asks for it: where nothing is to be computed nobody waits for it. Raises UserError where pyspark or Java is missing.
    """

    in_stretches = False

    def __init__(self, engine: str) -> None:
        self.engine, self.name = engine, f"spark {check(engine)}"
        from pyspark.errors import PySparkException

        self.faults: tuple[type[Exception], ...] = (duckdb.Error, Untranslatable, PySparkException)

    def connect(self, spill: Path) -> duckdb.DuckDBPyConnection:
        # it has the part of DuckDB's connection that models need
        return cast(duckdb.DuckDBPyConnection, SparkConnection(start(self.engine)))

    def write(self, con: duckdb.DuckDBPyConnection, store: Store, table: str, query: str, periods: Sequence[dt.date]) -> None:
        store.split(table, con.sql(query).to_arrow_table(), periods)

"""What the models are computed with: DuckDB, unless a run is given something else that understands its statements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, cast

import duckdb

from duizhang.home.store import Store, connect


class Backend(Protocol):
    """Gives a session its connection, and takes from it what is written there and then.

    name: of what computes, with its version; it is recorded with what is published, and no digest depends on it.
    in_stretches: whether a long range is judged a stretch of days after the other, because memory is one machine's.
    faults: what the connection raises where a model cannot be computed, other than by the values that it reads.
    """

    name: str
    in_stretches: bool
    faults: tuple[type[Exception], ...]

    def connect(self, spill: Path) -> duckdb.DuckDBPyConnection:
        """A connection without any relation; the session closes it, and sets how much memory it may take where that is one machine's.
        spill: a folder for what does not fit into memory."""
        ...

    def write(self, con: duckdb.DuckDBPyConnection, store: Store, table: str, query: str, periods: Sequence[dt.date]) -> None:
        """Write the rows of a query (column `period`) of these periods into the store."""
        ...


@lru_cache(maxsize=512)
def _read(text: str) -> duckdb.Statement | str:
    """A statement that DuckDB has parsed, or the text itself where it is several."""
    found = _parser().extract_statements(text)
    return found[0] if len(found) == 1 else text


@lru_cache(maxsize=1)
def _parser() -> duckdb.DuckDBPyConnection:
    return connect(threads=1)


class _ReadOnce:
    """A connection that parses a text once a process: to read the models takes a tenth of what they take on a small day, and a model is
    run for every leg, stretch of days and run. Texts that name files are of one run, and not kept."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def execute(self, query: duckdb.Statement | str, parameters: object = None) -> duckdb.DuckDBPyConnection:
        if isinstance(query, str) and ".parquet" not in query:
            query = _read(query)
        return self._con.execute(query, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)


class _DuckDB:
    name = f"duckdb {duckdb.__version__}"
    in_stretches = True
    faults: tuple[type[Exception], ...] = (duckdb.Error,)

    def connect(self, spill: Path) -> duckdb.DuckDBPyConnection:
        con = connect(spill=spill)
        # files of the store do not change while they are read
        con.execute("set parquet_metadata_cache = true")
        con.execute("set preserve_insertion_order = false")
        # where it guesses that few rows come, it would look at every pair of them; a key with thousands of claims is guessed wrong
        con.execute("set asof_loop_join_threshold = 0")
        return cast(duckdb.DuckDBPyConnection, _ReadOnce(con))

    def write(self, con: duckdb.DuckDBPyConnection, store: Store, table: str, query: str, periods: Sequence[dt.date]) -> None:
        store.copy(con, table, query, periods)


DUCKDB = _DuckDB()
__all__ = ["DUCKDB", "Backend"]

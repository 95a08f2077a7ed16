"""The working tables on disk: one Parquet file a table and period, below HOME/tables.

Nothing here is seen by analysts; they read what `duizhang.publish` made of it. Every write goes to a temporary name
first and is renamed, so a reader or a crash never meets half a file.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import shutil
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from duizhang.declared.currency import unit_sql
from duizhang.digest import digest_in_order, file_digest, sort_rows, table_digest
from duizhang.errors import UserError
from duizhang.home.disk import make_folder, put, told_when_full, written
from duizhang.memory import of_database, parsed

_NUMBERS = count()
_FEW = 8
# rows of a day that are sorted and written by the database, with all processors and within its memory
MANY = 20_000
_OPTIONS = "format parquet, compression zstd"
# threads that read, sort or write files of several periods; most of that leaves Python's lock to others
WORKERS = max(2, os.cpu_count() or 1)


def days(start: dt.date, end: dt.date) -> list[dt.date]:
    """Every day from `start` to `end`, both included."""
    return [start + dt.timedelta(days=n) for n in range((end - start).days + 1)]


def connect(
    *, threads: int | None = None, memory: str = "", spill: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB in UTC that loads no extension from outside and knows the function of specifications. The caller closes it.

    memory: what it may take (`2GB`) before it puts what does not fit into the folder `spill`.
    """
    con = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    con.execute("set timezone = 'UTC'")
    # a bar of its own on standard output after two seconds, unless it is told not to
    con.execute("set enable_progress_bar = false")
    # DuckDB 2.0 does not plan `split_part(a, ' ', 1) <> 'x'` where it knows that no row has an `a`; its estimates are worth nothing here
    con.execute("set disabled_optimizers = 'statistics_propagation'")
    con.execute(f"create macro minor(amount, currency) as cast(amount as decimal(28, 4)) * {unit_sql('currency')}")
    if threads:
        con.execute(f"set threads = {int(threads)}")
    if memory:
        con.execute(f"set memory_limit = {quoted(memory)}")
    if spill:
        con.execute(f"set temp_directory = {quoted(spill)}")
    return con


_TYPES = {"string": "varchar", "date32[day]": "date", "timestamp[us]": "timestamp", "int64": "bigint", "bool": "boolean"}


def duck_type(kind: pa.DataType) -> str:
    """The type of a declared column in SQL."""
    return f"decimal({kind.precision}, {kind.scale})" if pa.types.is_decimal(kind) else _TYPES[str(kind)]


def named(column: str) -> str:
    """A column's name in SQL."""
    return f'"{column}"'


def typed(columns: pa.Schema) -> str:
    """A list of the columns in their declared types, to be selected."""
    return ", ".join(f'"{c.name}"::{duck_type(c.type)} as "{c.name}"' for c in columns)


@contextmanager
def told_when_damaged(home: Path) -> Iterator[None]:
    """Turn what DuckDB says of a damaged working table into one message."""
    try:
        yield
    except duckdb.Error as error:
        text = str(error).strip().splitlines()[0]
        raise UserError(f"the working tables of {home} cannot be read: {text}", advice="`duizhang run` makes them again.") from error


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with one thread and a database of its own, for small work that comes often.

    It belongs to an instance that the process keeps: to start one takes longer than to read a small file.
    """
    number = next(_NUMBERS)
    con = cursor()
    try:
        con.execute(f"attach ':memory:' as scratch_{number}")
        con.execute(f"set search_path = 'scratch_{number}.main,memory.main'")
        yield con
    finally:
        con.execute("use memory")
        con.execute(f"detach database if exists scratch_{number}")
        con.close()


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection with one thread to the instance that the process keeps, for questions that make no tables. The caller closes it."""
    con = _kept(os.getpid()).cursor()
    con.execute("set timezone = 'UTC'")
    return con


@lru_cache(maxsize=1)
def _kept(_process: int) -> duckdb.DuckDBPyConnection:
    return connect(threads=1)


def rows(con: duckdb.DuckDBPyConnection, sql: str, values: object = None) -> list[dict[str, Any]]:
    """The rows of a query, by the names of its columns. values: of its parameters, a sequence or a mapping."""
    cursor = con.execute(sql, values)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def has_view(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether what is published has a table: it lacks those of which the program that published it knew nothing."""
    return bool(con.execute("select 1 from duckdb_views() where view_name = ?", [name]).fetchall())


def quoted(text: object) -> str:
    """A SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def write_parquet(table: pa.Table, path: Path, *, mode: int | None = None) -> None:
    """Write one Parquet file atomically (zstd). Whoever refers to it syncs it first, together with others (`disk.sync_all`)."""
    with written(path, mode=mode, durable=False) as partial:
        pq.write_table(table, partial, compression="zstd")


def _told(con: duckdb.DuckDBPyConnection, statement: str, path: Path) -> None:
    """Execute what writes a file; where there is no room, as an OSError that says so."""
    try:
        con.execute(statement)
    except duckdb.IOException as error:
        if os.strerror(errno.ENOSPC) in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise


def _seen(parts: Iterable[pa.Table], look: Callable[[pa.Table], None] | None) -> Iterator[pa.Table]:
    for part in parts:
        if look is not None:
            look(part)
        yield part


class Store:
    """Tables by period below `home/tables`. memory: what work on all rows of a table may take, in bytes."""

    def __init__(self, home: Path, *, memory: int = 0) -> None:
        self.home = home
        self.memory = memory or parsed("")
        self.root = home / "tables"
        self._digests: dict[str, str] = {}  # of the content, by that of the bytes

    def path(self, table: str, period: dt.date) -> Path:
        return self.root / table / f"period={period.isoformat()}" / "data.parquet"

    def has(self, table: str, period: dt.date) -> bool:
        return self.path(table, period).is_file()

    def periods(self, table: str) -> list[dt.date]:
        """The periods for which the table is there, in order."""
        folder = self.root / table
        found = (p.parent.name.removeprefix("period=") for p in folder.glob("period=*/data.parquet"))
        return sorted(dt.date.fromisoformat(text) for text in found)

    def write(self, table: str, period: dt.date, rows: pa.Table) -> None:
        """Replace a table's period. Rows are put in a total order first, so equal content is an equal file."""
        write_parquet(sort_rows(rows), self.path(table, period))

    def read(self, table: str, period: dt.date) -> pa.Table:
        # small files, several at once: threads for each would only wait for each other
        return pq.ParquetFile(self.path(table, period)).read(use_threads=False)

    def parts(self, table: str, period: dt.date) -> Iterator[pa.Table]:
        """The rows of a table some at a time, in the order in which they stand in the file."""
        file = pq.ParquetFile(self.path(table, period))
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, use_threads=False)

    def columns(self, table: str, period: dt.date) -> pa.Schema:
        """The columns that a table has in its file."""
        return pq.read_schema(self.path(table, period))

    def digest(self, table: str, period: dt.date, look: Callable[[pa.Table], None] | None = None) -> str:
        """The digest of a table's content. Of bytes that it was found of before, the rows are not read again, unless somebody is to
        `look` at them, part by part."""
        of_bytes = file_digest(self.path(table, period))
        if look is not None or of_bytes not in self._digests:
            parts = _seen(self.parts(table, period), look)
            found = digest_in_order(self.columns(table, period), parts)
            deque(parts, maxlen=0)  # those behind the first that is not in order
            # a file that somebody else wrote
            self._digests[of_bytes] = found or table_digest(self.read(table, period))
        return self._digests[of_bytes]

    def of_bytes(self, sha256: str) -> str:
        """The digest of content that was found of a file with just these bytes; '' where none was."""
        return self._digests.get(sha256, "")

    def rows(self, table: str, period: dt.date) -> int:
        """How many rows a period of a table has."""
        return int(pq.read_metadata(self.path(table, period)).num_rows)

    def size(self, table: str, period: dt.date) -> int:
        """How many bytes a period of a table takes on the disk; 0 where it is not there."""
        try:
            return self.path(table, period).stat().st_size
        except FileNotFoundError:
            return 0

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection for work on all rows of tables, with all processors: what does not fit into the memory is spilled. The caller
        closes it, and clears the spill behind it."""
        return connect(memory=of_database(self.memory), spill=self.spill())

    def spill(self) -> Path:
        """A folder for what does not fit into memory; what a run that was killed left in there is gone."""
        self.clear_spill()
        folder = self.home / "spill"
        folder.mkdir(parents=True)
        return folder

    def clear_spill(self) -> None:
        shutil.rmtree(self.home / "spill", ignore_errors=True)

    def split(self, table: str, rows: pa.Table, periods: Iterable[dt.date]) -> None:
        """Write rows of several periods (column `period`) into their folders; a one without rows is written empty."""
        import pyarrow.compute as pc  # not for commands that write no tables

        wanted = list(periods)
        parts: dict[dt.date, list[pa.Table]] = {period: [] for period in wanted}
        # batch by batch: looking through all rows for every period would take periods x rows
        for batch in rows.to_batches():
            ordered = batch.take(pc.sort_indices(batch["period"]))
            at = 0
            for group in pc.value_counts(ordered["period"]).to_pylist():
                if group["values"] in parts:
                    parts[group["values"]].append(pa.Table.from_batches([ordered.slice(at, group["counts"])]))
                at += group["counts"]

        def write(period: dt.date) -> None:
            self.write(table, period, pa.concat_tables(parts[period] or [rows.slice(0, 0)]))

        with ThreadPoolExecutor(WORKERS) as pool:
            for _ in pool.map(write, wanted):
                pass

    def copy(
        self, con: duckdb.DuckDBPyConnection, table: str, query: str, periods: Iterable[dt.date], *, order: Sequence[str] = ()
    ) -> None:
        """Write the rows of a query (column `period`) of several periods into their folders, straight from the database: in the total
        order of `write` by all columns (`order`), or in none, for working tables that nobody publishes. A period without rows is written
        empty."""
        wanted = list(periods)
        if order or len(wanted) <= _FEW:  # to look through the rows once for each is quicker than to part them
            put_in_order = f" order by {', '.join(named(name) for name in order)}" if order else ""
            for period in wanted:
                self._copy(con, f"select * from ({query}) where period = date '{period}'{put_in_order}", table, period)
            return
        folder = self.home / "spill" / uuid.uuid4().hex  # on the same device, and cleared when a run begins
        between = f"period between date '{wanted[0]}' and date '{wanted[-1]}'"
        try:
            with told_when_full(folder):
                make_folder(folder)
                _told(con, f"copy (select * from ({query}) where {between}) to {quoted(folder)} ({_OPTIONS}, partition_by (period), "
                           "write_partition_columns true, overwrite_or_ignore true)", folder)
                for period in wanted:
                    files = sorted((folder / f"period={period}").glob("*.parquet"))
                    if len(files) == 1:
                        make_folder(self.path(table, period).parent)
                        put(files[0], self.path(table, period), durable=False)
                        continue
                    listed = f"read_parquet([{', '.join(map(quoted, files))}], hive_partitioning = false)"
                    self._copy(con, f"select * from {listed}" if files else f"select * from ({query}) limit 0", table, period)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _copy(self, con: duckdb.DuckDBPyConnection, query: str, table: str, period: dt.date) -> None:
        with written(self.path(table, period), durable=False) as partial:
            _told(con, f"copy ({query}) to {quoted(partial)} ({_OPTIONS})", partial)

    def view(
        self, con: duckdb.DuckDBPyConnection, name: str, periods: Iterable[dt.date], schema: pa.Schema,
        *, table_of: str | None = None, temporary: str = "",
    ) -> None:
        """Create the view `name` over the periods of a table (default: of that name) that are there; empty if none is.

        temporary: `temp` for a view that stands before another one of the name.
        """
        table = table_of or name
        paths = [self.path(table, p) for p in periods if self.has(table, p)]
        target = name
        if paths:
            listed = ", ".join(quoted(p) for p in paths)
            con.execute(
                f'create or replace {temporary} view "{target}" as select * from '
                f"read_parquet([{listed}], hive_partitioning = false)"
            )
        else:
            con.register(f"_empty_{target}", schema.empty_table())
            con.execute(f'create or replace {temporary} view "{target}" as select * from "_empty_{target}"')

    def iter_tables(self) -> Iterator[str]:
        """Names of the tables that have at least one period."""
        if self.root.is_dir():
            yield from sorted(p.name for p in self.root.iterdir() if p.is_dir())

"""Own orders, stock and costs straight from a SQL database: every pull lands as one Parquet file beside the inbox.

A pull takes the rows whose watermark is not older than the newest one seen less the overlap, so that late and changed rows
come along; what it repeats is settled by the source's `overlap: latest`. PostgreSQL goes through ADBC, MySQL through
ConnectorX. Amounts never pass through a float: a column of floating point is refused. The address of the database, with
its password, comes from the environment.

An empty day is an explicit zero: for every day that was over when the database answered, and on which books.yaml expects the
source, a file of that day without rows is left. A database that does not answer leaves none, and the day lacks its file.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from duizhang.books import Books, Database
from duizhang.digest import file_digest, mapping_digest
from duizhang.errors import BooksError
from duizhang.ingest.inbox.remote import attempt, write_whole
from duizhang.ingest.opening import documents
from duizhang.ingest.recognising import recognise
from duizhang.ingest.specification import SourceSpec, load_specs

BATCH = 1 << 16
WATERMARK, EMPTY = ".watermark.json", ".empty"  # hidden: no files of the inbox
MAX_EMPTY_DAYS = 400
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


@dataclass(frozen=True)
class _Query:
    """A select over the user's query. columns: its names, in their order."""

    url: str
    text: str


def pull_all(
    books: Books, folder: Path, *, specs: Mapping[str, SourceSpec] | None = None, progress: Callable[[str], None] | None = None
) -> None:
    """Pull every database into `folder`. Raises BooksError for a wrong setting or query, Unreachable for a server that fails."""
    for database in books.databases:
        asked = _now()
        path = pull(database, folder, specs)
        _leave_days(books, database, folder, asked)
        if progress:
            progress(f"database {database.name}: {path.name if path else 'nothing new'}")


def pull(database: Database, folder: Path, specs: Mapping[str, SourceSpec] | None = None) -> Path | None:
    """The file with what is new, or None where there is nothing new. Its name tells its content: watermark and digest.

    specs: the sources that are known; default: the shipped ones.
    """
    specs = specs or load_specs()
    spec = specs.get(database.source)
    if spec is None:
        raise BooksError(f"databases.{database.name}: unknown source {database.source!r}", advice="`duizhang source list` lists them.")
    if spec.overlap != "latest":
        raise BooksError(
            f"databases.{database.name}: rows of {database.source} that come again would count twice",
            advice="Use a source whose specification says `overlap: latest` and its grain.",
        )
    url = os.environ.get(database.url_env, "")
    if not url:
        raise BooksError(
            f"databases.{database.name}: the environment variable {database.url_env} is empty",
            advice="Put the address there, such as postgresql://user:password@host/name.",
        )
    place = _place(database, folder)
    place.mkdir(parents=True, exist_ok=True)
    ledger = place / WATERMARK
    setting = mapping_digest({"query": database.query, "watermark": database.watermark, "source": database.source})
    known = json.loads(ledger.read_text(encoding="utf-8")) if ledger.is_file() else {}
    newest = known.get("newest") if known.get("setting") == setting else None
    partial = place / ".pull.partial"
    try:
        rows, seen = attempt(lambda: _hushed(url, lambda: _fetch(database, url, newest, partial)), f"database {database.name}")
        _must_be(database, partial, specs)
        write_whole(place / EMPTY, _without_rows(partial))
        if not rows:
            return None
        label = re.sub(r"[^0-9A-Za-z]+", "", seen)
        final = place / f"{label}-{file_digest(partial)[:16]}.parquet"
        fresh = not final.is_file()
        if fresh:
            # the newest file wins where rows come again, so each is newer than those before, whatever the clock does
            last = max((p.stat().st_mtime_ns for p in place.glob("*.parquet")), default=0)
            moment = max(time.time_ns(), last + 1_000_000)
            os.utime(partial, ns=(moment, moment))
            partial.replace(final)
        write_whole(ledger, json.dumps({**known, "setting": setting, "newest": seen}, sort_keys=True))
        return final if fresh else None
    finally:
        partial.unlink(missing_ok=True)


def _place(database: Database, folder: Path) -> Path:
    return folder / database.shop / "databases" / database.name if database.shop else folder / "databases" / database.name


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _without_rows(path: Path) -> bytes:
    """A Parquet file of the same columns and no rows."""
    sink = io.BytesIO()
    pq.write_table(pq.read_schema(path).empty_table(), sink)
    return sink.getvalue()


def _leave_days(books: Books, database: Database, folder: Path, asked: dt.datetime) -> None:
    """Leave a file without rows for every expected day that was over when the database was asked and has none yet."""
    wanted = [e for e in books.expected if (e.source, e.shop) == (database.source, database.shop)]
    if not wanted:
        return
    local = asked.astimezone(ZoneInfo(books.time_zone)).replace(tzinfo=None) - dt.timedelta(minutes=books.cut_off_minutes)
    last = local.date() - dt.timedelta(days=1)
    place = _place(database, folder)
    ledger = place / WATERMARK
    known = json.loads(ledger.read_text(encoding="utf-8")) if ledger.is_file() else {}
    first = min(e.from_day or books.start for e in wanted)
    if known.get("through"):
        first = max(first, dt.date.fromisoformat(known["through"]) + dt.timedelta(days=1))
    first = max(first, books.start, last - dt.timedelta(days=MAX_EMPTY_DAYS - 1))
    empty = (place / EMPTY).read_bytes()
    for ahead in range((last - first).days + 1):
        write_whole(place / f"{first + dt.timedelta(days=ahead)}.parquet", empty)
    if first <= last:
        write_whole(ledger, json.dumps({**known, "through": last.isoformat()}, sort_keys=True))


def _fetch(database: Database, url: str, newest: str | None, partial: Path) -> tuple[int, str]:
    """Write the rows from `newest` less the overlap on, in a total order; (rows, newest watermark among them as text)."""
    quote = "`" if urlsplit(url).scheme.startswith("mysql") else '"'
    inner = f"select * from ({database.query.strip().rstrip(';')}) as pulled"
    mark = f"{quote}{database.watermark.replace(quote, '')}{quote}"
    with _batches(url, f"{inner} where 1 = 0") as (schema, _):
        kind = _checked(database, schema)
    where = f" where {mark} >= {_since(database, newest, kind)}" if newest else ""
    order = ", ".join([mark, *(str(n) for n in range(1, len(schema) + 1))])
    rows, seen = 0, newest or ""
    with _batches(url, f"{inner}{where} order by {order}") as (schema, batches):
        plain = pa.schema([(f.name, _storage(f.type)) for f in schema])
        _checked(database, plain)
        with pq.ParquetWriter(partial, plain, compression="zstd") as sink:
            for batch in batches:
                if not batch.num_rows:
                    continue
                table = pa.table([_stored(column) for column in batch.columns], schema=plain)
                sink.write_table(table)
                rows += table.num_rows
                top = pc.max(table[database.watermark]).as_py()
                if top is not None:
                    # rows come in the order of the watermark, so the last one is the newest
                    seen = str(top) if isinstance(top, int) else _iso(top)
    if rows and not seen:
        raise BooksError(f"databases.{database.name}: {database.watermark} is empty in all rows", advice="Name a column that is filled.")
    return rows, seen


def _iso(value: dt.date) -> str:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC)
    return value.isoformat(" ") if isinstance(value, dt.datetime) else value.isoformat()


def _since(database: Database, newest: str, kind: pa.DataType) -> str:
    """The literal from which on rows are pulled again: the newest watermark less the overlap."""
    number, unit = int(re.sub(r"\D", "", database.overlap)), database.overlap[-1]
    if pa.types.is_integer(kind):
        return str(int(newest) - number)
    start = dt.datetime.fromisoformat(newest) - dt.timedelta(**{_UNITS[unit]: number})
    return f"'{start.date().isoformat() if pa.types.is_date(kind) else start.isoformat(' ')}'"


def _checked(database: Database, schema: pa.Schema) -> pa.DataType:
    """The type of the watermark. Raises BooksError for columns that cannot be taken as they are."""
    floats = [f.name for f in schema if pa.types.is_floating(f.type)]
    if floats:
        raise BooksError(
            f"databases.{database.name}: {', '.join(floats)} is floating point, which cannot hold an amount exactly",
            advice="Cast it in the query, such as cast(amount as decimal(28, 4)) or, for MySQL, cast(amount as char).",
        )
    if database.watermark not in schema.names:
        raise BooksError(
            f"databases.{database.name}: the query gives no column {database.watermark!r}; it gives {', '.join(schema.names)}",
            advice="Select the watermark in the query.",
        )
    kind = schema.field(database.watermark).type
    whole = pa.types.is_integer(kind)
    if not whole and not pa.types.is_timestamp(kind) and not pa.types.is_date(kind):
        raise BooksError(
            f"databases.{database.name}: the watermark {database.watermark} is of type {kind}",
            advice="Use a time, a date or a whole number that grows.",
        )
    if whole != database.overlap.isdigit():
        expected = "a number such as 1000" if whole else "a time such as 3d, 12h or 30m"
        raise BooksError(f"databases.{database.name}: overlap {database.overlap!r}; expected {expected} for {kind}")
    return kind


def _storage(kind: pa.DataType) -> pa.DataType:
    """What an exact type that Arrow does not know (numeric, uuid) is stored as: its text."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _stored(column: pa.Array) -> pa.Array:
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def _must_be(database: Database, path: Path, specs: Mapping[str, SourceSpec]) -> None:
    """The rows must be what the books say they are: recognised by their columns, like any file."""
    [document] = documents(path)
    found = recognise(document, specs).spec.name
    if found != database.source:
        raise BooksError(
            f"databases.{database.name}: the query gives {found}, not {database.source}",
            advice="Name the columns in the query as the source's specification does.",
        )


@contextmanager
def _batches(url: str, query: str) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    scheme = urlsplit(url).scheme
    if scheme in ("postgresql", "postgres"):
        with _through_adbc(url, query) as reader:
            yield reader.schema, iter(reader)
    elif scheme.startswith("mysql"):
        reader = _through_connectorx(url, query)
        yield reader.schema, iter(reader)
    else:
        raise BooksError(f"unknown kind of database {scheme!r}", advice="Expected postgresql:// or mysql://.")


@contextmanager
def _through_adbc(url: str, query: str) -> Iterator[Any]:
    try:
        import adbc_driver_postgresql.dbapi as adbc
    except ImportError as error:
        raise BooksError("PostgreSQL needs more packages", advice="pip install 'duizhang[postgres]'") from error
    try:
        with adbc.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("set transaction read only")
            cursor.execute(query)
            yield cursor.fetch_record_batch()
    except adbc.OperationalError as error:
        raise ConnectionError(str(error)) from error
    except adbc.Error as error:
        text = str(error)
        # the driver gives a connection that is refused the status of an I/O error
        if "Failed to connect" in text or (text.startswith("IO:") and "Failed to execute" not in text):
            raise ConnectionError(text) from error
        raise BooksError(f"the query fails: {text}", advice="Mend `query`; try it in psql.") from error


def _through_connectorx(url: str, query: str) -> pa.RecordBatchReader:
    os.environ.setdefault("RUST_LOG", "off")  # it would write every attempt to connect to the screen
    try:
        import connectorx
    except ImportError as error:
        raise BooksError("MySQL needs more packages", advice="pip install 'duizhang[mysql]'") from error
    _must_answer(url)
    try:
        table = connectorx.read_sql(url, query, return_type="arrow")
    except BaseException as error:
        # on a type that it does not know it panics; a panic is a BaseException and no Exception
        panic = type(error).__name__ == "PanicException"
        if not panic and not isinstance(error, RuntimeError):
            raise
        text = str(error)
        if "Access denied" in text or "Unknown database" in text:
            raise BooksError(f"the server refuses: {text}", advice="Mend the user, password or name in the address.") from error
        if not panic and re.search(r"timed out|connect|refused|unreachable", text, re.IGNORECASE):
            raise ConnectionError(text) from error
        advice = "Mend `query`; try it in the database's own client."
        if panic or "decimal scale" in text:
            advice = "Cast the column in the query, such as cast(amount as char), or cast(null as char)."
        raise BooksError(f"the query fails: {text}", advice=advice) from error
    return table.to_reader(BATCH)


def _must_answer(url: str) -> None:
    """Raises ConnectionError where nobody listens: the driver itself would wait half a minute to say so."""
    parts = urlsplit(url)
    if parts.hostname:
        with socket.create_connection((parts.hostname, parts.port or 3306), timeout=10):
            pass


def _hushed(url: str, action: Callable[[], tuple[int, str]]) -> tuple[int, str]:
    """Run an action; no error tells the address or the password."""
    secrets = [part for part in (url, urlsplit(url).password) if part]

    def plain(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    try:
        return action()
    except ConnectionError as error:
        raise ConnectionError(plain(str(error))) from None
    except BooksError as error:
        raise BooksError(plain(str(error)), advice=error.advice) from None

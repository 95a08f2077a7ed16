"""How the state database is reached: SQLite in the home, or what DUIZHANG_STATE_URL names; and its errors in our words."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from duizhang.errors import Retryable, StateError, UserError

METADATA = sa.MetaData()
URL_VARIABLE = "DUIZHANG_STATE_URL"
DATABASE = "state.db"
# execution option of a connection: its transactions take SQLite's write lock when they begin
WRITES = "duizhang_writes"
# SQLite waits so long for another writer
BUSY_SECONDS = 30
# what providers call it, and SQLAlchemy's own default, which is a driver that is not installed
_POSTGRES = ("postgres", "postgresql")
_ADDRESS = "Such as postgresql://user:password@host:5432/database."
# of PostgreSQL: serialisation failure, deadlock, lock not available, a number that somebody else was quicker to take
_PASSING = ("40001", "40P01", "55P03", "23505")


def shared_url() -> str:
    """The address of a database outside of the home; '' where there is none."""
    return os.environ.get(URL_VARIABLE, "").strip()


def open_engine(home: Path, url: str, *, read_only: bool) -> sa.Engine:
    """The engine of a home's state database: the one in it, or the one that the address names."""
    engine = _by_url(url) if url else _in_home(home / DATABASE, read_only=read_only)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _read_settings if read_only else _write_settings)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _by_url(text: str) -> sa.Engine:
    try:
        url = sa.make_url(text)
        backend = url.get_backend_name()
    except (sa.exc.ArgumentError, ValueError) as error:
        raise UserError(f"{URL_VARIABLE} is no address of a database", advice=_ADDRESS) from error
    if backend in _POSTGRES:
        if url.drivername in _POSTGRES:
            url = url.set(drivername="postgresql+psycopg")
    elif backend != "sqlite":
        raise UserError(f"{URL_VARIABLE}: the state is kept in PostgreSQL or SQLite, not in {backend!r}", advice=_ADDRESS)
    elif not url.database or not Path(url.database).is_absolute():
        # elsewhere it would be another file for every folder that a command is started in
        raise UserError(f"{URL_VARIABLE}: SQLite is a file by its whole path", advice="Such as sqlite:////folder/state.db.")
    try:
        return sa.create_engine(url, poolclass=sa.NullPool)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ValueError) as error:
        raise UserError(f"{URL_VARIABLE}: {url.drivername!r} is no database that is known", advice=_ADDRESS) from error
    except ModuleNotFoundError as error:
        raise UserError(f"{URL_VARIABLE} needs the driver {error.name!r}", advice="pip install 'duizhang[postgres]'") from error


def _in_home(path: Path, *, read_only: bool) -> sa.Engine:
    """An engine on a SQLite file. Read-only it makes nothing beside it: where a write-ahead log is left of a process that was
    killed it is read with it, else the file is all there is."""
    if not read_only:
        return sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool, connect_args={"timeout": BUSY_SECONDS})
    if not path.is_file():
        raise StateError(f"{path} is missing", advice="Restore it from a backup of the home.")
    log = path.with_name(f"{path.name}-wal")
    address = f"file:{quote(str(path.resolve()))}?" + ("mode=ro" if log.is_file() and log.stat().st_size else "immutable=1")
    return sa.create_engine(
        "sqlite://", poolclass=sa.NullPool,
        creator=lambda: sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, check_same_thread=False),
    )


def _read_settings(connection: Any, _record: object) -> None:
    # transactions begin where we say so, not before the first statement that writes
    connection.isolation_level = None


def _write_settings(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("pragma journal_mode = wal")
    # a signature that was confirmed is there after a loss of power
    connection.execute("pragma synchronous = full")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("begin immediate" if connection.get_execution_options().get(WRITES) else "begin")


def told(error: sa.exc.DBAPIError, engine: sa.Engine) -> StateError | Retryable:
    """A database's own error in our words; Retryable where the same may succeed when it is tried again."""
    text = next((line.strip() for line in str(error.orig).splitlines() if line.strip()), type(error.orig).__name__)
    if "unable to open database file" in text and engine.dialect.name == "sqlite":
        return StateError(f"the state database cannot be opened: {text}", advice="Is the home there, and may you write to it?")
    if "readonly" in text:
        return StateError(f"the state database cannot be written to: {text}", advice="Give the right to write to the home, or copy it.")
    if getattr(error.orig, "sqlstate", None) in _PASSING or "is locked" in text or "is busy" in text:
        return Retryable(f"the state database is busy: {text}")
    if "disk is full" in text or "disk I/O error" in text:
        return StateError(
            f"the disk is full or cannot be written: {text}", advice="Make room and run the same command again; nothing is lost."
        )
    if error.connection_invalidated or "connection" in text.casefold():
        return StateError(f"the state database does not answer: {text}", advice=f"Look at the server and at {URL_VARIABLE}.")
    return StateError(f"the state database: {text}", advice="`duizhang verify` says whether it is whole.")

"""The one SQL database for what is not a result: ingested files, quality results, corrections, approvals, events.

Each room declares its own tables on `METADATA`, reads in `State.read()` and writes in `State.begin()`; a check, the change that
it allows and the event that tells of it are one `State.change()`.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from duizhang.errors import Retryable, UserError
from duizhang.home import schema_version
from duizhang.home.connection import BUSY_SECONDS, METADATA, WRITES, open_engine, shared_url, told
from duizhang.home.identity import HOMES, adopt, identity, is_adopted

__all__ = ["METADATA", "State"]

T = TypeVar("T")
_ATTEMPTS = 12
# of PostgreSQL's own locks, for the one moment in which there are no tables yet
_CREATING = 0x6475697A


def make_home(home: Path) -> None:
    """The home of a company's books, for its owner's eyes alone; one that is there keeps whom it was opened to."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)


class State:
    """The state database of a home; tables are created when missing.

    One of an earlier schema is upgraded, one of a newer schema refused (StateError).
    read_only: nothing is written, not even a lock, so that it works on a home that cannot be written to. Raises UserError
    where the database is another home's, StateError where it is damaged or gone, Retryable where it is busy. A room that is loaded
    later has its tables from its first look on.
    """

    def __init__(self, home: Path, *, read_only: bool = False) -> None:
        self.home, self.read_only = home, read_only
        self._local = threading.local()
        # how many tables were declared when they were looked for
        self._declared = 0
        # those that are declared and that the database of a home that is only read does not have
        self._lacking: list[str] = []
        if not read_only:
            make_home(home)
        url = "" if identity(home).own else shared_url()
        self.engine, self.is_shared = open_engine(home, url, read_only=read_only), bool(url)
        self._declare()

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file, in the home or elsewhere."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One look at the database; inside a change at what that has written so far."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """One transaction that writes: committed at the end of the block, rolled back on an error; inside a change a part
        of that."""
        with self._transaction(writes=not self.read_only) as connection:
            yield connection

    def change(self, work: Callable[[], T]) -> T:
        """Do `work` as one transaction, as if nobody else were there; what it calls may use `read` and `begin`.

        Where the database cannot put it in an order with what others did, all of it is done again, so it may do nothing
        outside of the database: that is what `after` is for. A change inside a change is a part of the outer one.
        """
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_random_exponential

        if self._joined() is not None:
            return work()
        for attempt in Retrying(
            # SQLite has waited that long itself before it says that it is busy
            retry=retry_if_exception_type(Retryable), stop=stop_after_attempt(_ATTEMPTS) | stop_after_delay(BUSY_SECONDS),
            reraise=True,
            wait=wait_random_exponential(multiplier=0.02, max=1),
        ):
            with attempt:
                self._local.after, self._local.moment = {}, dt.datetime.now(dt.UTC)
                with self._transaction(writes=True, serialisable=True) as connection:
                    self._local.connection = connection
                    try:
                        result = work()
                    finally:
                        self._local.connection = None
        for callback in self._local.after.values():
            callback()
        return result

    def after(self, name: str, callback: Callable[[], None]) -> None:
        """Call this when the change is committed, once for a name; at once outside of a change."""
        if self._joined() is None:
            callback()
        else:
            self._local.after.setdefault(name, callback)

    def awaits(self, name: str) -> bool:
        """Whether something of this name is called when the change is committed."""
        return self._joined() is not None and name in self._local.after

    @property
    def moment(self) -> dt.datetime:
        """When the change began, so that all of it has one time; now outside of one."""
        found: dt.datetime = self._local.moment if self._joined() is not None else dt.datetime.now(dt.UTC)
        return found

    def _joined(self) -> sa.Connection | None:
        found: sa.Connection | None = getattr(self._local, "connection", None)
        return found

    @contextmanager
    def _transaction(self, *, writes: bool, serialisable: bool = False) -> Iterator[sa.Connection]:
        joined = self._joined()
        if joined is not None:
            if self._declared != len(METADATA.tables):
                METADATA.create_all(joined)
            yield joined
            return
        if self._declared not in (0, len(METADATA.tables)):
            self._declare()
        try:
            with self.engine.connect() as plain:
                options = {WRITES: writes} if self.is_sqlite else {"isolation_level": "SERIALIZABLE"} if serialisable else {}
                connection = plain.execution_options(**options)
                with connection.begin():
                    if serialisable and not self.is_sqlite:
                        # before the first look, so that each change sees what the one before it wrote
                        connection.execute(sa.text(f"lock table {HOMES.name} in exclusive mode"))
                    self._lend(connection)
                    yield connection
        except sa.exc.DBAPIError as error:
            raise told(error, self.engine) from error

    def _lend(self, connection: sa.Connection) -> None:
        """What nobody has written to yet, in this home or by the program that left it, is an empty table of this connection to whoever
        may only read."""
        for name in self._lacking:
            statement = str(sa.schema.CreateTable(METADATA.tables[name]).compile(connection))
            connection.exec_driver_sql(statement.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1))

    def _declare(self) -> None:
        """Create what is missing of the tables that are declared by now."""
        declared, self._declared = len(METADATA.tables), 0
        if not self._is_ready():
            if self.read_only:
                raise UserError(f"there is no state of {self.home}", advice="`duizhang run` makes it.")
            self._create()
        self._declared = declared

    def _is_ready(self) -> bool:
        """Whether all tables are there and both sides hold the home's id, so that nothing has to be written."""
        with self.read() as connection:
            there = set(sa.inspect(connection).get_table_names())
            version = schema_version.found(connection, there)
            self._lacking = sorted(METADATA.tables.keys() - there) if self.read_only else []
            if not (self.read_only or there.issuperset(METADATA.tables)) or HOMES.name not in there:
                return False
            if version != schema_version.HEAD and not self.read_only:
                return False
            return is_adopted(connection, self.home, shared=self.is_shared and not self.read_only)

    def _create(self) -> None:
        with self.begin() as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATING)))
            version = schema_version.found(connection, set(sa.inspect(connection).get_table_names()))
            if not version:
                METADATA.create_all(connection)
                schema_version.mark(connection)
            elif version != schema_version.HEAD:
                schema_version.upgrade(connection)
            METADATA.create_all(connection)
            adopt(connection, self.home, shared=self.is_shared)

"""The one SQL database for what is not a result: ingested files, quality results, corrections, approvals, events.

SQLite below HOME by default, PostgreSQL (or any other SQLAlchemy URL) by DUIZHANG_STATE_URL. Each room declares its own
tables on `METADATA` and works through `State.begin()`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

METADATA = sa.MetaData()


def make_home(home: Path) -> None:
    """The home of a company's books, for its owner's eyes alone; one that is there keeps whom it was opened to."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)


class State:
    """A connection pool on the state database; tables are created when missing."""

    def __init__(self, home: Path) -> None:
        make_home(home)
        url = os.environ.get("DUIZHANG_STATE_URL") or f"sqlite:///{home / 'state.db'}"
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _sqlite_settings)
        METADATA.create_all(self.engine)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """One transaction: committed at the end of the block, rolled back on an error."""
        with self.engine.begin() as connection:
            yield connection


def _sqlite_settings(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma busy_timeout = 30000")
    cursor.close()

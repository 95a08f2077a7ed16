"""Every relation that a model may read, with DuckDB's own types: found by running the models over a day without rows."""

from __future__ import annotations

import datetime as dt
import tempfile
from functools import cache
from pathlib import Path

from duizhang.books import LEGS, Books
from duizhang.reconcile import Session, reconcile
from duizhang.store import Store

_DAY = dt.date(2026, 1, 1)
_SHOP = {"platform": "own", "provider": "own", "warehouse": "W"}


class _Watched(Session):
    """A session that remembers the columns of every relation that a model made."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.found: dict[str, dict[str, str]] = {}

    def __enter__(self) -> _Watched:
        super().__enter__()
        return self

    def run(self, path: str, name: str) -> None:
        super().run(path, name)
        described = self.con.execute(f'describe "{name}"').fetchall()
        self.found[name] = {str(row[0]): str(row[1]) for row in described}


@cache
def relations() -> dict[str, dict[str, str]]:
    """Relation -> column -> DuckDB's type: canonical tables, books.yaml, what is open, and all that models make."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        books = Books.model_validate({
            "root": home, "entity": "lint", "start": _DAY, "shops": {"shop": _SHOP}, "legs": list(LEGS),
        })
        with _Watched(books, Store(home), [_DAY]) as session:
            reconcile(session)
            rows = session.con.execute(
                "select table_name, column_name, data_type from duckdb_columns() where not internal order by table_name, column_index"
            ).fetchall()
            for table, column, kind in rows:
                session.found.setdefault(str(table), {})[str(column)] = str(kind)
            return session.found

"""Every relation that a model may read, with DuckDB's own types: found by running the models over a day of one order."""

from __future__ import annotations

import datetime as dt
import tempfile
from decimal import Decimal
from functools import cache
from pathlib import Path

import pyarrow as pa

from duizhang.books import Books
from duizhang.declared.legs import LEGS
from duizhang.declared.schema import TABLES
from duizhang.home.store import Store, scratch
from duizhang.ingest.files import overlap_relations
from duizhang.reconcile import Session, reconcile

_DAY = dt.date(2026, 1, 1)
_ORDER = {
    "period": _DAY, "entity": "lint", "shop": "shop", "origin": "books", "order_id": "1", "line_id": "1", "sku": "A",
    "quantity": Decimal(1), "unit_price": Decimal(1), "amount": Decimal(1), "currency": "CNY", "status": "paid",
    "paid_at": dt.datetime(2026, 1, 1, 4), "source": "lint", "file": "lint", "line": 1,  # noqa: DTZ001 - naive UTC
}
_OTHER_GOODS = {"period": _DAY, "entity": "lint", "shop": "", "sku": "B", "source": "lint", "file": "lint", "line": 3}
_SHOP = {"platform": "own", "provider": "own", "warehouse": "W"}


class _Watched(Session):
    """A session that remembers the columns of every relation that a model made."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.found: dict[str, dict[str, str]] = {}

    def __enter__(self) -> _Watched:
        super().__enter__()
        return self

    def run(self, path: str) -> None:
        self.look()
        super().run(path)
        self.look()

    def look(self) -> None:
        """Remember what there is now: some relations are gone before the end."""
        rows = self.con.execute(
            "select table_name, column_name, data_type from duckdb_columns() where not internal order by table_name, column_index"
        ).fetchall()
        for table, column, kind in rows:
            self.found.setdefault(str(table), {}).setdefault(str(column), str(kind))  # as its model made it


@cache
def relations() -> dict[str, dict[str, str]]:
    """Relation -> column -> DuckDB's type: canonical tables, books.yaml, what is open, and all that models make."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        books = Books.model_validate({
            "root": home, "entity": "lint", "start": _DAY, "shops": {"shop": _SHOP}, "legs": list(LEGS), "own_skus": "listed",
        })
        store = Store(home)
        # one order on both sides, of goods that are not on the list, so that what is done with unknown codes is done as well
        store.write("skus", _DAY, pa.Table.from_pylist([_OTHER_GOODS], schema=TABLES["skus"]))
        store.write("orders", _DAY, pa.Table.from_pylist([_ORDER, {**_ORDER, "origin": "platform", "line": 2}], schema=TABLES["orders"]))
        with _Watched(books, store, [_DAY]) as session:
            reconcile(session)
            session.look()
            return session.found


@cache
def relations_of_files() -> dict[str, dict[str, str]]:
    """The same of what holds files of one source against each other."""
    with scratch() as con:
        return overlap_relations(con)

"""Own rows out of a real PostgreSQL that the test starts: exact, late rows included, nothing twice, no password told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duizhang.books import Books, Database, load_books
from duizhang.errors import BooksError
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import Setting, load_specs
from duizhang.ingest.canonical import build_canonical
from duizhang.ingest.inbox import collect, remote
from duizhang.ingest.inbox.database import _through_connectorx, pull
from duizhang.ingest.landing import extract
from tests.ingest.postgres import programs, running

adbc = pytest.importorskip("adbc_driver_postgresql.dbapi")

QUERY = """
select order_id, line_id, 's' as shop, sku, quantity, unit_price, amount, 'CNY' as currency, status, ordered_at, paid_at, changed_at
from sales;
"""
TABLE = """
create table sales (order_id text, line_id int, sku text, quantity int, unit_price numeric(12, 2), amount numeric(12, 2), status text,
    ordered_at timestamp, paid_at timestamp, changed_at timestamptz, weight double precision)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL of our own, on the loopback, with a password."""
    where = programs()
    if where is None:
        pytest.skip("PostgreSQL is not installed (initdb, postgres); apt-get install postgresql")
    with running(where) as address:
        yield address


@pytest.fixture
def run(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Runs SQL on the server, whose `sales` is empty at first."""
    monkeypatch.setattr(remote, "FIRST_WAIT", 0)
    monkeypatch.setenv("BOOKS_DB", server)

    def execute(sql: str) -> None:
        with adbc.connect(server, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(sql)

    execute("drop table if exists sales")
    execute(TABLE)
    yield execute


def sale(order: str, amount: str, changed: str, *, status: str = "paid") -> str:
    return (f"insert into sales values ('{order}', 1, 'K1', 1, {amount}, {amount}, '{status}', '2026-03-01 10:00:00', "
            f"'2026-03-01 10:00:05', '{changed}', 0.1)")


def database(**changes: str) -> Database:
    return Database(**{"name": "sales", "url_env": "BOOKS_DB", "query": QUERY, "source": "books_orders", "watermark": "changed_at",
                       "overlap": "2h", **changes})


@pytest.mark.slow
def test_late_and_changed_rows_come_along_and_nothing_counts_twice(run: Callable[[str], None], tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "books.yaml").write_text(
        "entity: demo\nstart: 2026-03-01\nshops: {s: {platform: taobao}}\n"
        "databases: [{name: sales, url_env: BOOKS_DB, source: books_orders, watermark: changed_at, overlap: 2h,\n"
        f"  query: {' '.join(QUERY.split())!r}}}]\n".replace("'s'", "''s''").replace("'CNY'", "''CNY''").replace('"', "'"), encoding="utf-8")
    books: Books = load_books(tmp_path / "books.yaml")
    home = tmp_path / "home"
    store, state = Store(home), State(home)

    def orders() -> dict[str, tuple[Decimal, str]]:
        collected = collect(books, store, state)
        assert [r.problem for r in collected if r.status != "read"] == [] and {r.source for r in collected} <= {"books_orders"}
        build_canonical(books, store, state, [books.start])
        rows = store.read("orders", books.start).to_pylist()
        assert len({r["order_id"] for r in rows}) == len(rows)
        return {r["order_id"]: (r["amount"], r["status"]) for r in rows}

    run(sale("A", "1234567890.12", "2026-03-01 12:00:00+00"))
    run(sale("B", "0.01", "2026-03-01 12:30:00+00"))
    assert orders() == {"A": (Decimal("1234567890.12"), "paid"), "B": (Decimal("0.01"), "paid")}
    pulls = sorted((home / "inbox-cache").rglob("*.parquet"))
    assert len(pulls) == 1 and pulls[0].name.startswith("20260301123000")
    assert orders() and sorted((home / "inbox-cache").rglob("*.parquet")) == pulls  # nothing new, no file
    run(sale("C", "5", "2026-03-01 11:00:00+00"))  # committed late, stamped before the newest
    run("update sales set status = 'closed', amount = 2, changed_at = '2026-03-01 13:00:00+00' where order_id = 'A'")
    run(sale("D", "7", "2026-03-01 09:00:00+00"))  # later than the overlap allows for
    assert orders() == {"A": (Decimal(2), "closed"), "B": (Decimal("0.01"), "paid"), "C": (Decimal(5), "paid")}
    assert len(sorted((home / "inbox-cache").rglob("*.parquet"))) == 2


@pytest.mark.slow
def test_a_pull_is_exact_and_named_after_its_content(run: Callable[[str], None], tmp_path: Path) -> None:
    for order, amount in (("B", "0.10"), ("A", "99999999.99")):
        run(sale(order, amount, "2026-03-01 20:00:00.5+08"))
    first, second = pull(database(), tmp_path / "1"), pull(database(), tmp_path / "2")
    assert first is not None and second is not None and first.name == second.name and first.read_bytes() == second.read_bytes()
    table = pq.read_table(first)
    assert not any(pa.types.is_floating(f.type) for f in table.schema)
    assert [str(v) for v in table["amount"].to_pylist()] == ["99999999.99", "0.10"]  # a total order, not that of the table
    assert pull(database(), tmp_path / "1") is None
    assert pull(database(query=QUERY.replace("from sales", "from sales where order_id = 'A'")), tmp_path / "1") is not None  # another query begins anew
    # numbers as watermarks, here the transaction that wrote the row
    numbered = database(query=QUERY.replace(", changed_at\n", ", line_id * 10 as changed_at\n"), overlap="5")
    found = pull(numbered, tmp_path / "3")
    assert found is not None and found.name.startswith("10-")
    run("update sales set line_id = 2 where order_id = 'A'")
    found = pull(numbered, tmp_path / "3")
    assert found is not None and found.name.startswith("20-") and pq.read_table(found).num_rows == 2


@pytest.mark.parametrize(("changes", "match"), [
    ({"query": QUERY.replace("amount,", "amount, weight,")}, "weight is floating point"),
    ({"watermark": "moved_at"}, "gives no column 'moved_at'; it gives order_id, line_id"),
    ({"watermark": "status"}, "the watermark status is of type"),
    ({"overlap": "100"}, "overlap '100'; expected a time"),
    ({"query": "select nonsense from nowhere"}, "the query fails"),
    ({"query": "delete from sales returning *"}, "the query fails"),
    ({"source": "books_skus"}, "(gives books_orders, not books_skus|would count twice)"),
    ({"source": "nothing"}, "unknown source"),
    ({"url_env": "NO_SUCH_DB"}, "NO_SUCH_DB is empty"),
])
def test_what_is_set_wrong_is_said(run: Callable[[str], None], tmp_path: Path, changes: dict[str, str], match: str) -> None:
    run(sale("A", "1", "2026-03-01 12:00:00+00"))
    with pytest.raises(BooksError, match=match) as raised:
        pull(database(**changes), tmp_path)
    assert "s3cret-word" not in str(raised.value) + raised.value.advice
    assert list(tmp_path.rglob("*.parquet")) == list(tmp_path.rglob("*.partial")) == []


def test_a_server_that_is_away_is_named_without_its_password(
    run: Callable[[str], None], server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOOKS_DB", "postgresql://books:s3cret-word@127.0.0.1:1/postgres")
    with pytest.raises(remote.Unreachable, match=r"database sales.*\(4 attempts\)") as raised:
        pull(database(), tmp_path)
    assert "s3cret-word" not in str(raised.value)
    monkeypatch.setenv("BOOKS_DB", server.replace("s3cret-word", "wr0ng-word"))
    with pytest.raises((BooksError, remote.Unreachable)) as raised_too:
        pull(database(), tmp_path)
    assert "wr0ng-word" not in str(raised_too.value)
    monkeypatch.setenv("BOOKS_DB", "oracle://x")
    with pytest.raises(BooksError, match="unknown kind of database 'oracle'"):
        pull(database(), tmp_path)


def test_the_way_of_mysql_is_as_exact(run: Callable[[str], None], server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("connectorx")

    @contextmanager
    def other(url: str, query: str) -> Iterator[pa.RecordBatchReader]:
        yield _through_connectorx(url, query)

    monkeypatch.setattr("duizhang.ingest.inbox.database._through_adbc", other)
    run(sale("A", "99999999.99", "2026-03-01 12:00:00+00"))
    path = pull(database(), tmp_path)
    assert path is not None and path.name.startswith("20260301120000")
    [found] = extract(path, load_specs(), Setting(), file="any", into=tmp_path / "out")
    [row] = found.table("orders").to_pylist()
    assert (row["amount"], row["quantity"], str(row["occurred_at"])) == (Decimal("99999999.99"), Decimal(1), "2026-03-01 02:00:05")
    run(sale("B", "1", "2026-03-01 12:30:00+00"))
    # the second pull still begins 10 minutes before A, the third 10 minutes before B
    for expected in (["A", "B"], ["B"]):
        again = pull(database(overlap="10m"), tmp_path)
        assert again is not None and pq.read_table(again)["order_id"].to_pylist() == expected
    assert pull(database(overlap="10m"), tmp_path) is None
    with pytest.raises(BooksError, match="the query fails"):
        pull(database(query="select nonsense"), tmp_path)

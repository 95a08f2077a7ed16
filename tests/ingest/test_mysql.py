"""Own rows out of a real MariaDB that the test starts: exact, late rows included, an empty day an explicit zero."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from duizhang.books import Database, load_books
from duizhang.errors import BooksError
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import build_canonical
from duizhang.ingest.inbox import collect, database, remote
from duizhang.ingest.inbox.database import pull

pytest.importorskip("connectorx")

QUERY = (
    "select order_id, line_id, 's' as shop, sku, quantity, unit_price, amount, 'CNY' as currency, status, ordered_at, paid_at, changed_at from sales"
)
TABLE = (
    "create table sales (order_id varchar(40), line_id int, sku varchar(40), quantity int, unit_price decimal(12, 2), amount decimal(12, 2), "
    "status varchar(20), ordered_at datetime, paid_at datetime, changed_at timestamp(6), weight double)"
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a MariaDB of our own, on the loopback, with a password."""
    install, daemon, client = (shutil.which(name) for name in ("mariadb-install-db", "mariadbd", "mariadb"))
    if not (install and daemon and client):
        pytest.skip("MariaDB is not installed (mariadb-install-db, mariadbd); apt-get install mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="duizhang-my-"))
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    grants = "".join(
        f"create user 'books'@'{host}' identified by 's3cret-word';\ngrant all on shop.* to 'books'@'{host}';\n" for host in ("127.0.0.1", "localhost")
    )
    (folder / "init.sql").write_text(f"create database shop character set utf8mb4;\n{grants}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={user}"]
    subprocess.run([install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"], check=True, capture_output=True)
    running = subprocess.Popen(
        [daemon, *common, "--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}",
         f"--init-file={folder / 'init.sql'}", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--default-time-zone=+08:00"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(240):
            if subprocess.run(_client(port, "select 1"), capture_output=True).returncode == 0:
                break
            assert running.poll() is None, "MariaDB ends at once"
            time.sleep(0.25)
        yield f"mysql://books:s3cret-word@127.0.0.1:{port}/shop"
    finally:
        running.kill()
        running.wait()
        shutil.rmtree(folder)


def _client(port: int, sql: str) -> list[str]:
    return ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-ubooks", "-ps3cret-word", "shop", "-e", sql]


@pytest.fixture
def run(server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Runs SQL on the server, whose `sales` is empty at first."""
    monkeypatch.setattr(remote, "FIRST_WAIT", 0)
    monkeypatch.setenv("BOOKS_DB", server)
    port = int(server.rpartition(":")[2].partition("/")[0])

    def execute(sql: str) -> None:
        subprocess.run(_client(port, sql), check=True, capture_output=True)

    execute(f"drop table if exists sales; {TABLE}")
    return execute


def sale(order: str, amount: str, changed: str) -> str:
    return f"insert into sales values ('{order}', 1, '茶', 1, {amount}, {amount}, 'paid', '2026-03-01 10:00:00', null, '{changed}', 0.1)"


def entry(**changes: str) -> Database:
    return Database(**{"name": "sales", "url_env": "BOOKS_DB", "query": QUERY, "source": "books_orders", "watermark": "changed_at",
                       "overlap": "2h", **changes})


def test_pulls_are_exact_and_overlap(run: Callable[[str], None], tmp_path: Path) -> None:
    run(sale("B", "0.10", "2026-03-01 12:00:00.5") + ";" + sale("A", "9999999999.99", "2026-03-01 12:00:00.5"))
    first = pull(entry(), tmp_path)
    assert first is not None and first.name.startswith("20260301120000500000")
    table = pq.read_table(first)
    assert [(r["order_id"], r["amount"], r["sku"]) for r in table.to_pylist()] == [("A", Decimal("9999999999.99"), "茶"), ("B", Decimal("0.1"), "茶")]
    assert pull(entry(), tmp_path) is None
    run(sale("C", "1", "2026-03-01 10:30:00"))  # committed late, within the overlap
    again = pull(entry(), tmp_path)
    assert again is not None and pq.read_table(again)["order_id"].to_pylist() == ["C", "A", "B"]


@pytest.mark.parametrize(("changes", "match"), [
    ({"query": QUERY.replace("amount,", "amount, weight,")}, "weight is floating point"),
    ({"query": "select nonsense from nowhere"}, "the query fails"),
    ({"query": "delete from sales"}, "the query fails"),
    ({"query": QUERY.replace("'CNY'", "null")}, "the query fails.*MYSQL_TYPE_NULL"),  # the driver panics on it
])
def test_what_is_set_wrong_is_said(run: Callable[[str], None], tmp_path: Path, changes: dict[str, str], match: str) -> None:
    run(sale("A", "1", "2026-03-01 12:00:00"))
    with pytest.raises(BooksError, match=match) as raised:
        pull(entry(**changes), tmp_path)
    assert "s3cret-word" not in str(raised.value) + raised.value.advice


def test_a_server_that_is_away_is_said_at_once(
    run: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOOKS_DB", "mysql://books:s3cret-word@127.0.0.1:1/shop")
    with pytest.raises(remote.Unreachable, match=r"database sales.*refused.*\(4 attempts\)"):
        pull(entry(), tmp_path)


def test_an_empty_day_is_a_zero_and_a_silent_database_a_missing_file(
    run: Callable[[str], None], server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "books.yaml").write_text(
        "entity: demo\nstart: 2026-03-01\nshops: {s: {platform: taobao}}\nexpected: [{source: books_orders}]\n"
        f"databases: [{{name: sales, url_env: BOOKS_DB, source: books_orders, watermark: changed_at, overlap: 2h, query: {QUERY!r}}}]\n".replace('"', "'")
        .replace("'s' as", "''s'' as").replace("'CNY'", "''CNY''"), encoding="utf-8")
    books = load_books(tmp_path / "books.yaml")
    store, state = Store(tmp_path / "home"), State(tmp_path / "home")
    days = [dt.date(2026, 3, n) for n in (1, 2, 3, 4)]

    def seen() -> dict[str, list[tuple[str, int]]]:
        collect(books, store, state)
        build_canonical(books, store, state, days)
        return {f"{day:%d}": sorted((r["status"], r["rows_read"]) for r in store.read("source_files", day).to_pylist()) for day in days}

    run(sale("A", "1", "2026-03-01 12:00:00"))
    monkeypatch.setattr(database, "_now", lambda: dt.datetime(2026, 3, 2, 20, tzinfo=dt.UTC))  # 04:00 of March 3 in Shanghai
    found = seen()
    assert found == {"01": [("read", 0), ("read", 1)], "02": [("read", 0)], "03": [("missing", 0)], "04": [("missing", 0)]}
    monkeypatch.setattr(database, "_now", lambda: dt.datetime(2026, 3, 4, 20, tzinfo=dt.UTC))
    monkeypatch.setenv("BOOKS_DB", "mysql://books:s3cret-word@127.0.0.1:1/shop")
    with pytest.raises(remote.Unreachable):
        seen()
    monkeypatch.setenv("BOOKS_DB", server)
    assert seen() == {**found, "03": [("read", 0)], "04": [("read", 0)]}

"""Working tables on disk."""

from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duizhang.digest import sort_rows, table_digest
from duizhang.home.store import Store, connect, cursor


@pytest.mark.parametrize("count", [1, 3, 12])
def test_what_is_copied_is_there_day_by_day_whole_and_nothing_else(tmp_path: Path, count: int) -> None:
    days = [dt.date(2026, 1, 1) + dt.timedelta(n) for n in range(count)]
    store = Store(tmp_path)
    with connect(threads=2) as con:
        # one more day than is asked for; the last one that is asked for has no rows
        con.execute(
            f"create table t as select date '2026-01-01' + (i % {count + 1})::int as period, i::bigint as i from range(5000) as r(i) "
            f"where i % {count + 1} <> {count - 1}"
        )
        store.copy(con, "t", "select * from t", days)
        store.copy(con, "t", "select * from t", days)  # again, over what is there
        assert store.periods("t") == days
        for day in days:
            wanted = con.execute("select i from t where period = ? order by i", [day]).fetchall()
            assert [(i,) for i in sorted(store.read("t", day)["i"].to_pylist())] == wanted
            assert set(store.read("t", day)["period"].to_pylist()) == ({day} if wanted else set())
    assert store.rows("t", days[-1]) == 0
    assert [p.name for p in (tmp_path / "tables").rglob("*") if p.is_file()] == ["data.parquet"] * count
    assert list((tmp_path / "spill").rglob("*")) == []


def test_rows_are_put_in_order_whether_they_were_or_not() -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    columns = {"a": pa.int64(), "b": pa.string(), "c": pa.bool_(), "d": pa.date32()}
    values = {"a": [1, 2, None], "b": ["", "x", "\u00e9", None], "c": [False, True, None], "d": [dt.date(2026, 1, 1), None]}
    for number in range(300):
        rows = [tuple(chance.choice(values[name]) for name in columns) for _ in range(number % 7)]
        given = pa.table([pa.array([row[at] for row in rows], kind) for at, kind in enumerate(columns.values())], names=[*columns])
        ordered = sort_rows(given)
        found = [tuple(row.values()) for row in ordered.to_pylist()]
        # nothing stands behind everything
        ranks = [tuple((False, value) if value is not None else (True, 0) for value in row) for row in found]
        assert all(one <= other for one, other in pairwise(ranks)) and sorted(map(repr, found)) == sorted(map(repr, rows))
        assert sort_rows(ordered).equals(ordered)


def test_content_is_read_once_for_its_digest_however_often_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, day, read = Store(tmp_path), dt.date(2026, 1, 1), []
    plain = Store.parts
    monkeypatch.setattr(Store, "parts", lambda self, table, period: read.append(table) or plain(self, table, period))
    store.write("t", day, pa.table({"i": [2, 1]}))
    first = store.digest("t", day)
    assert store.digest("t", day) == first and len(read) == 1
    store.write("t", day, pa.table({"i": [3, 1]}))
    assert store.digest("t", day) != first and len(read) == 2


def test_content_is_digested_part_by_part_to_what_it_is_as_a_whole(tmp_path: Path) -> None:
    store, day = Store(tmp_path), dt.date(2026, 1, 1)
    for rows in ([1, 2, 2, 3, None], [3, 2, 1], [1, 3, 2], []):
        table = pa.table({"i": pa.array(rows, pa.int64()), "t": pa.array([f'"{n}",' for n in rows], pa.string())})
        store.path("t", day).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, store.path("t", day), row_group_size=2)
        seen: list[pa.Table] = []
        assert store.digest("t", day, seen.append) == table_digest(table)
        assert sum(part.num_rows for part in seen) == len(rows)


def test_rows_that_the_database_puts_in_order_are_those_that_are_put_in_order_here(tmp_path: Path) -> None:
    store, day = Store(tmp_path), dt.date(2026, 1, 1)
    with connect(threads=2) as con:
        con.execute(
            "create table t as select date '2026-01-01' as period, nullif((i * 7919 % 101)::varchar, '7') as k, "
            "(i * 31 % 997)::decimal(28, 4) as amount from range(3000) as r(i)"
        )
        store.write("t", day, con.sql("select * from t").to_arrow_table())
        written = store.read("t", day)
        store.copy(con, "t", "select * from t", [day], order=["period", "k", "amount"])
        assert store.read("t", day).to_pylist() == written.to_pylist() and store.read("t", day).schema.types == written.schema.types


def test_a_column_without_any_value_is_compared_like_any_other() -> None:
    with connect() as con:
        con.execute("create table given as select null::varchar as a, 'b c' as b from range(3000)")
        found = con.execute("select count(*) filter (where split_part(a, ' ', 1) <> split_part(b, ' ', 1)) from given").fetchall()
        assert found == [(0,)]
    con = cursor()
    con.execute("create temp table given as select null::varchar as a")
    assert con.execute("select split_part(a, ' ', 1) <> 'x' from given").fetchall() == [(None,)]
    con.close()

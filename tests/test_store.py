"""Working tables on disk."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from duizhang.store import Store, connect


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

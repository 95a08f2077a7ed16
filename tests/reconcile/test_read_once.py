"""A text that is parsed once and executed again gives what it gives when it is parsed each time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from duizhang.reconcile import backends
from duizhang.reconcile.backends import DUCKDB

MADE = "create or replace table made as select a, a + ? as b from given order by a"


def _rows(folder: Path, first: int) -> list[tuple[int, int]]:
    """What the text makes of a table that other connections have in another type."""
    con = DUCKDB.connect(folder)
    con.execute("create table given (a integer)" if first % 2 else "create table given (a decimal(18, 2))")
    con.execute("insert into given select unnest(range(?, ? + 3))", [first, first])
    found = []
    for more in (1, 10):
        con.execute(MADE, [more])
        found += con.execute("select a, b from made order by all").fetchall()
    con.close()
    return [(int(a), int(b)) for a, b in found]


@pytest.mark.slow
def test_what_was_parsed_for_one_connection_is_right_for_every_other_at_the_same_time(tmp_path: Path) -> None:
    firsts = range(40)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda first: _rows(tmp_path, first), firsts))
    assert found == [[(first + n, first + n + more) for more in (1, 10) for n in range(3)] for first in firsts]


def test_a_model_is_parsed_once_and_what_names_files_is_not_kept(tmp_path: Path) -> None:
    backends._read.cache_clear()
    con = DUCKDB.connect(tmp_path)
    before = backends._read.cache_info().currsize
    for _ in range(3):
        con.execute("select 1 as one")
    con.execute(f"copy (select 1 as one) to '{tmp_path / '.one.parquet.5f'}' (format parquet)")
    assert con.execute("select 1; select 2").fetchall() == [(2,)]
    assert backends._read.cache_info().currsize == before + 2
    with pytest.raises(duckdb.ParserException, match="selct"):
        con.execute("selct 1")
    con.close()

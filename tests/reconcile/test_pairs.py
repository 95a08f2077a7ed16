"""Every model of `sql/` by itself: the rows that it gives for the rows that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.reconcile.pairs import PAIRS, given, in_order, put, read_pairs, rules


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with rules() as opened:
        yield opened


@pytest.mark.parametrize("path", sorted(PAIRS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_model_gives_the_rows_that_stand_beside_those_it_reads(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    for pair in read_pairs(path):
        put(con, pair)
        assert given(con, pair) == in_order(pair.gives.rows), f"{pair.model}: {pair.title}"

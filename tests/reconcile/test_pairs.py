"""Every model of `sql/` by itself: the rows that it gives for the rows that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from duizhang.layout import SQL
from tests.reconcile.pairs import MACROS, PAIRS, RULES, between, given, in_order, put, read_pairs, rules


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with rules() as opened:
        yield opened


@pytest.mark.parametrize("path", sorted(PAIRS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_model_gives_the_rows_that_stand_beside_those_it_reads(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    for pair in read_pairs(path):
        put(con, pair)
        assert given(con, pair) == in_order(pair.gives.rows), f"{pair.model}: {pair.title}"


# models without a pair, each with the reason; the list may only become shorter
WITHOUT = {
    "causes/split_by_cause": "one plain select of the rules of parts.yaml",
    "causes/with_cause": "one plain select of the rules of causes.yaml",
    "variances/open_items": "one plain select",
    "rules/candidates": "held by tests/reconcile/causes.txt",
    "rules/parts": "held by tests/reconcile/causes.txt",
}


def test_every_model_has_a_pair_but_those_that_are_listed_with_their_reason() -> None:
    folders = {path.stem for path in PAIRS.glob("*.txt")} - {"macros"}
    models = {f"{path.parent.name}/{path.stem}" for path in SQL.rglob("*.sql") if path.parent.name in folders} | {*RULES, *MACROS}
    held = {model for path in PAIRS.glob("*.txt") for pair in read_pairs(path) for model in (pair.model, *between(pair))}
    assert models - held == set(WITHOUT)

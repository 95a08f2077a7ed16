"""Every model of `sql/` by itself: the rows that it gives for the rows that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import duckdb
import pytest
import yaml

from duizhang.layout import EXPECTATIONS, SQL
from tests.reconcile.pairs import MACROS, PAIRS, RULES, Pair, between, given, in_order, put, read_pairs, rules


@cache
def pairs_of(path: Path) -> Sequence[Pair]:
    return list(read_pairs(path))


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with rules() as opened:
        yield opened


@pytest.mark.parametrize("path", sorted(PAIRS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_model_gives_the_rows_that_stand_beside_those_it_reads(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    for pair in pairs_of(path):
        put(con, pair)
        assert given(con, pair) == in_order(pair.gives.rows), f"{pair.model}: {pair.title}"


# models without a pair, each with the reason; the list may only become shorter
WITHOUT = {
    "causes/split_by_cause": "one plain select of the rules of parts.yaml",
    "causes/with_cause": "one plain select of the rules of causes.yaml",
    "variances/open_items": "one plain select",
}


def test_every_model_has_a_pair_but_those_that_are_listed_with_their_reason() -> None:
    folders = {path.stem for path in PAIRS.glob("*.txt")} - {"macros"}
    models = {f"{path.parent.name}/{path.stem}" for path in SQL.rglob("*.sql") if path.parent.name in folders} | {*RULES, *MACROS}
    held = {model for path in PAIRS.glob("*.txt") for pair in pairs_of(path) for model in (pair.model, *between(pair))}
    assert models - held == set(WITHOUT)


def test_rows_that_models_read_have_statuses_and_kinds_that_there_are() -> None:
    """Fails for a status, an origin or a kind that the gate would refuse: what a model makes of it shows nothing."""
    known = {
        (path.stem.rpartition("_")[2], e["kwargs"]["column"]): {*e["kwargs"]["value_set"], None}
        for path in EXPECTATIONS.glob("*.yaml") for e in yaml.safe_load(path.read_text(encoding="utf-8"))["expectations"]
        if isinstance(e["kwargs"].get("value_set"), list)
    }
    # the lines of orders under another name
    known["parts", "status"] = known["orders", "status"]
    wrong = set()
    for path in PAIRS.glob("*.txt"):
        for pair in pairs_of(path):
            for name, relation in pair.reads.items():
                columns = [column.split()[0].strip('"') for column in relation.columns]
                closed = {at: words for at, c in enumerate(columns) if (words := known.get((name.rpartition("_")[2], c)))}
                for row in relation.whole() if closed else ():
                    wrong |= {(pair.title, name, row[at]) for at, words in closed.items() if row[at] not in words}
    assert wrong == set()

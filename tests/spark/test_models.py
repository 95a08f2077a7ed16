"""The models of sql/, the rules and the macros on both engines: every one has a translation, and of the pairs of rows that test them
they give on Spark the rows that they give on DuckDB, in all columns and with their types."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from duizhang.home.store import quoted
from duizhang.layout import SQL
from duizhang.lint.relations import relations
from duizhang.reconcile.causes import prepare_causes
from duizhang.reconcile.matching import prepare_matching
from duizhang.reconcile.models import prepare_macros
from duizhang.reconcile.parts import prepare_parts
from duizhang.spark import SparkConnection, transpile
from duizhang.spark.macros import Macro, created
from tests.reconcile.pairs import PAIRS, Pair, between, put, read_pairs, rules, text_of
from tests.spark.engines import local_spark, multiset

PREPARED = (prepare_macros, prepare_matching, prepare_causes, prepare_parts)
OF_MODELS = {f"{pair.model}: {pair.title}": pair for path in sorted(PAIRS.glob("*.txt")) for pair in read_pairs(path)}


class _Recorded:
    """Keeps the macros that are made."""

    def __init__(self) -> None:
        self.macros: dict[str, Macro] = {}

    def execute(self, text: str, _values: object = None) -> None:
        if "create macro" in text:
            self.macros |= created(text)


@pytest.mark.slow
def test_every_model_has_a_translation() -> None:
    con, day = _Recorded(), dt.date(2026, 1, 1)
    for prepare in PREPARED:
        prepare(con)  # type: ignore[arg-type]
    variables = {
        "period_from": day, "period_to": day, "moves_day": day, "leg_made": "fee", "legs_made": ["fee"], "legs_kept": ["fee"],
        "match_crowd": 40, "repeat_horizon": 31, "match_candidates": 5,
        "normal_sources": ["a"], "normal_pattern": "^0+", "normal_replace": "",
    }
    known = dict(relations())
    # a day of one order has no candidates, so nothing is made of them: what models read of that the pairs declare
    for pair in (pair for path in sorted(PAIRS.glob("*.txt")) for pair in read_pairs(path)):
        for name, relation in pair.reads.items():
            declared = (column.partition(" = ")[0].partition(" ") for column in relation.columns)
            known.setdefault(name, {column.strip('"'): kind for column, _, kind in declared})
    # what holds files against each other is run where they are read, and never on Spark
    models = [path for path in sorted(SQL.rglob("*.sql")) if path.parent.name not in ("macros", "overlaps")]
    assert models
    for path in models:
        assert transpile(path.read_text(encoding="utf-8"), known, macros=con.macros, variables=variables).final


@pytest.fixture(scope="module")
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    with rules() as con:
        yield con


@pytest.fixture
def spark() -> Iterator[SparkConnection]:
    con = SparkConnection(local_spark())
    for prepare in PREPARED:
        prepare(con)  # type: ignore[arg-type]
    yield con
    con.close()


def put_on_spark(con: SparkConnection, pair: Pair) -> None:
    for name, value in pair.variables.items():
        con.execute(f"set variable {name} = {value}")
    for name, relation in pair.reads.items():
        if name in con.relations:
            con.execute(f'drop table "{name}"')
        con.execute(f'create table "{name}" ({", ".join(column.partition(" = ")[0] for column in relation.columns)})')
        if relation.rows:
            listed = ", ".join(f"({', '.join('null' if c is None else quoted(c) for c in row)})" for row in relation.whole())
            con.execute(f'insert into "{name}" values {listed}')
    for model in between(pair):
        con.execute(f'create table "{model.partition("/")[2]}" as {text_of(model)}')


def by_name(columns: list[str], rows: list[tuple[Any, ...]]) -> Counter[tuple[str, ...]]:
    return multiset([tuple(value for _, value in sorted(zip(columns, row, strict=True))) for row in rows])


@pytest.mark.slow
@pytest.mark.parametrize("title", OF_MODELS)
def test_a_model_gives_on_spark_what_it_gives_on_duckdb(plain: duckdb.DuckDBPyConnection, spark: SparkConnection, title: str) -> None:
    pair = OF_MODELS[title]
    put(plain, pair)
    found = plain.execute(f"select * from ({text_of(pair.model)})")
    columns = [column[0] for column in found.description]
    expected = by_name(columns, found.fetchall())
    put_on_spark(spark, pair)
    spark.execute(f"create table made as {text_of(pair.model)}")
    result = spark.sql("select * from made")
    assert by_name(result.to_arrow_table().column_names, result.fetchall()) == expected

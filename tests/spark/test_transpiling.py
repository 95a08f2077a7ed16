"""What is turned into Spark's SQL and how, without a Spark: the constructs that would count otherwise if they were left as they are."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from duizhang.spark import Untranslatable, transpile
from duizhang.spark.distances import damerau_levenshtein
from duizhang.spark.macros import created
from duizhang.spark.patterns import java_pattern, java_replacement
from duizhang.spark.types import spark_type

KNOWN = {
    "t": {"id": "BIGINT", "day": "DATE", "m": "DECIMAL(28, 4)", "k": "VARCHAR", "list": "VARCHAR[]"},
    "d": {"k": "VARCHAR", "since": "DATE", "v": "VARCHAR"},
}


def final(sql: str) -> str:
    return transpile(sql, KNOWN).final


def test_days_between_dates_are_a_number() -> None:
    assert "DATEDIFF(`t`.`day`, `t`.`day`)" in final("select day - day as n from t")


def test_a_join_as_of_a_day_keeps_every_row_on_the_left() -> None:
    sql = final("select t.id, d.v from t asof left join d on t.k = d.k and t.day >= d.since")
    assert "LEFT JOIN (SELECT `k`, ARRAY_SORT(COLLECT_LIST(" in sql
    assert "LEFT JOIN lateral inline(" in sql
    assert "ASOF" not in sql


@pytest.mark.parametrize("sql", [
    "select no_such_function(k) from t",
    "select regexp_replace(k, 'a', 'b') as once from t",
    "select list(k order by id desc) as down from t",
    "select t.id from t asof join d on t.k = d.k",
    "select k from t where regexp_matches(k, k)",
    "select list @> ['a'] as holds, list <@ ['a'] as held from t",
    "select k glob 'a*' as x from t",
])
def test_what_has_no_translation_is_refused(sql: str) -> None:
    with pytest.raises(Untranslatable):
        final(sql)


def test_what_is_read_twice_is_computed_once() -> None:
    found = transpile("with s as (select k, sum(m) as m from t group by k) select a.k from s as a inner join s as b using (k)", KNOWN)
    assert [name for name, _ in found.steps] == ["s__step"]
    assert found.reads == {"t"}


def test_macros_and_variables_are_put_into_the_text() -> None:
    macros = created("-- a; comment\ncreate macro twice(n) as n * 2;\n\ncreate macro four_times(n) as twice(twice(n));\n")
    sql = transpile("select four_times(id) as n, getvariable('today') - 1 as d from t", KNOWN, macros=macros,
                    variables={"today": dt.date(2026, 3, 1)}).final
    assert "`t`.`id` * 2" in sql
    assert "DATE_SUB(CAST('2026-03-01' AS DATE), CAST(1 AS INT))" in sql


def test_a_pattern_finds_in_java_what_it_finds_in_duckdb() -> None:
    assert java_pattern(r"(^|/)T200P(\d{6,})$") == r"(?d)(^|/)T200P(\d{6,})\z"
    assert java_pattern(r"[^$\s]\s+") == r"(?d)[^$\t\n\f\r ][\t\n\f\r ]+"
    assert java_replacement(r"\1 costs $\2") == r"$1 costs \$$2"


def test_types_that_have_no_name_in_spark() -> None:
    assert spark_type("HUGEINT") == "decimal(38, 0)"
    assert spark_type("STRUCT(a DECIMAL(28,4), b VARCHAR[])[]") == "array<struct<`a`: decimal(28, 4), `b`: array<string>>>"
    with pytest.raises(Untranslatable):
        spark_type("TIMESTAMP WITH TIME ZONE")


def test_distances_are_those_of_duckdb() -> None:
    distance, con = damerau_levenshtein(), duckdb.connect()
    words = ("", "a", "ca", "abc", "4711-1", "47111", "4171-1", "0OIL1S5", "011154711")
    for first in words:
        for second in words:
            [(expected,)] = con.execute("select damerau_levenshtein(?, ?)", [first, second]).fetchall()
            assert distance(first, second) == expected, (first, second)
    assert distance(None, "a") is None


def test_what_an_anti_join_looked_at_has_no_columns_behind_it() -> None:
    sql = final("select t.id from t anti join d as a using (k) semi join d as b using (k)")
    assert "`a`" not in sql.partition("SEMI JOIN")[2]


def test_a_condition_on_windows_keeps_the_column_that_it_names() -> None:
    numbered = "row_number() over (partition by t.id order by t.day)"
    sql = final(f"select t.id, d.since as day from t inner join d on t.k = d.k qualify {numbered} = 1")
    inner, _, outer = sql.rpartition(") AS `of_qualify`")
    assert "ORDER BY `t`.`day`" in inner and "AS `is_qualified`" in inner
    assert outer == " WHERE `of_qualify`.`is_qualified`"

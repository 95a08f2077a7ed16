"""When a query has no rows, read from its tree. That nothing.yaml says so of every model is a rule of the linter."""

from __future__ import annotations

import pytest

from duizhang.lint.emptiness import empty_when


@pytest.mark.parametrize(("query", "when"), [
    ("select a from x", [["x"]]),
    ("with x as (select * from x), y as (select * from x join z using (a)) select * from y", [["x"], ["z"]]),
    ("select a from x left join y using (a)", [["x"]]),
    ("select a from x right join y using (a)", [["y"]]),
    ("select a from x full join y using (a)", [["x", "y"]]),
    ("select a from x anti join y using (a)", [["x"]]),
    ("select a from x semi join y using (a)", [["x"], ["y"]]),
    ("select a from x, y", [["x"], ["y"]]),
    ("select a from x asof left join y on x.a >= y.a", [["x"]]),
    ("select a from x asof join y on x.a >= y.a", [["x"], ["y"]]),
    ("select a from x union all (select a from y)", [["x", "y"]]),
    ("select a from x except select a from y", [["x"]]),
    ("select count(*) from x", []),
    ("select max_by(a, b) + 1 from x", []),
    ("select histogram(a) from x", []),
    ("select 1 from x having true", []),
    ("select sum(a) from x group by all", []),
    ("select sum(a) from x group by ()", []),
    ("select b, sum(a) from x group by rollup (b)", []),
    ("select b, sum(a) from x group by b", [["x"]]),
    ("select b, sum(a) from x group by all", [["x"]]),
    ("select sum(a) over () from x", [["x"]]),
    ("select a, (select count(*) from y) from x", [["x"]]),
    ("select n from (select count(*) as n from x) cross join y", [["y"]]),
    ("select unnest(a) from x", [["x"]]),
    ("select * from unnest([1, 2])", []),
    ("select * from x, unnest(x.a) as u(b)", [["x"]]),
    ("select * from generate_series(1, 2)", []),
    ("select 1", []),
    ("select * from (values (1))", []),
    ("select * from name_causes('x')", [["x"]]),
    ("select * from some_macro('x')", []),
    ("with recursive r as (select 1 as a union all select a + 1 from r where a < 3) select * from r", []),
    ("select * from (pivot x on a using sum(b))", []),
])
def test_a_query_without_rows_is_known_by_its_tree(query: str, when: list[list[str]]) -> None:
    assert sorted(map(sorted, empty_when(query))) == when

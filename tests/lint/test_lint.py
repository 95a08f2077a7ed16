"""The project's SQL keeps its rules, and every rule finds the fault that it is for."""

from __future__ import annotations

import pytest
from sqlglot import exp

from duizhang.home.store import connect
from duizhang.layout import SQL
from duizhang.lint import lint, lint_model, relations, relations_of_files
from duizhang.lint.check import typed_tree
from duizhang.lint.room import digits

KNOWN = {
    "t": {"key": "VARCHAR", "amount": "DECIMAL(28,4)", "old": "DECIMAL(18,4)", "rate": "DECIMAL(18,8)", "percent": "DECIMAL(12,4)"},
}


@pytest.mark.slow  # `make lint` is this
def test_the_sql_of_the_project_keeps_the_rules() -> None:
    assert [str(finding) for finding in lint()] == []


def model(expression: str, before: str = "") -> str:
    return f"with\nt as (select * from t),\n{before}\nfinal as (\n    select {expression} as value\n    from t\n)\n\nselect * from final\n"


@pytest.mark.parametrize(("expression", "rule"), [
    ("old * rate", "room"),
    ("sum(old * 100)", "room"),
    ("(amount * rate)::decimal(18, 4)", "room"),
    ("round((amount * rate)::decimal(24, 12), 2)", "room"),
    ("(amount * 10000)::bigint", "room"),
    ("rate * 100000000", "room"),
    ("sum(amount)::decimal(18, 4)", "room"),
    ("max_by(key, amount)", "chance"),
    ("any_value(key)", "chance"),
    ("first(key)", "chance"),
    ("hash(key)", "chance"),
    ("list(key)", "chance"),
    ("string_agg(distinct key, ' ')", "chance"),
    ("row_number() over (partition by key)", "chance"),
    ("key like '%order%'", "channel"),
    ("key = 'alipay'", "channel"),
    ("key in ('jd_settlement', 'x')", "channel"),
    ("(key, old) in (select (key, old) from t)", "row"),
    ("(key, old) not in (select key, old from t)", "row"),
])
def test_a_planted_fault_is_found(expression: str, rule: str) -> None:
    assert {finding.rule for finding in lint_model("planted", model(expression), KNOWN)} == {rule}


@pytest.mark.parametrize("expression", [
    "amount * rate", "sum(amount * rate)::decimal(28, 4)", "sum(amount)", "(amount * 10000)::hugeint", "amount * amount",
    "max(key)", "list(key order by key)", "list_sort(list(distinct key))", "row_number() over (partition by key order by amount)",
    "percent * 0.01", "round((amount * rate)::decimal(36, 10) * 100, 0) * 0.01", "rate::decimal(28, 8) * 100000000",
])
def test_what_has_room_and_an_order_passes(expression: str) -> None:
    assert lint_model("planted", model(expression), KNOWN) == []


def test_an_import_that_nothing_reads_and_one_that_nothing_makes_are_found() -> None:
    found = lint_model("planted", model("amount", "unread as (select * from t),\nnowhere as (select * from nowhere),"), KNOWN)

    assert [f.text for f in found if f.rule == "unused"] == ["the CTE unread is never read", "the CTE nowhere is never read"]


def test_an_exemption_says_why_and_lets_something_pass() -> None:
    text = model("hash(key)")
    assert lint_model("planted", "-- lint: allow hash: it is forgotten at once\n" + text, KNOWN) == []
    assert [f.rule for f in lint_model("planted", "-- lint: allow hash\n" + text, KNOWN)] == ["allow"]
    assert [f.rule for f in lint_model("planted", "-- lint: allow list: because\n" + text, KNOWN)] == ["chance", "allow"]


MODELS = sorted(p for p in SQL.rglob("*.sql") if p.parent.name != "macros")


@pytest.mark.slow
@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_types_are_those_of_duckdb(path: object) -> None:
    """Fails if the linter takes a result for wider than it is; matters because then it would not see what overflows."""
    known = relations_of_files() if path.parent.name == "overlaps" else relations()  # type: ignore[attr-defined]
    tree = typed_tree(path.read_text(encoding="utf-8"), known)  # type: ignore[attr-defined]
    if path.stem not in known:  # type: ignore[attr-defined]
        return
    real = {name.lower(): kind for name, kind in known[path.stem].items()}  # type: ignore[attr-defined]
    final = next((cte.this for cte in tree.find_all(exp.CTE) if cte.alias == "final"), None)
    if not isinstance(final, exp.Select):
        return  # of a union sqlglot takes the types of the first part
    select = tree if isinstance(tree, exp.Select) else final
    said = {s.alias_or_name.lower(): digits(s.unalias()) for s in select.selects}
    decimals = {n: tuple(map(int, k.removeprefix("DECIMAL(").rstrip(")").split(","))) for n, k in real.items() if k.startswith("DECIMAL(")}
    assert {n: said.get(n) for n in decimals if said.get(n)} == {n: decimals[n] for n in decimals if said.get(n)}


@pytest.mark.parametrize("expression", [
    "amount * rate", "old * rate", "amount + old", "old - old", "sum(old)", "coalesce(old, 0.01)", "greatest(old, rate)", "abs(old)",
    "round(amount * rate, 2)", "case when true then old else 0.01 end", "amount * 10000", "old * 0.01", "max(old) - min(rate)",
])
def test_the_width_of_an_operation_is_duckdbs(expression: str) -> None:
    columns = ", ".join(f"null::{kind} as {name}" for name, kind in KNOWN["t"].items())
    with connect() as con:
        [(real,)] = con.execute(f"select typeof({expression}) from (select {columns})").fetchall()
    tree = typed_tree(f"select {expression} as value from t", KNOWN)
    assert isinstance(tree, exp.Select)
    assert digits(tree.selects[0].unalias()) == tuple(map(int, real.removeprefix("DECIMAL(").rstrip(")").split(",")))

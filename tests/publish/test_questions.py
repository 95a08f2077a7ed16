"""What analysts find: a comment on every table and column, an answer to every question of docs/questions.md, sums that tie."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy

from duizhang.home.published import TABLES
from duizhang.publish.metrics import VIEWS
from duizhang.reconcile import load_causes

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "questions.md").read_text(encoding="utf-8")
RECIPES = (Path(__file__).resolve().parents[2] / "docs" / "analysts.md").read_text(encoding="utf-8")
QUESTIONS = dict(re.findall(r"^## (.*?)\n.*?```sql\n(.*?)```", PAGE, flags=re.DOTALL | re.MULTILINE))


def test_every_table_and_column_says_what_it_is(public: Any) -> None:
    with duckdb.connect(str(public.home / "published.duckdb"), read_only=True) as con:
        tables = dict(con.execute(
            "select view_name, comment from duckdb_views() where not internal union all select table_name, comment from duckdb_tables()"
        ).fetchall())
        without = con.execute(
            "select table_name, column_name from duckdb_columns() where not internal and coalesce(comment, '') = ''").fetchall()
        causes = [row[0] for row in con.execute("select cause from causes order by sequence").fetchall()]
    assert set(tables) == {*TABLES, *VIEWS, "period_status", "causes"}
    assert [name for name, comment in tables.items() if not comment] == [] and without == []
    assert causes == list(load_causes())


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_has_an_answer(public: Any, question: str) -> None:
    with duckdb.connect(str(public.home / "published.duckdb"), read_only=True) as con:
        assert con.execute(QUESTIONS[question]).description
    assert len(QUESTIONS) == 10


def test_the_recipes_for_analysts_work_in_a_notebook_and_through_sqlalchemy(public: Any) -> None:
    path = public.home / "published.duckdb"
    notebook: dict[str, Any] = {}
    cell = next(cell for cell in re.findall(r"```python\n(.*?)```", RECIPES, re.DOTALL) if "published.duckdb" in cell)
    exec(cell.replace("home/published.duckdb", str(path)), notebook)  # noqa: S102
    found = {query: notebook["ask"](query) for query in re.findall(r"```sql\n(.*?)```", RECIPES, re.DOTALL)}
    assert len(found) == 5
    for query, rows in found.items():
        if "<> opening" in query:
            assert not len(rows)
        elif "order_profit" not in query:  # what is open here is of no order
            assert len(rows)
    (address,) = re.findall(r"```\n(duckdb:///.*?)\n```", RECIPES)
    (parameters,) = re.findall(r'`(\{"connect_args".*?\}\})`', RECIPES)
    engine = sqlalchemy.create_engine(address.replace("/path/to/home/published.duckdb", str(path)), **json.loads(parameters))
    with engine.connect() as con:
        assert con.execute(sqlalchemy.text("select count(*) from period_status")).scalar()
        with pytest.raises(sqlalchemy.exc.DBAPIError, match="read-only"):
            con.execute(sqlalchemy.text("create table mine (a int)"))
    engine.dispose()


def test_what_an_order_has_as_a_whole_is_spread_over_its_skus_to_the_last_unit() -> None:
    """Three equal SKUs share a fee that three does not divide, one has no revenue, one order has no SKU at all."""
    lines = [*(("1", sku, "10", "0", "4") for sku in "abc"), ("1", "gift", "0", "0", "1"), ("1", "", "5", "1.0001", "0")]
    lines.append(("2", "", "0", "-0.5", "0"))
    with duckdb.connect() as con:
        con.execute("create table order_pnl (period date, entity varchar, shop varchar, order_id varchar, sku varchar, currency varchar)")
        for name in ("quantity", "revenue", "discount", "refund", "commission", "fee", "service", "freight", "cost", "profit"):
            con.execute(f"alter table order_pnl add column {name} decimal(28, 4) default 0")
        for order, sku, revenue, fee, cost in lines:
            con.execute("insert into order_pnl by name select 'e' as entity, 's' as shop, ? as order_id, ? as sku, 'CNY' as currency, "
                        "?::decimal(28, 4) as revenue, ?::decimal(28, 4) as fee, ?::decimal(28, 4) as cost",
                        [order, sku, revenue, fee, cost])
        con.execute("update order_pnl set profit = revenue - fee - cost")
        con.execute(f"create view sku_profit as {VIEWS['sku_profit']}")
        found = {sku: (revenue, fee, profit) for sku, revenue, fee, profit in
                 con.execute("select sku, revenue, fee, profit from sku_profit").fetchall()}
    assert {sku: fee for sku, (_, fee, _) in found.items()} == {
        "a": Decimal("0.3333"), "b": Decimal("0.3334"), "c": Decimal("0.3334"), "gift": Decimal(0), "": Decimal("-0.5")}
    assert sum(revenue for revenue, _, _ in found.values()) == 35
    assert sum(profit for _, _, profit in found.values()) == Decimal(35) - 13 - Decimal("0.5001")

"""Steps between balances that are worked out on whole columns are those that SQL gives."""

from __future__ import annotations

import random
from decimal import Decimal

import pyarrow as pa
import pytest

from duizhang.ingest import load_specs
from duizhang.ingest.landing.landed import typed_schema
from duizhang.ingest.landing.steps import moved, parse
from duizhang.store import scratch

RULES = {name: spec for name, spec in load_specs().items() if spec.balance and parse(spec.balance.step)}


@pytest.mark.parametrize("name", RULES)
def test_a_step_between_balances_is_what_its_expression_says(name: str) -> None:
    spec, chance = RULES[name], random.Random(name)  # noqa: S311  (sample data)
    rule = spec.balance
    assert rule is not None
    columns = {}
    for field in typed_schema(spec):
        if pa.types.is_decimal(field.type):
            cells = [None if chance.random() < 0.3 else Decimal(chance.randint(-999, 999)).scaleb(-2) for _ in range(200)]
        elif field.name == "line":
            cells = list(range(200))
        else:
            words = [None, "in", "out", *((spec.fields[field.name].values or {}).values() if field.name in spec.fields else ())]
            cells = [chance.choice(words) for _ in range(200)] if field.type == pa.string() else [None] * 200
        columns[field.name] = pa.array(cells, field.type)
    typed = pa.table(columns)
    step = parse(rule.step)
    assert step is not None
    with scratch() as con:
        con.register("typed", typed)
        said = [row[0] for row in con.execute(f"select coalesce({rule.step}, 0)::decimal(18, 4) from typed").fetchall()]
    assert [Decimal(int(amount)).scaleb(-4) for amount in moved(step, typed)] == said


@pytest.mark.parametrize("expression", ["a * b", "case when a > 0 then a end", "round(a)", "a - ", "(a", "a b", "case a when 1 then b else c end"])
def test_what_is_more_than_additions_is_left_to_sql(expression: str) -> None:
    assert parse(expression) is None


def test_most_running_balances_need_no_query() -> None:
    assert {"alipay_fund", "wechat_fund", "douyin_account", "bank_icbc"} <= set(RULES)

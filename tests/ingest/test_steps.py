"""The step between two balances, which Polars works out, is what DuckDB makes of the same words."""

from __future__ import annotations

import random
from decimal import Decimal

import pyarrow as pa
import pytest

from duizhang.errors import SpecError
from duizhang.home.store import scratch
from duizhang.ingest import load_specs
from duizhang.ingest.landing.landed import typed_schema
from duizhang.ingest.landing.tally import Counter
from duizhang.ingest.specification.spec import Running

RULES = {name: spec for name, spec in load_specs().items() if spec.balance}


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
            words = ["", "in", "out", *((spec.fields[field.name].values or {}).values() if field.name in spec.fields else ())]
            cells = [chance.choice(words) for _ in range(200)] if field.type == pa.string() else [None] * 200
        columns[field.name] = pa.array(cells, field.type)
    typed = pa.table(columns)
    with scratch() as con:
        con.execute("create or replace temp macro regexp_like(text, pattern) as regexp_matches(text, pattern)")
        con.register("typed", typed)
        [(said,)] = con.execute(f"select sum({rule.step})::decimal(28, 4) from typed where {rule.where}").fetchall()
        balance = Counter(con, spec).balance
        assert balance is not None
        assert sum(chain.moved for chain in balance.chains(typed).values()) == int(said.scaleb(4))


def test_a_step_that_polars_does_not_know_is_named() -> None:
    spec = RULES["bank_bocom"]
    with scratch() as con, pytest.raises(SpecError, match="regexp_matches"):
        Counter(con, spec.model_copy(update={"balance": Running(step="regexp_matches(side, 'x')")}))

"""Amounts a million times as large, in a currency of none, two or three decimals and for several legal entities, are found as small
ones are: every difference with its amount and cause, nothing else, and what is open conserved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from duizhang.simulate import Plan, simulate
from tests.pipelines.test_end_to_end import duizhang, query


def check(root: Path, plan: Plan) -> None:
    """Simulate, run and score the plan."""
    simulate(root / "raw", plan)
    duizhang("run", "--quiet", "--books", root / "raw" / "books.yaml", "--home", root / "home", "--from", plan.start, "--to",
             plan.date(plan.days - 1))
    score = json.loads(duizhang("score", "--truth", root / "raw" / "truth.parquet", "--home", root / "home", "--json"))
    assert (score["differences"]["recall"], score["differences"]["precision"], score["amounts_exact"]) == (1, 1, 1), score
    assert score["causes_right"] >= 0.95, score
    assert query(root / "home", """
        select leg, entity, currency, period from recon_summary
        where closing is distinct from opening + left_amount - right_amount
    """) == []
    assert {entity for (entity,) in query(root / "home", "select distinct entity from recon_summary")} == set(plan.owners)


@pytest.mark.slow
def test_differences_of_yen_times_a_million_and_of_three_entities_are_found(tmp_path: Path) -> None:
    check(tmp_path, Plan(days=3, orders_per_day=20, seed=5, break_rate=0.3, scale=10**6, currency="JPY", entities=3))


@pytest.mark.slow
@pytest.mark.parametrize("currency", ["CNY", "JPY", "KWD", "VND"])
def test_differences_times_a_million_are_found_in_every_currency(tmp_path: Path, currency: str) -> None:
    check(tmp_path, Plan(days=6, orders_per_day=50, seed=6, break_rate=0.2, scale=10**6, currency=currency, entities=3))

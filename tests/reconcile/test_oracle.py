"""The SQL core against the plain oracle, on small random businesses: any split of a range, rows in any order."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duizhang.reconcile.subset import find_subset
from tests.reconcile import oracle
from tests.reconcile.core import Outcome, claim, run
from tests.thoroughness import examples, various

LENGTH = 4
LEGS = ("order_platform", "order_payment", "payment_settlement", "payout_bank")
CLAIM = st.builds(
    claim,
    leg=st.sampled_from(LEGS), key=st.sampled_from(["tb/1", "tb/2", "tb/02", "tb/3"]), side=st.sampled_from(["left", "right"]),
    amount=st.sampled_from(["0", "1", "2", "3", "0.01", "-1"]), day=st.integers(0, LENGTH - 1),
    entity=st.sampled_from(["a", "b"]), currency=st.sampled_from(["CNY", "CNY", "USD"]),
    kind=st.sampled_from(["sale", "sale", "refund", "fee", "correction"]), quantity=st.sampled_from([Decimal(0), Decimal(1)]),
    attribute=st.sampled_from([None, None, "x", "y"]), sku=st.sampled_from(["", "A"]), customer=st.sampled_from(["", "c"]),
    discount=st.sampled_from([Decimal(0), Decimal(1)]), line=st.integers(1, 3),
)


def pay(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claims with a counterpart a day later for some, so that keys clear and come again."""
    back = [
        claim(r["leg"], r["key"], "right" if r["side"] == "left" else "left", r["amount"], min(3, n % 4 + 1),
              **{c: r[c] for c in ("entity", "currency", "kind", "quantity", "attribute", "sku", "customer")})
        for n, r in enumerate(rows) if n % 2
    ]
    return rows + back


def check(outcome: Outcome, claims: list[dict[str, Any]]) -> None:
    expected = oracle.settle(claims, outcome.periods)
    for number, period in enumerate(outcome.periods):
        day = expected[period]
        parts: dict[oracle.Key, list[dict[str, Any]]] = defaultdict(list)
        for row in outcome.rows("variances", number):
            parts[row["leg"], row["entity"], row["key"], row["currency"]].append(row)
        found = {
            key: oracle.Item(
                sum((r["left_amount"] for r in rows), Decimal(0)), sum((r["right_amount"] for r in rows), Decimal(0)),
                rows[0]["first_seen"], rows[0]["age_days"],
            ) for key, rows in parts.items()
        }
        assert found == day.items
        assert {
            (r["leg"], r["entity"], r["currency"]): oracle.Line(
                r["opening"], r["left_amount"], r["right_amount"], r["cleared"], r["closing"], r["matched_keys"], r["open_keys"],
            ) for r in outcome.rows("recon_summary", number)
        } == day.summary
        assert {
            (r["leg"], r["entity"], r["key"], r["currency"]): (r["opened"], r["amount"])
            for r in outcome.rows("clearings", number)
        } == day.clearings


@settings(max_examples=examples(1, 30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=various(CLAIM, 9, 16).map(pay), ends=st.sets(st.integers(0, LENGTH - 2), min_size=1), seed=st.integers(0, 9),
)
def test_the_core_agrees_with_the_oracle_in_any_split_and_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], ends: set[int], seed: int
) -> None:
    whole = run(tmp_path_factory.mktemp("whole"), rows, LENGTH)
    check(whole, rows)
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order, not a secret
    split = run(tmp_path_factory.mktemp("split"), shuffled, LENGTH, ends)
    assert split.digests() == whole.digests()


ONE_SIDED = st.builds(
    lambda number, side, amount, day, party, leg: claim(
        leg, f"{side[0]}/{number}", side, amount, day, customer=party, channel=party if leg == "payout_bank" else "", entity="a",
    ),
    number=st.integers(0, 99), side=st.sampled_from(["left", "right"]), amount=st.integers(1, 9), day=st.integers(0, 2),
    party=st.sampled_from(["", "c", "d"]), leg=st.sampled_from(["payout_bank", "order_payment"]),
)


@pytest.mark.slow
@settings(max_examples=examples(1, 20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=various(ONE_SIDED, 12, 24), seed=st.integers(0, 9))
def test_a_record_is_in_one_group_and_the_order_of_rows_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], seed: int
) -> None:
    outcome = run(tmp_path_factory.mktemp("once"), rows, 3)
    used = [(g["period"], g["leg"], g["entity"], g["currency"], key) for g in outcome.groups for key in g["members"]]
    assert len(used) == len(set(used))
    amounts: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for day in range(3):
        for r in outcome.rows("variances", day):  # an item may have several parts
            amounts[r["period"], r["leg"], r["key"]] += r["difference"]
    for group in outcome.groups:
        if group["pass"] in ("keyless", "batch", "subset"):
            total = sum(amounts[group["period"], group["leg"], key] for key in group["members"])
            assert abs(total) <= Decimal("0.01")
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order, not a secret
    again = run(tmp_path_factory.mktemp("again"), shuffled, 3, [0, 1])
    assert again.digests() == outcome.digests()


@given(amounts=st.lists(st.integers(1, 12), max_size=9), target=st.integers(1, 40))
def test_subsets_are_those_that_trying_all_finds(amounts: list[int], target: int) -> None:
    found = [
        members for size in range(2, len(amounts) + 1) for members in combinations(range(len(amounts)), size)
        if sum(amounts[i] for i in members) == target
    ]
    subset = find_subset(target, amounts)
    assert subset.count == len(found)
    if not found:
        assert subset.members == ()
    elif len(found) <= 64:
        assert subset.members == found[0]
    else:
        assert subset.members in found


@given(amounts=st.lists(st.integers(1, 12), max_size=9), target=st.integers(1, 40))
def test_subsets_of_amounts_beyond_64_bits_are_those_of_small_ones(amounts: list[int], target: int) -> None:
    assert find_subset(target * 10**18, [amount * 10**18 for amount in amounts]) == find_subset(target, amounts)


@pytest.mark.slow
def test_a_deposit_of_a_quadrillion_is_held_against_its_lines(tmp_path: Path) -> None:
    huge = 10**18
    lines = [claim("payout_bank", f"P{n}", "left", huge * n, 0, channel=f"c{n}") for n in (1, 2, 5, 11)]
    outcome = run(tmp_path, [*lines, claim("payout_bank", "bank/1", "right", huge * 7, 0)], 1)
    told = {r["key"]: r["proposal"] for r in outcome.rows("variances", 0)}
    assert told["bank/1"] and "2 items of 3 add up" in told["bank/1"], told


@pytest.mark.slow
def test_a_search_that_is_too_large_says_that_it_gave_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    lines = [claim("payout_bank", f"P{n:02}", "left", 1000 + 2 * n, 0, channel=f"c{n}") for n in range(40)]
    outcome = run(tmp_path_factory.mktemp("bound"), [*lines, claim("payout_bank", "bank/1", "right", "2501.5", 0)], 1)
    told = {r["key"]: (r["proposal"], r["confidence"]) for r in outcome.rows("variances", 0)}
    assert told["bank/1"] == ("the search for combinations gave up after the nearest 24 of 40 items", None)

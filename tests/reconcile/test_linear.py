"""Work that grows with the items and not with their square: one buyer, one amount, one key with very many of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from duizhang.reconcile.lines import Item, Lines
from duizhang.reconcile.matching import _subsets_of
from tests.reconcile.core import claim, run

DAY = dt.date(2026, 3, 1)


def test_lines_of_a_deposit_are_those_that_looking_at_each_finds() -> None:
    items = [Item(f"k{n:02}", (n * 7 % 11 + 1) * (1 if n % 3 else -1), DAY + dt.timedelta(days=n % 5), ("", "c", "d")[n % 3], 2)
             for n in range(40)]
    lines = Lines(i for i in items if i.amount > 0)
    gone = {"k04", "k11"}
    lines.remove(i for i in items if i.key in gone)
    for deposit in (i for i in items if i.amount < 0):
        plain = [
            i for i in items if i.amount > 0 and i.key not in gone and i.amount < -deposit.amount
            and abs((i.first_seen - deposit.first_seen).days) <= 2 and ("" in (i.party, deposit.party) or i.party == deposit.party)
        ]
        plain.sort(key=lambda i: (abs((i.first_seen - deposit.first_seen).days), i.key))
        assert lines.below(deposit) == (len(plain), sum(i.amount for i in plain))
        assert lines.nearest(deposit, 5) == plain[:5]


def test_the_search_of_one_buyers_orders_is_linear() -> None:
    def seconds(number: int) -> float:
        items = [Item(f"k{n}", (n % 97 + 1) * 100 * (-1 if n % 5 == 0 else 1), DAY, "c", 3) for n in range(number)]
        began = process_time()
        _subsets_of({"period": DAY, "leg": "order_payment", "entity": "e", "currency": "CNY"}, items, {}, [], [])
        return process_time() - began

    small, large = min(seconds(10_000) for _ in range(2)), seconds(40_000)
    assert large < 10 * small + 1, (small, large)  # four times the items; the square would be sixteen times


def crowd(number: int) -> list[dict[str, Any]]:
    """Orders and payments of one buyer, all of one amount, none of which fit; and one order with as many claims."""
    rows = [claim("order_payment", f"tb/o{n}", "left", 10, 0, customer="walk-in") for n in range(number)]
    rows += [claim("order_payment", f"tb/p{n}", "right", 10, 0, customer="walk-in") for n in range(number)]
    for side in ("left", "right"):
        rows += [claim("customer", "walk-in", side, 10, 0, order_id=f"{side}{n}", shop="tb") for n in range(number)]
    return rows + [claim("customer", "walk-in", "left", 10, day, order_id=f"x{n}", shop="tb") for n in range(number) for day in (0, 1)]


def test_pairs_of_one_amount_do_not_grow_with_the_product_of_both_sides(tmp_path: Path) -> None:
    counts: dict[int, int] = {}
    for number in (60, 120):
        outcome = run(tmp_path / str(number), crowd(number), 2)
        counts[number] = sum(len(g["members"]) for g in outcome.groups)
        told = {r["proposal"] for r in outcome.rows("variances", 0) if r["key"].startswith("tb/")}
        assert told == {"more than 40 items of this amount on both sides: no pair is proposed"}
        (item,) = [r for r in outcome.rows("variances", 1) if r["key"] == "walk-in"]
        assert item["difference"] == Decimal(20 * number)
    assert counts == {60: 0, 120: 0}


@pytest.mark.slow
def test_a_walk_in_customer_is_linear(tmp_path: Path) -> None:
    def seconds(number: int) -> float:
        began = process_time()
        run(tmp_path / str(number), crowd(number), 2)
        return process_time() - began

    small, large = seconds(10_000), seconds(40_000)
    assert large < 8 * small, (small, large)

"""Work that grows with the items and not with their square: one buyer, one amount, one key with very many of them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from duizhang.reconcile import Session
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


@pytest.mark.slow
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


@pytest.mark.slow
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


def of_one_key(number: int) -> list[dict[str, Any]]:
    """Very many claims under one key, in each leg that adds up; said again and again, or each another one."""
    rows: list[dict[str, Any]] = []
    for n in range(number):
        side = ("left", "right")[n % 2]
        rows += [
            claim("customer", "walk-in", side, 10 + n % 7, 0, order_id=f"o{n}", shop="tb", customer="walk-in"),
            claim("order_payment", "tb/same", "right", 10, 0, record_id=f"T{n}"),
            claim("order_payment", "tb/one", side, 10 + n % 7, 0, sku=f"s{n % 5}", record_id=f"T{n}"),
            claim("order_platform", "tb/one/s", side, 10 + n % 7, 0, quantity=Decimal(1), sku="s", attribute=f"status={n % 3}"),
            claim("order_shipment", f"tb/x{n}/s", side, 1, 0, quantity=Decimal(1), sku="s", currency="PCS"),
            claim("return_refund", f"tb/one/{n}", side, 5 + n % 7, 0, kind=("return", "refund")[n % 2], order_id="one", record_id=f"R{n}"),
            claim("payment_settlement", "alipay/T", side, 5 + n % 7, 0, order_id=f"o{n}"),
            claim("payout_bank", "P", side, 100 + n % 7, 0, shop=""),
            claim("stock", "W/s/warehouse", "left", 1, 0, quantity=Decimal(1), sku="s", kind="move", currency="PCS", order_id=""),
            claim("finance", "tb/revenue", side, 5 + n % 7, 0, order_id=f"o{n}"),
        ]
    return rows


def of_one_amount(number: int) -> list[dict[str, Any]]:
    """Accounts of the ledger that all lack or have one amount."""
    return [claim("ledger", f"{6000 + n}/{DAY}", ("left", "right")[n % 2], 7, 0, kind="subledger", order_id="") for n in range(number)]


def of_one_beginning(number: int) -> list[dict[str, Any]]:
    """References that follow each other, every other one of the other side."""
    return [claim("order_payment", f"tb/2026030100{n:07d}", ("left", "right")[n % 2], 10, 0) for n in range(number)]


@pytest.mark.slow
def test_no_model_makes_every_pair_of_the_claims_of_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, int] = {}
    plain = Session._make

    def rows_of(operator: dict[str, Any]) -> int:
        return max(int(operator.get("intermediate_rows", 0)), *map(rows_of, operator.get("children", [])), 0)

    def counted(self: Session, path: str, temporary: str) -> None:
        self.con.execute("pragma enable_profiling = 'no_output'")
        plain(self, path, temporary)
        operators = json.loads(self.con.get_profiling_information("json")).get("operator", [])
        made[path] = max(made.get(path, 0), *map(rows_of, operators), 0)
        self.con.execute("pragma disable_profiling")

    monkeypatch.setattr(Session, "_make", counted)
    found = []
    for number in (100, 400):
        made.clear()
        run(tmp_path / str(number), [*of_one_key(number), *of_one_amount(number), *of_one_beginning(number)], 1)
        found.append(dict(made))
    small, large = found
    assert small["items/judged.sql"] >= 300 and max(small.values()) > 1000  # what is counted is there
    # four times the claims; the square would be sixteen times
    assert {path for path in small if large[path] > 6 * small[path] + 1000} == set()


@pytest.mark.slow
@pytest.mark.parametrize("claims", [of_one_key, of_one_amount, of_one_beginning])
def test_very_many_claims_of_one_kind_are_linear(tmp_path: Path, claims: Callable[[int], list[dict[str, Any]]]) -> None:
    def seconds(number: int) -> float:
        rows = claims(number)
        began = process_time()
        run(tmp_path / str(number), rows, 1)
        return process_time() - began

    small, large = seconds(5_000), seconds(20_000)
    assert large < 8 * small, (small, large)

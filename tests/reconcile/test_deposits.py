"""The search for lines that add up to a deposit, on items alone: what is proposed, how surely, and when it gives up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from duizhang.declared.matching_passes import load_matching
from duizhang.reconcile.lines import Item
from duizhang.reconcile.matching import _subsets_of

DAY = dt.date(2026, 3, 1)
PLACE = {"period": DAY, "leg": "payout_bank", "entity": "e", "currency": "CNY"}


def item(key: str, amount: int, party: str = "", day: int = 0, window: int = 3) -> Item:
    return Item(key, amount, DAY + dt.timedelta(days=day), party, window)


def in_order(key: str, amount: int, day: int = 0) -> Item:
    """An item of a leg whose left side says first what the right side does."""
    return Item(key, amount, DAY + dt.timedelta(days=day), "c", 3, left_first=True)


def search(items: Sequence[Item]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    matched: list[dict[str, Any]] = []
    given_up: list[dict[str, Any]] = []
    _subsets_of(PLACE, items, {}, matched, given_up)
    assert all({name: row[name] for name in PLACE} == PLACE for row in (*matched, *given_up))
    return [(m["members"], m["pass"], m["points"], m["reason"]) for m in matched], [(g["key"], g["reason"]) for g in given_up]


@pytest.mark.parametrize(("items", "points", "reason"), [
    ([item("d", -30, "c"), item("a", 10, "c"), item("b", 20, "c"), item("x", 20, "o")], 8500, "2 items of 2 add up"),
    # it does not say whose it is: of one counterparty alone, of one among several, of two together
    ([item("d", -30), item("a", 10, "c"), item("b", 20, "c")], 8000, "2 items of 2 add up"),
    ([item("d", -30), item("a", 10, "c"), item("b", 20, "c"), item("x", 20, "o")], 8000, "2 items among the nearest 2 of 3 add up"),
    ([item("d", -30), item("a", 10, "c"), item("b", 20, "o")], 7000, "2 items of 2 add up"),
    # the other way round, and up to the end of the window
    ([item("d", 30, "c"), item("a", -10, "c", -3), item("b", -20, "c", 3)], 8500, "2 items of 2 add up"),
    # down to the smallest that amounts are stated in
    ([item("d", -3, "c"), item("a", 1, "c"), item("b", 2, "c")], 8500, "2 items of 2 add up"),
    ([item("d", 3, "c"), item("a", -1, "c"), item("b", -2, "c")], 8500, "2 items of 2 add up"),
    # all that there are: the sum of the lines is the deposit
    ([item("d", -60, "c"), item("a", 10, "c"), item("b", 20, "c"), item("e", 30, "c")], 8500, "3 items of 3 add up"),
])
def test_the_one_combination_is_as_sure_as_its_counterparty(items: list[Item], points: int, reason: str) -> None:
    keys = sorted(i.key for i in items[1:] if i.party in (items[1].party, items[2].party))
    assert search(items) == ([(["d", *keys], "subset", points, reason)], [])


def test_a_line_as_large_as_the_deposit_is_none_of_a_combination() -> None:
    lines = [item("a", 10, "c"), item("b", 20, "c"), item("x", 30, "c")]
    assert search([item("d", -30, "c"), *lines]) == ([(["d", "a", "b"], "subset", 8500, "2 items of 2 add up")], [])


def test_several_combinations_share_what_one_would_have_and_too_many_propose_nothing() -> None:
    def lines(number: int) -> list[Item]:
        return [item("d", -30, "c"), *(item(f"{side}{n}", 10 + n if side == "a" else 20 - n, "c") for n in range(number) for side in "ab")]

    assert search(lines(1))[0][0][2:] == (8500, "2 items of 2 add up")
    assert search(lines(2)) == ([(["d", "a0", "b0"], "subset", 3500, "2 items of 4 add up, 2 such combinations")], [])
    assert search(lines(3)) == ([(["d", "a0", "b0"], "subset", 2333, "2 items of 6 add up, 3 such combinations")], [])
    assert search(lines(4)) == ([], [("d", "4 combinations of 8 items add up: none is proposed")])


def test_a_line_is_used_once_and_deposits_are_tried_in_order() -> None:
    both = [item("d2", -30, "c", 1), item("d1", -30, "c", 1), item("d0", -31, "c", 0), item("a", 10, "c"), item("b", 20, "c")]
    assert search(both) == ([(["d1", "a", "b"], "subset", 8500, "2 items of 2 add up")], [])
    # the nearer ones first; what was found for one deposit is not taken for another
    assert search([*both[:2], *both[3:], item("e", 12, "c"), item("f", 18, "c", 1)])[0] == [
        (["d1", "e", "f"], "subset", 3500, "2 items of 4 add up, 2 such combinations"),
        (["d2", "a", "b"], "subset", 8500, "2 items of 2 add up"),
    ]


@pytest.mark.parametrize("items", [
    [item("d", -30, "c"), item("a", 30, "c")],  # one line is no combination
    [item("d", -30, "c"), item("a", 10, "c"), item("b", 19, "c")],
    [item("d", -30, "c"), item("a", 10, "c"), item("b", 20, "c", 4)],
    [item("d", -30, "c"), item("a", 10, "c"), item("b", 20, "o")],
    [item("d", -30, "c"), item("a", 10, "c"), item("b", 21, "c")],
])
def test_what_does_not_add_up_within_the_window_is_nothing(items: list[Item]) -> None:
    assert search(items) == ([], [])


@pytest.mark.parametrize(("deposit", "line", "found"), [
    # a payment reaches the bank a day before it is announced at most, and the window after that
    (-30, 1, True), (-30, 2, False), (-30, -3, True), (-30, -4, False),
    # what is paid back is announced first, or a day after it left the bank at most
    (30, -1, True), (30, -2, False), (30, 3, True), (30, 4, False),
])
def test_where_the_left_says_it_first_the_right_is_a_day_early_at_most(deposit: int, line: int, *, found: bool) -> None:
    sign = 1 if deposit < 0 else -1
    matched, given_up = search([in_order("d", deposit), in_order("a", 10 * sign, line), in_order("b", 20 * sign)])
    assert ([keys for keys, *_ in matched], given_up) == ([["d", "a", "b"]] if found else [], [])


def test_deposits_that_all_lines_together_do_not_reach_do_not_use_up_the_search() -> None:
    bounds = load_matching().bounds
    large = [item(f"d{n:03}", -31, "c") for n in range(bounds.deposits + 1)]
    lines = [item("a", 10, "c"), item("b", 20, "c")]
    assert search([*large, *lines]) == ([], [])
    assert search([*large, *lines, item("e", -30, "c", 1)])[0] == [(["e", "a", "b"], "subset", 8500, "2 items of 2 add up")]


def test_the_search_is_bounded_and_says_so() -> None:
    bounds = load_matching().bounds
    odd = [item(f"l{n:02}", 1000 + 2 * n, "c") for n in range(bounds.lines + 1)]
    assert search([item("d", -2501, "c"), *odd[:-1]]) == ([], [])
    assert search([item("d", -2501, "c"), *odd])[1] == [
        ("d", f"the search for combinations gave up after the nearest {bounds.lines} of {bounds.lines + 1} items")]
    found, _ = search([item("d", -2002, "c"), *odd])
    assert found == [(["d", "l00", "l01"], "subset", 8500, f"2 items among the nearest {bounds.lines} of {bounds.lines + 1} add up")]
    many = [item(f"d{n:03}", -7, "c") for n in range(bounds.deposits + 2)]
    assert search([*many, item("a", 2, "c"), item("b", 6, "c")])[1] == [
        (f"d{n:03}", f"combinations were not searched: more than {bounds.deposits} deposits on the day")
        for n in (bounds.deposits, bounds.deposits + 1)]

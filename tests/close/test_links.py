"""Events that belong together are linked: what nets is cleared, nothing is booked, and the rest stays."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.books import Books
from duizhang.close.authority import Actor
from duizhang.close.choosing import Choice
from duizhang.close.deciding import take
from duizhang.close.decisions import Item
from duizhang.close.groups import Event, linked
from duizhang.close.journal import correction_claims, entries
from duizhang.errors import UserError
from duizhang.home.state import State

DAY, NEXT = dt.date(2026, 3, 2), dt.date(2026, 3, 3)


def event(
    name: str, amount: str, *, leg: str = "order_payment", currency: str = "CNY", day: dt.date = DAY, cause: str = "missing_right",
) -> Event:
    """An event of two legs; its key is its name."""
    items = (Item(leg, "acme", name, currency, cause, Decimal(amount), Decimal(0), is_booked=True, shop="s", order_id=name),
             Item("order_platform", "acme", f"{name}/1", currency, cause, Decimal(amount), Decimal(1), is_booked=False))
    return Event(name, day, items, DAY, frozenset({f"s/{name}"}))


def claimed(state: State) -> dict[str, Decimal]:
    books = Books(root=Path(), entity="acme", start=DAY)
    assert list(entries(books, state, [DAY])) == []
    return {row["key"]: row["amount"] for row in correction_claims(books, state, [DAY]).to_pylist()}


def test_what_nets_is_cleared_in_every_leg_and_nothing_is_booked(tmp_path: Path) -> None:
    state = State(tmp_path)
    both = linked([event("a", "100"), event("b", "-60"), event("c", "-40")])
    assert (both.id, both.amount) == ("a b c", 0)
    take(state, [Choice(both, "link", "one payment for two orders")], by=Actor("Li"))
    assert claimed(state) == {"a": -100, "a/1": -100, "b": 60, "b/1": 60, "c": 40, "c/1": 40}
    with pytest.raises(UserError, match="Li decided link on it"):
        take(state, [Choice(event("b", "-60"), "write_off", "lost")], by=Actor("Zhao"))


def test_the_rest_stays_where_the_largest_is(tmp_path: Path) -> None:
    state = State(tmp_path)
    take(state, [Choice(linked([event("a", "100"), event("b", "-60")]), "link", "paid in part")], by=Actor("Li"))
    assert claimed(state) == {"a": -60, "b": 60, "b/1": 60}
    # the pieces are there or are not: what is paid in part says nothing of them
    rows = correction_claims(Books(root=Path(), entity="acme", start=DAY), state, [DAY]).to_pylist()
    assert {row["key"]: (row["quantity"], row["kind"], row["remark"]) for row in rows} == {
        "a": (0, "correction", "order:a b"), "b": (0, "correction", "order:a b"), "b/1": (-1, "correction", "order:a b")}


def test_what_cannot_net_is_not_linked() -> None:
    for events, said in (
        ([event("a", "1"), event("a", "1")], "at least two"), ([event("a", "1"), event("b", "1")], "do not net"),
        ([event("a", "1"), event("b", "-1", leg="payout_bank")], "one leg"),
        ([event("a", "1"), event("b", "-1", currency="USD")], "one leg"),
    ):
        with pytest.raises(UserError, match=said):
            linked(events)


@pytest.mark.parametrize(("first", "second", "said"), [
    ((NEXT, "correct"), (DAY, "write_off"), "on a later day; decide there"),
    ((NEXT, "link"), (DAY, "correct"), "on a later day; decide there"),
    ((DAY, "write_off"), (NEXT, "correct"), "run 2026-03-02 before it is decided again"),
    ((DAY, "link"), (NEXT, "write_off"), "run 2026-03-02 before it is decided again"),
])
@pytest.mark.parametrize("currency", ["USD", "PCS"])
def test_an_item_is_cleared_once_on_whichever_day_and_under_whatever_cause_it_is_looked_at(
    tmp_path: Path, first: tuple[dt.date, str], second: tuple[dt.date, str], said: str, currency: str,
) -> None:
    """What is `timing` on one day is missing on the next, and is the same item."""
    state = State(tmp_path)

    def choose(day: dt.date, decision: str) -> None:
        found = [event(name, amount, currency=currency, day=day, cause="timing" if day == DAY else "missing_right")
                 for name, amount in (("a", "100"), ("b", "-100"))]
        take(state, [Choice(linked(found) if decision == "link" else found[0], decision, "because")], by=Actor("Li"))

    choose(*first)
    with pytest.raises(UserError, match=said):
        choose(*second)

"""What an event is made of, and how long what was decided about it stands."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from duizhang.close.authority import Actor
from duizhang.close.choosing import Choice
from duizhang.close.deciding import take, take_back
from duizhang.close.decisions import Decision, Item, Undo, item_decisions, not_computed, store_undo
from duizhang.close.groups import Event, _orders, linked, no_such_day
from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.home.events import append_event
from duizhang.home.state import State

DAY, NEXT = dt.date(2026, 3, 2), dt.date(2026, 3, 3)


def item(key: str, amount: str = "10", *, leg: str = "order_payment", booked: bool = True, order: str = "") -> Item:
    return Item(leg, "acme", key, "CNY", "missing_right", Decimal(amount), Decimal(0), is_booked=booked, shop="tb", order_id=order)


def event(*items: Item) -> Event:
    return Event(items[0].key, DAY, items, DAY, frozenset())


def waiting(state: State, until: dt.date) -> Decision:
    return take(state, [Choice(event(item("tb/1")), "wait", "on its way", until)], by=Actor("Li")).stored[0]


def test_what_waits_does_so_until_its_day_or_until_it_is_taken_back(tmp_path: Path) -> None:
    state = State(tmp_path)
    d = waiting(state, DAY + dt.timedelta(days=9))
    assert [r["until"] for r in item_decisions(state).to_pylist()] == [DAY + dt.timedelta(days=9)]
    store_undo(state, d.id, Undo(DAY + dt.timedelta(days=4), "Zhao", "it came"))
    assert [r["until"] for r in item_decisions(state).to_pylist()] == [DAY + dt.timedelta(days=3)]


def test_a_decision_is_not_computed_until_its_day_is(tmp_path: Path) -> None:
    state = State(tmp_path)
    d = waiting(state, NEXT)
    assert [(n.id, n.decision) for n in not_computed(state, DAY)] == [(d.id, "wait")] and not_computed(state, NEXT) == []
    told = {"from": DAY.isoformat(), "to": NEXT.isoformat(), "held": [DAY.isoformat()]}
    append_event(state, actor="duizhang", kind=EventKind.COMPUTED, payload=told)
    assert len(not_computed(state, DAY)) == 1  # the day is held, so that nobody sees it
    append_event(state, actor="duizhang", kind=EventKind.COMPUTED, payload={**told, "held": []})
    assert not_computed(state, DAY) == []


def test_a_decision_is_taken_back_on_its_own_day_while_that_is_open(tmp_path: Path) -> None:
    state = State(tmp_path)
    d = waiting(state, NEXT)
    with pytest.raises(UserError, match="was decided on 2026-03-02, which is open"):
        take_back(tmp_path, state, d.id, by="Zhao", reason="it came", period=NEXT)
    assert [u.taken_back and u.taken_back.period for u in take_back(tmp_path, state, d.id, by="Zhao", reason="it came")] == [DAY]


def test_events_whose_rest_is_as_large_as_the_largest_do_not_net() -> None:
    for amounts in (("100", "50", "-50"), ("100", "30")):
        with pytest.raises(UserError, match="do not net"):
            linked([event(item(f"tb/{n}", amount)) for n, amount in enumerate(amounts)])


def test_a_sum_knows_the_orders_whose_fees_it_adds_up_and_no_other() -> None:
    of_lines = {("fee", "tb", "missing_right"): frozenset({"tb/7"}), ("freight", "tb", "missing_right"): frozenset({"tb/8"})}
    fees = item("tb/fee", leg="finance")
    assert _orders([fees], of_lines) == {"tb/7"} and _orders([item("tb/freight", leg="finance")], of_lines) == {"tb/8"}
    assert _orders([item("tb/revenue", leg="finance")], of_lines) == frozenset()
    assert _orders([item("tb/fee", leg="finance", booked=False)], of_lines) == frozenset()
    buyer = [item("c", leg="customer", order="2"), item("c", leg="customer", booked=False, order="3")]
    assert _orders([item("tb/1", order="1"), *buyer], {}) == {"tb/1", "tb/3"}


def test_a_day_that_was_never_computed_or_is_held_says_so() -> None:
    with duckdb.connect() as con:
        con.execute("create table period_status as select date '2026-03-02' as period, 'held' as state, 0 as version "
                    "union all select date '2026-03-03', 'reconciled', 1")
        no_such_day(con, NEXT)
        with pytest.raises(UserError, match="2026-03-02 is held and was never published"):
            no_such_day(con, DAY)
        with pytest.raises(UserError, match="2026-03-04 was never computed"):
            no_such_day(con, dt.date(2026, 3, 4))

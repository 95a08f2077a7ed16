"""What an event is made of, and how long what was decided about it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from duizhang.close import deciding, groups
from duizhang.close.authority import Actor
from duizhang.close.choosing import Choice
from duizhang.close.deciding import accept, decision_of, prepared, take, take_back, undo_of
from duizhang.close.decisions import (
    Decision,
    Item,
    Undo,
    cells_not_computed,
    decisions,
    item_decisions,
    next_entry,
    not_computed,
    store_undo,
)
from duizhang.close.groups import Event, _orders, by_item, events_of, linked, no_such_day
from duizhang.declared.terms import EventKind, PeriodStatus
from duizhang.errors import UserError
from duizhang.home.events import append_event, events
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


def test_the_log_tells_decisions_and_that_they_were_taken_back_whole(tmp_path: Path) -> None:
    state = State(tmp_path)
    taken = take(state, [
        Choice(event(item("tb/1", order="1"), item("tb/1/A", leg="order_platform", booked=False)), "write_off", "lost"),
        Choice(event(item("tb/2")), "wait", "on its way", NEXT),
        Choice(event(item("tb/3")), "reclassify", "a fee", to="fee_rate", row="d1g", split="s1"),
    ], by=Actor("Li")).stored
    take_back(tmp_path, state, taken[0].id, by="Zhao", reason="found")
    known = decisions(state)
    undone = {e["payload"]["id"]: undo_of(e["actor"], e["payload"]) for e in events(state, EventKind.TAKEN_BACK)}
    assert undone == {d.id: d.taken_back for d in known if d.taken_back} == {1: Undo(DAY, "Zhao", "found", 3)}
    told = [decision_of(e["actor"], e["payload"]) for e in events(state, EventKind.DECIDED)]
    assert told == list(taken) and [(d.id, d.items, d.until, d.to, d.split, d.row) for d in known] == [
        (d.id, d.items, d.until, d.to, d.split, d.row) for d in told]
    assert [d.entry for d in known] == [1, 0, 2] and next_entry(known) == 4


def test_a_cell_that_was_corrected_is_not_computed_until_its_day_is_and_not_where_that_was_taken_back(tmp_path: Path) -> None:
    state = State(tmp_path)

    def cell(kind: EventKind, number: int, *days: dt.date) -> None:
        append_event(state, actor="Li", kind=kind, payload={"id": number, "days": [day.isoformat() for day in days]})

    cell(EventKind.CELL_CORRECTED, 1, DAY, NEXT)
    append_event(state, actor="duizhang", kind=EventKind.COMPUTED, payload={"from": DAY.isoformat(), "to": DAY.isoformat(), "held": []})
    assert (cells_not_computed(state, DAY), cells_not_computed(state, NEXT)) == ([], ["K000001"])
    cell(EventKind.CELL_CORRECTED, 3, DAY)
    cell(EventKind.CELL_CORRECTED, 2, DAY)
    assert (cells_not_computed(state, DAY), cells_not_computed(state, NEXT)) == (["K000002", "K000003"], ["K000001"])
    cell(EventKind.CELL_RESTORED, 1, DAY, NEXT)
    cell(EventKind.CELL_RESTORED, 3, DAY)
    # what the day was computed with has to be computed without it
    assert (cells_not_computed(state, DAY), cells_not_computed(state, NEXT)) == (["K000001", "K000002"], [])


@contextmanager
def published() -> Iterator[duckdb.DuckDBPyConnection]:
    """A published day: an order that two legs show, and items that were published before events were."""
    with duckdb.connect() as con:
        con.execute("create table period_status as select date '2026-03-02' as period, 'reconciled' as state, 1 as version")
        con.execute("""create table variances (period date default date '2026-03-02', leg varchar, entity varchar default 'acme',
            "key" varchar, currency varchar default 'CNY', cause varchar default 'missing_right', difference decimal(28, 4),
            left_quantity decimal(28, 4) default 3, right_quantity decimal(28, 4) default 1, shop varchar, order_id varchar,
            first_seen date)""")
        con.execute("create table event_items as select 'E1' as event, *, true as is_booked, left_quantity as quantity from variances")
        con.execute("""insert into variances (leg, "key", difference, shop, order_id, first_seen) values
            ('order_payment', 'tb/1', 10, 'tb', '1', '2026-03-01'), ('order_platform', 'tb/1/A', 10, 'tb', '1', '2026-02-28'),
            ('payout_bank', 'P1', -50, null, null, null), ('fee', 'alipay/T1/fee', -5, 'tb', '7', '2026-03-02')""")
        con.execute("insert into variances (period, leg, \"key\", difference) values ('2026-03-03', 'payout_bank', 'P2', 99)")
        con.execute("""insert into event_items
            (event, period, leg, entity, "key", currency, cause, difference, quantity, is_booked, shop, order_id)
            select 'E1', period, leg, entity, "key", currency, cause, difference, 2, leg = 'order_payment', shop, order_id from variances
            where "key" like 'tb/%'""")
        yield con


def test_the_events_of_a_day_are_as_published_the_largest_first_and_an_item_without_one_is_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    monkeypatch.setattr(groups, "open_published", lambda home: published())
    found = list(events_of(tmp_path, DAY).values())
    assert [(e.lead.key, e.amount, e.quantity, e.first_seen, sorted(e.orders)) for e in found] == [
        ("P1", -50, 2, DAY, []), ("tb/1", 10, 2, dt.date(2026, 2, 28), ["tb/1"]), ("alipay/T1/fee", -5, 2, DAY, ["tb/7"])]
    assert [(i.key, i.is_booked, i.shop, i.order_id) for e in found for i in e.items] == [
        ("P1", True, "", ""), ("tb/1", True, "tb", "1"), ("tb/1/A", False, "tb", "1"), ("alipay/T1/fee", True, "tb", "7")]
    assert {place[2]: [e.lead.key for e in of] for place, of in by_item(found).items()} == {
        "P1": ["P1"], "tb/1": ["tb/1"], "tb/1/A": ["tb/1"], "alipay/T1/fee": ["alipay/T1/fee"]}
    assert len({e.id for e in found}) == 3 and all(event_id == e.id for event_id, e in events_of(tmp_path, DAY).items())


def test_what_would_be_decided_is_told_event_by_event_or_together_where_they_are_linked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    first, second = event(item("tb/1", "10")), event(item("tb/2", "-10"))
    monkeypatch.setattr(deciding, "events_of", lambda home, period: {e.id: e for e in (first, second)})
    state = State(tmp_path)

    def would(decision: str, *names: str) -> list[tuple[str, str]]:
        return [(c.event.id, c.reason) for c in prepared(tmp_path, state, DAY, names, decision, reason=" agreed ")]

    assert would("accept", "tb/2", "tb/1", "tb/2") == [("tb/2", "agreed"), ("tb/1", "agreed")]
    assert would("link", "tb/1", "tb/2") == [("tb/1 tb/2", "agreed")]
    with pytest.raises(UserError, match="2026-03-02 has no open event tb/9"):
        would("accept", "tb/1", "tb/9")
    with pytest.raises(UserError, match=r"(?s)nothing was decided.*tb/1: .*tb/2: "):
        would("wait", "tb/1", "tb/2")


def test_the_money_of_an_event_is_what_its_first_leg_has_of_it_once() -> None:
    beside = item("tb/1/A", "999", leg="order_platform")
    assert event(item("tb/1", "60"), item("tb/2", "40"), beside).amount == 100
    # of two accounts that have what the other lacks, what the first has too much
    assert event(item("1122/2026-03-02", "30", leg="ledger"), item("1123/2026-03-02", "-30", leg="ledger")).amount == 30
    assert event(item("tb/1", "10", booked=False), item("tb/1/A", "5", leg="order_platform")).lead.key == "tb/1/A"
    assert event(item("tb/1", "10", booked=False), item("tb/2", "5", booked=False)).amount == 10
    assert linked([event(item("tb/1", "10")), event(item("tb/2", "-10"))]).amount == 0


def closed(monkeypatch: pytest.MonkeyPatch, *days: dt.date) -> None:
    monkeypatch.setattr(deciding, "period_states", lambda state: {day: SimpleNamespace(state=PeriodStatus.CLOSED) for day in days})


def test_nothing_of_a_closed_day_is_decided_taken_back_or_let_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = State(tmp_path)
    d = waiting(state, NEXT)
    closed(monkeypatch, DAY)
    with pytest.raises(UserError, match="2026-03-02 is closed; reopen it first, or decide on a later day"):
        waiting(state, NEXT)
    with pytest.raises(UserError, match="2026-03-02 is closed"):
        take_back(tmp_path, state, d.id, by="Zhao", reason="it came")
    with pytest.raises(UserError, match="2026-03-02 is closed"):
        accept(tmp_path, state, DAY, "payments", "amount_is_known", by="Zhao", reason="known")
    assert len(decisions(state)) == 1
    # from an open day behind it on it does not count any more; on its own it does
    [back] = take_back(tmp_path, state, d.id, by="Zhao", reason="it came", period=NEXT)
    assert back.taken_back == Undo(NEXT, "Zhao", "it came") and not back.is_gone


def test_a_failed_check_is_let_pass_once_by_name_and_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = State(tmp_path)
    answers = iter([True, False])
    monkeypatch.setattr(deciding, "accept_failure", lambda *said: next(answers))
    said = [accept(tmp_path, state, DAY, "payments", "amount_is_known", by="Zhao", reason=" known ") for _ in range(2)]
    assert said == [True, False], "the second says what is known"
    assert [(e["actor"], e["payload"]) for e in events(state, EventKind.ACCEPTED)] == [
        ("Zhao", {"period": "2026-03-02", "table": "payments", "expectation": "amount_is_known", "reason": "known"})]

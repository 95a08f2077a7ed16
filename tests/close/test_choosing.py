"""What else may be decided: booked elsewhere, asked of somebody, a price adjusted, and one item in parts that add up to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from duizhang.books import Books
from duizhang.books.staff import WriteOffLimit
from duizhang.close.authority import Actor
from duizhang.close.choosing import Choice, Ground, chosen, divided
from duizhang.close.decided_sheet import decided_rows
from duizhang.close.deciding import take, take_back
from duizhang.close.decisions import Decision, Item, decisions, item_decisions
from duizhang.close.groups import Event
from duizhang.close.importing import Imported, import_decisions
from duizhang.close.journal import correction_claims, entries
from duizhang.close.leg_sheets import write_sheets
from duizhang.close.workbook import safe_cell
from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.home.events import append_event, events
from duizhang.home.state import State
from duizhang.report import Labels

DAY = dt.date(2026, 3, 2)
BOOKS = Books.model_validate({
    "root": Path(), "entity": "acme", "start": DAY, "journal": {"by_cause": {"fee_rate": "6603.02"}},
    "shops": {shop: {"platform": "taobao"} for shop in "st"},
    "accounts": {"6001.01": {"measure": "sales", "shop": "s"}, "6001.02": {"measure": "sales", "shop": "t"}},
})


class Known(Ground):
    """What a home would know."""

    newest, books, accounts = DAY, BOOKS, frozenset({"1122", "6001.01", "6001.02", "6603.02", "6711.01"})

    def __init__(self) -> None:
        pass

    def parties(self, period: dt.date) -> tuple[str, ...]:
        return ("SF", "alipay")

    def ours(self, event: Event) -> Decimal:
        return Decimal("50")


def event(name: str = "E1", amount: str = "100", *, leg: str = "order_payment", currency: str = "CNY", key: str = "") -> Event:
    """An event of an order: its money, the line of the platform, a share of the shop's profit, its customer."""
    money = Decimal(amount)
    own = Item(leg, "acme", key or f"s/{name}", currency, "missing_right", money, Decimal(0), is_booked=True, shop="s", order_id=name)
    beside = (
        Item("order_platform", "acme", f"s/{name}/1", currency, "missing_right", -money, Decimal(3), is_booked=False),
        Item("finance", "acme", "s/profit", currency, "missing_right", Decimal("99.40"), Decimal(0), is_booked=False, shop="s"),
        Item("customer", "acme", "p15e", currency, "missing_right", money, Decimal(0), is_booked=False),
    )
    return Event(name, DAY, (own, *(beside if leg == "order_payment" else ())), DAY, frozenset({f"s/{name}"}))


def choices(about: Event, decision: str, to: str = "", **more: Any) -> list[Choice]:
    return chosen(Known(), Choice(about, decision, "agreed", to=to, **more))


def decided(state: State, about: Event, decision: str, to: str = "", **more: Any) -> Sequence[Decision]:
    return take(state, choices(about, decision, to, **more), by=Actor("Li")).stored


def booked(state: State) -> dict[str, Decimal]:
    """By account, what the entries of the day book there."""
    found: dict[str, Decimal] = {}
    for entry in entries(BOOKS, state, [DAY]):
        assert sum((line.amount for line in entry.lines), Decimal(0)) == 0
        for line in entry.lines:
            found[line.account] = found.get(line.account, Decimal(0)) + line.amount
    return found


def claimed(state: State, leg: str = "order_payment") -> Decimal:
    rows = correction_claims(BOOKS, state, [DAY]).to_pylist()
    return sum((row["amount"] for row in rows if row["leg"] == leg and row["kind"] != "subledger"), Decimal(0))


def test_what_stands_on_a_wrong_account_or_cause_is_booked_on_the_right_one(tmp_path: Path) -> None:
    state = State(tmp_path)
    decided(state, event("E1", "100"), "reclassify", "fee_rate")
    decided(state, event("E2", "30", leg="ledger", key=f"6001.01/{DAY}"), "reclassify", "6001.02")
    # the sub-ledger has 30 more than the account, so they are debited there, and credited where they stand
    assert booked(state) == {"1122": -100, "6603.02": 100, "6001.01": 30, "6001.02": -30}
    assert [claimed(state), claimed(state, "ledger")] == [Decimal(-100), Decimal(-30)]
    causes = {line.account: line.item.cause for entry in entries(BOOKS, state, [DAY]) for line in entry.lines}
    assert causes["6603.02"] == "fee_rate" and causes["1122"] == "missing_right"
    # what else is open on that account on the day was there before the entry; what the entry leaves open is not decided again
    other = decided(state, event("E3", "-30", leg="ledger", key=f"6001.02/{DAY}"), "correct")
    take_back(tmp_path, state, other[0].id, by="Zhao", reason="not yet")
    append_event(state, actor="duizhang", kind=EventKind.COMPUTED, payload={"from": str(DAY), "to": str(DAY), "held": []})
    with pytest.raises(UserError, match=r"its entry J000002 is for this account and day: .* not posted or posted otherwise"):
        decided(state, event("E3", "-30", leg="ledger", key=f"6001.02/{DAY}"), "correct")
    take_back(tmp_path, state, 2, by="Zhao", reason="was right")
    assert sum(booked(state).values()) == 0 and booked(state)["6001.02"] == 0


def test_what_is_written_off_and_what_is_corrected_are_claimed_as_that_and_by_their_event(tmp_path: Path) -> None:
    state = State(tmp_path)
    decided(state, event("E1"), "write_off")
    decided(state, event("E2", leg="fee"), "correct")
    rows = correction_claims(BOOKS, state, [DAY]).to_pylist()
    # its customer is among the items of the first, so that nothing more is claimed of him
    assert {(row["kind"], row["remark"], row["line"]) for row in rows} == {("write_off", "event:E1", 1), ("correction", "order:E2", 2)}
    assert {row["key"]: (row["amount"], row["quantity"]) for row in rows if row["line"] == 1} == {
        "s/E1": (-100, 0), "s/E1/1": (100, -3), "s/profit": (Decimal("-99.40"), 0), "p15e": (-100, 0)}
    assert {row["order_id"] for row in rows} == {"E1", "E2", ""}


def test_an_account_that_stands_beside_an_order_is_not_where_its_entry_is_posted(tmp_path: Path) -> None:
    state = State(tmp_path)
    beside = Item("ledger", "acme", f"6001.01/{DAY}", "CNY", "missing_right", Decimal(70), Decimal(0), is_booked=False)
    order = event("E1", "70")
    take(state, [Choice(Event("E1", DAY, (*order.items, beside), DAY, order.orders), "correct", "agreed")], by=Actor("Li"))
    append_event(state, actor="duizhang", kind=EventKind.COMPUTED, payload={"from": str(DAY), "to": str(DAY), "held": []})
    account = event("E3", "-30", leg="ledger", key=f"6001.01/{DAY}")
    [one] = decided(state, account, "correct")
    assert (one.amount, one.entry) == (-30, 2)


def test_who_is_chased_is_known_and_the_item_stays_open_until_a_day(tmp_path: Path) -> None:
    state, until = State(tmp_path), DAY + dt.timedelta(days=9)
    [one] = decided(state, event("E1"), "chase", "Alipay", until=until)
    [other] = decided(state, event("E2"), "chase", "customer")
    assert (one.to, other.to) == ("alipay", "customer:p15e")
    assert booked(state) == {} and claimed(state) == 0
    standing = {row["key"]: (row["status"], row["until"]) for row in item_decisions(state).to_pylist() if row["leg"] == "order_payment"}
    assert standing == {"s/E1": ("chased", until), "s/E2": ("chased", None)}


def test_a_price_is_adjusted_to_theirs_or_part_of_the_way(tmp_path: Path) -> None:
    state = State(tmp_path)
    [whole] = decided(state, event("E1", "-10"), "adjust")
    [part] = decided(state, event("E2", "-10"), "adjust", "54")
    assert (whole.to, whole.amount, part.to, part.amount) == ("60.00", Decimal(-10), "54.00", Decimal(-4))
    assert claimed(state) == 14 and booked(state) == {"1122": 14, "1221.99": -14}, "6 of the second are still open"


def test_the_parts_of_a_split_add_up_in_every_leg_and_are_taken_back_together(tmp_path: Path) -> None:
    state, about = State(tmp_path), event()
    parts = decided(state, about, "split", "60.01 write_off: damaged; 10 reclassify fee_rate; 29.99 chase SF 2026-04-30：asked twice")
    assert [(d.decision, d.amount, d.reason, d.to) for d in parts] == [
        ("write_off", Decimal("60.01"), "damaged", ""), ("reclassify", 10, "agreed", "fee_rate"),
        ("chase", Decimal("29.99"), "asked twice", "SF")]
    for place in {item.place for item in about.items}:
        whole = [item for item in about.items if item.place == place]
        own = [item for d in parts for item in d.items if item.place == place]
        assert sum(i.difference for i in own) == sum(i.difference for i in whole)
        assert sum(i.quantity for i in own) == sum(i.quantity for i in whole)
    assert claimed(state) == Decimal("-70.01")
    assert booked(state) == {"1122": Decimal("-70.01"), "6711.01": Decimal("60.01"), "6603.02": 10}
    assert [row["status"] for row in item_decisions(state).to_pylist() if row["key"] == "s/E1"] == ["chased"]
    with pytest.raises(UserError, match="Li decided"):
        decided(state, about, "write_off")
    assert [d.name for d in take_back(tmp_path, state, 2, by="Zhao", reason="found")] == ["C000001", "C000002", "C000003"]
    assert set(booked(state).values()) == {0} and claimed(state) == 0
    assert [d.name for d in decided(state, about, "write_off")] == ["C000004"], "and decided anew"


def test_a_workbook_takes_back_what_was_decided_with_the_events_of_the_command(tmp_path: Path) -> None:
    states = by_command, by_workbook = State(tmp_path / "command"), State(tmp_path / "workbook")
    for state in states:
        decided(state, event(), "write_off")
        decided(state, event("E2"), "split", "60 write_off; 40 chase SF 2026-04-30")
    book = tmp_path / "book.xlsx"
    write_sheets([], DAY, book, Labels("zh"), safe_cell, decided=decided_rows(by_workbook, DAY))
    sheets = openpyxl.load_workbook(book)
    rows = sheets.worksheets[1]
    place = {str(cell.value): number for number, cell in enumerate(rows[1], 1)}
    assert [rows.cell(row, place["number"]).value for row in (3, 4, 5)] == ["C000003", "C000002", "C000001"]

    def imported(**cells: str) -> Imported:
        for row in (3, 4, 5):
            for name, value in cells.items():
                rows.cell(row, place[name]).value = value
        sheets.save(book)
        return import_decisions(by_workbook.home, by_workbook, book, by="Zhao")

    refused = [({"back_reason": "paid"}, "without a decision that is taken back"), ({"take_back": "no"}, "choose what the list offers"),
               ({"take_back": "是", "row": "another"}, "export again"), ({"back_reason": ""}, "export again")]
    for cells, said in refused:
        with pytest.raises(UserError, match=said):
            imported(**cells)
    write_sheets([], DAY, book, Labels("zh"), safe_cell, decided=decided_rows(by_workbook, DAY))
    sheets = openpyxl.load_workbook(book)
    rows = sheets.worksheets[1]
    with pytest.raises(UserError, match="needs a reason"):
        imported(take_back="是")
    assert [d.name for d in imported(back_reason="paid").undone] == ["C000002", "C000003", "C000001"], "of a split both parts, once"
    assert imported().undone == (), "the same workbook again changes nothing"
    with pytest.raises(UserError, match="Zhao took C000001 back before"):
        imported(back_reason="another reason")
    for number in (3, 1):
        take_back(by_command.home, by_command, number, by="Zhao", reason="paid")
    told = [[(e["kind"], e["actor"], e["payload"]) for e in events(state)] for state in states]
    assert told[0] == told[1] and set(booked(by_workbook).values()) == {0}


def test_what_nobody_can_decide_so_is_refused() -> None:
    pieces = event("E9", "3", leg="stock", currency="PCS")
    for about, decision, to, said in (
        (event(), "reclassify", "", "to is empty"), (event(), "reclassify", "6001.03", "did you mean '6001.0"),
        (event(), "reclassify", "missing_right", "its cause is missing_right already"),
        (event(), "reclassify", "rounding", "no account for the cause rounding"), (event(), "reclassify", "6711.01", "decide write_off"),
        (event(), "reclassify", "1122", "is on the account 1122 already"), (pieces, "reclassify", "1122", "no money in it"),
        (event(), "chase", "aliay", "did you mean 'alipay'"), (event("E2", leg="fee"), "chase", "customer", "0 customers are known"),
        (event(), "chase", "customer:p99", "its customer is p15e"), (event(), "write_off", "1122", "which names nothing"),
        (event(), "adjust", "60", "does not bring the sides nearer"), (event("E2", "-10"), "adjust", "61", "from 50 to 60"),
        (event(), "adjust", "nan", "is no amount"), (event(leg="payout_bank"), "adjust", "", "a price is adjusted where one differs"),
        (pieces, "adjust", "", "a price is adjusted"),
        (event(), "split", "100 write_off", "at least two parts"), (event(), "split", "60 write_off; 41 wait 2026-04-30", "add up to 101"),
        (event(), "split", "160 write_off; -60 wait 2026-04-30", "the sign of the whole"),
        (event(), "split", "60 accept; 40 wait 2026-04-30", "stands in one way"),
        (event(), "split", "60 write_off; 40 wait", "part 2: wait_until is empty"),
        (event(), "split", "60 write_off; much", "'much' cannot be read"),
        (event(), "split", "60 split; 40 link", "a part cannot be decided split"),
        (event(), "split", "60.001 write_off; 39.999 correct", "the smallest is 0.01"),
    ):
        with pytest.raises(UserError, match=said):
            choices(about, decision, to)
    several = Event("E3", DAY, (*event("a", "60").items[:1], *event("b", "40").items[:1]), DAY, frozenset())
    with pytest.raises(UserError, match="has its money in 2 items"):
        divided(several, [Decimal(30), Decimal(70)])


def test_a_limit_is_not_passed_in_parts_nor_under_another_name(tmp_path: Path) -> None:
    state, clerk = State(tmp_path), Actor("Li", None, WriteOffLimit(event=Decimal(50)), "CNY")
    for decision, to in (("split", "50 write_off; 50 write_off: more"), ("reclassify", "fee_rate"),
                         ("split", "40 write_off; 60 reclassify fee_rate")):
        with pytest.raises(UserError, match="is more than the 50 CNY at once"):
            take(state, choices(event(), decision, to), by=clerk)
    assert decisions(state) == []
    take(state, choices(event(), "split", "50 write_off; 50 wait 2026-04-30"), by=clerk)

"""Every promise of sql/assertions has been seen to fail: rows that keep it, and each single change that breaks it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from duizhang.declared.schema import CLAIM
from duizhang.errors import ConservationError
from duizhang.home import published
from duizhang.layout import SQL
from duizhang.reconcile import assert_conservation
from tests.reconcile.core import claim

FIRST = dt.date(2026, 3, 1)
NEXT = FIRST + dt.timedelta(days=1)
LEG = {"leg": "order_payment", "entity": "demo", "currency": "CNY"}


def money(**values: str) -> dict[str, Decimal]:
    return {name: Decimal(text) for name, text in values.items()}


def rows() -> dict[str, list[dict[str, Any]]]:
    """Two days of one leg: two items on the first, the larger of which is in two parts; one of them on the second."""
    finance = {**LEG, "leg": "finance"}
    part = {**LEG, "key": "tb/1", "period": FIRST, **money(left_quantity="2", right_quantity="3")}
    none = money(left_quantity="0", right_quantity="0")
    whole = money(left_amount="9", right_amount="2", difference="7")
    other = {**LEG, "key": "tb/2", "period": FIRST, "cause": "timing", **none, **money(left_amount="1", right_amount="4", difference="-3")}
    statement = {**finance, "key": "tb/revenue", "period": FIRST, "cause": "rounding", **none,
                 **money(left_amount="3", right_amount="1", difference="2")}
    keys = [{**LEG, "period": FIRST, "key": "tb/1"}, {**LEG, "period": FIRST, "key": "tb/2"}, {**LEG, "period": NEXT, "key": "tb/1"},
            {**finance, "period": FIRST, "key": "tb/revenue"}]
    return {
        "open_claims": keys, "item_claims": [*keys],
        "recon_summary": [
            {**LEG, "period": FIRST, "open_keys": 2, **money(opening="2", left_amount="8", right_amount="6", closing="4")},
            {**LEG, "period": NEXT, "open_keys": 1, **money(opening="4", left_amount="0", right_amount="-3", closing="7")},
            {**finance, "period": FIRST, "open_keys": 1, **money(opening="0", left_amount="8", right_amount="6", closing="2")},
            {**finance, "period": NEXT, "open_keys": 0, **money(opening="2", left_amount="0", right_amount="2", closing="0")},
        ],
        "variances": [
            {**part, "cause": "rounding",
             **money(left_amount="8", right_amount="1.5", difference="6.5", left_quantity="1", right_quantity="1")},
            {**part, "cause": "duplicate",
             **money(left_amount="1", right_amount="0.5", difference="0.5", left_quantity="1", right_quantity="2")},
            other, statement, {**part, "period": NEXT, "cause": "timing", **whole},
        ],
        "with_cause": [
            {**part, "cause": "", **whole}, other, {**statement, **money(left_amount="8", right_amount="6")},
            {**part, "period": NEXT, "cause": "", **whole},
        ],
        "claims": [claim("order_payment", "tb/1", "left", 9, 0), claim("fee", "alipay/T1/fee", "left", 1, 0)],
    }


def of_events(variances: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each item as an event of its own; the first one as two."""
    columns = published.TABLES["event_items"].names
    first, *others = [{**{k: v for k, v in row.items() if k in columns}, "event": f"E{n}"} for n, row in enumerate(variances)]
    return [{**first, "difference": first["difference"] - 1}, {**first, "event": "E", "difference": Decimal(1)}, *others]


def broken(tables: dict[str, list[dict[str, Any]]]) -> set[str]:
    """The names of the assertions that these rows break."""
    schemas = {"recon_summary": published.TABLES["recon_summary"], "variances": published.TABLES["variances"],
               "with_cause": published.TABLES["variances"], "claims": CLAIM, "event_items": published.TABLES["event_items"],
               **dict.fromkeys(("open_claims", "item_claims"), published.TABLES["variances"])}
    tables = {"event_items": of_events(tables["variances"]), **tables}
    with duckdb.connect() as con:
        con.execute(f"set variable period_from = date '{FIRST}'")
        for name, listed in tables.items():
            con.register(name, pa.Table.from_pylist(listed, schema=schemas[name]))
        return {path.stem for path in (SQL / "assertions").glob("*.sql") if con.execute(path.read_text(encoding="utf-8")).fetchall()}


CONSERVED, WHOLE, OPENING, PARTS, EVENTS = (
    "amounts_are_conserved", "keys_are_whole", "opening_is_closing_of_the_day_before", "parts_add_up_to_their_item",
    "events_add_up_to_their_item",
)
# table, row, change, what it breaks
FAULTS: list[tuple[str, int, dict[str, Any] | None, set[str]]] = [
    ("recon_summary", 1, money(opening="5", left_amount="-1"), {OPENING}),
    ("recon_summary", 1, money(left_amount="1"), {CONSERVED}),
    ("recon_summary", 1, money(right_amount="-2"), {CONSERVED}),
    ("recon_summary", 1, money(left_amount="1", closing="8"), {CONSERVED}),
    ("recon_summary", 0, {"open_keys": 3}, {CONSERVED}),
    ("recon_summary", 1, {"open_keys": 0}, {CONSERVED}),
    ("recon_summary", 1, {"currency": "USD"}, {CONSERVED, OPENING}),
    ("recon_summary", 3, None, set()),  # what nothing is said of on a day is for the gate: nothing_open_is_forgotten
    ("recon_summary", 0, None, {CONSERVED, OPENING}),
    ("variances", 0, money(left_amount="8.1", difference="6.6"), {CONSERVED, PARTS}),
    ("variances", 0, money(left_amount="8.1", right_amount="1.6"), {PARTS}),
    ("variances", 0, money(left_quantity="3"), {PARTS}),
    ("variances", 0, money(right_quantity="2"), {PARTS}),
    ("variances", 0, {**money(difference="6.4"), "cause": "timing"}, {CONSERVED, PARTS}),
    ("variances", 1, {"cause": "rounding"}, {PARTS, EVENTS}),
    ("variances", 2, None, {CONSERVED, PARTS}),
    ("variances", 3, money(left_amount="4", right_amount="2"), set()),  # a leg that adds up others may show less of both sides
    ("variances", 3, money(left_amount="4", right_amount="1", difference="3"), {CONSERVED, PARTS}),
    ("with_cause", 1, None, {PARTS}),
    ("with_cause", 0, money(left_amount="10", right_amount="3"), {PARTS}),
    ("claims", 0, {"key": ""}, {WHOLE}), ("claims", 0, {"key": "tb/"}, {WHOLE}), ("claims", 1, {"key": "alipay//fee"}, {WHOLE}),
    ("claims", 1, {"key": None}, {WHOLE}), ("claims", 0, {"key": "tb//x"}, set()),  # an order's own number may be empty in the middle
    # ids that begin or end with a slash
    ("claims", 1, {"key": "alipay//T1/fee"}, set()), ("claims", 0, {"leg": "payout_bank", "key": "P1/"}, set()),
]


def planted() -> Iterator[Any]:
    for table, row, change, breaks in FAULTS:
        said = "gone" if change is None else " ".join(f"{name}={value}" for name, value in change.items())
        yield pytest.param(table, row, change, breaks, id=f"{table} {row} {said}")


def test_rows_that_keep_every_promise_break_none() -> None:
    assert broken(rows()) == set()


@pytest.mark.parametrize(("table", "row", "change", "breaks"), list(planted()))
def test_a_planted_fault_breaks_its_promise_and_no_other(table: str, row: int, change: dict[str, Any] | None, breaks: set[str]) -> None:
    tables = rows()
    if change is None:
        del tables[table][row]
    else:
        tables[table][row].update(change)
    assert broken(tables) == breaks


def test_every_assertion_is_among_the_planted_faults() -> None:
    planted = {name for *_, breaks in FAULTS for name in breaks}
    assert {path.stem for path in (SQL / "assertions").glob("*.sql")} == planted


def test_a_broken_promise_stops_the_run() -> None:
    class Session:
        con = duckdb.connect()

    tables = rows()
    del tables["variances"][2]
    Session.con.execute(f"set variable period_from = date '{FIRST}'")
    for name, listed in tables.items():
        schema = CLAIM if name == "claims" else published.TABLES[name if name in ("recon_summary", "event_items") else "variances"]
        Session.con.register(name, pa.Table.from_pylist(listed, schema=schema))
    with pytest.raises(ConservationError, match="amounts_are_conserved: 1 rows"):
        assert_conservation(Session)  # type: ignore[arg-type]


def test_what_no_event_has_of_an_item_is_seen() -> None:
    tables = rows()
    whole = of_events(tables["variances"])
    for change in (whole[1:], [*whole[:-1], {**whole[-1], "cause": "other"}], [*whole, whole[1]]):
        assert broken({**tables, "event_items": change}) == {EVENTS}

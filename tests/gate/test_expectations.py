"""Every expectation has been seen to fail: one row that breaks it, and that breaks nothing else, for each of all suites."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from duizhang.declared import schema
from duizhang.gate import load_suites, validation
from duizhang.gate.checking import parameters
from duizhang.gate.first_look import FirstLook, seen
from duizhang.gate.suites import ROWS_QUERY, Expectation, Meta, Outcome, Suite
from duizhang.gate.validation import Validation
from duizhang.home import published
from duizhang.home.store import connect
from tests.thoroughness import some

DAY = dt.date(2026, 3, 2)
BEFORE = DAY - dt.timedelta(days=1)
SUITES = load_suites()
# many faults, or dear ones: in the long target
DEAR = {"settlements", "orders", "open_items", "refunds", "stock_moves", "platform_statements", "payments", "payouts", "order_pnl",
        "clearings", "freight_charges", "source_files", "fx_rates", "skus", "cash_in_transit", "journal_lines", "bank_entries"}
TABLES = {**schema.TABLES, **published.TABLES}
PLACE = {"leg": "order_payment", "entity": "acme", "currency": "CNY"}
ITEM = {**PLACE, "key": "s/1"}

# Rows that break nothing, where that does not follow from the expectations themselves.
GOOD: dict[str, dict[str, Any]] = {
    "clearings": {**ITEM, "opened": BEFORE, "cleared_on": DAY, "open_claims": 1, "clearing_claims": 1},
    "customer_balances": {"customer": "p0af9"},
    "event_items": {**ITEM, "event": "E1", "is_booked": True},
    "recon_summary": {**PLACE, "opening": Decimal(3), "left_amount": Decimal(9), "right_amount": Decimal(5), "closing": Decimal(7)},
    "variances": {**ITEM, "left_amount": Decimal(9), "right_amount": Decimal(2), "difference": Decimal(7)},
    "open_items": {**ITEM, "left_amount": Decimal(9), "right_amount": Decimal(2), "difference": Decimal(7)},
    "settlements": {"transaction_id": "t"},
    "source_files": {"status": "read", "control_totals_ok": True},
    "quarantine": {"is_money": False},
}
# What breaks each query, as changes to the good row; several make as many rows.
Changes = list[dict[str, Any]]
BREAKS: dict[tuple[str, str], Changes] = {
    ("clearings", "cleared_after_it_was_open"): [
        {"opened": None}, {"opened": DAY}, {"cleared_on": DAY + dt.timedelta(days=1)}, {"open_claims": 0}, {"clearing_claims": 0}],
    ("customer_balances", "customers_are_pseudonyms"): [{"customer": "张三"}, {"customer": "p0g"}, {"customer": None}],
    ("event_items", "every_event_has_its_money"): [{"is_booked": False}],
    ("fee_audit", "difference_is_expected_less_charged"): [
        {"difference": Decimal(1)}, {"charged_fee": Decimal(1), "difference": Decimal(1)}],
    ("freight_audit", "difference_is_expected_less_charged"): [
        {"difference": Decimal(1)}, {"charged": Decimal(1), "difference": Decimal(1)}],
    ("journal_lines", "signs_are_right"): [
        {"debit": Decimal(1)}, {"credit": Decimal(1), "amount": Decimal(1)}, {"amount": None}],
    ("journal_proposals", "entries_balance"): [{"debit": Decimal(1)}, {"credit": Decimal(1)}],
    ("journal_proposals", "one_side_a_line"): [
        {"debit": Decimal(-1), "credit": Decimal(-1)}, {"debit": Decimal(1), "credit": Decimal(1)}],
    ("ledger_tieout", "difference_is_subledger_less_ledger"): [
        {"difference": Decimal(1)}, {"ledger": Decimal(1), "difference": Decimal(1)}],
    ("legs_not_run", "every_leg_has_two_sides"): [{"leg": "fee", "missing": "right", "wanted": "settlements"}],
    **{(table, "difference_is_left_less_right"): [{"difference": Decimal(8)}, {"difference": None}]
       for table in ("variances", "open_items")},
    **{(table, "every_item_is_in_the_summary"): [{"entity": "nobody"}, {"currency": "USD"}, {"leg": "fee"}]
       for table in ("variances", "open_items")},
    ("quarantine", "no_money_is_quarantined"): [{"is_money": True}, {"is_money": None}],
    ("recon_summary", "closing_is_opening_plus_left_less_right"): [{"left_amount": Decimal(10)}, {"right_amount": Decimal(4)}],
    ("recon_summary", "open_items_add_up_to_closing"): [],
    ("recon_summary", "variances_add_up_to_closing"): [],
    ("recon_summary", "opening_is_closing_of_the_day_before"): [{"opening": Decimal(4), "left_amount": Decimal(8)}],
    ("recon_summary", "nothing_open_is_forgotten"): [],
    ("settlements", "signs_are_right"): [{"kind": "payout", "amount": Decimal(1)}],
    ("settlements", "rows_name_their_transaction"): [
        {"kind": k, "transaction_id": t} for k in ("sale", "refund", "fee") for t in ("", None)],
    ("source_files", "control_totals_tie"): [{"control_totals_ok": False}, {"control_totals_ok": None}],
    ("source_files", "expected_files_are_there"): [{"status": "missing", "control_totals_ok": False}],
    ("source_files", "no_file_is_refused"): [{"status": "refused", "control_totals_ok": False}],
    ("source_files", "no_money_is_told_twice"): [{"status": "twice"}],
    ("source_files", "no_files_contradict_each_other"): [{"status": "contradictory"}],
    ("source_files", "no_row_is_lost"): [{"rows_read": 1}, {"rows_parsed": 1}, {"rows_quarantined": 1}, {"rows_ignored": 1}],
    ("stock_moves", "signs_are_right"): [
        {"kind": "sale_out", "quantity": Decimal(1)}, {"kind": "purchase_in", "quantity": Decimal(-1)},
        {"kind": "return_in", "quantity": Decimal(-1)}],
    ("stock_rollforward", "expected_is_opening_plus_moves"): [
        {name: Decimal(1)} for name in ("opening", "received", "shipped", "returned", "adjusted", "expected")],
    ("variances", "keys_are_whole"): [{"key": ""}, {"key": "s/"}, {"key": None}],
}
# the three of the summary that are broken by what stands beside it
BESIDE: dict[tuple[str, str], tuple[str, Changes]] = {
    ("recon_summary", "open_items_add_up_to_closing"): ("open_items", [{"difference": Decimal(6)}]),
    ("recon_summary", "variances_add_up_to_closing"): ("variances", [{"difference": Decimal(6)}]),
    ("recon_summary", "nothing_open_is_forgotten"): ("recon_summary", [{"period": BEFORE, "entity": "gone", "closing": Decimal(1)}]),
}


def good(table: str) -> dict[str, Any]:
    """A row that keeps what its suite expects."""
    found: dict[str, Any] = {}
    for column in TABLES[table]:
        kind = column.type
        found[column.name] = (
            Decimal(0) if pa.types.is_decimal(kind) else 0 if pa.types.is_integer(kind) else DAY if pa.types.is_date32(kind)
            else "CNY" if column.name == "currency" else "x" if pa.types.is_string(kind) else None
        )
    for e in SUITES[table].expectations if table in SUITES else ():
        if "value_set" in e.kwargs:
            found[e.kwargs["column"]] = known(e)[0]
        if e.kwargs.get("strict_min"):
            found[e.kwargs["column"]] = Decimal(1)
    return {**found, "period": DAY, **GOOD.get(table, {})}


def known(e: Expectation) -> list[str]:
    """What is in the closed set of an expectation."""
    listed = e.kwargs["value_set"]
    return parameters()[listed["$PARAMETER"]] if isinstance(listed, dict) else list(listed)


def breaking(table: str, e: Expectation) -> Changes:
    """Changes of the good row, each of which the expectation must see."""
    if e.type == ROWS_QUERY:
        return BREAKS[table, e.name]
    column = e.kwargs.get("column", "")
    if e.type == "expect_column_value_lengths_to_be_between":
        return [{column: ""}]
    if e.type == "expect_column_values_to_be_in_set":
        return [{column: "no such"}, {column: known(e)[0] + " "}]
    if e.type == "expect_column_values_to_not_be_null":
        return [{column: None}]
    if e.type == "expect_column_values_to_be_between":
        low = 0 if e.kwargs.get("strict_min") else -1
        return [{column: Decimal(low) if pa.types.is_decimal(TABLES[table].field(column).type) else low}]
    if e.type == "expect_compound_columns_to_be_unique":
        return [{}]  # the good row once more
    raise AssertionError(f"no fault is planted for {e.type}")


class Bench:
    """The tables that a check reads, and Great Expectations over them."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con, self.validation = con, Validation(con, parameters())

    def lay(self, beside: tuple[str, dict[str, Any]] | None = None) -> None:
        """A good row in each table that a query joins; of one of them another row."""
        for name in ("open_items", "variances", "recon_summary"):
            rows = [good(name)]
            if name == "recon_summary":
                rows.append({**good(name), "period": BEFORE, "closing": Decimal(3)})
            if beside and beside[0] == name:
                rows = [{**rows[0], **beside[1]}, *(rows if name == "recon_summary" else ())]
            self.put(name, pa.Table.from_pylist(rows, schema=TABLES[name]))
        self.put("stored_periods", pa.table({"period": [BEFORE, DAY]}))
        self.put("checked_periods", pa.table({"period": [DAY]}))

    def put(self, name: str, rows: pa.Table) -> None:
        self.con.execute("select 1").fetchall()  # a check may leave a result that was not fetched to its end
        self.con.register(name, rows)

    def failing(self, suite: Suite, rows: list[dict[str, Any]]) -> set[str]:
        """The names of the expectations that these rows break."""
        self.put("rows_of_it", pa.Table.from_pylist(rows, schema=TABLES[suite.table]))
        found = self.validation.check("select * from rows_of_it", suite)
        first = seen(self.con, "select * from rows_of_it", suite.table, suite.expectations, parameters())
        told = {e.name: o for e, o in zip(suite.expectations, found, strict=True)}
        assert first == {name: told[name] for name in first}
        # what the first look does not tell is what breaks
        assert told.keys() - first.keys() == {e.name for e in suite.expectations if e.type != ROWS_QUERY and not told[e.name].success}
        assert not [o.detail for o in found if "cannot be evaluated" in o.detail]
        return {e.name for e, o in zip(suite.expectations, found, strict=True) if not o.success}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with connect() as con:
        made = Bench(con)
        yield made
        made.validation.close()


def test_every_query_has_a_planted_fault() -> None:
    queries = {(s.table, e.name) for s in SUITES.values() for e in s.expectations if e.type == ROWS_QUERY}
    assert queries == {k for k, changes in BREAKS.items() if changes} | set(BESIDE)


@pytest.mark.parametrize("table", some(SUITES, *(name for name in SUITES if name not in DEAR)))
def test_each_expectation_fails_on_its_fault_and_no_other_does(bench: Bench, table: str) -> None:
    suite, row = SUITES[table], good(table)
    bench.lay()
    # what is not run is a row by itself
    assert bench.failing(suite, [] if table == "legs_not_run" else [row]) == set()
    for e in suite.expectations:
        if (table, e.name) in BESIDE:
            name, changes = BESIDE[table, e.name]
            for change in changes:
                bench.lay((name, change))
                assert bench.failing(suite, [row]) == {e.name}, change
            bench.lay()
            continue
        for change in breaking(table, e):
            twice = e.type == "expect_compound_columns_to_be_unique"
            found = bench.failing(suite, [row, row] if twice else [{**row, **change}])
            also = {x.name for x in suite.expectations if x.type == ROWS_QUERY} if None in change.values() else set()
            assert e.name in found and found - also <= {e.name}, (e.name, change, found)


def test_what_is_made_once_gives_what_is_made_each_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = SUITES["variances"]
    bench.lay()
    bench.put("rows_of_it", pa.Table.from_pylist([{**good("variances"), "cause": "no such", "leg": ""}], schema=TABLES["variances"]))
    made = validation._native(suite.expectations[0])
    with validation._made_once():
        assert made.configuration is made.configuration
    assert made.configuration is not made.configuration
    once = bench.validation.check("select * from rows_of_it", suite)
    monkeypatch.setattr(validation, "_made_once", nullcontext)
    assert bench.validation.check("select * from rows_of_it", suite) == once and {o.success for o in once} == {True, False}


COLUMN = {"column": "a"}
# expectations of one's own over a table with the columns a, b, amount; what rows (a, b, amount) break none or some of them
OWN: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_values_to_not_be_null", COLUMN),
    ("expect_column_values_to_not_be_null", {**COLUMN, "mostly": 0.1}),
    ("expect_column_values_to_be_in_set", {**COLUMN, "value_set": ["x", "it's"]}),
    ("expect_column_values_to_be_in_set", {"column": "amount", "value_set": [1, 2]}),
    ("expect_column_values_to_be_between", {"column": "amount", "min_value": 0, "max_value": 2, "strict_max": True}),
    ("expect_column_values_to_be_between", {"column": "amount", "min_value": -1.5}),
    ("expect_column_values_to_be_between", {"column": "amount", "max_value": 2}),
    ("expect_column_value_lengths_to_be_between", {**COLUMN, "min_value": 1, "max_value": 4}),
    ("expect_column_value_lengths_to_be_between", {
        **COLUMN, "max_value": 1, "row_condition": 'col("b").notNull()', "condition_parser": "great_expectations",
    }),
    ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"], "ignore_row_if": "any_value_is_missing"}),
    ("expect_column_values_to_be_unique", COLUMN),
    ("expect_column_values_to_be_between", {"column": "no_such", "min_value": 0}),
    (ROWS_QUERY, {"unexpected_rows_query": "select a, amount from {batch} where amount > 1;"}),
    (ROWS_QUERY, {"unexpected_rows_query": "select no_such from {batch}"}),
]
ROWS: list[list[tuple[str | None, str | None, int | None]]] = [
    [], [("x", "y", 1), ("it's", "y", 0)], [("x", "y", 2), ("x", "y", None)], [(None, None, 1), (None, None, -2)],
    [(None, "y", 1), (None, "y", 1)], [("", "y", 3), ("多语言字符", "z", 0)],
]


@pytest.mark.parametrize("rows", ROWS, ids=str)
def test_the_first_look_says_what_great_expectations_says(bench: Bench, rows: list[tuple[str | None, str | None, int | None]]) -> None:
    listed = [Expectation(type=kind, kwargs=given, meta=Meta(name=f"{n}", en="x", zh="x")) for n, (kind, given) in enumerate(OWN)]
    columns = pa.schema([("a", pa.string()), ("b", pa.string()), ("amount", pa.decimal128(28, 4))])
    made = [dict(zip(columns.names, (a, b, None if n is None else Decimal(n)), strict=True)) for a, b, n in rows]
    bench.put("rows_of_it", pa.Table.from_pylist(made, schema=columns))
    select, suite = "select * from rows_of_it", SUITES["payments"].model_copy(update={"index": ()})
    told = 0
    for e in listed:
        (outcome,) = bench.validation.check(select, suite, [e])
        found = seen(bench.con, select, suite.table, [e], parameters())
        assert found in ({}, {e.name: outcome}), (e, found, outcome)
        told += len(found)
        look = FirstLook(bench.con, parameters())
        look._library = bench.validation  # one that is let go of closes the connection
        assert look.check(select, suite, [e]) == [outcome]
    assert told >= 3


def test_where_nothing_breaks_the_library_is_not_loaded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(_con: object, _parameters: object) -> Validation:
        raise AssertionError("loaded")

    monkeypatch.setattr(validation, "Validation", loaded)
    bench.lay()
    for table in ("payments", "variances"):
        bench.put("rows_of_it", pa.Table.from_pylist([good(table)], schema=TABLES[table]))
        look = FirstLook(bench.con, parameters())
        found = look.check("select * from rows_of_it", SUITES[table], SUITES[table].expectations)
        assert found == [Outcome(success=True)] * len(SUITES[table].expectations)
        look.close()
    bench.put("rows_of_it", pa.Table.from_pylist([{**good("payments"), "currency": "no such"}], schema=TABLES["payments"]))
    with pytest.raises(AssertionError, match="loaded"):
        FirstLook(bench.con, parameters()).check("select * from rows_of_it", SUITES["payments"], SUITES["payments"].expectations)


def test_the_gate_loads_no_spark_and_leaves_it_to_others() -> None:
    # where pyspark is installed it would end a process such as this one's, with exit code 0
    from great_expectations.compatibility.pyspark import SPARK_NOT_IMPORTED, pyspark

    assert pyspark is SPARK_NOT_IMPORTED
    assert sys.modules.get("pyspark", sys) is not None

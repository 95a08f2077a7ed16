"""The gate holds exactly the periods that break an expectation, and says why."""

from __future__ import annotations

import datetime as dt
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from duizhang.declared.schema import TABLES as CANONICAL
from duizhang.errors import SpecError, UserError
from duizhang.gate import (
    accept_failure,
    load_suites,
    quality_table,
    recorded_results,
    run_gate,
)
from duizhang.home.published import TABLES
from duizhang.home.store import days
from duizhang.layout import EXPECTATIONS
from tests.thoroughness import THOROUGH

FIRST = dt.date(2026, 3, 1)


def test_every_table_has_a_suite() -> None:
    assert set(load_suites()) == {*CANONICAL, *TABLES} - {"quality_results"}


@pytest.mark.slow
def test_good_tables_pass_and_results_are_recorded_for_their_digests(fake: Any) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=2))
    fake.fill(periods)
    assert run_gate(fake.store, fake.state, periods) == {period: [] for period in periods}
    results = recorded_results(fake.state, periods)
    assert {r.table for r in results} == set(load_suites())
    assert all(r.success and len(r.digest) == 64 for r in results)
    assert fake.store.read("quality_results", FIRST).equals(quality_table(recorded_results(fake.state, [FIRST])))


def test_every_kind_of_break_holds_its_period_alone_whatever_the_range(fake: Any) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=7))
    fake.fill(periods)
    day = dict(enumerate(periods))
    fake.put("source_files", day[0], {"source": "taobao_orders", "file": "x.zip", "status": "read",
                                      "control_totals_ok": False,
                                      "problem": "control total 商家实收 of x.zip is off"})
    fake.put("quarantine", day[1], {"file": "b.csv", "line": 7, "column_name": "amount", "value": "12..5",
                                    "reason": "not a number", "is_money": True})
    fake.put("journal_proposals", day[2], {"entry": "e1", "debit": Decimal(5)})
    fake.put("orders", day[3], {"origin": "books", "order_id": "o", "line_id": "1", "status": "paid",
                                "currency": "RMBX",
                                "source": "s", "file": "f", "line": 3})
    fake.put("payments", day[4], {"provider": "alipay", "transaction_id": "t", "amount": Decimal(-1), "source": "s",
                                  "file": "f", "line": 3})
    fake.store.path("payouts", day[5]).unlink()
    fake.put("source_files", day[6], {"source": "bank_mt940", "status": "missing"})
    fake.put("source_files", day[7], {"source": "stripe_api", "file": "a.json", "status": "twice", "control_totals_ok": True})
    held = run_gate(fake.store, fake.state, periods)
    found = {p: [(f.table, f.expectation) for f in listed] for p, listed in held.items()}
    assert found == {
        day[0]: [("source_files", "control_totals_tie")],
        day[1]: [("quarantine", "no_money_is_quarantined")],
        day[2]: [("journal_proposals", "entries_balance"),],
        day[3]: [("orders", "currency_is_iso")],
        day[4]: [("payments", "amount_is_not_negative")],
        day[5]: [("payouts", "table_exists")],
        day[6]: [("source_files", "expected_files_are_there")],
        day[7]: [("source_files", "no_money_is_told_twice")],
    }
    assert held[day[0]][0].detail == "control total 商家实收 of x.zip is off"
    assert held[day[1]][0].detail == "b.csv line 7, amount 12..5: not a number"
    assert held[day[3]][0].detail == "file=f line=3 currency=RMBX"
    whole = {p: quality_table(recorded_results(fake.state, [p])) for p in periods}
    for period in periods if THOROUGH else (day[2], day[7]):
        run_gate(fake.store, fake.state, [period])
        assert quality_table(recorded_results(fake.state, [period])).equals(whole[period])


# what is broken, each on a day of its own: the table, what its row says instead (None: it has no row), what finds it
BREAKS: tuple[tuple[str, dict[str, Any] | None, str], ...] = (
    ("recon_summary", {"opening": Decimal(9), "closing": Decimal(19)}, "opening_is_closing_of_the_day_before"),
    ("open_items", None, "open_items_add_up_to_closing"),
    ("variances", None, "variances_add_up_to_closing"),
    ("recon_summary", None, "nothing_open_is_forgotten"),
    ("recon_summary", {"closing": Decimal(61)}, "closing_is_opening_plus_left_less_right"),
)


def test_conservation(fake: Any) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=len(BREAKS)))
    fake.fill(periods)
    for day, (table, change, _) in zip(periods[1:], BREAKS, strict=True):
        rows = fake.store.read(table, day).to_pylist()
        fake.put(table, day, *([{**rows[0], **change}] if change else []))
    held = run_gate(fake.store, fake.state, periods)
    assert held[FIRST] == []
    for day, (_, _, expectation) in zip(periods[1:], BREAKS, strict=True):
        assert expectation in [f.expectation for f in held[day]], expectation
        if THOROUGH:  # by itself as well
            assert expectation in [f.expectation for f in run_gate(fake.store, fake.state, [day])[day]], expectation


def test_an_expectation_of_the_users_own_holds_exactly_what_breaks_it(fake: Any, tmp_path: Path) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=2))
    fake.fill(periods)
    suites = tmp_path / "expectations"
    shutil.copytree(EXPECTATIONS, suites)
    with (suites / "orders.yaml").open("a") as handle:
        handle.write(
            "\n  - {type: expect_column_values_to_not_be_in_set, kwargs: {column: order_id, value_set: [o02]},"
            " meta: {name: mine, en: not this one, zh: 不是它}}"
            "\n  - {type: expect_table_row_count_to_equal, kwargs: {value: 1}, meta: {en: one row, zh: 一行}}"
            "\n  - {type: expect_column_values_to_not_be_null, kwargs: {column: no_such}, "
            "meta: {severity: warning, en: x, zh: x}}\n"
        )
    held = run_gate(fake.store, fake.state, periods, expectations=suites)
    assert {p: [(f.expectation, f.detail) for f in v] for p, v in held.items()} == {
        periods[0]: [], periods[1]: [("mine", "file=a.csv line=1 order_id=o02")], periods[2]: [],
    }
    odd = [r for r in recorded_results(fake.state, [FIRST]) if r.column == "no_such"]
    assert not odd[0].success
    assert odd[0].detail.startswith("cannot be evaluated")


def test_a_row_of_a_shop_that_books_do_not_know_holds_its_day_with_the_nearest_name(fake: Any) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=1))
    fake.fill(periods)
    refunds = [{"origin": "books", "refund_id": f"R{n}", "order_id": "o", "file": "r.csv", "line": n, "shop": shop}
               for n, shop in enumerate(("tb-01", "", "main", "tb-1", "nowhere"), 2)]
    fake.put("refunds", FIRST, *refunds)
    held = run_gate(fake.store, fake.state, periods, places=("tb-01", "main"))
    assert held[periods[1]] == []
    assert [(f.table, f.unexpected) for f in held[FIRST]] == [("refunds", 2)]
    assert "r.csv:5 is of the shop 'tb-1'; did you mean 'tb-01'?" in held[FIRST][0].detail
    assert "r.csv:6 is of the shop 'nowhere'; known: main, tb-01" in held[FIRST][0].detail


@pytest.mark.slow
def test_accepting_by_name_lets_that_finding_pass_and_no_other(fake: Any) -> None:
    fake.fill([FIRST])
    bad = {"source": "s", "file": "x.zip", "status": "read", "problem": "total off by 1"}
    fake.put("source_files", FIRST, bad)
    assert len(run_gate(fake.store, fake.state, [FIRST])[FIRST]) == 1
    accept_failure(fake.state, FIRST, "source_files", "control_totals_tie", "li", "known rounding of the bill")
    assert run_gate(fake.store, fake.state, [FIRST])[FIRST] == []
    details = fake.store.read("quality_results", FIRST)["detail"].to_pylist()
    assert "total off by 1 [accepted by li: known rounding of the bill]" in details
    fake.put("source_files", FIRST, {**bad, "problem": "total off by 2"})
    assert len(run_gate(fake.store, fake.state, [FIRST])[FIRST]) == 1
    with pytest.raises(UserError, match="no recorded failure") as told:
        accept_failure(fake.state, FIRST, "orders", "order_id_is_there", "li", "because")
    # what a reader of `status` sees has no name that could be typed
    assert "--table source_files --expectation control_totals_tie (" in told.value.advice


def test_a_suite_that_is_wrong_says_where(tmp_path: Path) -> None:
    (tmp_path / "orders.yaml").write_text("table: orders\nexpectations:\n  - {type: x, meta: {en: a}}\n")
    with pytest.raises(SpecError, match=r"orders\.yaml: .*zh"):
        load_suites(tmp_path)


@pytest.mark.slow
def test_an_empty_value_and_a_column_that_is_not_as_declared_hold_their_period(fake: Any) -> None:
    periods = days(FIRST, FIRST + dt.timedelta(days=2))
    fake.fill(periods)
    paid = {"provider": "alipay", "transaction_id": "t", "amount": Decimal(1), "source": "s", "file": "f", "line": 3}
    fake.put("payments", periods[0], {**paid, "provider": None}, {**paid, "amount": None})
    fake.put("payments", periods[2], *({**paid, "provider": "", "line": n} for n in range(30, 0, -1)))
    rows = fake.store.read("payouts", periods[1])
    fake.store.write("payouts", periods[1], rows.drop_columns(["amount"]))
    held = run_gate(fake.store, fake.state, periods)
    assert [(f.table, f.expectation, f.detail) for f in held[periods[0]]] == [
        ("payments", "columns_are_as_declared", "column amount is empty in 1 rows; column provider is empty in 1 rows")
    ]
    assert [f.detail for f in held[periods[1]] if f.expectation == "columns_are_as_declared"] == ["column amount is missing"]
    (blank,) = held[periods[2]]
    assert (blank.expectation, blank.unexpected) == ("provider_is_there", 30)
    assert blank.detail == "; ".join(f"file=f line={n} provider=" for n in range(1, 11))


def test_most_expectations_are_great_expectations_own() -> None:
    listed = [e for suite in load_suites().values() for e in suite.expectations]
    queries = [e for e in listed if e.type == "unexpected_rows_expectation"]
    assert len(queries) < len(listed) / 3

"""What is recorded of a look at tables, and how the look is taken: without Great Expectations, which a stand-in answers for."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from duizhang.declared.schema import TABLES
from duizhang.errors import UserError
from duizhang.gate import checking, records, run_gate
from duizhang.gate.checking import _check_table, _left_out, _look, _strangers, names_shops, write_data_docs
from duizhang.gate.records import (
    Result,
    accept_failure,
    acceptances,
    accepted,
    accepted_by,
    copy_acceptances,
    failures,
    quality_table,
    record,
    recorded_results,
)
from duizhang.home.state import State
from duizhang.home.store import days
from duizhang.reconcile import Uncomputed

D1, D2, D3, D4 = days(dt.date(2026, 3, 1), dt.date(2026, 3, 4))
FAILED = Result(D1, "orders", "d", "total_ties", "amount", "critical", False, 2, "off", "by 1")


def test_what_is_recorded_of_a_day_is_of_one_look_at_it(tmp_path: Path) -> None:
    state = State(tmp_path)
    others = [
        replace(FAILED, table="bills"), replace(FAILED, expectation="a_name", success=True), replace(FAILED, period=D2, detail=""),
    ]
    record(state, [D1, D2], [FAILED, *others])
    listed = [others[0], others[1], FAILED, others[2]]
    assert recorded_results(state, [D1, D2]) == listed
    assert failures(state, [D1, D2, D3]) == {
        D1: [records.failure_of(others[0]), records.failure_of(FAILED)], D2: [records.failure_of(others[2])], D3: [],
    }
    assert [str(f) for f in failures(state, [D1, D2])[D1]] == ["bills: off - by 1", "orders: off - by 1"]
    assert str(failures(state, [D2])[D2][0]) == "orders: off"
    record(state, [D1], [replace(FAILED, severity="warning"), replace(FAILED, table="bills", success=True)])
    assert ([r.table for r in recorded_results(state, [D1])], failures(state, [D1])) == (["bills", "orders"], {D1: []})
    assert recorded_results(state, [D2]) == [others[2]]
    record(state, [D1], [])
    assert recorded_results(state, [D1]) == []


def test_a_failure_passes_by_name_as_long_as_it_is_the_one_that_was_found(tmp_path: Path) -> None:
    state = State(tmp_path)
    others = [replace(FAILED, table="bills"), replace(FAILED, expectation="fine", success=True), replace(FAILED, period=D2)]
    record(state, [D1, D2], [FAILED, *others])
    for by, reason in ((" ", "agreed"), ("li", " ")):
        with pytest.raises(UserError, match="needs a name and a reason"):
            accept_failure(state, D1, "orders", "total_ties", by, reason)
    for table, expectation, day, advice in (
        ("orders", "fine", D1, "That failed: --table bills --expectation total_ties (off); --table orders --expectation total_ties (off)."),
        ("none", "total_ties", D2, "That failed: --table orders --expectation total_ties (off)."),
        ("orders", "total_ties", D3, "No check of that day failed and still holds it."),
    ):
        with pytest.raises(UserError, match="no recorded failure") as refused:
            accept_failure(state, day, table, expectation, "li", "agreed")
        assert refused.value.advice == advice.replace("That failed", "What failed that day")
    assert accept_failure(state, D1, "orders", "total_ties", " li ", " agreed ")
    assert not accept_failure(state, D1, "orders", "total_ties", "wang", "so do I")
    assert [str(f) for f in failures(state, [D1])[D1]] == ["bills: off - by 1"]
    assert [len(f) for f in failures(state, [D1, D2]).values()] == [1, 1]
    (passed,) = [r for r in recorded_results(state, [D1]) if r.accepted_by]
    assert (passed.accepted_by, passed.accepted_because, passed.holds) == ("li", "agreed", False)
    details = quality_table(recorded_results(state, [D1])).to_pylist()
    assert [(d["table_name"], d["expectation"], d["detail"], d["success"], d["unexpected"]) for d in details] == [
        ("bills", "total_ties", "by 1", False, 2), ("orders", "fine", "by 1", True, 2),
        ("orders", "total_ties", "by 1 [accepted by li: agreed]", False, 2),
    ]
    assert (accepted_by(state, D1), accepted_by(state, D2)) == (["li"], [])
    assert acceptances(state) == {("2026-03-01", "orders", "total_ties", "li", "agreed")}
    ((day, name, digest),) = accepted(state, [D1, D2])
    assert (day, name, len(digest), accepted(state, [D2])) == (D1, "orders total_ties (1)", 64, [])
    for other in (replace(FAILED, detail="by 2"), replace(FAILED, unexpected=3)):
        record(state, [D1], [other])
        assert [len(f) for f in failures(state, [D1]).values()] == [1]


def test_what_was_let_pass_is_copied_up_to_a_day_and_a_moment(tmp_path: Path) -> None:
    state = State(tmp_path / "one")
    record(state, [D1, D2], [FAILED, replace(FAILED, period=D2)])
    for day in (D2, D1):
        accept_failure(state, day, "orders", "total_ties", "li", "agreed")
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    for number, (until, at, found) in enumerate((
        (D2, now, {"2026-03-01", "2026-03-02"}), (D1, now, {"2026-03-01"}), (D2, now - dt.timedelta(days=1), set()),
    )):
        other = State(tmp_path / f"other{number}")
        copy_acceptances(state, other, until, at)
        assert {period for period, *_ in acceptances(other)} == found


def expectation(name: str, *, by_row: bool = True, by_value: bool = True) -> Any:
    meta = SimpleNamespace(severity="critical", en=name, zh="x")
    return SimpleNamespace(name=name, type="of_the_library", kwargs={}, column="c", by_row=by_row, by_value=by_value, meta=meta)


class StandIn:
    """Answers for Great Expectations: which days break which expectation; remembers what it was asked, by day and name."""

    def __init__(self, breaking: dict[str, set[dt.date]]) -> None:
        self.breaking, self.asked, self.closed = breaking, list[tuple[list[int], list[str]]](), False
        self.con = SimpleNamespace(execute=self.listen)
        self.viewed: list[str] = []

    def listen(self, statement: str) -> None:
        self.viewed.append(statement)

    def check(self, select: str, _suite: Any, listed: Sequence[Any]) -> list[Any]:
        part = [day for day in (D1, D2, D3, D4) if day.isoformat() in select]
        if self.viewed:  # else the views are made on a connection that is not its own
            assert all(f"(date '{day}')" in self.viewed[-1] for day in part) and self.viewed[-1].count("date") == len(part)
        self.asked.append(([day.day for day in part], [e.name for e in listed]))
        wrong = [[day for day in part if day in self.breaking.get(e.name, ())] for e in listed]
        return [SimpleNamespace(success=not w, unexpected=len(w), detail=f"{len(w)} of them" if w else "") for w in wrong]

    def close(self) -> None:
        self.closed = True


def suite(table: str, *expectations: Any, optional: bool = False, filled: tuple[str, ...] = ()) -> Any:
    return SimpleNamespace(table=table, optional=optional, expectations=expectations, columns=TABLES[table], filled=filled)


def paid(amount: int | None = 1, **more: Any) -> dict[str, Any]:
    said = {"provider": "alipay", "transaction_id": "t", "source": "s", "file": "f", "line": 3}
    return {**said, "amount": None if amount is None else Decimal(amount), **more}


def test_what_fails_over_a_range_is_looked_for_in_its_halves(fake: Any) -> None:
    for day in (D1, D2, D3, D4):
        fake.put("payments", day, paid())
    stand_in = StandIn({"b": {D3}, "slow": {D2}})
    listed = suite("payments", expectation("a"), expectation("slow", by_row=False), expectation("b"))
    found = _check_table(fake.store, stand_in, listed, [D1, D2, D3, D4], ())
    assert [(r.period.day, r.expectation, r.unexpected, r.detail) for r in found if not r.success] == [
        (2, "slow", 1, "1 of them"), (3, "b", 1, "1 of them"),
    ]
    assert len(found) == 4 * 5 and all(r.digest == fake.store.digest("payments", r.period) for r in found)
    assert stand_in.asked == [
        ([1, 2, 3, 4], ["a", "b"]), ([1, 2], ["b"]), ([3, 4], ["b"]), ([3], ["b"]), ([4], ["b"]),
        ([1], ["slow"]), ([2], ["slow"]), ([3], ["slow"]), ([4], ["slow"]),
    ]
    # one day is looked at once
    for part, asked in (([D3], [([3], ["a", "b", "slow"])]), ([D1, D2], [([1, 2], ["a", "b"]), ([1], ["slow"]), ([2], ["slow"])])):
        stand_in.asked.clear()
        _check_table(fake.store, stand_in, listed, part, ())
        assert stand_in.asked == asked


def test_of_no_rows_no_value_is_asked_and_a_table_that_is_missing_fails_unless_it_may_be(fake: Any) -> None:
    fake.put("payments", D1)
    fake.put("payments", D2, paid())
    stand_in = StandIn({})
    listed = suite("payments", expectation("value"), expectation("count", by_value=False))
    _check_table(fake.store, stand_in, listed, [D1], ())
    assert stand_in.asked == [([1], ["count"])]
    _check_table(fake.store, stand_in, suite("payments", expectation("value")), [D1], ())
    assert len(stand_in.asked) == 1
    found = _check_table(fake.store, stand_in, listed, [D1, D2, D3], ())
    assert stand_in.asked[1:] == [([1, 2], ["value", "count"])]
    failed = [(r.period.day, r.expectation, r.unexpected, r.detail) for r in found if not r.success]
    assert failed == [(3, "table_exists", 1, "payments of 2026-03-03 is missing")]
    assert _check_table(fake.store, stand_in, suite("payments", expectation("value"), optional=True), [D3], ()) == []


def test_a_table_is_held_against_its_schema_its_day_and_the_shops_of_the_books(fake: Any) -> None:
    strangers = paid(shop="xx", line=9), paid(shop="aa")
    fake.put("payments", D1, paid(), paid(None), paid(shop="tb"), *strangers, paid(period=D2), paid(period=None))
    listed = suite("payments", filled=("amount", "provider"))
    seen = _look(fake.store, listed, D1, ("tb", "jd"))
    assert seen is not None
    assert (seen.rows, seen.foreign_rows, seen.departures) == (7, 2, ("column amount is empty in 1 rows",))
    assert seen.strange == (("f", 3, "aa"), ("f", 9, "xx"))
    assert _look(fake.store, listed, D2, ()) is None
    without = _look(fake.store, listed, D1, ())
    assert without is not None and without.strange == ()
    results = {r.expectation: r for r in _check_table(fake.store, StandIn({}), listed, [D1], ("tb", "jd"))}
    assert {name: (r.success, r.unexpected) for name, r in results.items()} == {
        "rows_of_period": (False, 2), "columns_are_as_declared": (False, 1), "every_shop_is_known": (False, 2),
    }
    assert "every_shop_is_known" not in {r.expectation for r in _check_table(fake.store, StandIn({}), listed, [D1], ())}
    rows = fake.store.read("payments", D1)
    fake.store.write("payments", D1, rows.drop_columns(["amount", "period", "shop"]).append_column("more", pa.array([1] * 7)))
    seen = _look(fake.store, listed, D1, ("tb",))
    assert seen is not None and (seen.rows, seen.foreign_rows, seen.strange) == (7, 7, ())
    assert set(seen.departures) == {*(f"column {name} is missing" for name in ("amount", "period", "shop")), "column more is not declared"}


def test_strangers_and_what_could_not_be_computed_are_told_by_the_first_five() -> None:
    assert _strangers([], ("tb",)) == ""
    told = _strangers([("f.csv", n, "tv") for n in range(6)], ("tb",))
    assert told.count("is of the shop 'tv'") == 5 and "; and 1 more (Name the shop" in told
    assert "more" not in _strangers([("f.csv", n, "tv") for n in range(5)], ("tb",))
    numbers = [(day, n) for day, most in ((D2, 5), (D1, 6)) for n in range(most)]
    rows = [Uncomputed(day, "sql/x.sql", "no room", "orders", "a.csv", n, "price", "1e18") for day, n in numbers]
    first, second = _left_out(rows)
    assert ((first.period, first.unexpected, first.holds), (second.period, second.unexpected)) == ((D1, 6, True), (D2, 5))
    assert first.detail.count("a.csv") == 5 and first.detail.endswith("; and 1 more") and not second.detail.endswith("more")
    assert [names_shops(table) for table in ("payments", "variances")] == [True, False]


def test_a_run_records_each_day_once_and_a_range_of_none_is_nothing(
    fake: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[StandIn] = []

    def stand_in(_con: object, _parameters: object) -> StandIn:
        made.append(StandIn({"b": {D2}}))
        return made[-1]

    monkeypatch.setitem(sys.modules, "duizhang.gate.validation", SimpleNamespace(Validation=stand_in))
    monkeypatch.setattr(checking, "load_suites", lambda _=None: {"payments": suite("payments", expectation("b"))})
    assert (run_gate(fake.store, fake.state, []), made) == ({}, [])
    for day in (D1, D2):
        fake.put("payments", day, paid())
    left_out = Uncomputed(D1, "sql/x.sql", "no room", "orders", "a.csv", 1, "price", "1e18")
    held = run_gate(fake.store, fake.state, [D2, D1, D2], uncomputed=[left_out])
    assert {day: [f.expectation for f in found] for day, found in held.items()} == {D1: ["every_value_is_computed"], D2: ["b"]}
    assert list(held) == [D1, D2] and made[0].closed
    for day in (D1, D2):
        assert fake.store.read("quality_results", day).equals(quality_table(recorded_results(fake.state, [day])))
    with caplog.at_level("INFO"):
        monkeypatch.setattr(checking, "SEVERAL", 2)
        run_gate(fake.store, fake.state, [D1, D2])
        assert caplog.messages == []
        run_gate(fake.store, fake.state, [D1, D2, D3])
        assert caplog.messages == ["gate: payments, table 1 of 1"]
    with pytest.raises(UserError, match="2026-03-04 was never computed"):
        write_data_docs(fake.store, D4, fake.home / "docs")

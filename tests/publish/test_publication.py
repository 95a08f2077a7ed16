"""Publication by itself: a few tables, no suites, and readers that are only told when they would be."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from duizhang.books import Books
from duizhang.declared.terms import Outcome, PeriodStatus
from duizhang.errors import Retryable
from duizhang.gate import Result
from duizhang.home.events import event_log
from duizhang.home.published import TABLES
from duizhang.home.store import WORKERS, days
from duizhang.publish import PeriodOutcome, PeriodState, period_states, publication, publish, read_manifest, set_period_state
from duizhang.publish.publication import _candidates, _inputs, _objections
from duizhang.publish.versions import kept_manifests, manifest_text, save_states, versions

D1, D2, D3 = days(dt.date(2026, 3, 1), dt.date(2026, 3, 3))
FEW = ("recon_summary", "source_files", "order_trace", "quality_results")


class Publisher:
    """A store of three tables; how often readers were shown something new."""

    def __init__(self, fake: Any) -> None:
        self.fake, self.shown, self.lost = fake, 0, list[dt.date]()

    def fill(self, day: dt.date, opening: int, closing: int) -> None:
        self.fake.put("recon_summary", day, {"leg": "fee", "opening": Decimal(opening), "closing": Decimal(closing)})
        files = [{"source": "s", "shop": "tb", "file": f"{name}.csv", "sha256": name * 2} for name in "ba"]
        self.fake.put("source_files", day, *files, {"source": "s", "status": "missing"})
        self.fake.put("order_trace", day, {"order_id": "o1"}, {"order_id": "o2"})

    def go(self, *days: dt.date, **more: Any) -> list[tuple[str, int]]:
        return [(o.state.value, o.version) for o in self.outcomes(*days, **more)]

    def outcomes(self, *days: dt.date, start: dt.date = D1, rules: str = "r", engine: str = "e", **books: Any) -> list[PeriodOutcome]:
        of = Books(root=self.fake.home, entity="acme", start=start, **books)
        return publish(of, self.fake.store, self.fake.state, self.fake.home, days, rules_digest=rules, engine=engine)

    def states(self) -> list[tuple[str, int]]:
        return [(s.state.value, s.version) for s in period_states(self.fake.state).values()]

    def put(self, day: dt.date, state: PeriodStatus, version: int = 1) -> None:
        with self.fake.state.begin() as con:
            save_states(con, [PeriodState(day, version, state)])


@pytest.fixture
def here(fake: Any, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    made = Publisher(fake)

    def show(*_: object) -> None:
        made.shown += 1

    monkeypatch.setattr(publication, "TABLES", {name: TABLES[name] for name in FEW})
    monkeypatch.setattr(publication, "CLOSING_TABLES", ())
    monkeypatch.setattr(publication, "load_suites", dict)
    monkeypatch.setattr(publication, "rebuild_published", show)
    monkeypatch.setattr(publication, "restore_published", lambda *_: made.lost)
    return made


def test_a_version_says_what_it_is_made_of_and_what_it_opens_with(here: Publisher) -> None:
    here.fill(D1, 0, 10)
    here.fill(D2, 10, 20)
    found = here.outcomes(D2, D1, D2)
    assert [(o.period, o.state, o.version, o.reasons) for o in found] == [(D1, "published", 1, ()), (D2, "published", 1, ())]
    assert (here.states(), here.shown) == ([("reconciled", 1)] * 2, 1)
    one, two = (read_manifest(here.fake.home, day, 1) for day in (D1, D2))
    store = here.fake.store
    assert {name: (table["rows"], table["digest"]) for name, table in one["tables"].items() if name != "quality_results"} == {
        name: (rows, store.digest(name, D1)) for name, rows in (("recon_summary", 1), ("source_files", 3), ("order_trace", 2))
    }
    assert one["tables"]["quality_results"]["rows"] == 0
    assert all((here.fake.home / table["object"]).exists() for table in one["tables"].values())
    assert one["inputs"] == [{"source": "s", "shop": "tb", "file": f"{n}.csv", "sha256": n * 2} for n in "ab"]
    assert (one["opening"], two["opening"]) == ({"version": 0, "digest": ""}, {"version": 1, "digest": one["digest"]})
    assert (one["period"], one["version"], one["rules_digest"], one["engine"]) == ("2026-03-01", 1, "r", "e")
    assert kept_manifests(here.fake.state) == {(d, 1): manifest_text(m) for d, m in ((D1, one), (D2, two))}
    first, second = versions(here.fake.state)
    assert first.closing_digest == second.opening_digest != first.opening_digest
    assert (first.digest, first.data_digest) == (one["digest"], one["data_digest"])
    told = [(e.kind, e.actor, e.payload["period"], e.payload["version"], e.payload["digest"]) for e in event_log(here.fake.state)]
    assert told == [("published", "pipeline", m["period"], 1, m["digest"]) for m in (one, two)]
    # the same again is nothing new, whatever computed it; other rules or books are a version
    before = json.dumps(one)
    assert here.go(D1, D2, engine="other") == [("unchanged", 1)] * 2
    assert (len(event_log(here.fake.state)), json.dumps(read_manifest(here.fake.home, D1, 1))) == (2, before)
    assert here.go(D2, rules="r2") == [("published", 2)]
    assert here.go(D2, rules="r2", currency="USD") == [("published", 3)]
    assert read_manifest(here.fake.home, D2, 3)["data_digest"] == two["data_digest"]
    # what was seen before is a version of its own when it comes back
    assert here.go(D2) == [("published", 4)]


def test_a_day_whose_table_is_missing_is_held_and_its_last_version_stays(here: Publisher) -> None:
    here.fill(D1, 0, 10)
    here.go(D1)
    path = here.fake.store.path("order_trace", D1)
    kept = path.read_bytes()
    path.unlink()
    (held,) = here.outcomes(D1)
    assert held == PeriodOutcome(D1, Outcome.HELD, 1, ("order_trace: the table was not written",))
    assert period_states(here.fake.state)[D1].held_reasons == "order_trace: the table was not written"
    path.write_bytes(kept)
    for state, then in (("held", "reconciled"), ("open", "reconciled"), ("approved", "approved"), ("closed", "closed")):
        set_period_state(here.fake.state, D1, PeriodStatus(state))
        assert here.go(D1) == [("unchanged", 1)]
        assert here.states() == [(then, 1)]
    here.fake.store.path("recon_summary", D1).unlink()
    set_period_state(here.fake.state, D1, PeriodStatus.RECONCILED)
    assert here.outcomes(D1)[0].reasons == ("recon_summary: the table was not written",)


def test_a_closed_day_refuses_other_numbers_and_not_other_rules(here: Publisher) -> None:
    here.fill(D1, 0, 10)
    here.go(D1)
    set_period_state(here.fake.state, D1, PeriodStatus.CLOSED)
    assert here.go(D1, rules="r2") == [("unchanged", 1)]
    here.fill(D1, 0, 11)
    assert here.outcomes(D1) == [PeriodOutcome(D1, Outcome.HELD, 1, ("closed: reopen first",))]
    assert here.states() == [("closed", 1)]
    here.fill(D2, 10, 20)
    here.put(D2, PeriodStatus.CLOSED, 0)
    assert here.outcomes(D2) == [PeriodOutcome(D2, Outcome.HELD, 0, ("closed: reopen first",))]


def test_a_table_that_changes_while_it_is_published_is_no_version(here: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    here.fill(D1, 0, 10)
    monkeypatch.setattr(here.fake.store, "of_bytes", lambda _: "another")
    with pytest.raises(Retryable, match="of 2026-03-01 was changed while it was published"):
        here.go(D1)
    assert (versions(here.fake.state), here.states(), here.shown) == ([], [], 0)


def test_readers_see_what_they_saw_as_long_as_objects_are_lost(here: Publisher, caplog: pytest.LogCaptureFixture) -> None:
    here.fill(D1, 0, 10)
    here.lost = [D2, D3]
    here.go(D1)
    assert here.shown == 0
    assert caplog.messages == ["readers see what they saw before, until 2026-03-02, 2026-03-03 is computed again"]
    here.lost = []
    here.go(D1)
    assert (here.shown, len(caplog.messages)) == (1, 1)


@pytest.mark.parametrize(("before", "version", "closing", "firm"), [
    ("reconciled", 1, 10, True), ("approved", 1, 10, True), ("closed", 1, 10, True), ("provisional", 1, 10, True),
    ("held", 1, 10, False), ("open", 1, 10, False), ("reconciled", 0, 10, False), ("reconciled", 1, 11, False),
])
def test_a_day_is_firm_on_a_firm_day_that_closes_with_what_it_opens_with(
    here: Publisher, before: str, version: int, closing: int, *, firm: bool
) -> None:
    here.fill(D1, 0, closing)
    here.go(D1)
    here.put(D1, PeriodStatus(before), version)
    here.fill(D2, 10, 20)
    assert here.go(D2) == [("published" if firm else "provisional", 1)]
    assert here.states()[1] == ("reconciled" if firm else "provisional", 1)
    # the first day of the books stands on nothing
    assert here.go(D2, start=D2) == [("published", 2)]
    assert here.states()[1] == ("reconciled", 2)


def test_a_day_behind_one_that_never_ran_is_provisional_and_a_signed_one_stays(here: Publisher) -> None:
    here.fill(D3, 10, 20)
    assert here.go(D3) == [("provisional", 1)]
    here.put(D3, PeriodStatus.APPROVED)
    assert here.go(D3) == [("unchanged", 1)]
    assert here.states() == [("approved", 1)]
    here.put(D2, PeriodStatus.RECONCILED, 0)
    assert here.go(D3) == [("unchanged", 1)]
    assert here.states() == [("reconciled", 0), ("approved", 1)]


def test_candidates_come_in_order_a_few_read_ahead_and_progress_is_told(
    here: Publisher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    many = days(D1, D1 + dt.timedelta(days=61))
    asked: list[dt.date] = []

    def candidate(_store: Any, _state: Any, day: dt.date, _suites: Any) -> Any:
        asked.append(day)
        return day

    monkeypatch.setattr(publication, "_candidate", candidate)
    found: Iterator[Any] = _candidates(here.fake.store, here.fake.state, many, {})
    assert next(found) == (D1, D1)
    assert len(asked) <= 2 * WORKERS + 1
    assert list(found) == [(day, day) for day in many[1:]]
    monkeypatch.setattr(publication, "_publish_one", lambda *given: PeriodOutcome(given[4], Outcome.UNCHANGED, 1))
    with caplog.at_level("INFO"):
        here.go(*many)
    assert [m.partition(" days")[0] for m in caplog.messages] == ["publishing: 31 of 62"]


def passed(table: str, digest: str, **more: Any) -> Result:
    return Result(D1, table, digest, "e", "c", "critical", more.get("success", True), 0, "off", more.get("detail", ""), more.get("by", ""))


@pytest.mark.parametrize(("results", "optional", "said"), [
    ([passed("orders", "1")], False, []),
    ([], False, ["orders: no recorded result of the gate"]),
    ([], True, ["orders: no recorded result of the gate"]),
    ([passed("orders", "2")], False, ["orders: the gate checked other content than is to be published"]),
    ([passed("orders", "1"), passed("orders", "2")], False, ["orders: the gate checked other content than is to be published"]),
    ([passed("orders", "1", success=False)], False, ["orders: off"]),
    ([passed("orders", "1", success=False, detail="by 1")], False, ["orders: off - by 1"]),
    ([passed("orders", "1", success=False, by="li")], False, []),
])
def test_only_what_the_gate_has_checked_and_let_pass_goes_out(results: Sequence[Result], said: list[str], *, optional: bool) -> None:
    assert _objections({"orders": "1"}, results, {"orders": optional}) == said
    # a table that is not there is asked for unless it may be absent
    absent = [] if optional or results else ["orders: no recorded result of the gate"]
    assert [line for line in _objections({}, results, {"orders": optional}) if "no recorded" in line] == absent
    assert not any("other content" in line for line in _objections({}, results, {"orders": optional}))


def test_inputs_are_in_order_and_what_never_came_is_none() -> None:
    found = (("b", "1", "x"), ("a", "2", "y"), ("a", "1", "z"), ("a", "", ""))
    rows = [{"source": source, "shop": "tb", "file": file, "sha256": digest} for source, file, digest in found]
    listed = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in ("source", "shop", "file", "sha256")]))
    assert [(r["source"], r["file"]) for r in _inputs(listed)] == [("a", "1"), ("a", "2"), ("b", "1")]

"""The plan by itself: recorded inputs held against derived ones, on inputs that are made up."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from duizhang.declared.terms import PeriodStatus
from duizhang.digest import file_digest
from duizhang.home.working_tables import BEGUN
from duizhang.ingest import FileRecord
from duizhang.plan import Inputs, Plan, last_day, make_plan, opens_differently, plan, standing
from duizhang.publish import PeriodState
from duizhang.reconcile import STATE_TABLES

D1, D2, D3, D4 = (dt.date(2026, 3, number) for number in range(1, 5))
HERE: Any = SimpleNamespace(home=Path("home"))  # a state that is only handed on


def planned(
    monkeypatch: pytest.MonkeyPatch, was: Mapping[dt.date, Inputs], now: Mapping[dt.date, Inputs], *,
    states: Mapping[dt.date, str] | None = None,
    spoilt: Mapping[dt.date, Sequence[str]] | None = None, lacking: tuple[str, dt.date] | None = None,
) -> Plan:
    shown = {day: PeriodState(day, 1, PeriodStatus(state)) for day, state in (states or {}).items()}
    for name, found in {"recorded": was, "period_states": shown}.items():
        monkeypatch.setattr(plan, name, lambda _, found=found: found)
    monkeypatch.setattr(plan, "derive", lambda _books, _store, _state, days: {day: now[day] for day in days})
    monkeypatch.setattr(plan, "damaged", lambda _store, _state: spoilt or {})
    store: Any = SimpleNamespace(has=lambda table, day: (table, day) != lacking)
    return make_plan(HERE, store, HERE, min(now), max(now))


def of(opening: str = "o", **parts: str) -> Inputs:
    return Inputs({name.replace("_", ":", 1): digest for name, digest in parts.items()}, opening)


def test_a_day_whose_file_was_changed_since_it_was_taken_in_is_not_current(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = ["touched.csv", "changed.csv", "gone.csv", "packed.zip"]
    for name in names:
        (tmp_path / name).write_text(name, encoding="utf-8")
    known = [
        FileRecord(f"{name}{inside}", file_digest(tmp_path / name), len(name), (tmp_path / name).stat().st_mtime_ns, "read", "", "", "",
                   {"days": [day.isoformat()]})
        for name, inside, day in zip(names, ("", "", "", "::a.csv"), (D1, D2, D3, D4), strict=True)
    ]
    books: Any = SimpleNamespace(remote_inbox="", inbox_path=tmp_path)
    monkeypatch.setattr(standing, "last_books", lambda *_: books)
    monkeypatch.setattr(standing, "records", lambda _: known)
    monkeypatch.setattr(standing, "make_plan", lambda *_: SimpleNamespace(stale={}))
    assert standing.not_current(tmp_path, HERE, [D1, D2, D3, D4]) == {}
    os.utime(tmp_path / "touched.csv", ns=(1, 1))
    for name in ("changed.csv", "packed.zip"):
        (tmp_path / name).write_text("other", encoding="utf-8")
    (tmp_path / "gone.csv").unlink()
    said = {D2: "file changed.csv changed", D4: "file packed.zip changed"}
    assert standing.not_current(tmp_path, HERE, [D1, D2, D3, D4]) == said
    assert standing.not_current(tmp_path, HERE, [D1]) == {}
    books.remote_inbox = "s3"
    assert standing.not_current(tmp_path, HERE, [D1, D2, D3, D4]) == {}


@pytest.mark.parametrize(("was", "now", "told"), [
    (None, of(file_a="1"), ["never computed"]),
    (of(BEGUN, file_a="1"), of(file_a="2"), ["a run ended while it computed this day"]),
    (of(file_a="1", books_zone="z"), of(file_a="1", books_zone="z"), []),
    (of(file_a="1"), of(file_a="2", file_b="1"), ["file a changed", "file b new"]),
    (of(file_a="1", cell_x="c", order_s="n"), of(), ["corrected cell of x gone", "file a gone", "order of files of s gone"]),
    (of(books_zone="z"), of("other", books_zone="y"), ["books.yaml zone changed", "the day before leaves something else open"]),
    (of("o"), of("other"), ["the day before leaves something else open"]),
    # what a rule is told by takes the place of the digest of all rules, which is told where nothing else would be
    (of(rule_sql="1", rules_all="1"), of(rule_sql="2", rules_all="2"), ["rule sql changed"]),
    (of(rules_all="1"), of(rules_all="2"), ["rules all changed"]),
    (of(file_a="1", rules_all="1"), of(file_a="2", rules_all="2"), ["file a changed", "rules all changed"]),
])
def test_a_day_is_computed_again_for_what_changed_and_says_so(
    monkeypatch: pytest.MonkeyPatch, was: Inputs | None, now: Inputs, told: list[str]
) -> None:
    found = planned(monkeypatch, {D1: was} if was else {}, {D1: now})
    assert [str(reason) for reason in found.stale.get(D1, ())] == told
    assert (found.refused, found.periods, found.wanted) == ({}, (D1,), {D1: now})
    assert (D1 in found.stale) == bool(told)


def test_a_file_that_a_newer_program_reads_differently_has_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [SimpleNamespace(path=path, sha256=digest) for path, digest in (("a", "s"), ("b", "t"))]
    monkeypatch.setattr(plan, "records", lambda _: taken)
    inputs = [{"file": "a", "sha256": "s"}, {"file": "b", "sha256": "before"}]
    monkeypatch.setattr(plan, "read_manifest", lambda *at: {"inputs": inputs} if at == (HERE.home, D1, 1) else None)
    was, now = {D1: of(file_a="1", file_b="1")}, {D1: of(file_a="2", file_b="2", file_c="1")}
    found = planned(monkeypatch, was, now, states={D1: "closed"})
    assert [str(reason) for reason in found.refused[D1]] == ["file a read differently", "file b changed", "file c new"]


@pytest.mark.parametrize("table", STATE_TABLES)
def test_a_day_without_one_of_its_tables_is_computed_again(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    same = {D1: of(rules_all="1"), D2: of(rules_all="1")}
    found = planned(monkeypatch, same, same, lacking=(table, D2))
    assert {day: [str(r) for r in why] for day, why in found.stale.items()} == {D2: ["its working tables are gone"]}
    # told beside what changed as well, a rule included
    found = planned(monkeypatch, same, {D2: of(rule_x="1", rules_all="2")}, lacking=(table, D2))
    assert [str(r) for r in found.stale[D2]] == ["its working tables are gone", "rule x new"]


def test_damaged_tables_are_a_reason_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    was, now = {D1: of(), D2: of(), D3: of()}, {D1: of(), D2: of(), D3: of(file_a="1")}
    found = planned(monkeypatch, was, now, spoilt={D2: ["claims", "variances"], D3: ["claims"]})
    assert {day: [str(r) for r in why] for day, why in found.stale.items()} == {
        D2: ["not as it was written: claims, variances"], D3: ["file a new"],
    }


def test_a_closed_day_refuses_and_the_computed_days_behind_the_first_stale_one_may_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    was = {day: of() for day in (D1, D2, D3, D4)}
    changed = {**was, D1: of(file_a="1"), D2: of(file_a="1")}
    found = planned(monkeypatch, was, changed, states={D1: "closed", D2: "approved", D3: "reconciled"})
    assert (set(found.refused), set(found.stale), found.may_follow) == ({D1}, {D2}, (D3, D4))
    # a closed day follows nothing, and neither does a day that is stale itself
    found = planned(monkeypatch, was, {**changed, D1: of(), D4: of(file_a="1")}, states={D3: "closed"})
    assert (set(found.refused), set(found.stale), found.may_follow) == (set(), {D2, D4}, ())
    assert planned(monkeypatch, was, was).may_follow == ()
    found = planned(monkeypatch, was, changed, states=dict.fromkeys((D1, D2), "closed"))
    assert (set(found.refused), found.stale, found.may_follow) == ({D1, D2}, {}, ())


def test_the_digest_of_a_plan_is_of_what_its_days_are_made_from() -> None:
    def digest(days: Sequence[dt.date] | None = None, **wanted: Inputs) -> str:
        both = {D1: of(file_a="1"), D2: of(file_a="1"), **{{"first": D1, "second": D2}[k]: v for k, v in wanted.items()}}
        return Plan((D1, D2), {D1: ()}, {}, (), both).digest(days)

    # the stale ones, or those that are asked for
    assert digest() == digest([D1]) == digest(second=of(file_a="2"))
    assert len({digest(), digest([D2]), digest([D1, D2]), digest([]), digest(first=of(file_a="2")), digest(first=of("x", file_a="1"))}) == 6


@pytest.mark.parametrize(("seen", "computed", "last"), [
    ({}, [], D1),
    ({}, [D3], D3),
    # most of what is expected: two of four are enough, one is not; what is not expected does not count
    ({D2: "ab", D3: "a"}, [], D2),
    ({D2: "ab", D3: "axyz"}, [], D2),
    ({D2: "a", D3: "abcd"}, [D2], D3),
    ({D2: "ab"}, [D4], D4),
    ({D1 - dt.timedelta(days=1): "abcd"}, [], D1),
])
def test_the_last_day_is_computed_or_has_most_of_its_files(
    monkeypatch: pytest.MonkeyPatch, seen: dict[dt.date, str], computed: list[dt.date], last: dt.date
) -> None:
    books: Any = SimpleNamespace(start=D1, due=lambda _: [SimpleNamespace(source=name, shop="s") for name in "abcd"])
    files = [SimpleNamespace(source=name, shop="s", days=lambda day=day: [day]) for day, names in seen.items() for name in names]
    files += [SimpleNamespace(source=name, shop="another", days=lambda: [D4]) for name in "abcd"]
    monkeypatch.setattr(plan, "records", lambda _: files)
    monkeypatch.setattr(plan, "recorded", lambda _: dict.fromkeys(computed, of()))
    assert last_day(books, HERE) == last
    # where nothing is expected any file is enough
    books.due = lambda _: []
    assert last_day(books, HERE) == D4


def test_a_day_opens_differently_only_when_it_was_computed_with_another_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "openings", lambda _store, _state, days: {days[0]: "now"})
    for was, differs in ((of("now"), False), (of("before"), True), (None, False)):
        monkeypatch.setattr(plan, "recorded", lambda _state, day, was=was: {day: was} if was else {})
        assert opens_differently(HERE, HERE, D1) is differs

"""Every refusal of a signature by itself, on days that are only a manifest and a state: nothing is gated, published or shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from duizhang.close import approval
from duizhang.close.approval import (
    MACHINE,
    all_signatures,
    approve,
    certified,
    close_periods,
    is_certified,
    reopen,
    signatures,
    signed_from,
)
from duizhang.declared.terms import EventKind, PeriodStatus
from duizhang.errors import UserError
from duizhang.home.events import append_event, event_log, newest
from duizhang.home.state import State
from duizhang.publish import PeriodState, period_states, set_period_state
from duizhang.publish.versions import save_states, write_manifest

D1, D2, D3 = (dt.date(2026, 3, number) for number in (1, 2, 3))
DIGESTS = {day: f"{day.day}abcdef0" * 8 for day in (D1, D2, D3)}


class Home:
    """Three days that are published and reconciled; what is asked of the room by name alone."""

    def __init__(self, path: Path) -> None:
        self.path, self.state, self.shown = path, State(path), 0
        for day, digest in DIGESTS.items():
            write_manifest(path, {"period": day.isoformat(), "version": 1, "digest": digest, "tables": {}})
        with self.state.begin() as con:
            save_states(con, [PeriodState(day, 1, PeriodStatus.RECONCILED) for day in DIGESTS])

    def sign(self, role: str, by: str, *days: dt.date, **more: Any) -> None:
        approve(self.path, self.state, days or [D1], role=role, by=by, **more)

    def both(self, *days: dt.date) -> None:
        self.sign("maker", "Li", *days)
        self.sign("checker", "Wang", *days)

    def close(self, by: str, *days: dt.date, **more: Any) -> dict[dt.date, str]:
        return close_periods(self.path, self.state, days or [D1], by=by, **more)

    def put(self, day: dt.date, state: str, approved_by: str = "") -> None:
        set_period_state(self.state, day, PeriodStatus(state), approved_by)

    def states(self) -> list[tuple[str, str]]:
        return [(s.state.value, s.approved_by) for s in period_states(self.state).values()]

    def told(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The events: kind, who, and what is told beside the digest of the day."""
        return [(e.kind, e.actor, {k: v for k, v in e.payload.items() if k != "digest"}) for e in event_log(self.state)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "home")

    def show(*_: object) -> None:
        made.shown += 1

    monkeypatch.setattr(approval, "refresh_published", show)
    return made


def test_maker_and_checker_approve_and_a_third_closes(home: Home) -> None:
    home.sign("maker", "Li", D1, D2)
    assert (home.states()[:2], home.shown) == ([("reconciled", "")] * 2, 1)
    assert signatures(home.state, D1, DIGESTS[D1]) == {"maker": "Li"}
    home.sign("checker", "Wang", D1)
    assert home.states() == [("approved", "Li, Wang"), ("reconciled", ""), ("reconciled", "")]
    assert home.close("Zhao") == {}
    assert (home.states()[0], home.shown) == (("closed", "Li, Wang"), 3)
    of = {"period": "2026-03-01"}
    assert home.told() == [
        ("signed", "Li", {**of, "role": "maker"}), ("signed", "Li", {"period": "2026-03-02", "role": "maker"}),
        ("signed", "Wang", {**of, "role": "checker"}), ("closed", "Zhao", of),
    ]
    assert all_signatures(home.state) == {
        ("2026-03-01", DIGESTS[D1], "maker", "Li"), ("2026-03-01", DIGESTS[D1], "checker", "Wang"),
        ("2026-03-02", DIGESTS[D2], "maker", "Li"),
    }
    # told again, nothing more: neither to a day that both have signed nor to one that waits for the other
    home.sign("maker", "Li", D1, D2)
    assert (len(home.told()), home.states()[:2]) == (4, [("closed", "Li, Wang"), ("reconciled", "")])


def test_a_checker_waits_for_the_maker_and_a_maker_signs_once(home: Home) -> None:
    with pytest.raises(UserError, match="the maker has not signed this version yet"):
        home.sign("checker", "Wang")
    with pytest.raises(UserError, match="unknown role 'boss'"):
        home.sign("boss", "Wang")
    home.sign("maker", "Li")
    with pytest.raises(UserError, match="Li has signed as maker already"):
        home.sign("maker", "Zhao")
    # the same person, written otherwise, signs anew as long as the other side has not
    home.sign("maker", "LI")
    assert signatures(home.state, D1, DIGESTS[D1]) == {"maker": "LI"}
    with pytest.raises(UserError, match="Li may be LI, who has signed as the other side"):
        home.sign("checker", "Li")
    home.sign("checker", "Wang")
    for role, by, who in (("maker", "Li", "LI"), ("checker", "WANG", "Wang"), ("checker", "Zhao", "Wang")):
        with pytest.raises(UserError, match=f"{who} has signed as {role} already"):
            home.sign(role, by)
    assert home.states()[0] == ("approved", "LI, Wang")


def test_a_day_that_was_held_for_a_while_is_approved_again_by_one_who_has_signed(home: Home) -> None:
    home.both()
    home.put(D1, "reconciled")
    before = home.told()
    home.sign("maker", "Li")
    assert (home.states()[0], home.told()) == (("approved", "Li, Wang"), before)
    home.put(D1, "reconciled")
    home.sign("checker", "Wang")
    assert (home.states()[0], home.told()) == (("approved", "Li, Wang"), before)


def test_what_is_not_reconciled_or_not_there_is_signed_by_nobody(home: Home) -> None:
    with home.state.begin() as con:
        save_states(con, [PeriodState(D1, 1, PeriodStatus.HELD, "the bill is not there"), PeriodState(D2, 0, PeriodStatus.OPEN)])
    with pytest.raises(UserError, match="2026-03-01 is held; only a reconciled") as refused:
        home.sign("maker", "Li")
    assert refused.value.advice == "the bill is not there"
    for day in (D2, dt.date(2026, 3, 4)):
        with pytest.raises(UserError, match="is not published"):
            home.sign("maker", "Li", day)
    home.put(D1, "provisional")
    with pytest.raises(UserError, match="is provisional") as refused:
        home.sign("maker", "Li")
    assert refused.value.advice == "Correct the days before it first."
    # all days of a command or none
    with pytest.raises(UserError, match="is provisional"):
        home.sign("maker", "Li", D3, D1)
    assert (all_signatures(home.state), home.told()) == (set(), [])


@pytest.mark.parametrize(("digests", "said"), [
    ([DIGESTS[D1][:8]], ""), ([DIGESTS[D1].upper()], ""), ([DIGESTS[D1][:7]], "is too short"),
    (["00000000"], f"with the digest {DIGESTS[D1][:16]} is published, not the 00000000 that was seen"),
    (["0" * 20], f"not the {'0' * 16} that"), ([DIGESTS[D1], DIGESTS[D2]], "2 digests for 1 days"),
])
def test_what_was_seen_is_what_is_signed_and_closed(home: Home, digests: Sequence[str], said: str) -> None:
    if not said:
        home.sign("maker", "Li", digests=digests)
        home.sign("checker", "Wang", digests=digests)
        home.close("Zhao", digests=digests)
        return
    with pytest.raises(UserError, match=said):
        home.sign("maker", "Li", digests=digests)
    home.both()
    with pytest.raises(UserError, match=said):
        home.close("Zhao", digests=digests)
    assert home.states()[0] == ("approved", "Li, Wang")


def test_a_day_that_is_not_current_is_neither_signed_nor_closed(home: Home) -> None:
    came = {D2}

    def stale(_home: Path, _state: State, days: Sequence[dt.date]) -> dict[dt.date, str]:
        return {day: "a file came" for day in days if day in came}

    home.sign("maker", "Li", D1, stale=stale)
    with pytest.raises(UserError, match="2026-03-02 is not current: a file came"):
        home.sign("maker", "Li", D2, stale=stale)
    home.both(D1, D2)
    with pytest.raises(UserError, match="2026-03-02 is not current: a file came"):
        home.close("Zhao", D1, D2, stale=stale)
    assert home.states()[:2] == [("approved", "Li, Wang")] * 2, "all of them or none"
    looks: list[int] = []

    def decided_meanwhile(_home: Path, state: State, _days: Sequence[dt.date]) -> dict[dt.date, str]:
        looks.append(newest(state))
        if len(looks) == 1:
            append_event(State(home.path), actor="Li", kind=EventKind.COMMENTED, payload={})
        return {}

    assert home.close("Zhao", D1, stale=decided_meanwhile) == {}
    assert looks == [looks[0], looks[0] + 1], "what was recorded behind the look is looked at, and nobody waited for the look"
    # of what is closed nothing is asked: a file that came since is the business of who reopens it
    came.add(D1)
    assert home.close("Zhao", D1, stale=stale) == {D1: "Zhao"}


def test_what_was_decided_and_is_not_computed_yet_waits(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.both(D1)
    home.sign("maker", "Li", D2)
    for name, waiting, said in (
        ("cells_not_computed", [f"c{n}" for n in range(7)], "7 corrections of its files are not in .*: c0, c1, c2, c3, c4$"),
        ("not_computed", [SimpleNamespace(decided_by=by) for by in ("Sun", "Qian", "Sun")], "3 decisions of Qian, Sun are not in"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(approval, name, lambda _state, day, waiting=waiting: waiting)
            for command in (lambda: home.sign("maker", "Li", D3), lambda: home.sign("checker", "Wang", D2), lambda: home.close("Zhao", D1)):
                with pytest.raises(UserError, match=said):
                    command()
    assert home.states() == [("approved", "Li, Wang"), ("reconciled", ""), ("reconciled", "")]


def test_who_decided_is_the_maker_at_most(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "deciders", lambda _state, day: ["Sun", "Qian"] if day == D1 else [])
    home.sign("maker", "Qian")
    with pytest.raises(UserError, match="SUN has decided items of this day and may not check it"):
        home.sign("checker", "SUN")
    home.sign("checker", "Wang")
    with pytest.raises(UserError, match="Qian has decided items of this day and may not close it"):
        home.close("Qian")
    home.close("Wang")
    # a day that is closed already asks nobody
    assert home.close("Qian") == {D1: "Wang"}


def test_days_close_in_order_unless_a_reason_is_given(home: Home) -> None:
    home.both(D1, D2, D3)
    for days, first in (((D2,), D1), ((D3,), D1), ((D2, D3), D1)):
        with pytest.raises(UserError, match=f"{first} is not closed, and days close in order"):
            home.close("Zhao", *days, reason=" ")
    home.close("Zhao", D1)
    with pytest.raises(UserError, match=f"{D2} is not closed"):
        home.close("Zhao", D3)
    home.close("Zhao", D3, reason=" month's end ")
    assert home.told()[-1] == ("closed", "Zhao", {"period": "2026-03-03", "reason": "month's end", "open_before": ["2026-03-02"]})
    # a day before that was never run is open as well; what is closed already needs no reason
    assert home.close("Sun", D3) == {D3: "Zhao"}
    assert home.close("Sun", D2, D3) == {D3: "Zhao"}
    assert home.told()[-1] == ("closed", "Sun", {"period": "2026-03-02"})
    with home.state.begin() as con:
        save_states(con, [PeriodState(D1 - dt.timedelta(days=2), 0, PeriodStatus.CLOSED)])
    home.put(D3, "approved", "Li, Wang")
    with pytest.raises(UserError, match="2026-02-28 is not closed"):
        home.close("Zhao", D3)


def test_only_what_both_or_the_machine_have_signed_is_closed(home: Home) -> None:
    home.sign("maker", "Li", D1)
    home.put(D1, "approved", "Li")
    with pytest.raises(UserError, match="2026-03-01 is not approved"):
        home.close("Zhao")
    home.put(D1, "reconciled")
    home.sign("checker", "Wang", D1)
    home.put(D1, "reconciled")  # a check has failed since
    with pytest.raises(UserError, match="2026-03-01 is not approved"):
        home.close("Zhao")
    home.sign("maker", "Li", D1)
    home.state.change(lambda: certified(home.state, D2, DIGESTS[D2]))
    assert [is_certified(home.state, day, digest) for day, digest in DIGESTS.items()] == [False, True, False]
    assert (signatures(home.state, D2, DIGESTS[D2]), home.states()[1]) == ({}, ("approved", MACHINE))
    home.close("Zhao", D1, D2)
    assert home.states()[:2] == [("closed", "Li, Wang"), ("closed", MACHINE)]
    with pytest.raises(UserError, match="is not approved"):
        home.close("Zhao", D3)


def test_a_closed_day_is_opened_again_with_a_reason_and_its_signatures_are_void(home: Home) -> None:
    def again(day: dt.date, by: str = "Li", reason: str = " late bill ") -> list[dt.date]:
        return reopen(home.path, home.state, day, by=by, reason=reason)

    home.both(D1, D2, D3)
    home.close("Zhao", D1, D2, D3)
    with pytest.raises(UserError, match="needs a reason"):
        again(D2, reason=" ")
    shown = home.shown
    assert (again(D2), home.shown) == ([D3], shown + 1)
    assert home.told()[-1] == ("reopened", "Li", {"period": "2026-03-02", "reason": "late bill", "closed_behind": ["2026-03-03"]})
    assert home.states() == [("closed", "Li, Wang"), ("reconciled", ""), ("closed", "Li, Wang")]
    assert {period for period, *_ in all_signatures(home.state)} == {"2026-03-01", "2026-03-03"}
    # told twice is told once, of the same person and with the same words alone
    number = len(home.told())
    assert (again(D2), len(home.told())) == ([D3], number)
    for by, reason in (("Wang", "late bill"), ("Li", "another")):
        with pytest.raises(UserError, match="2026-03-02 is not closed"):
            again(D2, by, reason)
    home.sign("maker", "Li", D2)
    with pytest.raises(UserError, match="2026-03-02 is not closed"):
        again(D2)
    with pytest.raises(UserError, match="2026-03-04 is not closed"):
        again(dt.date(2026, 3, 4))
    assert again(D3) == []


def test_one_may_object_to_the_machine_and_not_to_people(home: Home) -> None:
    home.state.change(lambda: certified(home.state, D1, DIGESTS[D1]))
    assert reopen(home.path, home.state, D1, by="Li", reason="look at it") == []
    assert (home.states()[0], all_signatures(home.state)) == (("reconciled", ""), set())
    home.both(D2)
    home.put(D3, "reconciled", MACHINE)
    for day in (D2, D3):
        with pytest.raises(UserError, match=f"{day} is not closed"):
            reopen(home.path, home.state, day, by="Li", reason="look at it")


def test_days_whose_signatures_another_version_would_void(home: Home) -> None:
    home.both(D1, D3)
    home.sign("maker", "Li", D2)
    assert [signed_from(home.path, home.state, day) for day in (D1, D2, D3)] == [[D1, D2, D3], [D2, D3], [D3]]
    home.close("Zhao", D1)
    home.put(D2, "held")
    write_manifest(home.path, {"period": D3.isoformat(), "version": 2, "digest": "f" * 64, "tables": {}})
    assert signed_from(home.path, home.state, D1) == [D3]
    with home.state.begin() as con:
        save_states(con, [PeriodState(D3, 2, PeriodStatus.RECONCILED)])
    assert signed_from(home.path, home.state, D1) == []
    home.sign("maker", "Li", D3)
    assert signed_from(home.path, home.state, D1) == [D3]
    with home.state.begin() as con:
        save_states(con, [PeriodState(D3, 0, PeriodStatus.RECONCILED)])
    assert signed_from(home.path, home.state, D1) == []

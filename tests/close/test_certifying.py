"""Quiet days are signed by the machine with its own key, and no other day is; a person may object."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from duizhang.books import Books, load_books
from duizhang.cli.status import status_of
from duizhang.close import archive_books
from duizhang.close.approval import close_periods, reopen
from duizhang.close.authority import unsigned
from duizhang.close.certifying import certify
from duizhang.close.derived import forgeries, told
from duizhang.close.keys import new_key
from duizhang.errors import UserError
from duizhang.gate import run_gate
from duizhang.home.events import append_event, event_log
from duizhang.home.store import days
from duizhang.publish import period_states, publish
from duizhang.report import write_report
from duizhang.speech.phrases import in_language
from duizhang.standing.uncertified import why_not
from tests.publish.conftest import _FAKES

FIRST = dt.date(2026, 3, 1)
DAYS = days(FIRST, FIRST + dt.timedelta(days=9))
QUIET, EMPTY, LOUD = DAYS[7:]


@pytest.fixture
def home(ten_days: Path, tmp_path: Path) -> tuple[Any, Books]:
    """A copy of the ten days, and their books."""
    copy = Path(shutil.copytree(ten_days, tmp_path / "ten", symlinks=True))
    return _FAKES.Fake(copy / "home"), load_books(copy / "books.yaml")


@pytest.fixture(scope="module")
def ten_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten days: the eighth as usual, the ninth with a fifth of the rows, the last with an open difference; and the machine's key."""
    top = tmp_path_factory.mktemp("certified")
    fake = _FAKES.Fake(top / "home")
    fake.fill(DAYS)
    for number, day in enumerate(DAYS):
        rows = 20 if day == EMPTY else 100 + number % 3
        money = Decimal(9) if day == LOUD else Decimal(0)
        fake.put("recon_summary", day, {"leg": "order_payment", "left_rows": rows, "right_rows": rows, "match_rate": Decimal("0.99"),
                                        "left_amount": money, "closing": money, "open_keys": int(day == LOUD)})
        item = {"leg": "order_payment", "key": "s/1", "cause": "amount_entry", "left_amount": money, "difference": money, "first_seen": day,
                "status": "open", "cause_confidence": "likely", "shop": "s", "order_id": "1"}
        for table in ("variances", "open_items", "event_items"):
            fake.put(table, day, *([{**item, "event": "E1", "is_booked": True, "overdue": day == LOUD}] if day == LOUD else []))
    key = {"key": new_key(fake.home / "machine.key"), "open_money": "5", "match_rate": "0.98"}
    path = top / "books.yaml"
    path.write_text(yaml.safe_dump({"entity": "acme", "start": str(FIRST), "certify": key}), encoding="utf-8")
    run = {"books": archive_books(fake.home, path), "books_path": str(path)}
    append_event(fake.state, actor="pipeline", kind="run_started", payload=run)
    books = load_books(path)
    run_gate(fake.store, fake.state, DAYS)
    publish(books, fake.store, fake.state, fake.home, DAYS, rules_digest="r")
    return top


@pytest.mark.slow
def test_quiet_days_are_signed_by_the_machine_and_every_other_says_why_not(home: tuple[Any, Books], tmp_path: Path) -> None:
    fake, books = home
    (fake.home / "machine.key").rename(tmp_path / "away.key")
    with pytest.raises(UserError, match="there is no key at"):
        certify(fake.home, books, fake.state, DAYS)
    (tmp_path / "away.key").rename(fake.home / "machine.key")
    found = certify(fake.home, books, fake.state, DAYS)
    assert [day for day in DAYS if day not in found] == [QUIET] and found == why_not(fake.state)
    assert found[FIRST] == ("there are too few days before it to say what its volume usually is",)
    assert found[LOUD] == ("9 CNY are open, more than 5", "items past their deadline: 1")
    assert re.fullmatch(r"40 rows, where 1\d\d to 2\d\d are usual", *found[EMPTY])
    assert {line for lines in found.values() for line in lines if re.search("[a-z]{2,}", in_language(line, "zh"))} == set()
    english, chinese = (write_report(fake.home, LOUD, language=language).read_text(encoding="utf-8") for language in ("en", "zh"))
    assert "items past their deadline: 1" in english and "未平 9 CNY，超过 5" in chinese
    assert [c["period"] for c in status_of(fake.home)["not_certified"]] == sorted(found)
    state = period_states(fake.state)[QUIET]
    assert (state.state, state.approved_by) == ("approved", "machine")
    log = event_log(fake.state)
    assert unsigned(fake.home, log) == ([], 0) and forgeries(fake.state, told(log)) == []
    assert certify(fake.home, books, fake.state, DAYS) == found and event_log(fake.state) == log, "and that is told once"

    forged = [e if e.kind != "certified" else type(e)(**{**e.__dict__, "text": e.text.replace(str(QUIET), str(LOUD))}) for e in log]
    [said] = unsigned(fake.home, forged)[0]
    assert said.endswith("(certified by machine) has a signature that does not hold")


@pytest.mark.slow
def test_a_person_may_object_before_and_after_the_close(home: tuple[Any, Books]) -> None:
    fake, books = home
    certify(fake.home, books, fake.state, [QUIET])
    close_periods(fake.home, fake.state, [QUIET], by="Wang Wei", reason="the others wait")
    assert period_states(fake.state)[QUIET].approved_by == "machine"
    assert forgeries(fake.state, told(event_log(fake.state))) == []
    reopen(fake.home, fake.state, QUIET, by="Li Na", reason="a strange customer")
    found = certify(fake.home, books, fake.state, [QUIET])
    assert found[QUIET] == ("Li Na objected: a strange customer",) and period_states(fake.state)[QUIET].state == "reconciled"
    assert forgeries(fake.state, told(event_log(fake.state))) == []

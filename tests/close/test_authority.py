"""People of books.yaml: what each may do, up to how much, and that nobody acts under another's name."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from duizhang.cli import cli
from duizhang.close import archive_books
from duizhang.close.approval import approve, close_periods, reopen
from duizhang.close.authority import actor, unsigned
from duizhang.close.choosing import Choice
from duizhang.close.deciding import take, take_back
from duizhang.close.decisions import Item
from duizhang.close.groups import Event
from duizhang.close.keys import new_key
from duizhang.errors import BooksError, UserError
from duizhang.home.events import append_event, event_log
from duizhang.ingest.files import FileRecord, remember
from tests.close.conftest import FIRST, PERIODS

ROLES = {
    "clerk": {"may": ["decide", "make"], "write_off": {"event": 50, "day": 80, "month": 100, "causes": {"rounding": 1}}},
    "chief": {"may": ["decide", "accept", "check", "close", "reopen"]},
    "reader": {"may": []},
}


class Office:
    """A home whose books name Li, a clerk, and Wang and Zhao, who may more."""

    def __init__(self, fake: Any, folder: Path) -> None:
        self.home, self.state, self.folder = fake.home, fake.state, folder
        self.keys = {who: folder / f"{who}.key" for who in ("li", "wang", "zhao", "sun")}
        self.public = {who: new_key(path) for who, path in self.keys.items()}
        self.hire(li=("Li Na", "clerk"), wang=("Wang Wei", "chief"), zhao=("Zhao", "chief"), sun=("Sun Li", "reader"))

    def hire(self, **people: tuple[str, str]) -> None:
        """A run with books that name these."""
        named = {who: {"name": name, "role": role, "key": self.public[who]} for who, (name, role) in people.items()}
        path = self.folder / "books.yaml"
        path.write_text(yaml.safe_dump({"entity": "acme", "start": "2026-03-01", "roles": ROLES, "people": named}), encoding="utf-8")
        sha = archive_books(self.home, path)
        append_event(self.state, actor="pipeline", kind="run_started", payload={"books": sha, "books_path": str(path)})

    def decide(self, who: str, key: str, amount: str, *, cause: str = "fee_rate", period: dt.date = FIRST, currency: str = "CNY") -> int:
        item = Item("fee", "acme", key, currency, cause, Decimal(amount), Decimal(0), is_booked=True, shop="s")
        choice = Choice(Event(f"E{key}", period, (item,), period, frozenset()), "write_off", "r", place=key)
        return take(self.state, [choice], by=actor(self.home, self.state, who, "decide", key=self.keys[who])).stored[0].id


@pytest.fixture
def office(fake: Any, tmp_path: Path) -> Office:
    return Office(fake, tmp_path)


def test_who_books_name_acts_with_a_key_of_their_own_and_as_their_role_allows(office: Office) -> None:
    home, state, keys = office.home, office.state, office.keys
    for by, role, key, said in (
        ("Qian", "maker", keys["sun"], "names nobody called 'Qian'"),
        ("Sun Li", "maker", keys["sun"], "Sun Li may not make: the role reader may nothing"),
        ("Li Na", "maker", None, "has to sign with a key"),
        ("Li Na", "maker", keys["wang"], "is not the key of Li Na"),
        ("Li Na", "checker", keys["li"], "Li Na may not check: the role clerk may decide, make"),
        ("Wang Wei", "maker", keys["wang"], "Wang Wei may not make"),
        ("Li Na", "maker", office.folder / "books.yaml", "is no key"),
    ):
        with pytest.raises(UserError, match=said):
            approve(home, state, PERIODS, role=role, by=by, key=key)
    approve(home, state, PERIODS, role="maker", by="ＬＩ na", key=keys["li"])
    approve(home, state, PERIODS, role="checker", by="wang", key=keys["wang"])
    close_periods(home, state, PERIODS, by="zhao", key=keys["zhao"])
    reopen(home, state, FIRST, by="zhao", reason="a late bill", key=keys["zhao"])
    log = event_log(state)
    assert unsigned(home, log) == ([], 0)
    assert {e.actor for e in log if e.kind == "signed"} == {"Li Na", "Wang Wei"}


def test_a_role_writes_off_no_more_than_its_limits(office: Office) -> None:
    for amount, cause, said in (
        ("51", "fee_rate", "51 is more than the 50 CNY at once"), ("-51", "fee_rate", "51 is more"),
        ("2", "rounding", "2 is more than the 1 CNY at once of rounding"),
    ):
        with pytest.raises(UserError, match=said):
            office.decide("li", f"k{amount}", amount, cause=cause)
    with pytest.raises(UserError, match="may write off CNY alone, and this is USD"):
        office.decide("li", "dollars", "1", currency="USD")
    first = office.decide("li", "a", "45")
    with pytest.raises(UserError, match="85 is more than the 80 CNY a day"):
        office.decide("li", "b", "-40")
    office.decide("li", "c", "35")
    with pytest.raises(UserError, match="110 is more than the 100 CNY a month"):
        office.decide("li", "d", "30", period=PERIODS[1])
    take_back(office.home, office.state, first, by="li", reason="wrong", key=office.keys["li"])
    office.decide("li", "d", "30", period=PERIODS[1])
    office.decide("wang", "e", "100000")


def test_a_signature_holds_for_its_author_its_content_and_its_place(office: Office) -> None:
    office.decide("li", "a", "45")
    log = event_log(office.state)
    from dataclasses import replace

    event = log[-1]
    for forged in (
        replace(event, actor="Wang Wei"), replace(event, text=event.text.replace('"45"', '"46"')), replace(event, prev_hash="0" * 64),
        replace(event, kind="taken_back"), replace(event, text="{}"),
    ):
        problems, _ = unsigned(office.home, [*log[:-1], forged])
        assert len(problems) == 1, forged
    # a name alone does not do any more, once the books name people
    append_event(office.state, actor="Li Na", kind="signed", payload={"period": "2026-03-01", "role": "maker", "digest": "x"})
    assert ["is not signed" in p for p in unsigned(office.home, event_log(office.state))[0]] == [True]
    # who leaves may not act, and what was signed before holds
    office.hire(wang=("Wang Wei", "chief"))
    assert len(unsigned(office.home, event_log(office.state))[0]) == 1
    with pytest.raises(UserError, match="names nobody called 'li'"):
        office.decide("li", "z", "1")


@pytest.mark.parametrize("other", ["LI NA", "Lі Na".replace("і", "ı"), "Ｌｉ　Ｎａ", "Na Li"])
def test_one_person_is_not_two_in_the_books(office: Office, other: str) -> None:
    office.hire(li=("Li Na", "clerk"), wang=(other, "chief"))
    with pytest.raises(BooksError, match="may be one person"):
        office.decide("li", "a", "1")


def test_without_people_a_name_is_not_authenticated(fake: Any, tmp_path: Path) -> None:
    told = CliRunner().invoke(cli, ["approve", "--home", str(fake.home), "--period", str(FIRST), "--as", "maker", "--by", "Li"])
    assert "signed as maker by Li (not authenticated: books.yaml names no people)" in told.output, told.output
    assert "open: Timing 1 item, 10.00 CNY" in told.output and "reconciled, version 1" in told.output
    verified = CliRunner().invoke(cli, ["verify", "--home", str(fake.home)])
    assert "events of people that are not authenticated, as the books named nobody then: 1" in verified.output
    made = CliRunner().invoke(cli, ["key", "new", str(tmp_path / "li.key")])
    assert "ed25519:" in made.output and (tmp_path / "li.key").stat().st_mode & 0o077 == 0
    assert "is there already" in str(CliRunner().invoke(cli, ["key", "new", str(tmp_path / "li.key")]).exception)


def test_whoever_decides_about_a_file_signs_it_and_may_accept(office: Office) -> None:
    remember(office.state, {"a.csv": FileRecord("a.csv", "0" * 64, 1, 1, "refused", "", "", "", {"problem": "no bill", "days": []})})
    said = ["source", "accept", "a.csv", "--home", str(office.home), "--reason", "no bill", "--by"]

    def told(*more: str) -> str:
        ran = CliRunner().invoke(cli, [*said, *more], standalone_mode=False)
        return str(ran.exception or ran.output)

    assert "has to sign with a key" in told("Zhao")
    assert "is not the key of Zhao" in told("Zhao", "--key", str(office.keys["li"]))
    assert "Li Na may not accept" in told("Li Na", "--key", str(office.keys["li"]))
    assert "a.csv: accepted" in told("Zhao", "--key", str(office.keys["zhao"]))
    assert unsigned(office.home, event_log(office.state)) == ([], 0)
    append_event(office.state, actor="Zhao", kind="file_withdrawn", payload={"file": "a.csv", "sha256": "0" * 64, "reason": "forged"})
    [problem], _ = unsigned(office.home, event_log(office.state))
    assert "file_withdrawn by Zhao" in problem and "is not signed" in problem

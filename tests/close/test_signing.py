"""Signing, closing and reopening: check, change and event are one step, whoever else does what and wherever it ends."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

import duizhang.plan  # noqa: F401 - its table is part of every home
from duizhang import cli
from duizhang.cli.status import status_of
from duizhang.close import announce, approval, importing, verify
from duizhang.close.approval import APPROVALS, approve, close_periods, reopen, signatures, signed_from
from duizhang.close.authority import Actor
from duizhang.close.choosing import Choice
from duizhang.close.deciding import accept, take
from duizhang.close.decisions import Item
from duizhang.close.derived import forgeries, told
from duizhang.close.groups import Event
from duizhang.declared.terms import Outcome
from duizhang.doctor import look_at_home
from duizhang.doctor.finding import NOTED
from duizhang.errors import DuizhangError, Retryable, StateError, UserError
from duizhang.home import schema_version
from duizhang.home.events import append_event, event_log, verify_chain, witness_tail, witnessed
from duizhang.home.identity import HOMES
from duizhang.home.state import State
from duizhang.publish import PeriodOutcome, period_states, read_manifest
from duizhang.runs.running import Run
from tests.close.conftest import FIRST, PERIODS, published
from tests.thoroughness import THOROUGH, some


class Cut(BaseException):
    """The power is gone."""


@contextmanager
def cut_at(state: State, step: int) -> Iterator[list[int]]:
    """Let a state's work end before its n-th statement or commit; the list has the number of those that there were."""
    seen = [0]

    def count(*_: object) -> None:
        seen[0] += 1
        if seen[0] == step:
            raise Cut

    for name in ("before_cursor_execute", "commit"):
        sa.event.listen(state.engine, name, count)
    try:
        yield seen
    finally:
        for name in ("before_cursor_execute", "commit"):
            sa.event.remove(state.engine, name, count)


def kinds(state: State) -> list[str]:
    return [e.kind for e in event_log(state) if e.kind != "published"]


def consistent(state: State) -> None:
    """The tables are what the log tells, and the log is whole."""
    log = event_log(state)
    assert forgeries(state, told(log)) == []
    assert verify_chain(log, witnessed(state.home)) == []


def steps(home: Path, state: State) -> list[tuple[Callable[[], object], str]]:
    return [
        (lambda: approve(home, state, PERIODS, role="maker", by="Li"), "signed"),
        (lambda: approve(home, state, PERIODS, role="checker", by="Wang"), "signed"),
        (lambda: close_periods(home, state, PERIODS, by="Wang"), "closed"),
        (lambda: reopen(home, state, FIRST, by="Li", reason="late bill"), "reopened"),
    ]


@pytest.mark.slow
def test_a_command_that_is_cut_off_anywhere_leaves_nothing_wrong_and_completes_when_repeated(
    fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval, "refresh_published", lambda *_: None)
    state, expected = fake.state, []
    for command, kind in steps(fake.home, state):
        step, ended = 0, False
        before = kinds(state)
        while not ended:
            step += 1 if THOROUGH else 2
            try:
                with cut_at(state, step):
                    command()
                ended = True
            except Cut:
                consistent(state)
                # before its end nothing of it is there, behind it everything
                assert len(kinds(state)) - len(before) in (0, 1 if kind == "reopened" else 2)
        expected += [kind] * (1 if kind == "reopened" else 2)
        assert step > 10
        command()
        assert kinds(state) == expected
        consistent(state)


@pytest.mark.slow
def test_what_readers_see_is_completed_by_the_same_command(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise Cut

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(approval, "refresh_published", gone)
        approve(fake.home, fake.state, PERIODS, role="maker", by="Li")
    approve(fake.home, fake.state, PERIODS, role="maker", by="Li")
    approve(fake.home, fake.state, PERIODS, role="checker", by="Wang")
    assert kinds(fake.state) == ["signed"] * 4


def test_only_what_was_seen_is_signed(fake: Any) -> None:
    digest = read_manifest(fake.home, FIRST, 1)["digest"]
    with pytest.raises(UserError, match="not the 00000000"):
        approve(fake.home, fake.state, [FIRST], role="maker", by="Li", digests=["00000000"])
    with pytest.raises(UserError, match="1 digests for 2 days"):
        approve(fake.home, fake.state, PERIODS, role="maker", by="Li", digests=[digest])
    approve(fake.home, fake.state, [FIRST], role="maker", by="Li", digests=[digest[:8]])
    assert kinds(fake.state) == ["signed"]


@pytest.mark.parametrize("other", some(("L\u200bi", "li", "Lı", "Lí"), "L\u200bi", "Lí"))
def test_a_name_written_otherwise_is_no_second_person(fake: Any, other: str) -> None:
    approve(fake.home, fake.state, PERIODS, role="maker", by="Li")
    with pytest.raises(UserError, match="two different people"):
        approve(fake.home, fake.state, PERIODS, role="checker", by=other)


def test_everybody_has_a_name(fake: Any) -> None:
    for command in (
        lambda by: approve(fake.home, fake.state, PERIODS, role="maker", by=by),
        lambda by: close_periods(fake.home, fake.state, PERIODS, by=by),
        lambda by: reopen(fake.home, fake.state, FIRST, by=by, reason="x"),
        lambda by: accept(fake.home, fake.state, FIRST, "orders", "x", by=by, reason="x"),
        lambda by: importing.import_decisions(fake.home, fake.state, fake.home / "none.xlsx", by=by),
    ):
        with pytest.raises(UserError, match="name is needed"):
            command("\u200b ")


def decided(state: State, period: dt.date, by: str, *, key: str = "k") -> None:
    """A decision as an import takes it."""
    item = Item("fee", "acme", key, "CNY", "fee_rate", Decimal(5), Decimal(0), is_booked=True, shop="s")
    take(state, [Choice(Event(f"E{key}", period, (item,), period, frozenset()), "write_off", "r", place="row 2")], by=Actor(by))


def test_who_decided_may_prepare_but_neither_check_nor_close(fake: Any) -> None:
    home, state = fake.home, fake.state
    decided(state, FIRST, "Li")
    with pytest.raises(UserError, match="1 decisions of Li are not in its published version yet"):
        approve(home, state, [FIRST], role="maker", by="Li")
    append_event(state, actor="pipeline", kind="computed", payload={"from": FIRST, "to": FIRST, "held": []})
    with pytest.raises(UserError, match="maker has not signed"):
        approve(home, state, [FIRST], role="checker", by="Li")
    assert signed_from(home, state, FIRST) == []
    approve(home, state, [FIRST], role="maker", by="Zhao")
    assert signed_from(home, state, FIRST) == [FIRST] and signed_from(home, state, FIRST + dt.timedelta(days=1)) == []
    with pytest.raises(UserError, match="has decided items of this day and may not check it"):
        approve(home, state, [FIRST], role="checker", by="LI")
    approve(home, state, [FIRST], role="checker", by="Wang")
    with pytest.raises(UserError, match="may not close it"):
        close_periods(home, state, [FIRST], by="Li")
    close_periods(home, state, [FIRST], by="Zhao")
    assert signed_from(home, state, FIRST) == []  # a closed day gets no other version
    with pytest.raises(UserError, match=r"row 2: 2026-03-01 is closed"):
        decided(state, FIRST, "Sun", key="other")
    with pytest.raises(UserError, match="2026-03-01 is closed; only a reconciled period can be signed") as refused:
        approve(home, state, [FIRST], role="maker", by="Sun")
    assert refused.value.advice == "Reopen it first, with a reason."


def test_days_close_in_order(fake: Any) -> None:
    home, state = fake.home, fake.state
    for role, by in (("maker", "Li"), ("checker", "Wang")):
        approve(home, state, PERIODS, role=role, by=by)
    with pytest.raises(UserError, match="2026-03-01 is not closed, and days close in order"):
        close_periods(home, state, PERIODS[1:], by="Wang")
    assert close_periods(home, state, PERIODS[1:], by="Wang", reason="month's end") == {}
    assert close_periods(home, state, PERIODS, by="Zhao") == {PERIODS[1]: "Wang"}, "nobody is told to have closed what another closed"
    assert reopen(home, state, FIRST, by="Li", reason="late bill") == PERIODS[1:]
    assert [s.state for s in period_states(state).values()] == ["reconciled", "closed"]
    consistent(state)


def test_forged_rows_are_seen(fake: Any) -> None:
    for role, by in (("maker", "Li"), ("checker", "Wang")):
        approve(fake.home, fake.state, PERIODS, role=role, by=by)
    decided(fake.state, FIRST, "Sun")
    for forgery, said in {
        "update approvals set name = 'Sun' where role = 'maker'": "is on no record",
        "delete from approvals": "the database does not have it",
        "update period_states set state = 'closed'": "on record it is not closed",
        "update versions set digest = 'x'": "is not the one that was published",
        "delete from versions where version = 1": "does not have it any more",
        "update corrections set amount = '7'": "decision C000001 was changed",
        "delete from period_states": "does not know it any more",
    }.items():
        with fake.state.engine.connect() as con, con.begin() as transaction:
            con.execute(sa.text(forgery))
            transaction.commit()
            backup = forgeries(fake.state, told(event_log(fake.state)))
        assert any(said in problem for problem in backup), (forgery, backup)
    with fake.state.begin() as con:
        con.execute(sa.text("update corrections set amount = '7,-'"))
    assert any("decision C000001 was changed" in problem for problem in verify(fake.home).problems)


def test_a_day_that_was_held_is_not_shown_as_reconciled_by_a_changed_row(fake: Any) -> None:
    announce(fake.state, [PeriodOutcome(FIRST, Outcome.HELD, 1)])
    assert any("its last computation was held" in problem for problem in forgeries(fake.state, told(event_log(fake.state))))
    announce(fake.state, [PeriodOutcome(FIRST, Outcome.PUBLISHED, 1)])
    consistent(fake.state)


def test_a_log_that_is_cut_off_or_written_anew_differs_from_its_witness(fake: Any) -> None:
    for number in range(3):
        append_event(fake.state, actor="Li", kind="note", payload={"n": number})
    whole, witness = event_log(fake.state), witnessed(fake.home)
    assert verify_chain(whole, witness) == []
    assert "cut off" in verify_chain(whole[:-1], witness)[0]
    with fake.state.begin() as con:
        con.execute(sa.text("delete from events where seq > 2"))
    # nothing goes on from there, and who looks is told so
    lost = f"the last events were cut off: events.log has {len(whole)}, the log 2"
    with pytest.raises(StateError, match=lost):
        append_event(fake.state, actor="Li", kind="note", payload={"n": "forged"})
    assert status_of(fake.home)["record"] == [{"problem": lost}] and len(event_log(fake.state)) == 2
    (fake.home / "events.log").write_text("".join(f"{n} {witness[n]}\n" for n in (1, 2)).replace(witness[2], "0" * 64), encoding="ascii")
    with pytest.raises(StateError, match="event 2 is not the one that was written first"):
        append_event(fake.state, actor="Li", kind="note", payload={"n": "forged"})
    (fake.home / "events.log").unlink()
    append_event(fake.state, actor="Li", kind="note", payload={"n": "forged"})
    assert status_of(fake.home)["record"] == []
    assert "is not the one that was written first" in verify_chain(event_log(fake.state), witness)[0]


@pytest.mark.slow
def test_bytes_behind_the_last_line_of_the_witness_are_told_unless_a_kill_left_them(fake: Any) -> None:
    append_event(fake.state, actor="Li", kind="note", payload={})
    log, path = event_log(fake.state), fake.home / "events.log"
    whole = path.read_bytes()
    last = whole.splitlines()[-1]
    for added, said in ((b"x", "1 bytes behind its last line belong to no event"), (b"x\n", "was changed"), (last + b"\n", "was changed"),
                        (b"\n", "was changed"), (b"\x0c\n", "was changed")):
        path.write_bytes(whole + added)
        assert any(said in problem for problem in verify(fake.home).problems), added
        append_event(fake.state, actor="Li", kind="note", payload={})
        assert str(len(event_log(fake.state))).encode() in path.read_bytes().splitlines()[-1].split(), "what was added stops no event"
        with fake.state.begin() as con:
            con.execute(sa.text(f"delete from events where seq > {len(log)}"))
    # a kill in the midst of a line
    path.write_bytes(whole[: -len(last) // 2])
    assert verify_chain(log, witnessed(fake.home)) + witness_tail(fake.home, log) == []


@pytest.mark.slow
def test_what_nothing_refers_to_is_told_as_left_over_and_taken_away_where_that_is_safe(fake: Any) -> None:
    before = verify(fake.home)
    assert before.left_over == []
    objects = set(fake.home.glob("objects/*/*"))
    stray = ("objects/ab/stray.parquet", "manifests/2026-03-01/7.json", "archive/ab/somebody.csv", "archive/note.txt")
    for name in stray:
        (fake.home / name).parent.mkdir(parents=True, exist_ok=True)
        (fake.home / name).write_bytes(b"x")
    told_of = verify(fake.home)
    assert told_of.problems == before.problems and sorted(told_of.left_over) == sorted(stray)
    found = [finding for finding in look_at_home(fake.home) if "refers to" in finding.what]
    assert [finding.level for finding in found] == [NOTED, NOTED]
    said = "\n".join(finding.fix() for finding in found if finding.fix)
    assert "2 leftovers" in said
    assert set(fake.home.glob("objects/*/*")) == objects and not (fake.home / stray[1]).exists()
    assert verify(fake.home).left_over == sorted(stray[2:]), "a raw file may be the only copy"
    shown = fake.home / "published.duckdb"
    shown.chmod(0o644)
    with shown.open("ab") as file:
        file.write(b"x")
    assert any("published.duckdb has" in problem for problem in verify(fake.home).problems)


def test_a_table_that_is_declared_later_is_there_at_the_next_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever order the rooms are loaded in; also in the midst of a change, and when that is undone."""
    metadata = sa.MetaData()
    for module in ("duizhang.home.state", "duizhang.home.connection"):
        monkeypatch.setattr(f"{module}.METADATA", metadata)
    HOMES.to_metadata(metadata)
    schema_version.VERSION.to_metadata(metadata)
    state = State(tmp_path)

    def count(name: str) -> int:
        table = sa.Table(name, metadata, sa.Column("n", sa.Integer), extend_existing=True)
        with state.read() as con:
            return con.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()

    def fail() -> None:
        count("second")
        raise Cut

    assert count("first") == 0
    with pytest.raises(Cut):
        state.change(fail)
    assert count("second") == state.change(lambda: count("third")) == 0


@pytest.mark.slow
def test_a_database_without_room_is_one_message_and_loses_nothing(
    fake: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = fake.home
    room = 0

    def little(connection: Any, _record: object) -> None:
        if room:
            connection.execute(f"pragma max_page_count = {room}")

    def sign() -> int:
        monkeypatch.setattr("sys.argv", ["duizhang", "approve", "--home", str(home), "--period", str(FIRST), "--as", "maker",
                                         "--by", "Li" * 40_000])
        return cli._status()

    sa.event.listen(sa.Engine, "connect", little)
    try:
        with State(home).read() as con:
            room = con.execute(sa.text("pragma page_count")).scalar_one()
        assert sign() == 1
        said = capsys.readouterr().err.splitlines()
        assert said[0].startswith("error: the disk is full") and "Make room" in said[1] and len(said) == 2, said
        assert signatures(State(home), FIRST, read_manifest(home, FIRST, 1)["digest"]) == {}
        consistent(State(home))
        room = 0
        assert sign() == 0
    finally:
        sa.event.remove(sa.Engine, "connect", little)
    consistent(State(home))
    assert kinds(State(home)) == ["signed"]


@pytest.mark.slow
@pytest.mark.parametrize("database", some(("sqlite", "postgresql"), "sqlite"))
def test_parallel_signatures_are_one_after_the_other(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database == "postgresql":
        address = request.getfixturevalue("server")
        with psycopg.connect(address, autocommit=True) as con:
            con.execute("create database parallel")
        monkeypatch.setenv("DUIZHANG_STATE_URL", address.removesuffix("postgres") + "parallel")
    home = published(tmp_path / "home").home
    monkeypatch.setattr(approval, "refresh_published", lambda *_: None)
    refused, strange = [], []

    def go(number: int) -> None:
        state = State(home)
        for command in (
            lambda: approve(home, state, PERIODS, role="maker", by=f"Maker {'ABCDEFGH'[number]}"),
            lambda: append_event(state, actor="x", kind="note", payload={}),
            lambda: approve(home, state, PERIODS, role="checker", by=f"Checker {'ABCDEFGH'[number]}"),
            lambda: close_periods(home, state, PERIODS, by=f"Closer {'ABCDEFGH'[number]}"),
        ):
            try:
                command()
            except UserError as error:
                refused.append(str(error))
            except (DuizhangError, sa.exc.SQLAlchemyError) as error:
                strange.append(error)

    threads = [threading.Thread(target=go, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert strange == []
    state = State(home)
    consistent(state)
    assert sorted(kinds(state)) == sorted(["signed"] * 4 + ["closed"] * 2 + ["note"] * 6)
    with state.read() as con:
        assert len(con.execute(sa.select(APPROVALS)).all()) == 4


def test_a_database_that_stays_busy_is_one_message_after_one_wait(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("connection", "state"):
        monkeypatch.setattr(f"duizhang.home.{module}.BUSY_SECONDS", 0.1)
    state, tries = State(fake.home), []
    sa.event.listen(state.engine, "engine_connect", tries.append)
    with sqlite3.connect(fake.home / "state.db", isolation_level=None) as other:
        other.execute("begin immediate")
        with pytest.raises(Retryable, match="the state database is busy"):
            append_event(state, actor="Li", kind="note", payload={})
    other.close()
    assert 1 <= len(tries) <= 2


@pytest.mark.slow
def test_a_database_belongs_to_one_home(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(server, autocommit=True) as con:
        con.execute("create database one_home")
    address = server.removesuffix("postgres") + "one_home"
    for form in ("postgres://", "postgresql://", "postgresql+psycopg://"):
        monkeypatch.setenv("DUIZHANG_STATE_URL", address.replace("postgresql://", form))
        append_event(State(tmp_path / "mine"), actor="x", kind="note", payload={})
    with pytest.raises(UserError, match="belongs to another home"):
        State(tmp_path / "other")
    (tmp_path / "mine").rename(tmp_path / "moved")
    assert len(event_log(State(tmp_path / "moved"))) == 3
    monkeypatch.delenv("DUIZHANG_STATE_URL")
    (tmp_path / "moved" / "manifests").mkdir()
    with pytest.raises(UserError, match="its state database is gone"):
        State(tmp_path / "moved")
    for url, wanted in (
        ("no address", "no address of a database"), ("mysql://u:p@host/db", "in PostgreSQL or SQLite, not in 'mysql'"),
        ("postgresql+asyncpg://u:p@host/db", "needs the driver|no database that is known"), ("sqlite://", "by its whole path"),
        ("sqlite:///here.db", "by its whole path"), ("postgresql://u:p@127.0.0.1:1/db", "does not answer"),
    ):
        monkeypatch.setenv("DUIZHANG_STATE_URL", url)
        with pytest.raises(UserError, match=wanted) as refused:
            State(tmp_path / "moved")
        assert "postgres]" not in refused.value.advice or "asyncpg" in url


def test_a_home_that_the_database_refuses_is_left_as_it_was(fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIZHANG_STATE_URL", f"sqlite:///{tmp_path / 'home' / 'state.db'}")
    books = tmp_path / "books.yaml"
    books.write_text("entity: acme\ntime_zone: UTC\ncurrency: CNY\nstart: 2026-03-01\nshops: {}\n", encoding="utf-8")
    with pytest.raises(UserError, match="belongs to another home"):
        Run(books, tmp_path / "second")
    assert [path.name for path in (tmp_path / "second").rglob("*")] == []

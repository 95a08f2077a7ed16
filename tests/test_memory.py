"""How much memory a run may take, and what is said where it does not suffice."""

from __future__ import annotations

from pathlib import Path

import pytest

from duizhang import memory
from duizhang.errors import UserError
from duizhang.home.store import Store, connect
from duizhang.ingest.landing import MANY, LandedFiles
from duizhang.reconcile import Session
from tests.reconcile.test_engine import FIRST, books, fill

TOO_MUCH = "create table t as select i, repeat('x', 100) || i as t from range(2000000) as r(i)"


@pytest.mark.parametrize(("text", "said"), [
    ("much", "is no size"), ("2", "is no size"), ("300MB", "300MB is too little: a run takes at least 1GB"),
    ("4GB", "4GB is more than the 3072MB that this machine has"),
])
def test_a_budget_that_cannot_be_is_refused_before_anything_begins(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "machine", lambda: 3 << 30)
    with pytest.raises(UserError, match=said):
        memory.parsed(text)


def test_the_database_takes_what_is_given_less_what_stands_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "machine", lambda: 8 << 30)
    assert memory.parsed("1.5GB") == 3 << 29 and memory.parsed("") == 2 << 30
    store = Store(tmp_path, memory=memory.parsed("1.5GB"))
    with store.connect() as con:
        assert con.execute("select current_setting('memory_limit')").fetchall() == [("1.0 GiB",)]


def test_files_that_share_days_are_compared_within_the_memory_of_the_run(tmp_path: Path) -> None:
    landed = LandedFiles({}, {}, (), store=Store(tmp_path, memory=3 << 29))
    with landed.database(MANY + 1) as con:
        asked = "select current_setting('memory_limit'), current_setting('temp_directory')"
        assert con.execute(asked).fetchall() == [("1.0 GiB", str(tmp_path / "spill"))]
    assert not (tmp_path / "spill").exists()


def test_what_does_not_fit_is_one_message_with_the_number(tmp_path: Path) -> None:
    said = "counting does not fit into 1024MB of memory, of which the database has 512MB"
    with connect(memory="8MiB", threads=1, spill=tmp_path) as con:
        con.execute("set max_temp_directory_size = '1MiB'")
        with pytest.raises(UserError, match=said) as told, memory.told_when_short("counting", 1 << 30):
            con.execute(TOO_MUCH)
    assert "duizhang run --memory" in told.value.advice


def test_a_model_without_memory_is_no_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    fill(store, [FIRST], {})
    with Session(books(tmp_path), store, [FIRST]) as session:
        session.con.execute("set memory_limit = '8MiB'")
        session.con.execute("set max_temp_directory_size = '1MiB'")
        monkeypatch.setattr("duizhang.reconcile.session.model_text", lambda path: TOO_MUCH.partition(" as ")[2])
        with pytest.raises(UserError, match=r"sql/items/judged\.sql does not fit into \d+MB of memory"):
            session.run("items/judged.sql")

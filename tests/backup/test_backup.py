"""A backup is restored as it was, twice costs nothing, and one of which a byte is wrong is refused by name."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from duizhang.backup import back_up, restore
from duizhang.backup.catalogue import SNAPSHOTS, blob_path, names_of, read_snapshot
from duizhang.backup.recovering import check
from duizhang.close import approve, signed_checkpoint, verify
from duizhang.close.checkpoints import KEY_FILE
from duizhang.errors import UserError
from duizhang.home.events import append_event, event_log
from duizhang.home.published import open_published
from duizhang.home.state import State
from tests.close.conftest import FIRST, fake, public
from tests.thoroughness import some

__all__ = ["fake", "public"]


def asked(home: Path) -> list[Any]:
    with open_published(home) as con:
        return con.execute("select period, state, digest from period_status order by period").fetchall()


def test_a_restored_home_verifies_and_shows_what_the_old_one_did(fake: Any, tmp_path: Path) -> None:
    signed_checkpoint(fake.home, event_log(fake.state))
    before, problems = asked(fake.home), verify(fake.home).problems
    taken = back_up(fake.home, tmp_path / "backups")
    assert taken.new_files > 10 and names_of(tmp_path / "backups") == [taken.snapshot.name]
    again = back_up(fake.home, tmp_path / "backups")
    assert (again.new_files, again.new_bytes) == (0, 0)
    secret = (fake.home / KEY_FILE).read_bytes().strip()
    assert not [p for p in (tmp_path / "backups").rglob("*") if p.is_file() and secret in p.read_bytes()]
    shutil.rmtree(fake.home)
    restored = restore(tmp_path / "backups", tmp_path / "new")
    # the made-up days have no raw files: what was missing then is missing now, and nothing else
    assert restored.problems == problems and asked(tmp_path / "new") == before
    assert (restored.snapshot.events, restored.snapshot.head) == (len(event_log(State(tmp_path / "new"))), verify(tmp_path / "new").head)
    approve(tmp_path / "new", State(tmp_path / "new"), [FIRST], role="maker", by="Li Na")
    with pytest.raises(UserError, match="is there already"):
        restore(tmp_path / "backups", tmp_path / "new")


@pytest.mark.slow
def test_an_older_backup_is_restored_as_it_was_then(fake: Any, tmp_path: Path) -> None:
    first = back_up(fake.home, tmp_path / "backups").snapshot
    append_event(fake.state, actor="Li Na", kind="noted", payload={})
    second = back_up(fake.home, tmp_path / "backups")
    assert second.snapshot.events == first.events + 1 and 0 < second.new_files <= 2  # the database and its witness
    assert restore(tmp_path / "backups", tmp_path / "then", at=first.name).snapshot.events == first.events
    assert len(event_log(State(tmp_path / "then"))) == first.events
    third = back_up(fake.home, tmp_path / "backups", keep=1)
    assert third.dropped == 2 and names_of(tmp_path / "backups") == [third.snapshot.name]
    assert check(tmp_path / "backups").events == second.snapshot.events


@pytest.mark.parametrize("how", some(["flipped", "gone", "record"], "flipped"))
def test_a_damaged_backup_is_refused_by_name_and_leaves_no_home(fake: Any, tmp_path: Path, how: str) -> None:
    backups = tmp_path / "backups"
    snapshot = back_up(fake.home, backups).snapshot
    name = next(name for name in snapshot.files if name.startswith("objects/"))
    blob = blob_path(backups, snapshot.files[name].sha256)
    blob.chmod(0o600)
    if how == "flipped":
        body = blob.read_bytes()
        blob.write_bytes(body[:50] + bytes([body[50] ^ 1]) + body[51:])
    elif how == "gone":
        blob.unlink()
    else:
        name = "the record"
        record = backups / SNAPSHOTS / f"{snapshot.name}.json"
        said = json.loads(record.read_text(encoding="utf-8"))
        said["events"] = 0
        record.write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(UserError, match=name):
        restore(backups, tmp_path / "new")
    with pytest.raises(UserError, match=name):
        check(backups)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["backups", "home"]
    if how == "gone":  # a backup taken anew has it again
        assert back_up(fake.home, backups).new_files == 1
        assert check(backups)


def test_a_backup_waits_for_a_run_and_is_no_place_for_another_homes(
    fake: Any, public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    from filelock import FileLock

    waiting = Event()
    heard = logging.Handler()
    heard.emit = lambda _: waiting.set()  # type: ignore[method-assign]
    monkeypatch.setattr(logging.getLogger("duizhang.home.lock"), "handlers", [heard])
    run = FileLock(fake.home / ".run.lock")
    with ThreadPoolExecutor(1) as pool:
        with run:
            done = pool.submit(back_up, fake.home, tmp_path / "backups")
            assert waiting.wait(30) and not done.done() and names_of(tmp_path / "backups") == []
        assert done.result(30).snapshot.files
    State(tmp_path / "other")
    with pytest.raises(UserError, match="another home"):
        back_up(tmp_path / "other", tmp_path / "backups")
    with pytest.raises(UserError, match="in the home"):
        back_up(fake.home, fake.home / "backups")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match="neither empty"):
        back_up(fake.home, tmp_path / "mine")


def test_state_that_is_elsewhere_is_restored_into_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIZHANG_STATE_URL", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    append_event(State(tmp_path / "home"), actor="Li Na", kind="noted", payload={"n": 1})
    assert back_up(tmp_path / "home", tmp_path / "backups").snapshot.in_server
    restored = restore(tmp_path / "backups", tmp_path / "new")
    assert restored.problems == [problem for problem in restored.problems if "published.duckdb" in problem]
    (tmp_path / "elsewhere.db").unlink()
    append_event(State(tmp_path / "new"), actor="Li Na", kind="noted", payload={"n": 2})
    assert [event.payload["n"] for event in event_log(State(tmp_path / "new"))] == [1, 2]


def test_a_record_that_names_a_file_outside_of_the_home_is_refused(fake: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    from duizhang.backup.catalogue import write_snapshot

    taken = back_up(fake.home, tmp_path / "backups").snapshot
    stored = next(iter(taken.files.values()))
    write_snapshot(tmp_path / "backups", replace(taken, name="zz", files={"../out": stored}))
    with pytest.raises(UserError, match="outside of the home"):
        read_snapshot(tmp_path / "backups", "zz")

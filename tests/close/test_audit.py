"""What an auditor can prove without duizhang: the folder's own script finds every change, and a kept checkpoint a log written anew."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from duizhang.close import approve, close_periods, export_audit, signed_checkpoint, verifier_key, verify
from duizhang.close.audit import auditor
from duizhang.close.checkpoints import KEY_FILE, read_checkpoint
from duizhang.errors import UserError
from duizhang.home.events import EVENTS, GENESIS, WITNESS, _hash, append_event, event_log
from tests.close.conftest import FIRST, PERIODS


def check(folder: Path, *arguments: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", folder / "check.py", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def folder(fake: Any, tmp_path: Path) -> Path:
    """The folder of two days, the first of them closed."""
    for role, name in (("maker", "Li Na"), ("checker", "Wang Wei")):
        approve(fake.home, fake.state, [FIRST], role=role, by=name)
    close_periods(fake.home, fake.state, [FIRST], by="Wang Wei")
    assert export_audit(fake.home, fake.state, PERIODS, tmp_path / "audit") == PERIODS[1:]
    return tmp_path / "audit"


def test_the_folder_proves_itself_with_nothing_but_python(folder: Path) -> None:
    code, text = check(folder)
    assert code == 0 and f"2 periods, {FIRST} to {PERIODS[1]}: all of it holds" in text
    assert "closed by Wang Wei; signed by checker Wang Wei, maker Li Na" in text and "NOT closed; signed by nobody" in text


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(("what", "old", "new", "told"), [
    pytest.param("log.jsonl", "Wang Wei", "Wang Mei", "does not follow", marks=pytest.mark.slow),
    ("checkpoint.txt", "duizhang.", "duizhanq.", "not signed"),
    pytest.param(f"periods/{FIRST}/manifest.json", '"version":1', '"version":2', "does not say that this manifest was published",
                 marks=pytest.mark.slow),
    (f"periods/{FIRST}/tables/variances.csv", "20.0000", "30.0000", "table variances is not the one"),
])
def test_what_was_changed_in_the_folder_is_found(folder: Path, what: str, old: str, new: str, told: str) -> None:
    _edit(folder / what, old, new)
    code, text = check(folder)
    assert code == 1 and told in text


ONE, OTHER = (f"periods/{day}" for day in PERIODS[:2])
_MANIFEST, _TABLES = f"{ONE}/manifest.json", f"{ONE}/tables"
# what is done to the folder: a path, and what it becomes (None: it is gone); what check.py is asked, and what it says is wrong
_DAMAGE: list[tuple[str, bytes | None, str, str]] = [
    (f"{_TABLES}/variances.csv", None, "", f"{FIRST}: the table variances is not there"),
    (_MANIFEST, None, "", f"{FIRST}: manifest.json is not there"), ("log.jsonl", None, "", "log.jsonl is not there"),
    ("key.txt", None, "", "key.txt is not there"), ("checkpoint.txt", None, "", "checkpoint.txt is not there"),
    ("periods", None, "", "no day is in the folder"),
    (ONE, None, f"--from {FIRST}", f"{FIRST}: the log says that it was published, and it is"),
    (OTHER, None, f"--to {PERIODS[1]}", f"{PERIODS[1]}: the log says that it was published, and it is not here"),
    (_MANIFEST, b"{", "", f"{FIRST}: it cannot be read"), ("log.jsonl", b"{", "", "log: it cannot be read"),
    ("log.jsonl", b"[1]", "", "log: it cannot be read"), ("key.txt", b"x", "", "checkpoint: it cannot be read"),
    ("checkpoint.txt", b"\xff", "", "checkpoint: it cannot be read"),
    (f"{_TABLES}/recon_summary.csv", b"\xff", "", f"{FIRST}: the table recon_summary is not the one"),
    (f"{_TABLES}/variances.csv", b"", "", f"{FIRST}: the table variances is not the one"),
    (f"{_TABLES}/extra.csv", b"1", "", f"{FIRST}: extra.csv is no table that was published"),
    ("periods/notes/x", b"", "", "notes: manifest.json is not there"),
]


def test_what_is_missing_damaged_or_too_much_in_the_folder_is_told_and_no_traceback(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, (path, content, arguments, told) in enumerate(_DAMAGE):
        copy = shutil.copytree(folder, tmp_path / str(number))
        if content is None:
            shutil.rmtree(copy / path) if (copy / path).is_dir() else (copy / path).unlink()
        else:
            (copy / path).parent.mkdir(exist_ok=True)
            (copy / path).write_bytes(content)
        monkeypatch.setattr(auditor, "HERE", copy)
        code, text = auditor.main(arguments.split()), capsys.readouterr().out
        assert code == 1 and f"WRONG  {told}" in text, (path, content, text)
    monkeypatch.setattr(auditor, "HERE", folder)
    (folder / OTHER).rename(tmp_path / "aside")
    (folder / ONE).rename(folder / OTHER)
    assert auditor.main([]) == 1 and "does not say that this manifest was published" in capsys.readouterr().out


@pytest.mark.slow
def test_the_folder_says_which_days_it_has_and_what_was_not_looked_at(folder: Path) -> None:
    shutil.rmtree(folder / "periods" / str(PERIODS[1]))
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    code, text = check(folder)
    assert code == 0 and f"1 periods, {FIRST} to {FIRST}: all of it holds" in text and "not looked at: notes.txt" in text
    assert "note: 1 other days were published, which are not in this folder" in text


def _wrong(home: Path, note: str = "") -> list[str]:
    """What `verify` finds, but for the raw files, which made-up days do not have."""
    return [p for p in verify(home, checkpoint=note).problems if not p.startswith("archived file")]


@pytest.mark.slow
def test_a_log_that_was_cut_off_or_written_anew_is_found_by_a_kept_checkpoint(fake: Any, tmp_path: Path) -> None:
    append_event(fake.state, actor="Li Na", kind="noted", payload={"period": FIRST.isoformat()})
    note = signed_checkpoint(fake.home, event_log(fake.state))
    key = verifier_key(fake.home)
    assert _wrong(fake.home, note) == []
    log = event_log(fake.state)
    with fake.state.begin() as con:
        con.execute(sa.delete(EVENTS))
        before = GENESIS
        for e in log:  # by somebody who knows how: a whole chain, its witness as well, one name another
            actor = "Wang Wei" if e.actor == "Li Na" else e.actor
            made = _hash(e.seq, e.at, actor, e.kind, e.text, before)
            con.execute(sa.insert(EVENTS).values(
                seq=e.seq, at=e.at, actor=actor, kind=e.kind, payload=e.text, prev_hash=before, hash=made))
            before = made
    (fake.home / WITNESS).write_text("".join(f"{e.seq} {e.hash}\n" for e in event_log(fake.state)), encoding="ascii")
    assert _wrong(fake.home) == [], "the home alone cannot tell"
    assert any("written anew" in p for p in _wrong(fake.home, note))
    export_audit(fake.home, fake.state, PERIODS, tmp_path / "audit")
    (tmp_path / "kept.txt").write_text(note, encoding="utf-8")
    code, text = check(tmp_path / "audit", "--checkpoint", tmp_path / "kept.txt", "--key", key)
    assert code == 1 and "are not those that were signed" in text
    with fake.state.begin() as con:
        con.execute(sa.delete(EVENTS).where(EVENTS.c.seq == log[-1].seq))
    assert any("cut off" in p for p in _wrong(fake.home, note))


def test_a_checkpoint_of_another_key_counts_for_nothing(fake: Any) -> None:
    log = event_log(fake.state)
    note, key = signed_checkpoint(fake.home, log), verifier_key(fake.home)
    assert read_checkpoint(note, key).size == len(log) and (fake.home / KEY_FILE).stat().st_mode & 0o077 == 0
    (fake.home / KEY_FILE).unlink()
    forged = signed_checkpoint(fake.home, log)
    for text, of in ((forged, key), (note.replace("\n2\n", "\n1\n") if "\n2\n" in note else note[:-9], key), ("nothing", key), (note, "x")):
        with pytest.raises(UserError):
            read_checkpoint(text, of)


@pytest.mark.slow
def test_a_key_of_checkpoints_that_was_changed_is_told_and_signs_nothing_more(fake: Any) -> None:
    log, kept = event_log(fake.state), fake.home / KEY_FILE
    signed_checkpoint(fake.home, log)
    whole, before = kept.read_bytes(), verify(fake.home).problems
    for at in (0, 20, 42, 43, 50, len(whole) - 2):
        kept.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        told = [p for p in verify(fake.home).problems if p not in before]
        assert len(told) == 1 and str(kept) in told[0], (at, told)
        with pytest.raises(UserError, match=KEY_FILE):
            signed_checkpoint(fake.home, log)
    # a key of before, of which the private half stands alone, counts still
    kept.write_bytes(whole.split()[0] + b"\n")
    assert verify(fake.home).problems == before and signed_checkpoint(fake.home, log)


def test_a_day_that_was_never_published_and_a_folder_that_is_there_are_refused(fake: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not published"):
        export_audit(fake.home, fake.state, [dt.date(2030, 1, 1)], tmp_path / "audit")
    (tmp_path / "audit").mkdir()
    with pytest.raises(UserError, match="there already"):
        export_audit(fake.home, fake.state, PERIODS, tmp_path / "audit")
    assert list(tmp_path.glob(".audit*")) == []

"""Raw files encrypted at rest: what is read and proved stays what it is, and nothing of a person is outside of the sealed archive."""

from __future__ import annotations

import base64
import datetime as dt
import io
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from duizhang.backup import back_up, restore
from duizhang.backup.catalogue import names_of
from duizhang.books import Books, Retention, Shop
from duizhang.close import verify
from duizhang.close.laid_out import RawFile, archived_file, lay_out
from duizhang.close.proof import Proof
from duizhang.errors import UserError
from duizhang.home.events import FILES_REMOVED, append_event, event_log
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import FileRecord, build_canonical, records
from duizhang.ingest.inbox import archive, archived_path, archived_whole, collect
from duizhang.privacy import REIDENTIFIED, kept_files, open_raw_file, pseudonym_for, remove
from duizhang.secrecy.sealing import (
    BLOCK,
    KEY_VARIABLE,
    MAGIC,
    Closed,
    Damaged,
    begin_sealing,
    clear_blocks,
    is_as_sealed,
    key_path,
    opened,
    period_of,
    seal,
)
from tests.ingest.test_privacy import NAME, PHONE, TEXTS, written

DAY = dt.date(2026, 3, 2)


def clear_bytes(path: Path) -> bytes:
    return b"".join(clear_blocks(path))



@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    text = base64.b64encode(bytes(range(32))).decode()
    monkeypatch.setenv(KEY_VARIABLE, text)
    yield text


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Raw files of a day that name somebody in every column that may; encrypted."""
    for name, text in TEXTS.items():
        place = tmp_path / "inbox" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        os.utime(place, (1772424000, 1772424000))  # on the day, whose month's key seals it
    return Books(root=tmp_path, entity="acme", start=DAY, shops={"tb-01": Shop(platform="own")}, encrypt_archive=True)


def took_in(books: Books, home: Path) -> tuple[State, list[FileRecord]]:
    state = State(home)
    found = collect(books, Store(home), state)
    build_canonical(books, Store(home), state, [DAY])
    return state, found


def wrong(home: Path) -> Proof:
    found = verify(home)
    return replace(found, problems=[p for p in found.problems if "published.duckdb" not in p])


def test_of_marked_people_no_byte_is_outside_of_the_sealed_archive(books: Books, tmp_path: Path) -> None:
    state, found = took_in(books, tmp_path / "home")
    assert {record.status for record in found} == {"read"}
    for marker in (NAME, PHONE, "ZHANGSANFENG"):
        assert [name for name, body in written(tmp_path / "home").items() if marker.encode() in body] == []
        assert [p for p in (tmp_path / "home").rglob("*") if p.is_file() and marker.encode() in p.read_bytes()] == []
    assert {period_of(path) for path in (tmp_path / "home" / "archive").glob("*/*")} == {"2026-03"}
    # what was read is what is read of files in clear
    plain = tmp_path / "plain"
    took_in(books.model_copy(update={"encrypt_archive": False}), plain)
    for name in ("orders", "bank_entries", "journal_lines"):
        assert Store(plain).read(name, DAY) == Store(tmp_path / "home").read(name, DAY)
    assert wrong(tmp_path / "home").problems == [] and wrong(tmp_path / "home").unopened == 0
    # nothing is read twice, and landed rows that were damaged are read from the sealed file again
    (tmp_path / "inbox" / "company" / "orders.csv").unlink()
    for path in (tmp_path / "home" / "landed").rglob("rows.parquet"):
        path.unlink()
    assert {r.status for r in collect(books, Store(tmp_path / "home"), state)} == {"read"}
    assert list((tmp_path / "home" / "incoming").iterdir()) == []


def test_an_archive_in_clear_is_sealed_when_the_books_ask_for_it_and_stays_so(books: Books, tmp_path: Path) -> None:
    home = tmp_path / "home"
    state, before = took_in(books.model_copy(update={"encrypt_archive": False}), home)
    assert [r for r in before if NAME.encode() in archived_path(home, r.sha256).read_bytes()]
    assert collect(books, Store(home), state) == before
    assert all(period_of(archived_path(home, r.sha256)) for r in before)
    (tmp_path / "inbox" / "company" / "more.csv").write_text(f"sku,product\nX,{NAME}\n", encoding="utf-8")
    collect(books.model_copy(update={"encrypt_archive": False}), Store(home), state)
    assert [p for p in home.rglob("*") if p.is_file() and NAME.encode() in p.read_bytes()] == []
    # the books and specifications are for everybody who signs
    (tmp_path / "books.yaml").write_text("entity: acme\n", encoding="utf-8")
    assert period_of(archived_path(home, archive(home, tmp_path / "books.yaml", is_raw=False))) is None


def test_without_its_key_the_archive_is_proved_and_nothing_is_taken_in(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    state, found = took_in(books, home)
    monkeypatch.delenv(KEY_VARIABLE)
    proof = wrong(home)
    assert proof.problems == [] and proof.unopened == len(found)
    with pytest.raises(Closed, match=KEY_VARIABLE):
        collect(books, Store(home), state)
    with pytest.raises(Closed, match=KEY_VARIABLE):
        archived_whole(home, found[0].sha256)
    monkeypatch.setenv(KEY_VARIABLE, base64.b64encode(bytes(32)).decode())
    with pytest.raises(Closed, match="is not the key"):
        clear_bytes(archived_path(home, found[0].sha256))
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(Closed, match="is no key"):
        collect(books, Store(home), state)


def _flip(body: bytes, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def _exchange(body: bytes) -> bytes:
    """The first two blocks in the other order."""
    first, one = body.index(b"}\n") + 2, BLOCK + 16
    return body[:first] + body[first + one : first + 2 * one] + body[first : first + one] + body[first + 2 * one :]


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "head": lambda body: body.replace(b"2026-03", b"2026-04"), "flipped": lambda body: _flip(body, 200),
    "cut": lambda body: body[:-1], "a block cut off": lambda body: body[: body.index(b"}\n") + 2 + BLOCK + 16],
    "added": lambda body: body + b"x", "blocks exchanged": _exchange,
}


@pytest.mark.parametrize("how", list(CHANGES))
def test_a_changed_sealed_file_is_found_with_and_without_the_key(tmp_path: Path, how: str) -> None:
    begin_sealing(tmp_path)
    clear = bytes(range(256)) * 4096 * 2 + b"end"
    raw = tmp_path / "bill.csv"
    raw.write_bytes(clear)
    path = archived_path(tmp_path, archive(tmp_path, raw, day=DAY))
    assert clear_bytes(path) == clear and is_as_sealed(path) and clear[:100] not in path.read_bytes()
    with opened(path) as shown:
        assert shown.name == path.name and shown.read_bytes() == clear
    path.write_bytes(CHANGES[how](path.read_bytes()))
    assert not is_as_sealed(path)
    with pytest.raises((Damaged, Closed)):
        clear_bytes(path)
    if how != "head":
        assert not archived_whole(tmp_path, path.name)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_every_size_comes_back_whole(tmp_path: Path, size: int) -> None:
    begin_sealing(tmp_path)
    clear = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    made = io.BytesIO()
    seal(iter([clear[:5], clear[5:]]), made, tmp_path, "2026-03")
    path = tmp_path / "archive" / "aa" / "x"
    path.parent.mkdir(parents=True)
    path.write_bytes(made.getvalue())
    assert clear_bytes(path) == clear and is_as_sealed(path)


def test_a_raw_file_that_looks_sealed_is_one_in_clear(tmp_path: Path) -> None:
    raw = tmp_path / "bill.csv"
    raw.write_bytes(MAGIC + b"no head\n")
    sha = archive(tmp_path, raw)
    assert archived_whole(tmp_path, sha) and clear_bytes(archived_path(tmp_path, sha)) == raw.read_bytes()


def test_files_are_kept_by_what_they_prove_and_removed_with_an_event(books: Books, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (tmp_path / "inbox" / "company" / "notes.txt").write_text(f"call {NAME} {PHONE}\n", encoding="utf-8")
    state, _ = took_in(books, home)
    kept = {one.names[0]: (one.kind, one.until.year) for one in kept_files(home, state, books)}
    assert kept["company/orders.csv"] == ("voucher", 2056) and kept["company/bank.sta"] == ("bank_statement", 2036)
    assert kept["company/notes.txt"][0] == "unused"
    with pytest.raises(UserError, match="kept until 2056-12-31"):
        remove(home, state, books, by="Li Na", reason="room", names=["company/orders.csv"], today=dt.date(2056, 12, 31))
    backups = tmp_path / "backups"
    back_up(home, backups)
    shutil.rmtree(tmp_path / "inbox")
    gone, keys = remove(home, state, books, by="Li Na", reason="over", today=dt.date(2037, 1, 1))
    assert sorted(one.names[0] for one in gone) == ["company/bank.sta", "company/notes.txt"]
    assert wrong(home).problems == [] and not archived_path(home, gone[0].sha256).exists()
    assert [e.payload["files"][gone[0].sha256]["class"] for e in event_log(state) if e.kind == FILES_REMOVED] == [gone[0].kind]
    archived_path(home, next(r.sha256 for r in records(state) if r.path == "company/orders.csv")).unlink()
    assert [p for p in wrong(home).problems if "is missing" in p], "what went without an event is told"
    longer = books.model_copy(update={"retention": Retention(voucher=1)})
    _, keys = remove(home, state, longer, by="Li Na", reason="over", today=dt.date(2037, 1, 1))
    assert keys == ["2026-03"] and not key_path(home, "2026-03").exists()
    # a backup that is taken again loses the key as well, so its older copies of the files stay closed
    back_up(home, backups)
    again = tmp_path / "again"
    assert restore(backups, again, at=names_of(backups)[0]).lost_keys[0] == "archive/2026-03.key"
    with pytest.raises(Closed, match="was destroyed"):
        clear_bytes(archived_path(again, gone[0].sha256))


def test_whoever_looks_a_person_up_or_opens_a_raw_file_is_on_record(books: Books, tmp_path: Path) -> None:
    home = tmp_path / "home"
    state, _ = took_in(books, home)
    found = pseudonym_for(home, state, books, NAME, by="Li Na", reason="a complaint")
    assert Store(home).read("orders", DAY)["customer"].to_pylist() == [found]
    sha = open_raw_file(home, state, "company/orders.csv", tmp_path / "clear.csv", by="Li Na", reason="a complaint")
    assert (tmp_path / "clear.csv").read_text(encoding="utf-8") == TEXTS["company/orders.csv"]
    assert (tmp_path / "clear.csv").stat().st_mode & 0o777 == 0o600
    told = [(event.actor, event.payload) for event in event_log(state) if event.kind == REIDENTIFIED]
    assert told == [("Li Na", {"pseudonym": found, "reason": "a complaint"}), ("Li Na", {"file": sha, "reason": "a complaint"})]
    assert not any(NAME in event.text for event in event_log(state))
    with pytest.raises(UserError, match="no file"):
        open_raw_file(home, state, "other.csv", tmp_path / "o.csv", by="Li Na", reason="x")


def test_what_was_archived_sealed_is_laid_out_again_in_clear(books: Books, tmp_path: Path) -> None:
    home, root = tmp_path / "home", tmp_path / "again"
    state, found = took_in(books, home)
    (tmp_path / "books.yaml").write_text("entity: acme\nstart: 2026-03-02\n", encoding="utf-8")
    (tmp_path / "pseudonym.key").write_text("k" * 64, encoding="utf-8")
    run = {"books": archive(home, tmp_path / "books.yaml", is_raw=False), "books_path": str(tmp_path / "books.yaml"), "sources": {}}
    append_event(state, actor="pipeline", kind="noted", payload={})
    root.mkdir()
    lay_out(home, root, run, [RawFile(r.path, r.sha256, r.modified) for r in found], None)
    assert {name: (root / "inbox" / name).read_text(encoding="utf-8") for name in TEXTS} == TEXTS
    with pytest.raises(UserError, match="missing or changed"):
        archived_file(home, "0" * 64)

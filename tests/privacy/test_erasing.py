"""A person who is erased: nothing leads from them to their rows, and every number and proof stays what it was."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
import yaml

from duizhang.backup import back_up, restore
from duizhang.books import Books, Shop
from duizhang.close import archive_books, verify
from duizhang.close.authority import unsigned
from duizhang.close.keys import new_key as new_person
from duizhang.close.proof import Proof
from duizhang.declared.terms import EventKind
from duizhang.errors import RefusedFile, UserError
from duizhang.home.events import append_event, event_log
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import build_canonical, records
from duizhang.ingest.inbox import archive, archived_path, archived_whole, collect
from duizhang.ingest.specification import ENCODINGS
from duizhang.privacy import cutting, erase, erasing, open_raw_file, pseudonym_for, remove
from duizhang.privacy.cutting import How, cut
from duizhang.secrecy.pseudonym_key import new_key, person_key, pseudonym
from duizhang.secrecy.sealing import KEY_VARIABLE, clear_blocks, erased_digest, period_of, stand_in
from tests.ingest.test_privacy import TEXTS
from tests.thoroughness import some

DAY = dt.date(2026, 3, 2)
PERSON, OTHER, MOBILE = "李雷明", "李雷明杰", "13912345678"
HEAD = "order_id,line_id,shop,sku,product,quantity,unit_price,amount,currency,status,ordered_at,paid_at,customer\n"


def order(number: int, customer: str, product: str = "杯") -> str:
    return f"O{number},1,tb-01,CUP,{product},1,10.00,10.00,CNY,paid,2026-03-02 10:00:00,2026-03-02 10:00:05,{customer}\n"


def raw_files() -> dict[str, bytes]:
    """The same person in texts of two encodings, packed, in a workbook and in a statement; beside somebody whose name begins so."""
    orders = HEAD + order(1, PERSON, f"{PERSON} 定制 {MOBILE}") + order(2, OTHER) + order(3, f'"{PERSON}"')
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in (HEAD + order(4, PERSON) + order(5, OTHER)).splitlines():
        page.append(row.split(","))
    sheet, packed = io.BytesIO(), io.BytesIO()
    book.save(sheet)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archived:
        archived.writestr("orders.csv", HEAD + order(7, PERSON))
    statement = TEXTS["company/bank.sta"].replace("ZHANGSANFENG", PERSON).replace("139", "138")
    return {
        "company/orders.csv": orders.encode(), "company/gbk.csv": (HEAD + order(6, PERSON)).encode("gb18030"),
        "company/orders.xlsx": sheet.getvalue(), "company/orders.zip": packed.getvalue(),
        "company/more.csv.gz": gzip.compress((HEAD + order(8, PERSON)).encode()), "company/bank.sta": statement.encode(),
        "company/others.csv": (HEAD + order(9, OTHER)).encode(),
    }


@pytest.fixture(params=some(("sealed", "clear"), "sealed"))
def books(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Books:
    monkeypatch.setenv(KEY_VARIABLE, base64.b64encode(bytes(range(32))).decode())
    for name, body in raw_files().items():
        place = tmp_path / "inbox" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        os.utime(place, (1772424000, 1772424000))
    return Books(root=tmp_path, entity="acme", start=DAY, shops={"tb-01": Shop(platform="own")}, encrypt_archive=request.param == "sealed")


def took_in(books: Books, home: Path) -> State:
    state = State(home)
    assert {r.path: r.status for r in collect(books, Store(home), state)} == dict.fromkeys(raw_files(), "read")
    build_canonical(books, Store(home), state, [DAY])
    return state


def wrong(home: Path) -> Proof:
    found = verify(home)
    found.problems = [p for p in found.problems if "published.duckdb" not in p]
    return found


def clear(home: Path) -> dict[str, bytes]:
    """Every byte that a home has, opened with every key that there is, and unpacked."""
    found = {}
    for path in sorted(p for p in home.rglob("*") if p.is_file()):
        body = b"".join(clear_blocks(path)) if path.parent.parent.name == "archive" else path.read_bytes()
        if body.startswith(b"\x1f\x8b"):
            body = gzip.decompress(body)
        if body.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(body)) as packed:
                body = b"".join(packed.read(name) for name in packed.namelist())
        found[path.relative_to(home).as_posix()] = body
    return found


def has(body: bytes, value: str) -> bool:
    return any(value.encode(encoding) in body.replace(OTHER.encode(encoding), b"") for encoding in ("utf-8", "gb18030"))


@pytest.fixture
def small(tmp_path: Path) -> tuple[Books, Path, State]:
    """A home in clear with one file that names the person."""
    place = tmp_path / "inbox" / "company" / "orders.csv"
    place.parent.mkdir(parents=True)
    place.write_text(HEAD + order(1, PERSON), encoding="utf-8")
    books, home = Books(root=tmp_path, entity="acme", start=DAY, shops={"tb-01": Shop(platform="own")}), tmp_path / "home"
    state = State(home)
    collect(books, Store(home), state)
    return books, home, state


@pytest.mark.slow
def test_who_may_not_and_what_cannot_be_erased_is_refused_and_nothing_was_done(
    small: tuple[Books, Path, State], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books, home, state = small
    key = books.key()

    def refused(match: str, *values: str, by: str = "Li Na", key: Path | None = None) -> None:
        with pytest.raises(UserError, match=match):
            erase(home, state, books, values or [PERSON], by=by, reason="asked", key=key)

    refused("at least 2", "李")
    refused("no archived file names this person", "王小二")
    monkeypatch.setenv(books.pseudonym_key.env, key.decode())
    refused("in DUIZHANG_PSEUDONYM_KEY")
    monkeypatch.delenv(books.pseudonym_key.env)
    books.key_path.write_text("0" * 64, encoding="utf-8")
    refused("one for all people")
    books.key_path.write_bytes(key)
    # a table whose texts are packed has the person, by their pseudonym
    pq.write_table(pc.read_csv(tmp_path / "inbox" / "company" / "orders.csv"), tmp_path / "inbox" / "company" / "more.parquet")
    collect(books, Store(home), state)
    refused("more.parquet .of a kind in which nothing can be replaced")
    (tmp_path / "inbox" / "company" / "more.parquet").unlink()
    # where the books name people, theirs alone may whose role says so, and they sign
    roles = {"keeper": {"may": ["erase", "reidentify"]}, "clerk": {"may": ["decide", "remove"]}}
    keys = {who: tmp_path / f"{who}.key" for who in ("Li Na", "Wang Wei")}
    people = {who[:2].lower(): {"name": who, "role": role, "key": new_person(keys[who])}
              for who, role in (("Li Na", "keeper"), ("Wang Wei", "clerk"))}
    (tmp_path / "named.yaml").write_text(yaml.safe_dump({"entity": "acme", "roles": roles, "people": people}), encoding="utf-8")
    named = {"books": archive_books(home, tmp_path / "named.yaml"), "books_path": "named.yaml"}
    append_event(state, actor="pipeline", kind=EventKind.RUN_STARTED, payload=named)
    refused("may not erase", by="Wang Wei", key=keys["Wang Wei"])
    refused("has to sign")
    # nor looks anybody else behind a pseudonym, or takes files away
    with pytest.raises(UserError, match="may not reidentify"):
        pseudonym_for(home, state, books, PERSON, reason="asked", by="Wang Wei", key=keys["Wang Wei"])
    with pytest.raises(UserError, match="may not reidentify"):
        open_raw_file(home, state, "company/orders.csv", tmp_path / "c.csv", reason="asked", by="Wang Wei", key=keys["Wang Wei"])
    pseudonym_for(home, state, books, PERSON, reason="asked", by="Li Na", key=keys["Li Na"])
    open_raw_file(home, state, "company/orders.csv", tmp_path / "c.csv", reason="asked", by="Li Na", key=keys["Li Na"])
    with pytest.raises(UserError, match="may not remove"):
        remove(home, state, books, by="Li Na", key=keys["Li Na"], reason="old")
    assert remove(home, state, books, by="Wang Wei", key=keys["Wang Wei"], reason="old", today=dt.date(2099, 1, 1))[0]
    looked = [e for e in event_log(state) if e.kind in (EventKind.REIDENTIFIED, EventKind.FILES_REMOVED)]
    assert [e.actor for e in looked] == ["Li Na"] * 2 + ["Wang Wei"] and unsigned(home, event_log(state)) == ([], 0)
    forged = [replace(e, text=e.text.replace("asked", "ordered").replace("old", "new")) if e in looked else e for e in event_log(state)]
    assert [line.split(" (")[0] for line in unsigned(home, forged)[0]] == [f"event {e.seq}" for e in looked]
    assert books.key() == key and [e.kind for e in event_log(state) if e.kind == EventKind.PERSON_ERASED] == []


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_person_is_found_in_every_encoding_that_files_are_read_in(encoding: str) -> None:
    person = {
        "cp1250": "Łukasz", "cp1251": "Иван", "cp1252": "Noël", "cp1253": "Νίκος", "cp1254": "Işıl", "cp1257": "Ģirts", "cp874": "สมชาย",
        "cp932": "ひろし", "cp949": "홍길동", "cp950": "陳雷明",
        "euc_jp": "ひろし", "cp1255": "דוד לוי", "cp1256": "محمد علي", "cp737": "Νίκος",
        **dict.fromkeys(("koi8_r", "cp866", "iso8859_5", "mac_cyrillic"), "Иван"), **dict.fromkeys(("cp850", "mac_roman"), "Noël"),
        **dict.fromkeys(("iso8859_2", "cp852"), "Łukasz"), "cp857": "Işıl",
    }.get(encoding, PERSON)
    body = f"id,name\n1,{person}\n2,x\n".encode(encoding)
    found = cut(body, {person: b"token"}, How.EVERYWHERE)
    assert (found.cells, found.longer) == (1, 0) and found.body == b"id,name\n1,token\n2,x\n"


def test_a_file_that_is_too_large_to_be_changed_is_searched_in_parts_and_refuses_whom_it_names(
    small: tuple[Books, Path, State], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books, home, state = small
    monkeypatch.setattr(cutting, "LARGEST", 64)
    searched: list[tuple[int, int]] = []
    with pytest.raises(UserError, match="197 bytes are too many to be changed"):
        erase(home, state, books, [PERSON], by="Li Na", reason="asked", progress=lambda done, of: searched.append((done, of)))
    with pytest.raises(UserError, match="no archived file names this person"):
        erase(home, state, books, ["王小二"], by="Li Na", reason="asked")
    assert searched == [(0, 1)] and not [e for e in event_log(state) if e.kind == EventKind.PERSON_ERASED]
    # wherever a part ends, however it is packed, in whatever encoding
    monkeypatch.setattr(cutting, "_PART", 50)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archived:
        archived.writestr("a.csv", "x" * 90)
        archived.writestr("b.csv.gz", gzip.compress(raw_files()["company/gbk.csv"]))
    place = tmp_path / "some"
    for body in (*(b"," * at + PERSON.encode() + b"," * 60 for at in range(51)), packed.getvalue()):
        place.write_bytes(body)
        assert cutting.is_named(place, [PERSON]) and not cutting.is_named(place, ["王小二"])
    monkeypatch.setattr(cutting, "_MOST", 100)
    with pytest.raises(RefusedFile, match="more than can be searched"):
        cutting.is_named(place, ["王小二"])


def test_what_was_cut_short_is_told_and_ended_and_what_was_forged_is_found(
    small: tuple[Books, Path, State], monkeypatch: pytest.MonkeyPatch
) -> None:
    books, home, state = small
    [sha] = [r.sha256 for r in records(state)]
    with monkeypatch.context() as broken:
        broken.setattr(erasing, "reseal", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erase(home, state, books, [PERSON], by="Li Na", reason="asked")
    assert [p for p in wrong(home).problems if "still names who was erased" in p]
    assert erase(home, state, books, [PERSON], by="Li Na", reason="asked").files
    assert wrong(home).problems == [] and archived_whole(home, sha)
    # another body, or a file that nobody was erased from; and a head that somebody sent
    place = archived_path(home, sha)
    place.write_bytes(stand_in(sha, b"".join(clear_blocks(place)).replace(b"10.00", b"90.00")))
    assert [p for p in wrong(home).problems if "no event says" in p]
    place.write_bytes(place.read_bytes().replace(b"90.00", b"80.00"))
    assert [p for p in wrong(home).problems if "was changed" in p] and not archived_whole(home, sha)
    sent = home.parent / "sent.csv"
    sent.write_bytes(stand_in(sha, b"forged"))
    assert b"".join(clear_blocks(archived_path(home, archive(home, sent)))) == sent.read_bytes()
    # a cell that is shaped like what stands for somebody is a name like others
    key = new_key()
    cell = key.token("p" + "0" * 20).decode()
    assert key.named_by(cell.encode()) and not new_key().named_by(cell.encode())
    assert pseudonym(new_key().text().encode(), cell) != "p" + "0" * 20


def test_nothing_leads_from_who_was_erased_to_their_rows_and_all_is_as_it_was(books: Books, tmp_path: Path) -> None:
    home = tmp_path / "home"
    state = took_in(books, home)
    key = books.key()
    before, rows = pseudonym(key, PERSON), Store(home).read("orders", DAY)
    assert rows["customer"].to_pylist().count(before) == 6
    back_up(home, tmp_path / "backups")
    told = erase(home, state, books, [PERSON, MOBILE], by="Li Na", reason="asked", dry_run=True)
    assert len(told.files) == 6 and told.refused == [] and not told.keys and person_key(books.key()) == person_key(key)
    done = erase(home, state, books, [PERSON, MOBILE], by="Li Na", reason="asked")
    # by no byte, and by no key that is left
    assert [name for name, body in clear(home).items() if has(body, PERSON) or MOBILE.encode() in body] == []
    assert pseudonym(books.key(), PERSON) != before != pseudonym_for(home, state, books, PERSON, by="Li Na", reason="looked for")
    assert pseudonym(books.key(), OTHER) == pseudonym(key, OTHER)
    assert before.encode() not in books.key_path.read_bytes() and books.key_path.stat().st_mode & 0o777 == 0o600
    event = next(e for e in event_log(state) if e.kind == EventKind.PERSON_ERASED)
    assert event.actor == "Li Na" and event.payload["reason"] == "asked" and before in event.payload["pseudonyms"]
    # all of it holds, nothing is stale, and what is read again has the rows that it had
    assert wrong(home).problems == []
    assert collect(books, Store(home), state) == records(state)
    for path in (home / "landed").rglob("rows.parquet"):
        path.unlink()
    collect(books, Store(home), state)
    build_canonical(books, Store(home), state, [DAY])
    assert Store(home).read("orders", DAY) == rows
    if not books.encrypt_archive:
        assert done.keys == [] and any("in clear" in line for line in done.left)
        return
    # the file as it came is not taken in again, under any name
    sha = next(r.sha256 for r in records(state) if r.path == "company/orders.csv")
    assert archive(home, tmp_path / "inbox" / "company" / "orders.csv") == sha and erased_digest(archived_path(home, sha))
    # older backups of what was sealed stay closed, newer ones are whole
    assert done.keys == ["2026-03"] and not any("in clear" in line for line in done.left)
    back_up(home, tmp_path / "backups")
    assert restore(tmp_path / "backups", tmp_path / "again").problems == verify(home).problems
    assert {period_of(path) for path in (home / "archive").glob("*/*")} == {"2026-03.1"}
    # nobody is erased twice; who comes back is somebody else
    again = erase(home, state, books, [PERSON, MOBILE], by="Li Na", reason="asked")
    assert again.before and not again.files and len([e for e in event_log(state) if e.kind == EventKind.PERSON_ERASED]) == 1
    back = tmp_path / "inbox" / "company" / "back.csv"
    back.write_text(HEAD + order(10, PERSON), encoding="utf-8")
    collect(books, Store(home), state)
    assert [f.name for f in erase(home, state, books, [PERSON], by="Li Na", reason="asked again").files] == ["company/back.csv"]
    assert wrong(home).problems == []

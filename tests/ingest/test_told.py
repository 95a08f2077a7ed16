"""Nothing of the inbox is left out in silence: whose a file is, what is refused, what people decide about it."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from duizhang.books import Books, Shop
from duizhang.cli import cli
from duizhang.errors import UserError
from duizhang.home.events import events
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import FileRecord
from duizhang.ingest.files.file_records import ACCEPTED, READ, REFUSED, WITHDRAWN
from duizhang.ingest.inbox import collect
from duizhang.ingest.opening.walk import walk
from duizhang.publish import CLOSED, set_period_state

SKUS = b"sku,cost,currency,as_of\nS1,1.00,CNY,2026-03-02\n"
BILL = (
    b"provider,entry_id,type,transaction_id,order_id,gross,fee,net,currency,payout_id,created_at\n"
    b"own,E1,charge,T1,O1,10.00,0,10.00,CNY,,2026-03-02 03:00:00\n"
)


class Home:
    def __init__(self, root: Path) -> None:
        self.root, self.inbox, self.home = root, root / "inbox", root / "home"
        self.inbox.mkdir()
        self.said: list[str] = []

    def put(self, name: str, body: bytes) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return path

    def collect(self) -> dict[str, FileRecord]:
        books = Books(root=self.root, entity="acme", start=dt.date(2026, 3, 1), shops={"tb-01": Shop(platform="own")})
        self.said.clear()
        found = collect(books, Store(self.home), State(self.home), progress=self.said.append)
        return {record.path: record for record in found}

    def decide(self, word: str, file: str, *, by: str = "Li", reason: str = "so be it") -> str:
        arguments = ["source", word, file, "--home", str(self.home), "--by", by, "--reason", reason]
        result = CliRunner().invoke(cli, arguments, standalone_mode=False)
        if result.exception:
            raise result.exception
        return str(result.output)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize(("name", "status", "told"), [
    ("tb-01/bill.csv", READ, ""),
    ("tb-O1/bill.csv", REFUSED, "did you mean 'tb-01'?"),
    ("somewhere/bill.csv", REFUSED, "the folder 'somewhere' is no shop of books.yaml"),
    ("bill.csv", REFUSED, "is a shop's"),
    ("company/bill.csv", REFUSED, "among what is the company's own, and platform_settlement is a shop's"),
])
def test_a_file_of_no_known_shop_is_refused_with_its_days_and_never_read_into_no_shop(
    home: Home, name: str, status: str, told: str
) -> None:
    home.put(name, BILL)
    for _ in range(2):
        record = home.collect()[name]
        assert (record.status, record.days()) == (status, [dt.date(2026, 3, 2)])
        assert told in record.problem
        assert any(told in line for line in home.said if line.startswith("refused")) == (status == REFUSED)
    if status == REFUSED:
        (home.inbox / "tb-01").mkdir()
        (home.inbox / name).rename(home.inbox / "tb-01/bill.csv")
        moved = home.collect()
        assert {n: (r.status, r.shop) for n, r in moved.items()} == {"tb-01/bill.csv": (READ, "tb-01")}


def test_the_companys_own_files_may_stand_in_the_inbox_itself(home: Home) -> None:
    home.put("skus.csv", SKUS)
    home.put("notes.txt", b"call the bank")
    found = home.collect()
    assert found["skus.csv"].status == READ and found["notes.txt"].status == REFUSED
    assert home.said[1] == "files: 2 known: 1 read, 1 refused" and "notes.txt" in home.said[2]


def test_every_broken_file_holds_its_own_day_also_where_their_bytes_are_the_same(home: Home) -> None:
    for day in (2, 3):
        home.put(f"tb-01/2026-03-0{day}/bill.csv", b"")
    assert [(r.status, r.days()) for r in home.collect().values()] == [
        (REFUSED, [dt.date(2026, 3, 2)]), (REFUSED, [dt.date(2026, 3, 3)])]


def test_a_file_of_which_no_row_could_be_read_is_refused_as_it_would_stand_in_no_day(home: Home) -> None:
    home.put("tb-01/bill.csv", BILL.replace(b"10.00", b"ten"))
    record = home.collect()["tb-01/bill.csv"]
    assert record.status == REFUSED and record.days() == [] and "line 2, gross" in record.problem
    home.put("tb-01/bill.csv", BILL + BILL.splitlines()[1].replace(b"E1", b"E2").replace(b"10.00,CNY", b"x,CNY") + b"\n")
    record = home.collect()["tb-01/bill.csv"]
    assert record.status == READ and record.detail["rows_quarantined"] == 1


def test_what_is_no_file_is_told_and_skipped(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.put("company/skus.csv", SKUS)
    home.put("company/.hidden.csv", SKUS)
    (home.inbox / "company/link.csv").symlink_to(tmp_path / "elsewhere.csv")
    os.mkfifo(home.inbox / "company/pipe.csv")
    with socket.socket(socket.AF_UNIX) as bound:
        monkeypatch.chdir(home.inbox)
        bound.bind("s.csv")
        found = home.collect()
    assert {name: record.status for name, record in found.items()} == {
        "company/link.csv": REFUSED, "company/pipe.csv": REFUSED, "company/skus.csv": READ, "s.csv": REFUSED,
    }
    assert "symbolic link" in found["company/link.csv"].problem and "named pipe" in found["company/pipe.csv"].problem
    assert home.said[1].endswith("1 hidden ones left out")


def test_what_cannot_be_opened_costs_itself_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.put("company/skus.csv", SKUS)
    home.put("company/2026-03-05/locked.csv", SKUS)
    home.put("locked/x.csv", SKUS)
    opened, scanned = os.open, os.scandir

    def refusing(path: str | os.PathLike[str], *rest: int, **named: int) -> int:
        if str(path).endswith("locked.csv"):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *rest, **named)

    def closed(path: str | os.PathLike[str]) -> object:
        if str(path).endswith("/locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scanned(path)

    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(os, "scandir", closed)
    found = home.collect()
    assert found["company/skus.csv"].status == READ
    assert found["company/2026-03-05/locked.csv"].days() == [dt.date(2026, 3, 5)], "the day of its path is held"
    assert "Permission denied" in found["company/2026-03-05/locked.csv"].problem
    assert found["locked/"].status == REFUSED and "cannot be read: Permission denied" in found["locked/"].problem


@pytest.mark.parametrize(("raw", "shown"), [
    ("账单.csv".encode("gbk"), "账单.csv"), (b"\xff\xfe.csv", "\\xff\\xfe.csv"), ("账单.csv".encode(), "账单.csv"),
    (b"a\nb\x1b[2J.csv", "a\\nb\\x1b[2J.csv"), ("x\u202ecsv.exe".encode(), "x\\u202ecsv.exe"), (b"a::b.csv", "a:\\x3ab.csv"),
])
def test_any_name_of_bytes_is_read_stored_and_shown(home: Home, raw: bytes, shown: str) -> None:
    home.put(f"company/{os.fsdecode(raw)}", SKUS)
    for _ in range(2):
        assert {n: r.status for n, r in home.collect().items()} == {f"company/{shown}": READ}
    with pytest.raises(UserError, match="is read"):
        home.decide("accept", shown)


def test_two_names_that_look_the_same_are_two_files(home: Home) -> None:
    for raw in ("账.csv".encode(), "账.csv".encode("gbk")):
        home.put(os.fsdecode(raw), SKUS)
    assert list(walk(home.inbox).files) == ["账.csv", "账.csv (2)"]


def test_a_refused_file_is_accepted_by_name_until_its_content_changes(home: Home) -> None:
    home.put("company/notes.txt", b"call the bank")
    home.collect()
    with pytest.raises(UserError, match="a name is needed"):
        home.decide("accept", "company/notes.txt", by=" ")
    with pytest.raises(UserError, match="no file of the inbox is known"):
        home.decide("accept", "company/note.txt")
    home.decide("accept", "notes.txt")
    assert home.collect()["company/notes.txt"].status == ACCEPTED
    assert "accepted by Li: so be it" in home.collect()["company/notes.txt"].problem
    home.put("company/notes.txt", b"call the bank again")
    assert home.collect()["company/notes.txt"].status == REFUSED


def test_a_withdrawn_file_leaves_the_books_also_when_it_is_gone_and_can_be_restored(home: Home) -> None:
    path = home.put("company/2026-03-02/skus.csv", SKUS)
    home.collect()
    path.unlink()
    assert home.collect()["company/2026-03-02/skus.csv"].status == READ, "clearing the inbox takes nothing back"
    home.decide("withdraw", "company/2026-03-02/skus.csv")
    for _ in range(2):
        assert home.collect()["company/2026-03-02/skus.csv"].status == WITHDRAWN
    home.decide("restore", "company/2026-03-02/skus.csv")
    record = home.collect()["company/2026-03-02/skus.csv"]
    assert (record.status, record.problem) == (READ, "")
    set_period_state(State(home.home), dt.date(2026, 3, 2), CLOSED)
    assert "2026-03-02 is closed and stays as it is until it is reopened" in home.decide("withdraw", "company/2026-03-02/skus.csv")


def test_a_file_that_is_gone_from_the_inbox_is_read_again_by_a_newer_version(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home.put("tb-01/2026-03-02_bill.csv", BILL)
    before = home.collect()["tb-01/2026-03-02_bill.csv"]
    path.unlink()
    assert home.collect()["tb-01/2026-03-02_bill.csv"] == before
    monkeypatch.setattr("duizhang.ingest.specification.spec.ENGINE_VERSION", "another")
    after = home.collect()["tb-01/2026-03-02_bill.csv"]
    assert after.status == READ and after.landed != before.landed and (home.home / after.landed).is_dir()


def test_the_same_decision_about_a_file_again_is_no_second_event_and_can_be_undone_at_once(home: Home) -> None:
    """A command that was killed after its event is given again; the next run has not looked at the decision yet."""
    home.put("company/2026-03-02/odd.csv", b"known to nobody\n")
    home.put("company/2026-03-02/skus.csv", SKUS)
    home.collect()
    for word, file in (("accept", "odd.csv"), ("withdraw", "skus.csv"), ("restore", "skus.csv")):
        for _ in range(2):
            home.decide(word, file)
    assert [e["kind"] for e in events(State(home.home)) if e["kind"].startswith("file_")] == [
        "file_accepted", "file_withdrawn", "file_restored"]
    home.decide("withdraw", "skus.csv", by="Wang")
    with pytest.raises(UserError, match="withdrawn already"):
        home.decide("withdraw", "skus.csv")
    assert {r.path.rpartition("/")[2]: r.status for r in home.collect().values()} == {"odd.csv": ACCEPTED, "skus.csv": WITHDRAWN}
    home.decide("withdraw", "skus.csv", by="Wang")


def test_what_changes_while_it_is_read_is_not_taken(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from duizhang.ingest import archiving as archive

    path = home.put("company/2026-03-02/skus.csv", SKUS)
    read = archive._read

    def growing(raw: object) -> bytes:
        data = read(raw)  # type: ignore[arg-type]
        if data:
            with path.open("ab") as file:
                file.write(b"S2,2.00,CNY,2026-03-02\n")
        return data

    with monkeypatch.context() as patch:
        patch.setattr(archive, "_read", growing)
        record = home.collect()["company/2026-03-02/skus.csv"]
        assert record.status == REFUSED and "changed while it was read" in record.problem
        assert record.days() == [dt.date(2026, 3, 2)]
    assert list((home.home / "archive").rglob("*")) == [] and list((home.home / "incoming").iterdir()) == []
    (home.home / "incoming" / "left by a kill").write_bytes(b"half")
    assert home.collect()["company/2026-03-02/skus.csv"].status == READ
    [kept] = [p for p in (home.home / "archive").rglob("*") if p.is_file()]
    from duizhang.digest import file_digest

    assert kept.name == file_digest(path) and kept.stat().st_mode & 0o777 == 0o600
    assert list((home.home / "incoming").iterdir()) == []


def test_inspect_says_by_which_books_it_reads_or_what_it_assumes(home: Home) -> None:
    path = home.put("tb-01/bill.csv", BILL)

    def said(*more: str) -> str:
        shown = CliRunner().invoke(cli, ["inspect", str(path), *more], standalone_mode=False).output
        return "".join(shown.split())  # on lines of the screen's width

    assert said().startswith("nobooks.yamlabovethefile,soassumed:timezoneAsia/Shanghai,cut-off00:00,currencyCNY")
    text = "entity: acme\nstart: 2026-03-01\ntime_zone: America/New_York\ncut_off: '04:00'\ncurrency: USD\n"
    (home.root / "books.yaml").write_text(text, encoding="utf-8")
    assert said().startswith(f"by{home.root / 'books.yaml'}:timezoneAmerica/New_York,cut-off04:00,currencyUSD")
    assert json.loads(said("--json"))["setting"]["time_zone"] == "America/New_York"
    assert not (home.root / "pseudonym.key").exists()

"""`duizhang doctor` and the preflight of `plan`: each fault is named with what to do, and only what is safe is cleaned."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from duizhang.doctor import look_at_home
from duizhang.doctor.finding import WRONG
from duizhang.home.lock import acquire
from duizhang.home.state import State
from tests.ingest.test_alipay import FUND, TMALL, TRADE
from tests.pipelines.test_end_to_end import duizhang

BOOKS = """
entity: cups
start: 2026-03-01
shops:
  north: {platform: taobao, provider: alipay}
  south: {platform: taobao, provider: alipay}
expected:
  - {source: alipay_trade, shop: north}
  - {source: alipay_trade, shop: south}
"""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Books of two shops, one without a file; a note, and a folder whose name is misspelt. What was taken in is in the home."""
    monkeypatch.chdir(tmp_path)
    Path("books.yaml").write_text(BOOKS, encoding="utf-8")
    files = {"north/trade.csv": TRADE, "north/fund.csv": FUND, "company/notes.txt": b"call the bank\n", "nort/x.csv": TMALL}
    for name, body in files.items():
        path = Path("inbox") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return tmp_path


def told(*arguments: str, exit_code: int) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(duizhang("doctor", "--json", *arguments, exit_code=exit_code))["findings"]:
        found.setdefault(finding["area"], []).append(finding)
    return found


def wrong(findings: list[dict[str, Any]]) -> str:
    assert all(f["advice"] for f in findings if f["level"] == WRONG)
    return "\n".join(f["what"] for f in findings if f["level"] == WRONG)


def test_every_fault_is_named_with_what_to_do_and_only_what_is_safe_is_cleaned(office: Path) -> None:
    ahead = json.loads(duizhang("plan", "--books", "books.yaml", "--json"))
    assert any("alipay_trade of south is missing" in reason for day in ahead["will_hold"] for reason in day["reasons"])
    assert any("did you mean 'north'" in reason for day in ahead["will_hold"] for reason in day["reasons"])
    assert [f["file"] for f in ahead["not_read"]] == ["company/notes.txt"]
    legs = {leg["leg"]: leg for leg in ahead["legs"]}
    assert legs["payment_settlement"]["runs"] and legs["order_payment"]["lacks"] == "left"
    shown = duizhang("plan", "--books", "books.yaml")
    assert "will be held: 1 day\n" in shown and "not run: Orders ↔ payments has no left side" in " ".join(shown.split())

    home = office / "home"
    left = home / "landed" / f".rows.parquet.{'0' * 32}"
    left.write_bytes(b"half")
    aside = home / ".published.duckdb.set-aside-01234567"
    aside.write_bytes(b"a person's")
    next((home / "landed").rglob("rows.parquet")).unlink()
    (office / "pseudonym.key").chmod(0o644)
    found = told(exit_code=1)
    assert "alipay_trade of south is expected every day and never came" in wrong(found["books"])
    assert "pseudonym.key can be read by others" in wrong(found["books"])
    assert "notes.txt" in wrong(found["inbox"]) and "did you mean 'north'" in wrong(found["inbox"])
    assert "a killed run left" in wrong(found["home"]) and "rows.parquet, what was read of" in wrong(found["home"])
    assert left.exists(), "nothing is cleaned without --fix"

    found = told("--fix", exit_code=1)
    done = [f["done"] for area in found.values() for f in area if f["done"]]
    assert len(done) == 2 and not left.exists() and aside.read_bytes() == b"a person's"
    assert stat.S_IMODE((office / "pseudonym.key").stat().st_mode) == 0o600


def test_books_that_do_not_load_are_told_and_the_rest_is_looked_at_all_the_same(office: Path) -> None:
    Path("books.yaml").write_text(BOOKS.replace("alipay_trade, shop: south", "alipay_trad, shop: south"), encoding="utf-8")
    found = told(exit_code=1)
    assert "did you mean 'alipay_trade'?" in wrong(found["books"]) and found["home"][0]["what"].startswith("there is no home")


def test_well_kept_books_are_well(office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("books.yaml").write_text(BOOKS.replace("  - {source: alipay_trade, shop: south}\n", ""), encoding="utf-8")
    Path("inbox/company/notes.txt").unlink()
    shutil.rmtree("inbox/nort")
    duizhang("plan", "--books", "books.yaml")
    assert "nothing is wrong" in duizhang("doctor", exit_code=0)
    own = next(path for path in Path("inbox/north").rglob("*") if path.is_file())
    Path("inbox/nort").mkdir()
    shutil.copy(own, "inbox/nort")
    duizhang("plan", "--books", "books.yaml")
    assert "nothing is wrong" in duizhang("doctor", exit_code=0), "a copy in a folder of nobody holds no day"
    own.with_name(f"another-{own.name}").write_bytes(own.read_bytes() + b"\n")
    looked = json.loads(duizhang("plan", "--books", "books.yaml", "--json"))
    monkeypatch.setattr("os.access", lambda _path, mode: mode != os.W_OK)
    own.with_name(f"third-{own.name}").write_bytes(own.read_bytes() + b"\n\n")
    kept = json.loads(duizhang("plan", "--books", "books.yaml", "--json"))
    assert kept == {**looked, "inbox_looked_at": False}, "as it was last taken in"
    assert looked["inbox_looked_at"] and "home cannot be written to" in duizhang("plan", "--books", "books.yaml")


def test_nothing_is_cleaned_while_a_run_is_under_way(tmp_path: Path) -> None:
    State(tmp_path)
    (tmp_path / f".x.{'a' * 32}").write_bytes(b"being written")
    with acquire(tmp_path):
        script = (
            "import sys, pathlib; from duizhang.doctor import look_at_home\n"
            "told = [f for f in look_at_home(pathlib.Path(sys.argv[1])) if 'killed' in f.what or 'under way' in f.what]\n"
            "print([(f.level, f.fix is None) for f in told])"
        )
        said = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[('noted', True), ('noted', True)]"
    assert [f.level for f in look_at_home(tmp_path) if "killed" in f.what] == [WRONG]


def test_whose_a_bank_account_is_is_told_where_files_name_none() -> None:
    """An account without a number is of whoever the folder or bank_accounts says; what that leaves open is told, and nothing else."""
    from duizhang.books import Books
    from duizhang.ingest.files import FileRecord
    from duizhang.standing.bank_accounts import unmet_accounts

    def told(accounts: dict[str, str], *files: tuple[str, str, str], uk: str = "cups-uk") -> list[str]:
        shops = {"us": {"platform": "shopify"}, "uk": {"platform": "shopify", "entity": uk}}
        books = Books.model_validate(
            {"root": Path(), "entity": "cups", "start": "2026-03-01", "shops": shops, "bank_accounts": accounts})
        read = [FileRecord(path, "", 0, 0, "read", "bank_generic", shop, "", {"bank_accounts": [account]}) for path, shop, account in files]
        return [what for what, _ in unmet_accounts(books, read)]

    company = ("company/uk.csv", "", "bank")
    [said] = told({}, company, ("company/us.csv", "", "bank"))
    assert said == "company/uk.csv, company/us.csv name no number of an account and count as one account, bank, of cups"
    [said] = told({"GB12": "cups-uk"}, ("company/x.csv", "", "GB21"))
    assert said == "no statement is of the account GB12 of bank_accounts; those that were read are of GB21"
    [said] = told({"bank": "cups"}, ("uk/uk.csv", "uk", "bank"))
    assert said == "uk/uk.csv stands with cups-uk, and bank_accounts gives its account bank to cups, whose it counts as"
    for well in (told({"bank": "cups"}, company), told({}, company, uk="cups"), told({}, ("uk/uk.csv", "uk", "bank")),
                 told({"GB12": "cups"}, ("uk/x.csv", "uk", "GB12")), told({"GB12": "cups"})):
        assert not well

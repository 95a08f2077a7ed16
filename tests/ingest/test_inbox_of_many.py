"""An inbox as companies have it: overlaps, copies, a wrong shop, a password, a PDF, a balance that contradicts itself."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from duizhang.books import load_books
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import build_canonical
from duizhang.ingest.inbox import collect
from tests.ingest.test_passwords import locked_zip
from tests.ingest.test_told import BILL

HEADER = "Date,Description,Amount,Balance,Account\n"
START = dt.date(2026, 3, 1)


def statement(account: int, day: int, *, spoilt: bool = False) -> str:
    """Two days of an account; the next day's statement repeats the second of them."""
    rows = [f"{START + dt.timedelta(days=n)},x,1.00,{100 + n - (spoilt and n == day)}.00,DE{account:08}" for n in (day, day + 1)]
    return HEADER + "\n".join(rows) + "\n"


@pytest.mark.parametrize(("accounts", "days"), [(2, 2), pytest.param(18, 5, marks=pytest.mark.slow)])
def test_every_file_of_an_inbox_is_accounted_for_by_name(tmp_path: Path, accounts: int, days: int) -> None:
    (tmp_path / "books.yaml").write_text(f"entity: e\nstart: {START}\nshops: {{tb-01: {{platform: own}}}}\n")
    inbox = tmp_path / "inbox"
    for folder in ("company", "tb-01", "a-wrong-shop"):
        (inbox / folder).mkdir(parents=True)
    for account in range(accounts):
        for day in range(days):
            (inbox / "company" / f"bank-{account}-{day}.csv").write_text(statement(account, day))
    (inbox / "company" / "copy of bank-0-0.csv").write_text(statement(0, 0))
    (inbox / "company" / "contradicts.csv").write_text(statement(99, 0, spoilt=True) + f"{START},y,1.00,3.00,DE00000099\n")
    (inbox / "company" / "page.pdf").write_bytes(b"%PDF-1.4 2026")
    locked_zip(inbox / "company" / "locked.zip")
    (inbox / "tb-01" / "bill.csv").write_bytes(BILL)
    (inbox / "a-wrong-shop" / "bill of march.csv").write_bytes(BILL.replace(b"E1", b"E2"))
    books, store, state = load_books(tmp_path / "books.yaml"), Store(tmp_path / "home"), State(tmp_path / "home")
    lines: list[str] = []
    found = {r.path: r for r in collect(books, store, state, progress=lines.append)}
    assert set(found) == {p.relative_to(inbox).as_posix() for p in inbox.rglob("*") if p.is_file()}
    told = {
        "company/page.pdf": "PDF", "company/locked.zip": "password", "a-wrong-shop/bill of march.csv": "no shop of books.yaml",
        "company/contradicts.csv": "balance",
    }
    for name, word in told.items():
        assert [line for line in lines if name in line and word in line], (name, lines)
    assert {name for name, r in found.items() if r.status == "refused"} == {*told} - {"company/contradicts.csv"}
    copies = [r for r in found.values() if r.status == "duplicate"]
    assert [r.problem for r in copies] == ["same content as company/bank-0-0.csv"]

    every = [START + dt.timedelta(days=n) for n in range(days + 1)]
    build_canonical(books, store, state, every)
    for day in every:
        rows = [r for r in store.read("bank_entries", day).to_pylist() if "99" not in r["bank_account"]]
        assert len(rows) == accounts, "what two statements have counts once"
    first = {row["file"]: row for row in store.read("source_files", START).to_pylist()}
    assert not first["company/contradicts.csv"]["control_totals_ok"] and "company/contradicts.csv" in first["company/contradicts.csv"]["problem"]
    assert all(row["control_totals_ok"] for name, row in first.items() if "/bank-" in name)


def test_of_copies_the_one_in_the_right_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").write_text(f"entity: e\nstart: {START}\nshops: {{tb-01: {{platform: own}}}}\n")
    for folder in ("tb-01", "a-wrong-shop"):
        (tmp_path / "inbox" / folder).mkdir(parents=True)
        (tmp_path / "inbox" / folder / "bill.csv").write_bytes(BILL)
    books, store, state = load_books(tmp_path / "books.yaml"), Store(tmp_path / "home"), State(tmp_path / "home")
    found = {r.path: (r.status, r.shop) for r in collect(books, store, state)}
    assert found == {"tb-01/bill.csv": ("read", "tb-01"), "a-wrong-shop/bill.csv": ("duplicate", "")}

"""Downloads that overlap: what both have counts once where an id or a balance names it, else the day is held with both files named."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

import pytest

from duizhang.books import load_books
from duizhang.ingest import build_canonical
from duizhang.ingest.inbox import collect
from duizhang.state import State
from duizhang.store import Store

CASES = Path(__file__).parent / "cases"


def built(folder: Path, days: list[dt.date]) -> Store:
    books = load_books(folder / "books.yaml")
    store, state = Store(folder / "home"), State(folder / "home")
    assert {r.status for r in collect(books, store, state)} == {"read"}
    build_canonical(books, store, state, days)
    return store


def test_one_day_in_two_statements_counts_once(tmp_path: Path) -> None:
    shutil.copy(CASES / "R6" / "books.yaml", tmp_path)
    (tmp_path / "inbox").mkdir()
    for name in ("a.sta", "b.sta"):
        shutil.copy(CASES / "R6" / name, tmp_path / "inbox")
    days = [dt.date(2026, 3, day) for day in (13, 14, 15, 16)]
    store = built(tmp_path, days)
    assert [sum(store.read("bank_entries", day)["amount"].to_pylist()) for day in days] == [100, 200, 0, 50]
    assert {row["status"] for day in days for row in store.read("source_files", day).to_pylist()} == {"read"}


def test_a_deferred_sale_that_is_released_is_one_movement(tmp_path: Path) -> None:
    shutil.copy(CASES / "R3" / "books.yaml", tmp_path)
    (tmp_path / "inbox" / "az").mkdir(parents=True)
    for at, name in enumerate(("early.csv", "late.csv"), 1):
        shutil.copy(CASES / "R3" / name, tmp_path / "inbox" / "az")
        os.utime(tmp_path / "inbox" / "az" / name, (at, at))
    days = [dt.date(2026, 1, day) for day in (15, 16, 17)]
    store = built(tmp_path, days)
    assert [store.read("payments", day)["amount"].to_pylist() for day in days] == [[10], [20], [30]]
    assert sum(store.read("settlements", days[1])["amount"].to_pylist()) == 17


@pytest.mark.parametrize(("balances", "held"), [(("90.00", "90.00"), False), (("90.00", "85.00"), False), (("", ""), True)])
def test_rows_without_an_id_count_once_by_their_balance_or_hold_the_day(tmp_path: Path, balances: tuple[str, str], *, held: bool) -> None:
    (tmp_path / "books.yaml").write_text("entity: e\nstart: 2026-03-01\n")
    (tmp_path / "inbox").mkdir()
    for name, balance, other in (("a", balances[0], "12"), ("b", balances[1], "14")):
        (tmp_path / "inbox" / f"{name}.csv").write_text(
            f"Date,Description,Amount,Balance\n2026-03-{other},x{name},-1.00,\n2026-03-13,Fee,-5.00,{balance}\n")
    store = built(tmp_path, [dt.date(2026, 3, 13)])
    files = store.read("source_files", dt.date(2026, 3, 13)).to_pylist()
    assert {row["status"] for row in files} == ({"twice"} if held else {"read"})
    if held:
        assert "a.csv" in files[0]["problem"] and "b.csv" in files[0]["problem"]
    else:
        amounts = store.read("bank_entries", dt.date(2026, 3, 13))["amount"].to_pylist()
        assert len(amounts) == len(set(balances))

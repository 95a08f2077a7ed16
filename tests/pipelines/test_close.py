"""One correction goes round: out to the workbook, decided, back in, gone, booked, signed by two, proved and replayed."""

from __future__ import annotations

import csv
import shutil
import sqlite3
from pathlib import Path

import openpyxl
import pytest

from duizhang.errors import UserError
from tests.pipelines.test_end_to_end import LAST, duizhang, query, run

pytestmark = pytest.mark.usefixtures("unchecked")


def decide(workbook: Path, key: str, decision: str) -> None:
    book = openpyxl.load_workbook(workbook)
    sheet = book["订单 ↔ 收款"]
    names = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=3):
        if row[names.index("key")].value == key and row[names.index("leg")].value == "order_payment":
            row[names.index("decision")].value = decision
            row[names.index("reason")].value = "price typed wrong"
    book.save(workbook)


@pytest.mark.slow
def test_a_correction_goes_round(raw: Path, home: Path, tmp_path: Path) -> None:
    home, last = Path(shutil.copytree(home, tmp_path / "home", symlinks=True)), LAST
    raw = Path(shutil.copytree(raw, tmp_path / "raw"))
    (key, difference), = query(home, f"""
        select key, difference from variances where period = date '{last}' and leg = 'order_payment'
        and cause = 'amount_entry' order by key limit 1""")
    book = tmp_path / "book.xlsx"
    duizhang("exceptions", "export", "--home", home, "--period", last, "--out", book)
    decide(book, key, "correct")
    assert "1 new decisions" in duizhang("exceptions", "import", book, "--home", home, "--by", "A")
    with sqlite3.connect(home / "state.db") as con:
        log = con.execute("select count(*) from events").fetchone()
    assert "0 new decisions" in duizhang("exceptions", "import", book, "--home", home, "--by", "A")
    with sqlite3.connect(home / "state.db") as con:
        assert con.execute("select count(*) from events").fetchone() == log
    run(raw, home, last, last)
    assert "0 new decisions" in duizhang("exceptions", "import", book, "--home", home, "--by", "A")
    gone = f"select count(*) from variances where period = date '{last}' and leg = 'order_payment' and key = '{key}'"
    assert query(home, gone) == [(0,)]
    entries = query(home, f"select sum(debit), sum(credit) from journal_proposals where period = date '{last}'")
    assert entries == [(abs(difference), abs(difference))]

    duizhang("approve", "--home", home, "--period", last, "--as", "maker", "--by", "Person A")
    with pytest.raises(AssertionError) as refused:
        duizhang("approve", "--home", home, "--period", last, "--as", "checker", "--by", "person  a")
    assert UserError.__name__ in str(refused.value)
    duizhang("approve", "--home", home, "--period", last, "--as", "checker", "--by", "Person B")
    duizhang("close", "--home", home, "--from", last, "--to", last, "--by", "Person B",
             "--reason", "the month's last day")
    assert query(home, f"select state from period_status where period = date '{last}'") == [("closed",)]

    # whoever is erased is in no raw file any more, and all of it is proved and rebuilt as it was
    [orders] = (raw / "inbox" / "company" / last.isoformat()).glob("books_orders*")
    with orders.open(encoding="utf-8-sig", newline="") as file:
        person = next(csv.DictReader(file))["customer"]
    assert "do not name this person any more" in duizhang(
        "erase", person, "--books", raw / "books.yaml", "--home", home, "--by", "Person A", "--reason", "asked")
    duizhang("verify", "--home", home)
    assert "the same" in duizhang("replay", "--home", home, "--period", last, "--engine", "duckdb")

    some = next(p for p in sorted((home / "objects").glob("*/*.parquet")) if p.stat().st_size > 2000)
    body = bytearray(some.read_bytes())
    body[len(body) // 3] ^= 1
    some.write_bytes(bytes(body))
    assert some.stem in duizhang("verify", "--home", home, exit_code=2)
    body[len(body) // 3] ^= 1
    some.write_bytes(bytes(body))
    with sqlite3.connect(home / "state.db") as con:
        con.execute("update events set actor = 'somebody else' where seq = 2")
    con.close()
    assert "event 2" in duizhang("verify", "--home", home, exit_code=2)

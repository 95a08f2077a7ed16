"""Downloads that overlap: what both have counts once where an id or a balance names it, else the day is held with both files named."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.books import load_books
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import build_canonical
from duizhang.ingest.inbox import collect
from duizhang.speech.phrases import in_language

CASES = Path(__file__).parent / "cases"


def built(folder: Path, days: list[dt.date]) -> Store:
    books = load_books(folder / "books.yaml")
    store, state = Store(folder / "home"), State(folder / "home")
    assert {r.status for r in collect(books, store, state)} == {"read"}
    build_canonical(books, store, state, days)
    said = {row["problem"] for day in days for row in store.read("source_files", day).to_pylist()}
    assert {text for text in said if re.search("[a-z]{2,} [a-z]{2,} [a-z]{2,}", re.sub("`[^`]*`", "", in_language(text, "zh")))} == set()
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


def test_a_bank_may_number_the_transactions_of_every_download_anew(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").write_text("entity: e\nstart: 2026-03-01\n")
    (tmp_path / "inbox").mkdir()
    for month, amount in (("03", "-12.50"), ("04", "-7.50")):
        (tmp_path / "inbox" / f"{month}.ofx").write_text(
            "OFXHEADER:100\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>CNY<BANKACCTFROM><ACCTID>22</BANKACCTFROM><BANKTRANLIST><STMTTRN>"
            f"<TRNTYPE>OTHER<DTPOSTED>2026{month}05<TRNAMT>{amount}<FITID>1</STMTTRN></BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>")
    days = [dt.date(2026, month, 5) for month in (3, 4)]
    store = built(tmp_path, days)
    assert [store.read("bank_entries", day)["amount"].to_pylist() for day in days] == [[Decimal("-12.50")], [Decimal("-7.50")]]


def test_rows_that_have_no_id_are_not_known_by_their_line(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").write_text("entity: e\nstart: 2026-03-01\n")
    (tmp_path / "inbox").mkdir()
    head = "Booking Date,Value Date,Partner Name,Partner Iban,Type,Payment Reference,Account Name,Amount (EUR),Original Amount,Original Currency,Exchange Rate\n"
    for at, days in enumerate(((5, 6), (6, 7)), 1):
        rows = "".join(f"2026-03-0{day},2026-03-0{day},X,,Transfer,r,Main,{day}.50,,,\n" for day in days)
        (tmp_path / "inbox" / f"{at}.csv").write_text(head + rows)
        os.utime(tmp_path / "inbox" / f"{at}.csv", (at, at))
    store = built(tmp_path, [dt.date(2026, 3, 6)])
    assert store.read("bank_entries", dt.date(2026, 3, 6))["amount"].to_pylist() == [Decimal("6.50")]


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


@pytest.mark.parametrize(("balances", "held"), [
    pytest.param(("90.00", "90.00"), False, marks=pytest.mark.slow), (("90.00", "85.00"), False), (("", ""), True)])
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


BILL = "provider,entry_id,type,transaction_id,order_id,gross,fee,net,currency,payout_id,created_at\n"


def charge(number: int, gross: str, at: str = "09:00:00", payout: str = "") -> str:
    net = f"{Decimal(gross) - 1:.2f}"
    return f"cardpay,E{number},charge,T{number},O{number},{gross},-1.00,{net},USD,{payout},2026-03-01 {at}\n"


def files_of(folder: Path, bills: dict[str, str], days: tuple[int, ...] = (1,)) -> tuple[Store, list[dict[str, object]]]:
    """What was built of files of a shop that came in this order, and the records of the files of all days."""
    (folder / "inbox" / "us").mkdir(parents=True)
    (folder / "books.yaml").write_text("entity: e\nstart: 2026-03-01\nshops: {us: {platform: own, provider: cardpay}}\n")
    for at, (name, body) in enumerate(bills.items(), 1):
        (folder / "inbox" / "us" / name).write_text(body)
        os.utime(folder / "inbox" / "us" / name, (at, at))
    wanted = [dt.date(2026, 3, day) for day in days]
    store = built(folder, wanted)
    return store, [row for day in wanted for row in store.read("source_files", day).to_pylist()]


@pytest.mark.slow
def test_rows_that_two_downloads_have_count_once_and_it_is_told(tmp_path: Path) -> None:
    store, files = files_of(tmp_path, {
        "a.csv": BILL + charge(1, "10.00") + charge(2, "20.00") + charge(2, "20.00"),
        "b.csv": BILL + charge(2, "20.00") + charge(3, "30.00", payout="P1"),
    })
    payments = store.read("payments", dt.date(2026, 3, 1)).to_pylist()
    # what one file has twice is there twice
    assert sorted(row["transaction_id"] for row in payments) == ["T1", "T2", "T2", "T3"]
    assert [row["status"] for row in files] == ["read", "read"]
    assert [row["problem"] for row in files] == ["1 rows of 2026-03-01 stand in us/b.csv as well, and count there", ""]


def test_another_amount_of_one_entry_holds_the_day_and_names_both_files(tmp_path: Path) -> None:
    store, files = files_of(tmp_path, {
        "a.csv": BILL + charge(1, "10.00") + charge(2, "20.00"), "b.csv": BILL + charge(1, "10.00") + charge(2, "30.00"),
    })
    assert [row["status"] for row in files] == ["contradictory", "contradictory"]
    for row in files:
        assert "line 3 of us/a.csv states 20.00 USD, line 3 of us/b.csv 30.00 USD" in row["problem"]
        assert "E2" in row["problem"] and "source withdraw" in row["problem"]
    assert sorted(store.read("payments", dt.date(2026, 3, 1))["amount"].to_pylist()) == [10, 30]


@pytest.mark.parametrize(("first", "second", "said"), [
    (charge(1, "10.00"), charge(1, "10.00").replace(",-1.00,", ",-2.00,"), "states fee 1, line 2 of us/b.csv fee 2 for payments E1 T1"),
    pytest.param(charge(1, "10.00"), charge(1, "10.00").replace(",-1.00,", ",0,"), "states fee 1, line 2 of us/b.csv fee 0", marks=pytest.mark.slow),
    # the same movements, exported with the clock of another place
    (charge(1, "10.00"), charge(1, "10.00", "17:00:00"), "states 01:00:00 UTC, line 2 of us/b.csv 09:00:00"),
    pytest.param(charge(1, "10.00"), charge(1, "10.00").replace("USD", "EUR"), "states currency USD, line 2 of us/b.csv currency EUR", marks=pytest.mark.slow),
])
def test_any_other_figure_of_one_entry_is_named(tmp_path: Path, first: str, second: str, said: str) -> None:
    _, files = files_of(tmp_path, {"a.csv": BILL + first, "b.csv": BILL + second})
    assert {row["status"] for row in files} == {"contradictory"} and said in str(files[0]["problem"])


@pytest.mark.slow
def test_what_one_day_is_told_of_does_not_depend_on_the_range_or_the_order_of_building(tmp_path: Path) -> None:
    bodies = [BILL + charge(1, "10.00") + charge(4, "40.00").replace("03-01", "03-02"),
              BILL + charge(1, "10.00", payout="P1") + charge(4, "41.00").replace("03-01", "03-02") + charge(5, "1.00").replace("03-01", "03-03"),
              BILL + charge(5, "1.00").replace("03-01", "03-03")]
    store, _ = files_of(tmp_path, {f"{n}.csv": body for n, body in enumerate(bodies)}, (1, 2, 3))
    days = [dt.date(2026, 3, day) for day in (1, 2, 3)]
    tables = ("payments", "settlements", "source_files")
    whole = [store.read(table, day).to_pylist() for day in days for table in tables]
    books, state = load_books(tmp_path / "books.yaml"), State(tmp_path / "home")
    for day in reversed(days):
        build_canonical(books, store, state, [day])
    assert [store.read(table, day).to_pylist() for day in days for table in tables] == whole


def test_what_moves_on_is_one_movement(tmp_path: Path) -> None:
    """The payout of a charge is known later; a spreadsheet cuts the seconds of a time."""
    store, files = files_of(tmp_path, {
        "a.csv": BILL + charge(1, "10.00", "09:00:59"), "b.csv": BILL + charge(1, "10.00", "09:00:59", payout="P1"),
        "c.csv": BILL + charge(1, "10.00", "09:00:00", payout="P1"),
    })
    [entry] = [row for row in store.read("settlements", dt.date(2026, 3, 1)).to_pylist() if row["kind"] == "sale"]
    assert (entry["statement_id"], entry["occurred_at"].second) == ("P1", 59)
    assert {row["status"] for row in files} == {"read"}


ZTO = "扫描时间,运单号,目的地,目的地市,结算重量,运费\n"


def parcels(*rows: tuple[int, int]) -> str:
    return ZTO + "".join(f"2026-03-{day:02} 20:00:00,7890000000000{number},上海,上海,1,12.00\n" for number, day in rows)


@pytest.mark.parametrize(("first", "second", "charges", "status"), [
    # a wider range, whose first download was made before the day was over
    ([(1, 1), (2, 2)], [(1, 1), (2, 2), (3, 2), (4, 3)], 4, "read"),
    ([(1, 1), (2, 1), (3, 2)], [(1, 1), (4, 3)], 5, "read"),  # charged once more in the next bill: a finding
    ([(1, 1), (2, 1)], [(1, 1)], 3, "twice"),
])
def test_a_parcel_on_two_bills_is_charged_twice_unless_they_are_one_bill(
    tmp_path: Path, first: list[tuple[int, int]], second: list[tuple[int, int]], charges: int, status: str
) -> None:
    store, files = files_of(tmp_path, {"a.csv": parcels(*first), "b.csv": parcels(*second)}, (1, 2, 3))
    assert sum(store.read("freight_charges", dt.date(2026, 3, day)).num_rows for day in (1, 2, 3)) == charges
    assert {row["status"] for row in files} == {status}


@pytest.mark.parametrize(("whole", "cut"), [("000123", "123"), pytest.param("202603010000012345", "202603010000012000", marks=pytest.mark.slow)])
@pytest.mark.parametrize("is_newer", [pytest.param(False, marks=pytest.mark.slow), True])
def test_an_id_that_lost_digits_to_a_spreadsheet_is_the_same_row_and_the_whole_one_counts(
    tmp_path: Path, whole: str, cut: str, *, is_newer: bool
) -> None:
    row = charge(1, "10.00")
    bills = [BILL + row.replace("T1", cut).replace("E1", f"{cut}"), BILL + row.replace("T1", whole).replace("E1", f"{whole}") + charge(2, "5.00")]
    store, files = files_of(tmp_path, {f"{n}.csv": text for n, text in enumerate(bills if is_newer else bills[::-1])})
    payments = store.read("payments", dt.date(2026, 3, 1)).to_pylist()
    assert sorted(p["transaction_id"] for p in payments) == sorted([whole, "T2"])
    assert [row["status"] for row in files] == ["read", "read"]

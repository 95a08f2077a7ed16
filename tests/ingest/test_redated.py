"""One id on two business days is one movement, on the day that the newer file says; where it cannot be one, both stay and it is told."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from duizhang.books import load_books
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import build_canonical, load_specs
from duizhang.ingest.files.redated import _has_own_ids
from duizhang.ingest.inbox import collect
from duizhang.plan.inputs import derive

DAYS = [dt.date(2026, 3, day) for day in (1, 2, 3)]
BILL = "provider,entry_id,type,transaction_id,order_id,gross,fee,net,currency,payout_id,created_at\n"
BANK = "Date,Description,Amount,Reference,Balance\n"


def charge(number: int, day: int, gross: str = "10.00", kind: str = "charge") -> str:
    return f"cardpay,E{number},{kind},T{number},O{number},{gross},0.00,{gross},USD,,2026-03-0{day} 09:00:00\n"


def entry(day: int, text: str, reference: str, balance: str = "") -> str:
    return f"2026-03-0{day},{text},-5.00,{reference},{balance}\n"


def taken_in(folder: Path, bills: list[str]) -> tuple[Store, State]:
    """A home that has taken in these files of a shop, the last the newest."""
    (folder / "inbox" / "us").mkdir(parents=True)
    (folder / "books.yaml").write_text(
        "entity: e\nstart: 2026-03-01\ntime_zone: UTC\nshops: {us: {platform: own, provider: cardpay}}\n")
    for at, text in enumerate(bills, 1):
        path = folder / "inbox" / "us" / f"{at}.csv"
        path.write_text(text)
        os.utime(path, (at, at))
    store, state = Store(folder / "home"), State(folder / "home")
    assert {r.status for r in collect(load_books(folder / "books.yaml"), store, state)} == {"read"}
    return store, state


@pytest.mark.slow
@pytest.mark.parametrize("ranges", [pytest.param([DAYS], marks=pytest.mark.slow), [[day] for day in reversed(DAYS)]])
def test_one_id_on_two_days_counts_once_on_the_day_of_the_newer_file(tmp_path: Path, ranges: list[list[dt.date]]) -> None:
    """E1 is pending on the first and completed on the second; E3 comes in both downloads by another clock; E4 is charged and refunded."""
    store, state = taken_in(tmp_path, [
        BILL + charge(1, 1) + charge(2, 1) + charge(3, 2) + charge(4, 1),
        BILL + charge(1, 2) + charge(3, 1) + charge(4, 2, kind="refund"),
    ])
    books = load_books(tmp_path / "books.yaml")
    for periods in ranges:
        build_canonical(books, store, state, periods)
    found = {day.day: sorted(store.read("settlements", day)["entry_id"].to_pylist()) for day in DAYS}
    assert found == {1: ["E2", "E3", "E4"], 2: ["E1", "E4"], 3: []}
    assert sorted(store.read("payments", DAYS[0])["transaction_id"].to_pylist()) == ["T2", "T3", "T4"]
    [old] = [row["problem"] for row in store.read("source_files", DAYS[0]).to_pylist() if row["file"] == "us/1.csv"]
    assert "1 rows of 2026-03-01 are on another day in newer files, and count there" in old and "us/2.csv (2026-03-02)" in old and "E1" in old
    # a day that is without it from now on is computed again, and what came before is known when the inbox is looked at once more
    assert "file:us/2.csv" in derive(books, store, state, DAYS)[DAYS[0]].parts
    again = {r.path: r.touched() for r in collect(books, store, state)}
    assert again == {"us/1.csv": DAYS[:2], "us/2.csv": DAYS[:2]}


def test_an_id_that_a_file_itself_has_twice_names_no_movement(tmp_path: Path) -> None:
    store, state = taken_in(tmp_path, [BILL + charge(1, 1) + charge(1, 3), BILL + charge(1, 2)])
    build_canonical(load_books(tmp_path / "books.yaml"), store, state, DAYS)
    assert [store.read("payments", day).num_rows for day in DAYS] == [1, 1, 1]


def test_another_amount_on_another_day_is_told_and_holds_where_the_newer_file_covers_the_day(tmp_path: Path) -> None:
    store, state = taken_in(tmp_path, [
        BILL + charge(1, 1) + charge(2, 1), BILL + charge(1, 2, "12.00"), BILL + charge(2, 3, "9.00") + charge(3, 1).replace("09:", "08:")])
    build_canonical(load_books(tmp_path / "books.yaml"), store, state, DAYS)
    [old] = [row for row in store.read("source_files", DAYS[0]).to_pylist() if row["file"] == "us/1.csv"]
    assert old["status"] == "twice" and "withdraw the wrong file" in old["problem"]
    assert "line 2 of us/1.csv and line 2 of us/2.csv (2026-03-02)" in old["problem"] and "both count" in old["problem"]
    assert [store.read("payments", day).num_rows for day in DAYS] == [3, 1, 1]


@pytest.mark.parametrize(("rows", "counted"), [
    pytest.param((entry(1, "rent", "R1"), entry(2, "rent", "R1")), [1, 1], marks=pytest.mark.slow),  # a standing order, day by day
    # booked anew: the newer file has the day without it
    ((entry(2, "rent", "R1"), entry(1, "x", "R0") + entry(3, "rent", "R1")), [1, 0, 1]),
    ((entry(2, "rent", "R1", "95"), entry(1, "x", "R0", "100") + entry(3, "rent", "R1", "60")), [1, 1, 1]),  # the balances say two
])
def test_a_reference_of_a_bank_is_one_entry_where_the_newer_file_covers_the_day(
    tmp_path: Path, rows: tuple[str, str], counted: list[int]
) -> None:
    store, state = taken_in(tmp_path, [BANK + text for text in rows])
    build_canonical(load_books(tmp_path / "books.yaml"), store, state, DAYS)
    assert [store.read("bank_entries", day).num_rows for day in DAYS][:len(counted)] == counted


def test_an_order_that_goes_in_parcels_on_two_days_is_two_shipments(tmp_path: Path) -> None:
    """Fails if a number that is the order's own, or the parcel's, is taken for that of a movement: goods would vanish."""
    head = "move_id,warehouse,sku,kind,quantity,order_id,shop,carrier,tracking_number,moved_at\n"
    store, state = taken_in(tmp_path, [
        head + f"M{day},W,A,sale_out,-1,O1,us,ups,,2026-03-0{day} 09:00:00\nM{day}b,W,A,sale_out,-1,O2,us,ups,T2,2026-03-0{day} 10:00:00\n"
        for day in (1, 2)])
    build_canonical(load_books(tmp_path / "books.yaml"), store, state, DAYS)
    assert [store.read("shipments", day).num_rows for day in DAYS] == [2, 2, 0]
    assert [store.read("stock_moves", day).num_rows for day in DAYS] == [2, 2, 0]


def test_equal_refunds_in_parts_of_one_payment_are_two(tmp_path: Path) -> None:
    """Fails if the number of the payment, which each refund of it has, names the refund: a bill of trades has one for itself."""
    assert _has_own_ids(load_specs()["wechat_trade"], "rows") and _has_own_ids(load_specs()["stripe_balance"], "rows")
    assert not any(_has_own_ids(load_specs()[name], "rows") for name in ("mollie_settlement", "wms_moves", "bank_generic", "manomano_orders"))

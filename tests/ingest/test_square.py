"""Square's transactions export: amounts as -$3.00, date, time and zone apart, cash that never reaches the account."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

HEADER = (
    "Date,Time,Time Zone,Gross Sales,Discounts,Service Charges,Net Sales,Gift Card Sales,Tax,Tip,Partial Refunds,Total Collected,Source,Card,"
    "Card Entry Methods,Cash,Square Gift Card,Other Tender,Other Tender Type,Other Tender Note,Fees,Net Total,Transaction ID,Payment ID,"
    "Card Brand,PAN Suffix,Device Name,Staff Name,Staff ID,Details,Description,Event Type,Location,Dining Option,Customer ID,Customer Name,"
    "Customer Reference ID"
)
CARD = (
    '2026-03-13,10:02:11,Eastern Time (US & Canada),$30.00,-$3.00,$0.00,$27.00,$0.00,$2.16,$2.00,$0.00,"$1,031.16",Point of Sale,"$1,031.16",Tap,'
    '$0.00,$0.00,$0.00,,,-$30.93,"$1,000.23",SQA,PA1,Visa,0000,iPad,,,,"Mug x 1, Print x 1",Payment,Fair,,CUST1,Dee Example,'
)
CASH = (
    "2026-03-13,11:40:00,Eastern Time (US & Canada),$12.00,$0.00,$0.00,$12.00,$0.00,$0.96,$0.00,$0.00,$12.96,Point of Sale,$0.00,,"
    "$12.96,$0.00,$0.00,,,$0.00,$12.96,SQB,PB1,,,iPad,,,,Print x 1,Payment,Fair,,,,"
)
BACK = (
    "2026-03-20,09:00:00,Eastern Time (US & Canada),-$12.00,$0.00,$0.00,-$12.00,$0.00,-$0.96,$0.00,$0.00,-$12.96,Point of Sale,-$12.96,,"
    "$0.00,$0.00,$0.00,,,$0.39,-$12.57,SQA,PA1R,Visa,0000,iPad,,,,Print x 1,Refund,Fair,,CUST1,Dee Example,"
)
# the longer export of today writes the date the American way and names the deposit
LONG = (
    HEADER + ",Device Nickname,Third Party Fees,Deposit ID,Deposit Date,Deposit Details,Order Reference ID\n"
    + CARD.replace("2026-03-13,10:02:11", "03/13/2026,2:02:11 PM") + ",,$0.00,D-1,2026-03-15,https://example.com/d,O-77\n"
)
SAMPLES = {"square_transactions.csv": "\n".join([HEADER, CARD, CASH, BACK, ""]).encode(), "square_transactions.long.csv": LONG.encode()}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    (found,) = extract(path, load_specs(), Setting(shop="s"), file="any.bin", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_layout_is_told_and_ties(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, SAMPLES[name])
    assert (found.spec.name, found.rows_quarantined, [t.ok for t in found.totals]) == ("square_transactions", 0, [True])
    told = str([found.table(t).to_pylist() for t in found.tables])
    assert "Dee" not in told and "CUST1" not in told


def test_signs(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["square_transactions.csv"])
    rows = [(r["transaction_id"], r["kind"], r["amount"], r["currency"]) for r in found.table("settlements").to_pylist()]
    assert sorted(rows) == sorted([
        ("PA1", "sale", Decimal("1031.16"), "USD"), ("PA1", "fee", Decimal("-30.93"), "USD"),
        ("PA1R", "refund", Decimal("-12.96"), "USD"), ("PA1R", "fee", Decimal("0.39"), "USD"),
    ])
    paid = [(r["order_id"], r["amount"], r["fee"]) for r in found.table("payments").to_pylist()]
    assert paid == [("SQA", Decimal("1031.16"), Decimal("30.93")), ("SQB", Decimal("12.96"), Decimal(0))]
    assert found.table("payments").to_pylist()[0]["occurred_at"] == dt.datetime.fromisoformat("2026-03-13 14:02:11")
    (back,) = found.table("refunds").to_pylist()
    assert (back["order_id"], back["amount"], back["fee"]) == ("SQA", Decimal("12.96"), Decimal("-0.39"))


def test_the_longer_export(tmp_path: Path) -> None:
    first = read(tmp_path, SAMPLES["square_transactions.long.csv"]).table("settlements").to_pylist()[0]
    assert (first["payout_id"], first["order_id"], first["occurred_at"]) == ("D-1", "O-77", dt.datetime.fromisoformat("2026-03-13 18:02:11"))


def test_a_cent_breaks_the_total(tmp_path: Path) -> None:
    body = SAMPLES["square_transactions.csv"].replace(b"-$30.93", b"-$30.94")
    assert not all(t.ok for t in read(tmp_path, body).totals)


@pytest.mark.parametrize("line", [CARD, CASH])
def test_one_line_that_ends_with_a_comma_too_many(tmp_path: Path, line: str) -> None:
    body = SAMPLES["square_transactions.csv"].replace(line.encode(), line.encode() + b",")
    found = read(tmp_path, body)
    assert (found.rows_parsed, found.table("payments").num_rows, all(t.ok for t in found.totals)) == (3, 2, True)

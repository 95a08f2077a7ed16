"""Files that tell the same money twice hold the day; files that only look alike do not. An empty day is not a missing file."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from duizhang.books import load_books
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import build_canonical
from duizhang.ingest.inbox import collect
from duizhang.speech.phrases import in_language

DAYS = [dt.date(2026, 3, 1), dt.date(2026, 3, 2)]
BALANCE = (
    b"balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,reporting_category,source_id,description,status\n"
    b"txn_1,2026-03-01 09:00:00,2026-03-03 00:00:00,gbp,40.00,0.80,39.20,charge,ch_1,x,available\n"
)
RECONCILED = (
    b"automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id\n"
    b"po_1,2026-03-03 00:00:00,txn_1,2026-03-01 09:00:00,gbp,40.00,0.80,39.20,charge,ch_1\n"
)
PAYOUTS = b'{"data": [{"id": "po_2", "object": "payout", "amount": 500, "currency": "gbp", "created": 1772355600, "status": "paid", "type": "bank_account"}]}'
MT940 = b":20:S\n:25:37040044/0532013000EUR\n:28C:1/1\n:60F:C260228EUR1,\n:61:2603010301C1,NTRFNONREF//B1\n:62F:C260301EUR2,\n-\n"
OFX = (
    b"<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>1<ACCTID>%s</BANKACCTFROM><BANKTRANLIST><STMTTRN>"
    b"<TRNTYPE>CREDIT<DTPOSTED>%s<TRNAMT>1.00<FITID>B1</STMTTRN></BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
)


def source_files(folder: Path, files: dict[str, bytes]) -> dict[tuple[str, str], tuple[str, str]]:
    """(file, day of the month) -> (status, problem), for shops a and b."""
    (folder / "books.yaml").write_text("entity: e\nstart: 2026-03-01\nshops: {a: {platform: own}, b: {platform: own}}\n")
    for name, body in files.items():
        (folder / "inbox" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "inbox" / name).write_bytes(body)
    books = load_books(folder / "books.yaml")
    store, state = Store(folder / "home"), State(folder / "home")
    assert [r.status for r in collect(books, store, state)] == ["read"] * len(files)
    build_canonical(books, store, state, DAYS)
    found = {(r["file"], f"{day:%d}"): (r["status"], r["problem"]) for day in DAYS for r in store.read("source_files", day).to_pylist()}
    in_chinese = {in_language(problem, "zh") for _, problem in found.values()}
    assert {text for text in in_chinese if re.search("[a-z]{2,} [a-z]{2,} [a-z]{2,}", re.sub("`[^`]*`", "", text))} == set()
    return found


@pytest.mark.parametrize(("first", "second", "twice"), [
    (("a/x.csv", BALANCE), ("a/y.csv", RECONCILED), True),
    (("a/x.csv", BALANCE), ("b/y.csv", RECONCILED), False),  # of another shop
    (("a/x.csv", BALANCE), ("a/y.csv", RECONCILED.replace(b"03-01 09", b"03-02 09")), False),  # of another day
    (("a/x.csv", BALANCE), ("a/y.json", PAYOUTS), False),  # the same group, but another table
    (("x.sta", MT940), ("y.ofx", OFX % (b"DE89370400440532013000", b"20260301")), True),  # the IBAN of the same account
    (("x.sta", MT940), ("y.ofx", OFX % (b"DE89370400440532013001", b"20260301")), False),
    # a file that names no account has the same amounts as one that does, or others
    (("x.csv", b"Date,Description,Amount,Currency\n2026-03-01,A,1.00,EUR\n2026-03-02,B,-2.00,EUR\n"), ("y.ofx", OFX % (b"DE89370400440532013000", b"20260301")), True),
    (("x.csv", b"Date,Description,Amount,Currency\n2026-03-01,A,3.00,EUR\n2026-03-02,B,-2.00,EUR\n"), ("y.ofx", OFX % (b"DE89370400440532013000", b"20260301")), False),
])
def test_the_same_money_twice_is_told(tmp_path: Path, first: tuple[str, bytes], second: tuple[str, bytes], *, twice: bool) -> None:
    found = source_files(tmp_path, dict([first, second]))
    seen = [found[name, "01"] for name, _ in (first, second) if (name, "01") in found]
    if not twice:
        assert {status for status, _ in seen} == {"read"}
        return
    assert [status for status, _ in seen] == ["twice", "twice"]
    assert f"{first[0]} tells the same money of 2026-03-01 as {second[0]}" in seen[0][1] and "keep one of them" in seen[0][1]


REFUNDS = "refund_id,shop,order_id,amount,currency,refunded_at\n"


def refund(number: int, day: int = 1) -> str:
    return f"R{number},a,O{number},9.50,CNY,2026-03-0{day} 10:00:00\n"


@pytest.mark.parametrize(("first", "second", "refunds"), [
    (refund(1) + refund(2), refund(1) + refund(2) + refund(3) + refund(4, 2), 3),  # a day beside its month
    (refund(1) + refund(2), refund(2) + refund(1), 2),  # the same rows in another order
    (refund(1) + refund(2), refund(2) + refund(3), 3),
    (refund(1) + refund(2), refund(3) + refund(4) + refund(5), 5),
    (refund(1) + refund(1) + refund(2), refund(1) + refund(2) + refund(2), 4),  # what one file has twice is there twice
])
def test_two_downloads_of_one_kind_count_once(tmp_path: Path, first: str, second: str, refunds: int) -> None:
    found = source_files(tmp_path, {"x.csv": (REFUNDS + first).encode(), "y.csv": (REFUNDS + second).encode()})
    assert {status for status, _ in found.values()} == {"read"}
    assert Store(tmp_path / "home").read("refunds", DAYS[0]).num_rows == refunds


def test_all_payments_beside_the_paid_ones_count_once(tmp_path: Path) -> None:
    from tests.ingest.test_wechat import SAMPLES

    found = source_files(tmp_path, {"a/all.csv": SAMPLES["wechat_trade.all.csv"], "a/paid.csv": SAMPLES["wechat_trade.success.csv"]})
    assert {status for status, _ in found.values()} == {"read"}
    # each as often as the file that has it most often
    assert any("count there" in problem for _, problem in found.values())

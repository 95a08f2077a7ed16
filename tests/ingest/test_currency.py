"""Rows that name no currency: the books say it (of the account, the shop or the source), else it is told that theirs is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from duizhang.books import load_books
from duizhang.errors import RefusedFile
from duizhang.ingest import Setting, load_specs
from duizhang.ingest.landing import extract

BANK = "Date,Description,Amount,Account\n2026-03-13,A,-10.00,DE1\n2026-03-14,B,20.00,DE2\n"
CARD = "Date,Description,Amount,Original amount,Original currency\n2026-03-13,A,-10.00,-11.00,USD\n2026-03-14,B,20.00,,\n"
SF = "日期,运单号码,到件地区,计费重量,应付金额\n2026-03-13,SF1,香港,1.0,23.00\n"
WALLET = (
    "Date,Transaction Type,Description,Order ID,Money Direction,Amount,Status,Balance After Transactions\n"
    "2026-03-13 10:00:00,Withdrawal,To bank,-,Money Out,-50.00,Completed,0\n")


@pytest.mark.parametrize(("body", "said", "currencies", "told"), [
    (BANK, {}, {"CNY"}, 2), (CARD, {}, {"CNY"}, 2),
    (BANK, {"currency": "EUR"}, {"EUR"}, 2),
    (BANK, {"bank_accounts": {"DE1": {"entity": "demo", "currency": "EUR"}, "DE2": "demo"}}, {"EUR", "CNY"}, 1),
    (BANK, {"bank_accounts": {a: {"entity": "demo", "currency": "EUR"} for a in ("DE1", "DE2")}}, {"EUR"}, 0),
    (CARD, {"readings": {"bank_generic": {"currency": "EUR"}}}, {"EUR"}, 0),
    # a specification that knows its files in one currency is what the books do not say otherwise
    (SF, {}, {"CNY"}, 0), (SF, {"readings": {"sf_bill": {"currency": "HKD"}}}, {"HKD"}, 0),
    (WALLET, {"shops": {"my": {"platform": "shopee", "currency": "MYR"}}}, {"MYR"}, 0), (WALLET, {"shops": {"my": {"platform": "shopee"}}}, {"CNY"}, 1),
])
def test_rows_without_a_currency_have_the_one_that_the_books_declare_or_it_is_told(
    tmp_path: Path, body: str, said: dict[str, Any], currencies: set[str], told: int
) -> None:
    (tmp_path / "books.yaml").write_text(yaml.safe_dump({"entity": "demo", "start": "2026-03-01", **said}))
    (tmp_path / "any.csv").write_text(body)
    books = load_books(tmp_path / "books.yaml")
    [found] = extract(tmp_path / "any.csv", load_specs(), Setting.of(books, next(iter(books.shops), "")), file="any.csv", into=tmp_path / "out")
    assert {row["currency"] for name in found.tables for row in found.table(name).to_pylist()} == currencies
    notes = [note for note in found.notes if "currency" in note]
    assert notes == ([f"rows that name no currency count as {books.currency}, that of the books: {told}"] if told else [])


def test_the_books_say_no_other_currency_than_all_rows_of_a_kind_of_file_are_in(tmp_path: Path) -> None:
    from tests.ingest.test_alipay import TRADE

    (tmp_path / "any.csv").write_bytes(TRADE)
    with pytest.raises(RefusedFile, match="the books say HKD of alipay_trade, whose rows are all in CNY"):
        extract(tmp_path / "any.csv", load_specs(), Setting(of_sources={"alipay_trade": "HKD"}), file="any.csv", into=tmp_path / "out")


def test_an_account_is_still_owned_by_its_entity(tmp_path: Path) -> None:
    accounts = {"1": "demo", "2": {"entity": "abroad", "currency": "USD"}}
    (tmp_path / "books.yaml").write_text(yaml.safe_dump({"entity": "demo", "start": "2026-03-01", "bank_accounts": accounts}))
    assert load_books(tmp_path / "books.yaml").bank_account_owners == {"1": "demo", "2": "abroad"}

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


@pytest.mark.parametrize(("line", "currency"), [
    ("单位：美元", "USD"), ("币种：美元", "USD"), ("货币：USD", "USD"), ("货币单位:欧元", "EUR"), ("Unit: USD", "USD"), ("Currency: USD", "USD"), ("Währung: USD", "USD"),
    ("Statement of March (in USD)", "USD"), ("Montants en USD", "USD"), ("Currency,USD", "USD"), ("单位：人民币元", "CNY"),
    # these name no currency of the amounts
    ("单位：元", ""), ("记账本位币：美元", ""), ("原币币种：美元", ""), ("Units: PCS", ""),
])
def test_a_line_above_the_rows_names_their_currency(tmp_path: Path, line: str, currency: str) -> None:
    (tmp_path / "any.csv").write_text(f"{line}\nDate,Description,Amount\n2026-03-05,A,-12.50\n2026-03-16,B,100.00\n", encoding="utf-8")
    [found] = extract(tmp_path / "any.csv", load_specs(), Setting(), file="any.csv", into=tmp_path)
    assert (set(found.summary("bank_entries")[1]), found.assumed.rows) == ({currency or "CNY"}, 0 if currency else 2)


@pytest.mark.parametrize("line", ["单位：美元", "币种：美元", "(in USD)"])
def test_rows_of_a_layout_in_one_currency_below_a_line_that_names_another_are_held(tmp_path: Path, line: str) -> None:
    body = "交易日期,记账日期,卡末四位,交易说明,交易币种/金额,入账币种/金额\n2026-01-17,2026-01-18,1234,消费 支付宝,CNY 49.85,CNY 49.85\n"
    (tmp_path / "any.csv").write_text(f"{line}\n{body}", encoding="utf-8")
    [found] = extract(tmp_path / "any.csv", load_specs(), Setting(), file="any.csv", into=tmp_path)
    assert [total.name for total in found.totals if not total.ok] == ["rows whose amounts name another currency"]


@pytest.mark.parametrize(("cell", "told"), [("#REF!", "#REF!"), ("1.25E+03x", "9.99x[+]99x"), ("#VALUE!", "#VALUE!")])
def test_a_refusal_for_want_of_signs_names_the_cell_that_cannot_be_read(tmp_path: Path, cell: str, told: str) -> None:
    (tmp_path / "any.csv").write_text(f"Date,Description,Amount\n2026-03-05,A,12.50\n2026-03-16,B,{cell}\n", encoding="utf-8")
    with pytest.raises(RefusedFile, match=f"line 3 has '{told}' in the column 'Amount', which is no readable amount"):
        extract(tmp_path / "any.csv", load_specs(), Setting(), file="any.csv", into=tmp_path)

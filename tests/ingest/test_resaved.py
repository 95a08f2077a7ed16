"""Files of shops and providers that a spreadsheet has saved again, and workbooks whose currency only their format shows."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract
from duizhang.ingest.opening.number_formats import currency_of
from tests.ingest.test_channels import CHANNELS

STATEMENT = str(CHANNELS["adyen_statement"]["body"])


def read(folder: Path, text: str, setting: Setting | None = None) -> Extraction:
    (folder / "any.csv").write_text(text, encoding="utf-8")
    [found] = extract(folder / "any.csv", load_specs(), setting or Setting(zone="UTC"), file="any", into=folder / "out")
    return found


def days_as(text: str, first: str, second: str) -> str:
    return text.replace("2026-03-01 10:00:00", first).replace("2026-03-02 10:00:00", second)


@pytest.mark.parametrize(("first", "second", "dates"), [
    ("01.03.2026 10:00", "02.03.2026 10:00", ""), ("2026/3/1 10:00", "2026/3/2 10:00", ""), ("46082.4166666667", "46083.4166666667", ""),
    # a spreadsheet writes days as its own country does, not as that of the money
    ("3/1/2026 10:00", "3/2/2026 10:00", "month"), ("1/3/2026 10:00", "2/3/2026 10:00", "day"),
])
def test_dates_that_a_spreadsheet_wrote_are_read(tmp_path: Path, first: str, second: str, dates: str) -> None:
    found = read(tmp_path, days_as(STATEMENT, first, second), Setting(zone="UTC", readings={"adyen_statement": (dates, "", "", "")}))
    assert (sorted(map(str, found.days)), found.rows_quarantined) == (["2026-03-01", "2026-03-02"], 0)


def test_dates_that_a_spreadsheet_wrote_in_two_ways_are_asked_for(tmp_path: Path) -> None:
    """Fails if euros tell that a spreadsheet in another country wrote the day first."""
    with pytest.raises(RefusedFile, match=r"'3/1/2026 10:00' is 2026-03-01 .month first. or 2026-01-03"):
        read(tmp_path, days_as(STATEMENT, "3/1/2026 10:00", "3/2/2026 10:00"))


def test_cents_behind_the_other_mark_are_read_where_all_are(tmp_path: Path) -> None:
    german = STATEMENT.replace(",", ";").replace(".00", ",00")
    assert read(tmp_path, german).summary("bank_entries")[1] == {"EUR": Decimal(40)}
    assert read(tmp_path, german.replace("100,00", "100.00")).rows_quarantined == 2, "no mark is right for all of them"


@pytest.mark.parametrize(("pattern", "shown"), [
    ('#,##0.00 "€"', "EUR"), ("[$€-407] #,##0.00", "EUR"), ("#,##0.00\\ [$€-40C]", "EUR"), ("[$USD] #,##0.00;[Red]-[$USD] #,##0.00", "USD"),
    ("[$$-409]#,##0.00", "USD"), ('"$"#,##0.00', "$"), ("[$¥-804]#,##0.00", "CNY"), ("[$￥-411]#,##0", "JPY"), ('#,##0.00 "zł"', "PLN"),
    ("#,##0.00", ""), ("[$-409]d-mmm-yy", ""), ('#,##0 "PCS"', ""), ('0.00 "kg"', ""), ("[Red]0.00", ""),
])
def test_a_number_format_shows_a_currency(pattern: str, shown: str) -> None:
    assert currency_of(pattern) == shown


@pytest.mark.parametrize(("pattern", "more", "currencies", "untied"), [
    ('#,##0.00 "€"', {}, {"EUR"}, []), ("#,##0.00", {}, {"CNY"}, []), ("[$€-407] #,##0.00", {"Currency": "EUR"}, {"EUR"}, []),
    ('#,##0.00 "€"', {"Currency": "USD"}, {"USD"}, ["rows whose amounts name another currency"]),
])
def test_a_workbooks_currency_is_what_its_cells_show(
    tmp_path: Path, pattern: str, more: dict[str, str], currencies: set[str], untied: list[str],
) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Date", "Description", "Amount", *more])
    for day, amount in ((5, -12.5), (16, 1100)):
        sheet.append([dt.date(2026, 3, day), "A", amount, *more.values()])
        sheet.cell(sheet.max_row, 3).number_format = pattern
    book.save(tmp_path / "any.xlsx")
    [found] = extract(tmp_path / "any.xlsx", load_specs(), Setting(), file="any", into=tmp_path / "out")
    assert found.summary("bank_entries")[1] == dict.fromkeys(currencies, Decimal("1087.5"))
    assert [t.name for t in found.totals if not t.ok] == untied


@pytest.mark.parametrize(("mark", "untied"), [("€", ["rows whose amounts name another currency"]), ("¥", []), ("", [])])
def test_amounts_of_a_channel_that_name_another_currency_are_held(tmp_path: Path, mark: str, untied: list[str]) -> None:
    """Fails if euros of a bill that has no column for its currency are read in that of its specification or of the books."""
    rows = f"日期,运单号码,到件地区,计费重量,应付金额\n2026-03-13,SF1,香港,1.0,{mark}23.00\n"
    assert [t.name for t in read(tmp_path, rows).totals if not t.ok] == untied


def rewritten(text: str) -> str:
    """The text as a spreadsheet in the United States saves it: it took for a date what looks like one there, and cut long numbers."""
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    text = re.sub(r"\b(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):\d\d)?", lambda m: _us(int(m[2]), int(m[3]), m[1], m[4], m[5]), text)
    named = rf"\b(\d\d) ({'|'.join(months)}) (\d{{4}})(?: (\d\d):(\d\d))?"
    text = re.sub(named, lambda m: _us(months.index(m[2]) + 1, int(m[1]), m[3], m[4], m[5]), text)
    return re.sub(r"\b[1-9]\d{11,}\b", lambda m: f"{Decimal(m[0]):.5E}", text)


def _us(month: int, day: int, year: str, hour: str | None, minute: str | None) -> str:
    return f"{month}/{day}/{year}" + (f" {int(hour)}:{minute}" if hour else "")


@pytest.mark.parametrize("name", [
    "lazada_orders+old", "manomano_payouts", "shopee_orders+vn", "woocommerce_orders+first", "revolut_business", "bank_generic+polish_windows"])
def test_days_that_a_spreadsheet_in_another_country_turned_are_asked_for(tmp_path: Path, name: str) -> None:
    """Fails if 3/5/2026 is the 3rd of May because the file's own country, currency or pattern has the day first, though a spreadsheet in
    the United States wrote it of 2026-03-05."""
    with pytest.raises(RefusedFile, match="dates can be read in two ways"):
        read(tmp_path, rewritten(str(CHANNELS[name]["body"])))


@pytest.mark.parametrize(("text", "rows", "said"), [
    # a day that is written anew still begins a row; dates that were put anew tell that ids have lost their zeros
    ("结算时间,订单号,子订单号,结算金额,结算账户,结算单类型,收入合计,支出合计\n , , ,收入+支出, , , , \n7/16/2026 5:59,6900,6901,97.02,x,已结算,109,-11.98\n",
     (1, 0), "the zeros that they began with"),
    ("查询账号[ Inquirer account number ],6.00001E+11\n{boc}", (2, 0), "numbers of accounts above the rows that a spreadsheet has cut"),
    ("Date,Description,Amount,Account\n2026-03-05,A,-12.50,6.22203E+18\n", (0, 1), "its digits are lost"),
    ("Date;Description;Amount\n2026-03-05;1,23457E+15;-12,50\n", (0, 1), "its digits are lost"),
    # months and days whose year stands above them, and days that a spreadsheet put in an order of its own
    ("2026年3月账单\n日期,运单号码,到件地区,计费重量,应付金额\n05/03/2026,SF1,香港,1.0,23.00\n", (0, 1), "is empty; expected a value"),
    ("journal_line_id,account_code,account_id,account_name,account_type,description,gross_amount,journal_id,net_amount,tax_amount,tax_name,tax_type,"
     "journal_date,journal_number\nl1,1200,a1,A,CURRENT,x,110,j1,110,0,,,11/13/2019,337\n", (1, 0), "the zeros that they began with"),
])
def test_what_a_spreadsheet_took_from_a_row_is_told(tmp_path: Path, text: str, rows: tuple[int, int], said: str) -> None:
    boc = str(CHANNELS["bank_boc_company"]["body"]).split("\n", 1)[1]
    found = read(tmp_path, text.format(boc=boc))
    told = [*found.notes, *(t.name for t in found.totals if not t.ok), *(str(cell["reason"]) for cell in found.quarantine().to_pylist())]
    assert ((found.rows_parsed, found.rows_quarantined), any(said in line for line in told)) == (rows, True), told


@pytest.mark.parametrize(("sample", "old", "new", "sums"), [
    # a column in front and columns turned around; marks of Switzerland and a sign of money
    ("douyin_statement", "", ",", {"CNY": Decimal("107.02")}), ("bocom", "贷 Cr,1.23,101.23", "贷 Cr,1'231.23,$101.23", {"CNY": Decimal("1231.23")}),
    ("bocom", "贷 Cr,1.23,101.23", "贷 Cr,¥1.23,101.23", {"CNY": Decimal("1.23")}),
])
def test_amounts_and_columns_that_a_spreadsheet_wrote_are_whole(
    tmp_path: Path, sample: str, old: str, new: str, sums: dict[str, Decimal],
) -> None:
    """Fails if 1'231.23 is read as 231.23, or no row below an empty column."""
    text = SAVED_AGAIN[sample]
    found = read(tmp_path, re.sub("(?m)^(?=.)", new, text) if not old else text.replace(old, new))
    assert (found.summary(found.tables[0])[1], found.rows_quarantined) == (sums, 0)


def test_the_account_above_the_rows_is_found_between_whatever_marks_cells_stand(tmp_path: Path) -> None:
    """Fails if a bank's file that was saved with commas is of another account than the file itself."""
    lines = str(CHANNELS["bank_ing"]["body"]).splitlines()
    rows = "\n".join(re.sub(r"((?:\d\.)?\d+,\d\d)", r'"\1"', line).replace(";", ",") for line in lines)
    assert set(read(tmp_path, rows).table("bank_entries")["bank_account"].to_pylist()) == {"DE02120300000000202051"}


def test_a_number_of_16_digits_that_a_workbook_holds_is_no_id(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Date", "Description", "Amount", "Account"], [dt.date(2026, 3, 5), "A", -12.5, 5300190503800000]):
        book.worksheets[0].append(row)
    book.save(tmp_path / "any.xlsx")
    [found] = extract(tmp_path / "any.xlsx", load_specs(), Setting(), file="any", into=tmp_path / "out")
    assert (found.rows_parsed, found.rows_quarantined) == (0, 1)


SAVED_AGAIN = {
    "douyin_statement": (
        "结算时间,订单号,子订单号,结算金额,结算账户,结算单类型,收入合计,支出合计\n , , ,收入+支出, , , , \n"
        "2026-07-01 05:59:20,6900,6901,107.02,x,已结算,109,-1.98\n"),
    "bocom": "序号,交易日期,交易时间,交易类型,借贷,交易金额,余额,对方账号,对方户名,交易地点,摘要\n1,2026-01-01,00:00:00,利息,贷 Cr,1.23,101.23,1,某,批处理,\n",
}


def test_lines_of_which_none_begins_as_a_row_does_are_told(tmp_path: Path) -> None:
    """Fails if a bill whose columns were put in another order has no rows, and nobody hears of it."""
    head, _, row = SAVED_AGAIN["douyin_statement"].splitlines()
    turned = "\n".join(",".join(reversed(line.split(","))) for line in (head, row))
    assert [t.name for t in read(tmp_path, turned).totals if not t.ok] == ["lines below its header of which none begins as a row does"]


@pytest.mark.parametrize("old", [False, True])
def test_a_workbooks_numbers_are_read_as_their_cells_show_them(tmp_path: Path, old: bool) -> None:  # noqa: FBT001
    """Fails if a reference that a workbook shows as 0001239 is read as 1239, or the euros of an old workbook as the money of the books."""
    path = Path(__file__).parent / "data" / "formats.xls"
    if not old:
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        sheet.append(["Date", "Description", "Amount", "Reference"])
        for day, amount in ((5, -12.5), (16, 12.5)):
            sheet.append([dt.date(2026, 3, day), f"A{day}", amount, 1234 + day])
            sheet.cell(sheet.max_row, 3).number_format, sheet.cell(sheet.max_row, 4).number_format = "[$€-407] #,##0.00", "0000000"
        path = tmp_path / "any.xlsx"
        book.save(path)
    [found] = extract(path, load_specs(), Setting(), file="any", into=tmp_path / "out")
    rows = found.table("bank_entries").to_pylist()
    assert [(row["entry_id"].split("/")[0], row["currency"], row["amount"]) for row in rows] == [
        ("0001239", "EUR", Decimal("-12.5")), ("0001250", "EUR", Decimal("12.5"))]

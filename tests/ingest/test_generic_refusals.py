"""What is refused or held of a statement that nobody has specified says the true reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract


def read(folder: Path, text: str, encoding: str = "utf-8") -> Extraction:
    (folder / "any.csv").write_bytes(text.encode(encoding))
    [found] = extract(folder / "any.csv", load_specs(), Setting(), file="any.csv", into=folder / "out")
    return found


@pytest.mark.parametrize(("text", "encoding", "reason"), [
    ('05/03/2026,"12.50","STORE","1087.50"\n04/03/2026,"1000.00","SALARY","1075.00"\n', "utf-8", "no header line"),
    ("2026-03-05,SKU one,5,105\n2026-03-06,SKU one,-5,100\n2026-03-07,SKU one,1,101\n", "utf-8", "no source specification fits"),
    ('25/03/2026,-12.50,"A",987.50\n24/03/2026,9.00,"B",1000.00\n23/03/2026,-10.00,x,0.00\n', "utf-8", "no header line"),
    ("Date,Description,Amount\n2026-03-05,Deposit returned,100.00\n2026-03-06,Deposit,200.50\n", "utf-8", "or what was charged"),
    ("Date,Description,Type,Amount\n2026-03-05,A,Expense,12.50\n2026-03-06,B,Expense,100.00\n", "utf-8", "or what was charged"),
    ("Gjaldkeyri;Bókað;Nökkvi\nx;y;z\n", "cp1252", "Bókað"),
    ("注文番号,注文日,ステータス,商品名,請求金額\nR1,2026-03-05,発送済,ランプ,11500\n", "cp932", "注文番号, 注文日, ステータス"),
    ("주문번호,상품명,옵션명,판매액\n1,램프,A,10000\n", "cp949", "주문번호, 상품명"),
    ("Datum;Factuurnummer;Omschrijving;EAN;Bestelnummer;Bedrag\n05-03-2026;1;Verkoopprijs;87;C1;100,00\n", "utf-8", "but with EAN, Bestelnummer"),
    ("ID;Datum;Buchungstext;Betrag;Saldo;Bestellnummer\n1;05.03.2026;Verkauf;100,00;100,00;MA1\n", "utf-8", "but with Bestellnummer"),
    ("Paketscheinnummer;Datum;Empfänger;Gewicht;Betrag\n0150;05.03.2026;K;1,0;4,20\n0151;05.03.2026;K;1,0;-4,20\n", "utf-8", "with Paketscheinnummer"),
    ("Buchungsdatum;Belegnummer;Buchungstext;Buchungsbetrag;Sollkonto;Habenkonto\n05.03.2026;1;x;-119,00;1200;8400\n", "utf-8", "but with Sollkonto"),
    ("Date,Payee,Memo,Payment,Deposit,Reconciliation Status,Balance,Account\n03/05/2026,S,x,12.50,,,9.50,Checking\n", "utf-8", "Reconciliation Status"),
    ("Date,Description,Amount\n03/05/2026,SHOP,12.50\n03/13/2026,PAYMENT - THANK YOU,-100.00\n03/14/2026,SHOP 2,22.50\n", "utf-8", "or what was charged"),
    # what has a day, a text and an amount and is no bank's: readings, cash, advertising
    ("Date,Description,Amount\n2026-01-05,Meter 1 reading,120.5\n2026-02-05,Meter 1 reading,133.1\n", "utf-8", "but 'Meter 1 reading' in it tells another kind"),
    ("Kassenbuch März 2026\nDatum;Text;Einnahmen;Ausgaben;Saldo\n05.03.2026;Barverkauf;100,00;;100,00\n", "utf-8", "but 'Kassenbuch' in it tells"),
    ("Datum;Beleg;Buchungstext;Einnahmen;Ausgaben;Saldo\n05.03.2026;1;Barverkauf;100,00;;100,00\n", "utf-8", "but with Beleg"),
    ("日期,摘要,收入,支出,结存\n2026-03-05,现金销售,100.00,,100.00\n", "utf-8", "but with 结存"),
    ("Date,Description,Debits,Credits,Balance\n2026-03-05,Search campaigns,9.00,,9.00\n2026-03-06,Search campaigns,5.00,,14.00\n", "utf-8", "but 'Search campaigns' in it"),
    ('{"transactions":[{"date":"2026-03-05","amount":-12.5}]}', "utf-8", "JSON"),
    ('#FLAGGA 0\n#PROGRAM "Fortnox" 3.0\n#VER A 1 20260305 "Sale"\n', "utf-8", "SIE"),
    ("!Account\nNCash\n^\n!Type:Bank\nD03/05'2026\nT-12.50\n^\n", "utf-8", "QIF"),
    ("!Type:Invst\nD03/05'2026\nNBuy\n^\n", "utf-8", "QIF"),
    ('<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"><CstmrCdtTrfInitn/></Document>', "utf-8", "order of payments"),
    ("1112345678901234567826030126033120000000010000097800" + " " * 30 + "\n", "utf-8", "Norma 43"),
    ("0000005032612305       ACME\n", "utf-8", "CODA"),
    ("Rar!\x1a\x07\x01" + " " * 60, "utf-8", "an archive of a kind that is not opened"), ("GIF89a" + " " * 60, "utf-8", "a picture"),
    ("1CClientBankExchange\nСумма=10.00\nКонецФайла\n", "cp1251", "exchange of 1C"),
    ("Date,Description,Amount,Balance\n2026-05-03,a,-5.00,95.00\n13/03/2026,b,7.00,102.00\n", "utf-8", "or 2026-03-05, and other cells"),
    ("05/03/2026,Particulars,Debit,Credit\nDate,Particulars,Vch Type,Vch No.,Debit,Credit\n5-Mar-26,Sales,Receipt,1,5.00,\n", "utf-8", "Vch"),
    ("Date,Description,Amount,Balance\n13/03/2026,a,-5.00,95.00\n04/05/2026,c,1.00,96.00\n03/14/2026,b,7.00,103.00\n", "utf-8", "written in both orders"),
    ("Date,Description,Amount,Balance\n26-03-13,a,-5.00,95.00\n26-03-14,b,7.00,102.00\n", "utf-8", "or 2026-03-13 .year first"),
    ("Date,Description,Amount,Balance,Account code\n2026-03-05,X,1.00,2.00,4000\n", "utf-8", "with Account code, which that kind does not have"),
])
def test_a_refusal_tells_what_was_seen(tmp_path: Path, text: str, encoding: str, reason: str) -> None:
    with pytest.raises(RefusedFile, match=reason):
        read(tmp_path, text, encoding)


@pytest.mark.parametrize("row", ["CNY,USD 5.00,5.00", "EUR,$5.00,5.00", "EUR,-$5.00,$5.00", "CAD,€5.00,€5.00"])
def test_an_amount_in_another_currency_than_its_row_is_told(tmp_path: Path, row: str) -> None:
    found = read(tmp_path, f"Date,Description,Currency,Amount,Balance\n2026-03-05,X,{row}\n")
    assert [t.name for t in found.totals if not t.ok] == ["rows whose amounts name another currency"]


@pytest.mark.parametrize("row", ["CAD,$5.00,5.00", "EUR,5.00,$5.00 CR", "USD,$5.00,$5.00", "BRL,R$5.00,R$5.00", "EUR,$0.00,1.00"])
def test_a_sign_of_several_currencies_is_each_of_them(tmp_path: Path, row: str) -> None:
    found = read(tmp_path, f"Date,Description,Currency,Amount,Balance\n2026-03-05,X,{row}\n")
    assert [t.name for t in found.totals if not t.ok and "currency" in t.name] == ([] if "CR" not in row else ["rows whose amounts name another currency"])


@pytest.mark.parametrize(("rows", "total"), [
    ("2026-03-05,A,12.50,12.00,", "rows whose amount is not their debit or credit"),
    ("2026-03-05,A,12.50,12.50,\n2026-03-06,B,5.00,-5.00,", "debits or credits of both signs"),
    ("2026-03-05,A,3.00,5.00,8.00", "rows with a debit and a credit"),
])
def test_debits_and_credits_that_say_more_than_one_thing_do_not_tie(tmp_path: Path, rows: str, total: str) -> None:
    found = read(tmp_path, f"Date,Description,Amount,Debit,Credit\n{rows}\n")
    assert [t.name for t in found.totals if not t.ok] == [total]


def test_a_journal_of_several_accounts_does_not_tie_as_a_statement(tmp_path: Path) -> None:
    found = read(tmp_path, "Date,Account,Description,Debit,Credit\n2026-03-05,Bank,Sale,100.00,\n2026-03-05,Sales,Sale,,100.00\n")
    assert [t.name for t in found.totals if not t.ok] == ["rows of several accounts whose debits are their credits (a journal)"]


WITH_FEE = "Date,Description,Amount,Fee,Reference\n2026-03-05,A,99.00,1.00,r1\n2026-03-06,C,49.00,1.00,r2\n"


def test_whether_an_amount_has_its_fee_in_it_is_asked_where_no_balance_tells(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match="with the column 'Fee' in them, or beside it") as refused:
        read(tmp_path, WITH_FEE)
    assert "{bank_generic: {fees: included}}" in str(refused.value.advice)


@pytest.mark.parametrize(("fees", "amount"), [("included", "148.0000"), ("apart", "146.0000")])
def test_the_books_say_whether_an_amount_has_its_fee_in_it(tmp_path: Path, fees: str, amount: str) -> None:
    (tmp_path / "any.csv").write_text(WITH_FEE)
    setting = Setting(readings={"bank_generic": ("", "", fees, "signed")})
    [found] = extract(tmp_path / "any.csv", load_specs(), setting, file="any.csv", into=tmp_path / "out")
    assert str(found.summary("bank_entries")[1]["CNY"]) == amount


def test_a_fee_that_only_stands_in_later_rows_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duizhang.ingest.opening.encoded.BLOCK", 64)
    monkeypatch.setattr("duizhang.ingest.opening.encoded.PART", 64)
    with pytest.raises(RefusedFile, match="'Fee' in them"):
        read(tmp_path, "Date,Description,Amount,Fee,Reference\n" + "2026-03-05,A,-99.00,0,r1\n" * 9 + "2026-03-06,C,49.00,1.00,r2\n")


def test_a_cell_that_is_no_day_leaves_the_order_of_the_others_to_be_found(tmp_path: Path) -> None:
    found = read(tmp_path, "Date,Description,Amount,Balance\nn/a,x,-1.00,1.00\n04/05/2026,c,1.00,2.00\n13/05/2026,b,7.00,9.00\n")
    assert found.rows_quarantined == 1 and sorted(str(day) for day in found.days) == ["2026-05-04", "2026-05-13"]


def test_a_debit_that_is_taken_back_below_debits_does_not_tie(tmp_path: Path) -> None:
    """A balance of which two rows can be led to in either order does not tell it."""
    found = read(tmp_path, "Date,Description,Debit,Credit,Balance\n2026-03-01,a,5.00,,95.00\n2026-03-02,a back,-5.00,,100.00\n")
    assert [t.name for t in found.totals if not t.ok] == ["debits or credits of both signs"]


def test_what_a_file_has_no_column_for_counts_alike_in_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Date,Description,Amount,Currency,Balance\n2026-03-01,a,-5.00,EUR,95.00\n2026-03-02,b,7.00,USD,102.00\n2026-03-03,c,1.00,EURO1,9\n"
    small = read(tmp_path, text)
    monkeypatch.setattr("duizhang.ingest.landing.tally.MANY_ROWS", 0)
    large = read(tmp_path, text)
    assert (large.days, large.totals) == (small.days, small.totals) and not all(t.ok for t in large.totals)


def test_a_cell_that_is_an_error_is_no_empty_one(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["Date", "Description", "Amount"], ["2026-03-05", "A", "#N/A"], ["2026-03-06", "B", -20.0]):
        book.worksheets[0].append(row)
    book.save(tmp_path / "any.xlsx")
    [found] = extract(tmp_path / "any.xlsx", load_specs(), Setting(), file="any.xlsx", into=tmp_path / "out")
    assert [(cell["line"], cell["value"]) for cell in found.quarantine().to_pylist()] == [(2, "#N/A")]


def test_formulas_that_nobody_has_computed_are_refused(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["Date", "Description", "Amount", "Balance"], ["2026-03-01", "a", "=-2-3", 95], ["2026-03-02", "b", 7, 102]):
        book.active.append(row)
    book.save(tmp_path / "any.xlsx")
    with pytest.raises(RefusedFile, match="formulas that nobody has computed, so they have no value, such as C2"):
        extract(tmp_path / "any.xlsx", load_specs(), Setting(), file="any.xlsx", into=tmp_path / "out")


@pytest.mark.parametrize(("third", "amount"), [("7.000", "1.875"), ("7", "")])
def test_three_digits_behind_a_mark_are_decimals_of_a_currency_that_has_three(tmp_path: Path, third: str, amount: str) -> None:
    text = f"Date,Description,Amount,Balance,Currency\n2026-03-01,a,-5.125,95.000,KWD\n2026-03-02,b,{third},102.000,KWD\n"
    if amount:
        found = read(tmp_path, text).table("bank_entries")["amount"].to_pylist()
        assert str(sum(found).normalize()) == amount
    else:
        with pytest.raises(RefusedFile, match="two ways"):
            read(tmp_path, text)

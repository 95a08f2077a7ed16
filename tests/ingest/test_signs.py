"""Whether a positive amount is money in or out is never guessed, and what a file says of itself is not taken for another thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract


def read(folder: Path, text: str, encoding: str = "utf-8", **said: tuple[str, ...]) -> Extraction:
    (folder / "any.txt").write_bytes(text.encode(encoding))
    [found] = extract(folder / "any.txt", load_specs(), Setting(readings=said), file="any.txt", into=folder / "out")
    return found


UNSIGNED = "Date,Description,Amount\n2026-03-05,STORE 17,12.50\n2026-03-06,STORE 18,7.50\n"
CARD = "Date,Description,Card Member,Amount\n03/25/2026,STORE,A B,12.50\n03/26/2026,STORE,A B,7.50\n03/27/2026,PAYMENT,A B,-20.00\n"


@pytest.mark.parametrize("text", [UNSIGNED, CARD])
def test_amounts_without_a_sign_and_charges_of_a_card_are_asked_for(tmp_path: Path, text: str) -> None:
    with pytest.raises(RefusedFile, match=r"12\.5 in the column 'Amount' is money in, or what was charged") as refused:
        read(tmp_path, text)
    assert "{bank_generic: {amounts: signed}} where it is money in, or {amounts: charges}" in str(refused.value.advice)


@pytest.mark.parametrize(("said", "text", "amount"), [
    ("signed", UNSIGNED, "20.0000"), ("charges", UNSIGNED, "-20.0000"), ("charges", CARD, "0.0000"),
    ("", UNSIGNED.replace(",12.50", ",-12.50"), "-5.0000"), ("", UNSIGNED.replace(",12.50", ",+12.50").replace(",7", ",+7"), "20.0000"),
    ("", UNSIGNED.replace("STORE 17", "/PAYOUT/P1"), "20.0000"),  # a payout of ours is money in
    ("", "Date,Description,Amount,Balance\n2026-03-05,A,12.50,12.50\n2026-03-06,B,7.50,20.00\n", "20.0000"),
    ("", "Date,Description,Card Member,Amount\n2026-03-05,A,X,-12.50\n2026-03-06,B,X,-7.50\n", "-20.0000"),
])
def test_a_sign_a_balance_or_the_books_say_what_is_money_in(tmp_path: Path, said: str, text: str, amount: str) -> None:
    found = read(tmp_path, text, bank_generic=("", "", "", said))
    assert str(sum(found.summary("bank_entries")[1].values())) == amount


def test_a_day_of_value_is_no_currency(tmp_path: Path) -> None:
    found = read(tmp_path, "Rekeningnummer;Munt;Datum;Omschrijving;Valuta;Bedrag;Saldo\nBE1;EUR;28/02/2026;BIJDRAGE;28/02/2026;-3,40;96,60\n")
    assert {currency: str(amount) for currency, amount in found.summary("bank_entries")[1].items()} == {"EUR": "-3.4000"}


def test_an_amount_has_the_currency_that_stands_beside_it(tmp_path: Path) -> None:
    text = (
        "Дата операции;Сумма операции;Валюта операции;Сумма пересчитанная в валюту счета;Валюта счета;Основание\n"
        "2026-07-06;-4,50;EUR;-336,15;RUR;A\n")
    found = read(tmp_path, text, "cp1251")
    assert {currency: str(amount) for currency, amount in found.summary("bank_entries")[1].items()} == {"RUB": "-336.1500"}


@pytest.mark.parametrize(("header", "amount"), [("D/K", "-5.0000"), ("Be/Ki", "-15.0000")])
def test_k_is_credit_in_the_baltic_and_money_out_in_hungary(tmp_path: Path, header: str, amount: str) -> None:
    other, k = ("D", "5.00") if header == "D/K" else ("J", "20.00")
    rows = f"2026-03-05;X;{'10.00' if header == 'D/K' else '5.00'};{other}\n2026-03-06;Y;{k};K\n"
    found = read(tmp_path, f"Date;Description;Amount;{header}\n{rows}")
    assert str(sum(found.summary("bank_entries")[1].values())) == amount


def test_a_text_that_goes_on_below_its_row_needs_no_day_and_an_amount_does(tmp_path: Path) -> None:
    text = "Reference,Description,Date,Credit,Debit,Balance\nR1,FEE,05 Mar 2026,,5.00,95.00\n,(international),,,,\nR2,FEE,,,1.00,94.00\n"
    found = read(tmp_path, text)
    assert (found.rows_parsed, found.rows_ignored, found.rows_quarantined) == (1, 1, 1)


@pytest.mark.parametrize(("header", "barred"), [
    ("Date,Description,GL_Account,Debit,Credit", "GL_Account"), ("Date,Description,Amount,SKU", "SKU"),
    ("Date,Description,Amount,Customer name", "Customer name"), ("Date,Description,Amount,Invoice number", "Invoice number"),
])
def test_a_ledger_or_a_list_of_sales_is_no_statement_of_a_bank(tmp_path: Path, header: str, barred: str) -> None:
    with pytest.raises(RefusedFile, match=barred):
        read(tmp_path, f"{header}\n2026-03-05,A,-1.00{',2.00' * (header.count(',') - 2)}\n")


CUT = ":20:STARTUMS\n:25:12345678/0001234567\n:28C:1/1\n:60F:C260301EUR100,00\n"


@pytest.mark.parametrize("text", [CUT, f"{CUT}:61:2603020302D10,00NMSC\n:86:text\n"])
def test_a_statement_that_is_cut_before_its_closing_balance_does_not_tie(tmp_path: Path, text: str) -> None:
    assert [t.name for t in read(tmp_path, text).totals if not t.ok] == [":62F:, the closing balance, at the end of STARTUMS/1/1"]
    whole = read(tmp_path, f"{text}:62F:C260302EUR{90 if ':61:' in text else 100},00\n-\n")
    assert [t.ok for t in whole.totals] == [True]


@pytest.mark.parametrize(("text", "reason"), [
    ('<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt/></Document>', "neither <Stmt> nor <Ntfctn>"),
    ("OFXHEADER:100\n\n<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><INVSTMTRS><CURDEF>USD</INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1></OFX>",
     "only one of investments"),
    ("OFXHEADER:100\n\n<OFX><SIGNONMSGSRSV1></SIGNONMSGSRSV1></OFX>", "no statement of a bank account or a card"),
])
def test_a_file_without_a_statement_is_no_empty_one(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(RefusedFile, match=reason):
        read(tmp_path, text)


WORDS = {
    "russian": ("cp1251", "Дата операции;Описание операции;Приход;Расход;Остаток;Валюта\n05.03.2026;X;0,00;50,00;950,00;RUR\n", "RUB -50.0000"),
    "turkish": ("cp1254", "Tarih;Açıklama;Tutar;Bakiye\n05.03.2026;HAVALE;-1.250,00;8.750,00\n06.03.2026;EFT;250,00;9.000,00\n", "CNY -1000.0000"),
    "korean": ("cp949", "거래일시,적요,출금액,입금액,잔액\n2026-03-05 10:00:00,카드,\"5,000\",0,\"95,000\"\n", "CNY -5000.0000"),
    "czech": ("cp1250", "Datum provedení;Zpráva;Zaúčtovaná částka;Měna účtu\n27.05.2026;X;-1,00;CZK\n", "CZK -1.0000"),
    "lithuanian": ("cp1257", "Data;Gavėjas;Paaiškinimai;Suma;Valiuta;D/K\n2026-03-05;X;Likutis pradžiai;100.00;EUR;K\n2026-03-05;X;Y;5.00;EUR;D\n",
                   "EUR -5.0000"),
    "taiwanese": ("cp950", "日期,摘要,支出,存入,餘額\n115/03/05,轉帳,\"1,000\",,\"9,000\"\n115/03/16,存款,,\"2,000\",\"11,000\"\n", "CNY 1000.0000"),
    "greek": ("cp1253", "Ημερομηνία;Περιγραφή;Ποσό;Υπόλοιπο\n05/03/2026;Πληρωμή;-10,00;90,00\n16/03/2026;Κατάθεση;20,00;110,00\n", "CNY 10.0000"),
    "thai": ("cp874", "วันที่,รายการ,ถอน,ฝาก,คงเหลือ\n05/03/2569,โอน,10.00,,90.00\n06/03/2569,ฝาก,,20.00,110.00\n", "CNY 10.0000"),
    **{f"russian {encoding}": (
        encoding, "Дата;Описание;Сумма;Остаток\n05.03.2026;Оплата ООО Ромашка;-10,00;90,00\n16.03.2026;Возврат;20,00;110,00\n", "CNY 10.0000")
       for encoding in ("koi8_r", "cp866", "iso8859_5", "mac_cyrillic")},
    **{f"japanese {encoding}": (
        encoding, "日付,摘要,お支払金額,お預り金額,残高\n2026/03/05,振込 ヤマダ,1000,,9000\n2026/03/16,給与,,2000,11000\n", "CNY 1000.0000")
       for encoding in ("euc_jp", "iso2022_jp_ext", "utf-32")},
    **{f"hebrew {encoding}": (
        encoding, "תאריך,תיאור,חובה,זכות,יתרה\n05/03/2026,העברה,10.00,,90.00\n16/03/2026,הפקדה,,20.00,110.00\n", "CNY 10.0000")
       for encoding in ("utf-8", "cp1255")},
    **{f"arabic {encoding}": (
        encoding, "التاريخ,الوصف,مدين,دائن,الرصيد\n05/03/2026,تحويل,10.00,,90.00\n16/03/2026,إيداع,,20.00,110.00\n", "CNY 10.0000")
       for encoding in ("utf-32-be", "cp1256")},
    **{f"french {encoding}": (
        encoding, "Date opération;Libellé;Débit;Crédit;Solde\n05/03/2026;Chèque réglé;10,00;;90,00\n16/03/2026;Reçu;;20,00;110,00\n", "CNY 10.0000")
       for encoding in ("cp850", "mac_roman")},
    "polish cp852": ("cp852", "Data operacji;Opis operacji;Kwota;Saldo\n05.03.2026;Zapłata za łóżko;-10,00;90,00\n16.03.2026;Wpłata;20,00;110,00\n",
                     "CNY 10.0000"),
    "german cp850": ("cp850", "Buchungstag;Verwendungszweck;Betrag;Saldo\n05.03.2026;Müller Größe;-10,00;90,00\n16.03.2026;Köln;20,00;110,00\n",
                     "CNY 10.0000"),
    # of which GBK knows the letters as well, and by its codes which column is the currency
    "german cp1252": ("cp1252", "Buchungsdatum;Wertstellung;Betrag;Währung;Empfängername;Verwendungszweck\n"
                      "15.03.2026;15.03.2026;-11,00;EUR;Bäckerei;Empfängername\n", "EUR -11.0000"),
    "hungarian": ("utf-8", "Könyvelés dátuma,Közlemény,Összeg,Egyenleg,Devizanem\n2026.03.05.,X,-350,1000,HUF\n", "HUF -350.0000"),
}


@pytest.mark.parametrize("language", sorted(WORDS))
def test_statements_are_read_in_more_languages_and_their_encodings(tmp_path: Path, language: str) -> None:
    encoding, text, sums = WORDS[language]
    found = read(tmp_path, text, encoding)
    assert [f"{currency} {amount}" for currency, amount in found.summary("bank_entries")[1].items()] == [sums]
    assert (found.encoding, found.rows_quarantined) == (encoding, 0)


OWN = "日期,摘要,借方,贷方,余额\n2026-03-05,货款,100.00,,1100.00\n2026-03-06,付款,,30.00,1070.00\n2026-03-07,付款,,20.00,1050.00\n"
BANK = "日期,摘要,借方,贷方,余额\n2026-03-05,货款,,100.00,1100.00\n2026-03-06,付款,30.00,,1070.00\n2026-03-07,付款,20.00,,1050.00\n"
RED = "日期,摘要,金额,借贷,余额\n2026-03-05,货款,70.00,贷,1070.00\n2026-03-06,付款,30.00,借,1040.00\n2026-03-07,冲正,-10.00,借,1050.00\n"
UNTOLD = "日期,摘要,借方,贷方\n2026-03-05,货款,,100.00\n2026-03-06,付款,50.00,\n"
LEDGER, STATEMENT = "money in, as a ledger of one's own has it", "money out, as a bank has it"


@pytest.mark.parametrize(("text", "said", "amount", "told"), [
    (OWN, "", "50.0000", LEDGER), (BANK, "", "50.0000", STATEMENT),
    (OWN.replace("借方", "Debit").replace("贷方", "Credit"), "", "50.0000", LEDGER),
    (BANK.replace("借方", "Debit").replace("贷方", "Credit"), "", "50.0000", ""),
    ("日期,摘要,金额,借贷,余额\n2026-03-05,a,100.00,借,100.00\n2026-03-06,b,30.00,贷,70.00\n2026-03-07,c,20.00,贷,50.00\n", "", "50.0000", LEDGER),
    (RED, "", "50.0000", "as reversals of their side"),
    (RED.replace("1050", "1030"), "", "30.0000", ""),  # a minus that repeats what the side says
    # reversals in red, in a ledger
    (f"{OWN.replace('20.00,1050', '-20.00,1090')}2026-03-08,货款,70.00,,1160.00\n", "", "160.0000", LEDGER),
    (OWN.replace(",,20.00,1050", ",-20.00,,1050"), "", "50.0000", LEDGER),
    (UNTOLD, "bank", "50.0000", ""), (UNTOLD, "ledger", "-50.0000", ""),
    # without a balance: what a bank takes and gives, columns of banks, what stands above
    (UNTOLD.replace("付款", "手续费"), "", "50.0000", STATEMENT), (UNTOLD.replace("货款", "手续费"), "", "-50.0000", LEDGER),
    (UNTOLD.replace("借方", "对方户名,借方发生额").replace("贷方", "贷方发生额").replace("款,", "款,甲,"), "", "50.0000", STATEMENT),
    (f"银行存款日记账\n{UNTOLD}".replace("方", "方金额"), "", "-50.0000", LEDGER),
    (UNTOLD.replace("借方", "Debit").replace("贷方", "Credit"), "", "50.0000", STATEMENT),
    (UNTOLD.replace("借方", "Debit").replace("贷方", "Credit").replace("50", "-50"), "", "50.0000", ""),
])
def test_whose_debits_and_credits_they_are_the_balance_tells_or_the_books(
    tmp_path: Path, text: str, said: str, amount: str, told: str,
) -> None:
    found = read(tmp_path, text, bank_generic=("", "", "", "", said))
    assert str(sum(found.summary("bank_entries")[1].values())) == amount and all(total.ok for total in found.totals)
    notes = [note for note in found.notes if " has it: " in note or "reversals of their side" in note]
    assert len(notes) == bool(told) and told in "".join(notes)


@pytest.mark.parametrize("text", [
    UNTOLD, OWN[: OWN.index("2026-03-06")],  # one balance leads nowhere
    UNTOLD.replace("方", "方金额"), UNTOLD.replace("方", "方发生额"),
    # a fee on the side of money in
    UNTOLD.replace("借方", "Debit").replace("贷方", "Credit").replace("货款", "Bank fee"),
])
def test_debits_that_may_be_those_of_a_bank_or_of_a_ledger_are_asked_for(tmp_path: Path, text: str) -> None:
    with pytest.raises(RefusedFile, match=r"those in the column '(借方.*|Debit)' are money out, as a bank has them, or money in") as refused:
        read(tmp_path, text)
    assert "{bank_generic: {sides: bank}} where they are money out, or {sides: ledger}" in str(refused.value.advice)

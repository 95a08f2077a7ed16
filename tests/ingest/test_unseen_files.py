"""Small files after what people reported of other programs: each is read right, or refused or held with the true reason.

A row: what it is like, its text, what of it: (currency -> sum of the bank's entries, days) or the reason, a regex. untied: the totals
that do not tie; `{}` stands for what only some of its totals say.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Setting, load_specs
from duizhang.ingest.landing import extract

HEAD, TWO = "Date,Description,Amount,Balance\n", ",A,-10.00,90.00\n{},B,20.00,110.00\n"
OFX = (
    "OFXHEADER:100\nDATA:OFXSGML\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>22</BANKACCTFROM><BANKTRANLIST>"
    "<STMTTRN><TRNTYPE>OTHER<DTPOSTED>{}<TRNAMT>{}<FITID>1</STMTTRN></BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>")
MT940 = (
    ":20:STARTUMSE\n:25:20752041/29\n:28C:1/1\n:60F:C251126EUR100,00\n:61:2511271127D10,00NDDTNONREF\n:86:{}\n:61:2511271127D5,00NDDTNONREF\n"
    ":86:y\n:62F:C251127EUR85,00\n-\n")
DATES = (
    ("5. März 2026", "6. Mai 2026"), ("05-ene-2026", "06-dic-2026"), ("5 de mayo de 2026", "1 de junio de 2026"), ("12 Sept 2026", "13 Sept 2026"),
    ("2026-03-16 星期一", "2026年3月17日(周二)"), ("2026-03-16 11:59 p.m.", "2026-03-17 12:01 a.m."), ("5 janv. 2026", "6 févr. 2026"), ("5 sierpnia 2026", "6 września 2026"), ("Sep. 5, 2026", "Sep. 6, 2026"), ("5 Sep. 2026", "Thu, 10 Sep 2026"),
    ("2026-03-05T10:00:00Z", "2026-03-06T23:30:00Z"), ("46086", "46087"), ("2026-03-05 24:00:00", "2026-03-06 12:00:00"))
DAYS = (
    ["2026-03-05", "2026-05-06"], ["2026-01-05", "2026-12-06"], ["2026-05-05", "2026-06-01"], ["2026-09-12", "2026-09-13"],
    ["2026-03-16", "2026-03-17"], ["2026-03-16", "2026-03-17"], ["2026-01-05", "2026-02-06"], ["2026-08-05", "2026-09-06"], ["2026-09-05", "2026-09-06"], ["2026-09-05", "2026-09-10"],
    ["2026-03-05", "2026-03-06"], ["2026-03-05", "2026-03-06"], ["2026-03-05", "2026-03-06"])


@pytest.mark.parametrize(("text", "sums", "days", "ignored"), [
    *((f'{HEAD}"{first}"{TWO.format(chr(34) + second + chr(34))}', {"CNY": "10"}, days, 0) for (first, second), days in zip(DATES, DAYS, strict=True)),
    # debits that are negative, of credit unions; Spanish of Latin America
    ("Date,Memo,Amount Debit,Amount Credit,Balance\n3/20/2026,X,-70.55,,929.45\n3/19/2026,Y,,100.00,1000.00\n", {"CNY": "29.45"}, None, 0),
    ("Fecha Posteo\tDescripción\tMonto Débito\tMonto Crédito\tBalance\n20/12/2025\tP\t1,500.00\t\t8,500.00\n21/12/2025\tD\t\t500.00\t9,000.00\n",
     {"CNY": "-1000"}, ["2025-12-20", "2025-12-21"], 0),
    # blanks between quoted cells; lines of asterisks and a summary below the rows
    ('"Date", "Description", "Amount", "Balance"\n"2026-03-05", "A, Ltd", "-10.00", "90.00"\n"2026-03-06", "B", "20.00", "110.00"\n', {"CNY": "10"},
     None, 0),
    ("Date,Narration,Ref,Withdrawal Amt.,Deposit Amt.,Closing Balance\n****,****,****,****,****,****\n05/03/26,A,1,10.00,,90.00\n"
     "16/03/26,B,2,,20.00,110.00\n****,****\nSTATEMENT SUMMARY :-\nOpening Balance,Dr Count,Credits,Debits,Closing Bal\n100.00,1,20.00,10.00,110.00\n",
     {"CNY": "10"}, ["2026-03-05", "2026-03-16"], 0),
    # short years first beside Chinese names; thousands of yen; words of sides; a computer's own digits
    ("日期,摘要,支出,存入,餘額\n26.03.05,轉帳,\"1,000\",,\"9,000\"\n26.03.16,存款,,\"2,000\",\"11,000\"\n", {"CNY": "1000"}, ["2026-03-05", "2026-03-16"], 0),
    ("Date,Description,Amount\n2026-03-05,A,\"1,234円\"\n2026-03-06,B,\"-234円\"\n", {"JPY": "1000"}, None, 0),
    ("Fecha,Concepto,Importe,Tipo\n05/03/2026,A,\"10,00\",Cargo\n16/03/2026,B,\"20,00\",Abono\n", {"CNY": "10"}, ["2026-03-05", "2026-03-16"], 0),
    ("Date,Description,Amount\n2026-03-05,A,DR 10.00\n2026-03-06,B,CR 20.00\n2026-03-06,C,-0.0099999999999998\n", {"CNY": "9.99"}, None, 0),
    # one column of money in and money out without signs, of which the balances tell each; behind a balance that no row led to
    ("Date,Descriptions,Withdrawal / Deposit,Outstanding Balance (THB)\n01-03-26,Beginning Balance,,10000.00\n01-03-26,A,500.00,9500.00\n13-03-26,B,\"1,200.00\",10700.00\n",
     {"THB": "700"}, ["2026-03-01", "2026-03-13"], 1),
    ("Date,Description,Amount,Balance\n2026-03-13,B,1200.00,10700.00\n2026-03-02,A,500.00,9500.00\n2026-03-01,Opening Balance,0.00,10000.00\n", {"CNY": "700"}, None, 1),
    # an opening and a closing balance wherever they stand, and one that is of another kind
    ("Date,Description,Amount,Balance\n2026-03-31,Closing Balance,,10700.00\n2026-03-01,Opening Balance,,10000.00\n2026-03-13,B,1200.00,10700.00\n"
     "2026-03-01,A,-500.00,9500.00\n2026-03-31,Available Balance,,9999.00\n", {"CNY": "700"}, None, 3),
    # rows that are alike, and not pasted
    ("Date,Description,Amount\n2026-03-05,A,-1.00\n2026-03-05,A,-1.00\n2026-03-05,B,-2.00\n2026-03-05,A,-1.00\n2026-03-05,B,-2.00\n2026-03-06,C,100.00\n", {"CNY": "93"}, None, 0),
    # what waits has no day yet
    (f"{HEAD}Pending,Z,-5.00,\n2026-03-05{TWO.format('2026-03-06')}", {"CNY": "10"}, ["2026-03-05", "2026-03-06"], 1),
    # between other marks, or each line in quotes
    *((f"{HEAD}2026-03-05{TWO.format('2026-03-16')}".replace(",", mark), {"CNY": "10"}, None, 0) for mark in ("^", "~", "\x01", "\x1f", "|;", "::", "||")),
    ('"Date,Description,Amount,Balance"\n"2026-03-05,""A, Ltd"",-10.00,90.00"\n"2026-03-16,B,20.00,110.00"\n', {"CNY": "10"}, None, 0),
    ("'Date','Description','Amount','Balance'\n'2026-03-05','A, Ltd','-10.00','90.00'\n'2026-03-16','B','20.00','110.00'\n", {"CNY": "10"}, None, 0),
    ("Date;Description;Amount;Balance\n2026-03-05|A; B|-10.00|90.00\n2026-03-16|B|20.00|110.00\n", {"CNY": "10"}, None, 0),
    # reversals in red, signs in a column of their own
    *((f"日期,摘要,借方发生额,贷方发生额,余额\n2026-03-05,付,{way}100.00,,900.00\n2026-03-06,冲,{back}30.00,,930.00\n2026-03-07,收,,50.00,980.00\n",
       {"CNY": "-20"}, None, 0) for way, back in (("", "-"), ("-", ""))),
    ("Date,Description,+/-,Amount\n2026-03-05,A,-,10.00\n2026-03-16,B,+,20.00\n", {"CNY": "10"}, None, 0),
    ("Buchungstag;Verwendungszweck;Betrag;\n05.03.2026;A;10,00;S\n16.03.2026;B;20,00;H\n", {"CNY": "10"}, None, 0),
    ("Date,Description,Amount,Balance\n2026-03-05,A,10.00 -,90.00\n2026-03-16,B,20.00 +,110.00\n", {"CNY": "10"}, None, 0),
    # pages, months and sums among the rows; a header of two lines
    (f"{HEAD}2026-03-05,A,-10.00,90.00\nPage 1 of 2,,,\n{HEAD}April 2026,,,\n2026-04-16,B,20.00,110.00\n2 records\nGenerated on 2026-04-30\n",
     {"CNY": "10"}, ["2026-03-05", "2026-04-16"], 0),
    ("日期,摘要,支出,收入,余额\n2026年3月,,,,\n2026-03-05,付,10.00,,90.00\n2026-03-05,过次页,10.00,,90.00\n,承前页,10.00,,90.00\n2026-03-16,收,,20.00,110.00\n"
     "共2笔,,10.00,20.00,\n", {"CNY": "10"}, None, 2),
    *((f"{first}\n{second}\n2026-03-05,A,10.00,,90.00\n2026-03-16,B,,20.00,110.00\n", {"CNY": "10"}, None, 0) for first, second in (
        ("Date,Description,Amount,,Balance", ",,Debit,Credit,"), ("交易日期,摘要,发生额,,余额", ",,借方,贷方,"),
        ("Booking,Payment,Debit,Credit,Running", "Date,Description,CNY,CNY,Balance"))),
    ("Date,Description,Amount\n05/03/2026,A,-12.5\n06/03/2026,A,-12.5\n2026-03-07,B,100\n", {"CNY": "75"}, ["2026-03-05", "2026-03-06", "2026-03-07"], 0),
    ("Date,Description,Amount\n05/03/2026,A,-12.5\n13/03/2026,A,-12.5\n2026-06-03,B,100\n", {"CNY": "75"}, ["2026-03-05", "2026-03-13", "2026-06-03"], 0),
    # a currency that stands at its amount without a blank; a column without a name that has a word of three letters
    ("Date,Description,Credit,Debit,Balance\n2026-03-05,A,,10.00USD,90.00USD\n2026-03-16,B,20.00USD,,110.00USD\n", {"USD": "10"}, None, 0),
    ("Date,Description,Amount,Balance,\n2026-03-05,A,-10.00,90.00,KFC 12\n2026-03-16,B,20.00,110.00,\n", {"CNY": "10"}, None, 0),
    # currencies that only the amounts name, each with a balance
    ("Date,Description,Amount,Balance\n2026-03-05,A,-10.00 USD,90.00 USD\n2026-03-05,B,20.00 EUR,120.00 EUR\n2026-03-06,C,1.00 USD,91.00 USD\n",
     {"EUR": "20", "USD": "-9"}, None, 0),
    # words of sides; days above the rows, and a pattern in a name
    ("Tanggal,Keterangan,Jumlah,,Saldo\n05/03/2026,A,12500.00,DB,987500.00\n06/03/2026,B,100000.00,CR,1087500.00\n", {"CNY": "87500"}, ["2026-03-05", "2026-03-06"], 0),
    *((f"Date,Description,Amount,Direction\n2026-03-05,A,12.50,{out}\n2026-03-06,B,100.00,{into}\n", {"CNY": "87.5"}, None, 0)
      for out, into in (("OUTBOUND", "INBOUND"), ("Ausgabe", "Einnahme"), ("支", "收"), ("出", "入"), ("nợ", "có"), ("Keluar", "Masuk"))),
    ("Statement period: 01/03/2026 - 31/03/2026\nDate,Description,Amount\n05/03/2026,A,-12.50\n06/03/2026,B,100.00\n", {"CNY": "87.5"}, ["2026-03-05", "2026-03-06"], 0),
    ("Date (mm/dd/yyyy),Description,Amount\n03/05/2026,A,-12.50\n04/06/2026,B,100.00\n", {"CNY": "87.5"}, ["2026-03-05", "2026-04-06"], 0),
    ("Fecha;Concepto;Importe;Saldo;Estado\n05/03/2026;A;-12,50;987,50;Liquidado\n16/03/2026;B;-5,00;;Retenido\n", {"CNY": "-12.5"}, ["2026-03-05"], 1),
    # no header line: the balance proves the columns, also of words for sides and of amounts without cents beside their currency
    ('25/03/2026,-12.50,"STORE",987.50\n24/03/2026,1000.00,"SALARY",1000.00\n23/03/2026,-10.00,x,0.00\n', {"CNY": "977.5"}, None, 0),
    *((f'"NL55TRIO0123456789";"05-03-2026";"12,50";"{out}";"Shop";"987,50"\n"NL55TRIO0123456789";"06-03-2026";"1.100,00";"{into}";"Al";"2.087,50"\n'
       f'"NL55TRIO0123456789";"16-03-2026";"7,50";"{out}";"Shop";"2.080,00"\n', {"CNY": "1080"}, ["2026-03-05", "2026-03-06", "2026-03-16"], 0)
      for out, into in (("Debet", "Credit"), ("S", "H"), ("T", "J"))),
    ("20260305;-12500;HUF;20260305;987500;KFT\n20260306;100000;HUF;20260306;1087500;KFT\n20260307;500;HUF;20260307;1088000;KFT\n", {"HUF": "88000"}, None, 0),
    # two rows that have signs, debits and credits apart, one column of amounts alone
    ('15/03/2026,"-12.50","STORE","+987.50"\n04/03/2026,"+1000.00","SALARY","+1000.00"\n', {"CNY": "987.5"}, ["2026-03-04", "2026-03-15"], 0),
    ("2026-03-16,SHOP,,7.50,1080.00\n2026-03-05,STRIPE,100.00,,1087.50\n2026-03-04,SHOP,,12.50,987.50\n", {"CNY": "80"}, None, 0),
    ("05.03.2026;SHOP;-12,50\n16.03.2026;STRIPE;1.100,00\n", {"CNY": "1087.5"}, ["2026-03-05", "2026-03-16"], 0),
    # what the balance of rows without signs begins with; a balance whose letters stand apart, and one below the rows
    (f"{HEAD}2026-03-05,A,12.50,12.50\n2026-03-06,B,7.50,20.00\n", {"CNY": "20"}, None, 0),
    # charges alone: every row says that it went out; debits and credits apart, of which the rows tell which are which
    ("Date,Description,Amount\n2026-03-05,Monthly service fee,12.50\n", {"CNY": "-12.5"}, None, 0),
    ('2026-03-05,"AMAZON, ON",52.10,,4500********1234\n2026-03-06,PAYMENT THANK YOU,,100.00,4500********1234\n2026-03-16,UBER,12.00,,4500********1234\n',
     {"CNY": "35.9"}, ["2026-03-05", "2026-03-06", "2026-03-16"], 0),
    ("05/03/2026;-12,50;Carte;0;CB SHOP;;0;Divers\n16/03/2026;1200,00;Virement;0;VIR SALAIRE;;0;Divers\n", {"CNY": "1187.5"}, ["2026-03-05", "2026-03-16"], 0),
    # QIF of one account; what its last record has no end of is read as well
    ("!Type:Bank\nD3/ 5'26\nT-12.50\nPA, Ltd\nSFood\n$-12.50\n^\nD3/16'26\nT1,100.00\nMpayout\n", {"CNY": "1087.5"}, ["2026-03-05", "2026-03-16"], 0),
    # payouts alone, of a bank that writes no plus: who paid tells it, or the payouts of which the balance tells; an opening balance as a row
    ("Date,Description,Amount,Balance\n2026-03-05,STRIPE PAYOUT,12.50,112.50\n", {"CNY": "12.5"}, None, 0),
    ("Date,Description,Amount\n2026-03-05,支付宝提现,12.50\n2026-03-06,AMAZON EU SETTLEMENT 7,7.50\n", {"CNY": "20"}, None, 0),
    ("Date,Description,Amount,Balance\n2026-03-05,Payout po_1,12.50,112.50\n2026-03-06,Payout po_2,7.50,120.00\n", {"CNY": "20"}, None, 0),
    ("Date,Description,Amount,Balance\n2026-03-05,Opened,0.00,100.00\n2026-03-06,B,7.50,107.50\n", {"CNY": "7.5"}, None, 0),
    ('"Data","Histórico","Valor"\n"01/03/2026","Saldo Anterior","1000.00"\n"05/03/2026","SHOP","-12.50"\n"16/03/2026","PIX","100.00"\n'
     '"16/03/2026","S A L D O","1087.50"\n', {"CNY": "87.5"}, None, 2),
    ('"Buchungstag";"Vorgang";"Buchungstext";"Umsatz in EUR"\n"16.03.2026";"Übertrag";"PAYOUT";"100,00"\n"05.03.2026";"Last";"x";"-12,50"\n'
     '"Alter Kontostand";"1.000,00 EUR"\n', {"EUR": "87.5"}, None, 0),
    # what lines around the rows state and their rows give; balances of the day of the download
    (f"Opening balance: 1 000.00\nTotal debits (1): 12.50\nNumber of transactions: 2\nAvailable balance: 5.00\n{HEAD}2026-03-05,A,-12.50,987.50\n"
     "2026-03-16,B,100.00,1087.50\nClosing balance,,,\"1,087.50\"\n", {"CNY": "87.5"}, None, 0),
    # what the lines above call a currency, and a bank's balance that is called a ledger's
    ("Kode Mata Uang : IDR\nTanggal,Keterangan,Jumlah\n16/03/2026,A,12500.00 DB\n17/03/2026,B,100000.00 CR\n", {"IDR": "87500"}, None, 0),
    ("Ledger Balance,1087.50\nTransaction date,Description,Withdrawals (SGD),Deposits (SGD)\n16/03/2026,A,,100.00\n05/03/2026,B,12.50,\n",
     {"SGD": "87.5"}, None, 0),
    ("Data Lanc.,Data Valor,Descrição,Valor,Saldo\n16/03/2026,16/03/2026,A,\"100,00\",\"1.087,50\"\n05/03/2026,05/03/2026,B,\"-12,50\",\"987,50\"\n",
     {"CNY": "87.5"}, None, 0),
    ("Date,Description,Amount,Type of Payment/Receipt\n2026-03-05,A,12.50,Payment\n2026-03-16,B,100.00,Receipt\n", {"CNY": "87.5"}, None, 0),
    # deposits alone, each of which says so
    ("Date,Description,Amount\n2026-03-05,DEPOSIT STRIPE,100.00\n2026-03-06,ACH Credit SHOP,200.50\n", {"CNY": "300.5"}, None, 0),
    ("Buchungstag;Buchungstext;Verwendungszweck;Betrag\n05.03.2026;GUTSCHR. UEBERWEISUNG;A;100,00\n16.03.2026;ECHTZEIT-GUTSCHRIFT;B;200,50\n", {"CNY": "300.5"},
     None, 0),
    # what a flag says of a row; balances in the column of days, page by page; an account that is overdrawn
    ("Date,Description,Amount,Pending\n2026-03-05,A,-12.50,true\n2026-03-16,B,100.00,false\n", {"CNY": "100"}, ["2026-03-16"], 1),
    ("Date,Description,Amount,Void\n2026-03-05,A,-12.50,\n2026-03-16,B,100.00,Yes\n", {"CNY": "-12.5"}, ["2026-03-05"], 1),
    ("Date,Description,Debit,Credit,Balance\nBrought forward,,,,1000.00\n05/03/2026,A,12.50,,987.50\nCarried forward,,,,987.50\nPage 2\n"
     "Date,Description,Debit,Credit,Balance\nBrought forward,,,,987.50\n16/03/2026,B,,100.00,1087.50\n", {"CNY": "87.5"}, None, 3),
    (f"{HEAD}2026-03-01,Balance b/f,1000.00,\n2026-03-05,A,-12.50,\n2026-03-16,B,100.00,\n2026-03-31,Balance c/f,1087.50,\n", {"CNY": "87.5"}, None, 2),
    ("Date,Description,Debit,Credit,Balance\n2026-03-05,A,12.50,,1012.50 OD\n2026-03-16,B,,100.00,912.50 OD\n", {"CNY": "87.5"}, None, 0),
    # an empty column in front of totals and of names that are like them
    (",Libellé,Date,Montant\n,TOTAL ENERGIES,13/03/2026,\"-10,00\"\n,Total,13/03/2026,\"-10,00\"\n", {"CNY": "-10"}, None, 0),
    # 0 as spreadsheets show it in accounts, and a dash for nothing
    *((f'Date,Description,Debit,Credit,Balance\n05/03/2026,A, {mark}12.50 ,{zero}, {mark}987.50 \n16/03/2026,B,{zero}," {mark}1,100.00 "," {mark}2,087.50 "\n',
       {"CNY": "1087.5"}, None, 0) for mark, zero in (("", " -   "), ("¥", " ¥-   "), ("¥", "¥ -"), ("", "-"), ("", "—"))),
    # digits of other scripts
    ("Date,Description,Amount\n2026-03-05,A,-١٢.٥٠\n2026-03-16,B,١٠٠.٠٠\n", {"CNY": "87.5"}, None, 0),
    ("日付,摘要,金額\n2026-03-05,A,－１２．５０\n2026-03-16,B,１００．００\n", {"CNY": "87.5"}, None, 0),
    # a payee who is called as totals are
    ("Date,Description,Amount\n2026-03-05,A,-50.00\n2026-03-13,TOTAL,-10.00\n2026-03-14,B,-3.00\n", {"CNY": "-63"}, None, 0),
    # an hour in the text of a statement is no message of its own
    (MT940.format("text at\n:20:44:45 clita"), {"EUR": "-15"}, ["2025-11-27"], 0),
    (OFX.format("20260305000000[-3:GMT]", "-1.400,82"), {"EUR": "-1400.82"}, None, 0), (OFX.format("20260305", "1,400.82"), {"EUR": "1400.82"}, None, 0),
    (OFX.format("20260301000000.000[+0000]", "-47.00"), {"EUR": "-47"}, ["2026-03-01"], 0),
])
def test_an_unusual_file_is_read_as_it_is_meant(tmp_path: Path, text: str, sums: dict[str, str], days: list[str] | None, ignored: int) -> None:
    (tmp_path / "any.txt").write_text(text, encoding="utf-8")
    [found] = extract(tmp_path / "any.txt", load_specs(), Setting(zone="UTC"), file="any", into=tmp_path / "out")
    assert {currency: f"{amount.normalize():f}" for currency, amount in found.summary("bank_entries")[1].items()} == sums
    assert days is None or sorted(map(str, found.days)) == days
    assert (found.rows_quarantined, found.rows_ignored, [t.name for t in found.totals if not t.ok]) == (0, ignored, [])


OUT, INTO = "05.03.2026;A;12,50;;987,50", "16.03.2026;B;;100,00;1087,50"
SIGNED = ("05.03.2026;A;-12,50;987,50", "16.03.2026;B;100,00;1087,50")


@pytest.mark.parametrize("head", [
    "Data operacji;Opis;Obciazenia;Uznania;Saldo", "Fecha;Descripcion;Debito;Credito;Saldo", "Datum zauctovani;Popis;Castka;Zustatek", "Bokforingsdag;Beskrivning;Belopp;Saldo",
    "Data;Descricao;Valor;Saldo", "Tarih;Aciklama;Tutar;Bakiye", "transaction_date;description;debit_amount;credit_amount;closing_balance", "DATE;DESCRIPTION;AMOUNT;RUNNING_BALANCE",
    "Ngày giao dịch;Mô tả;Ghi nợ;Ghi có;Số dư", "Дата;Основание;Дебит;Кредит;Салдо", "Datum knjiženja;Opis;Zaduženje;Odobrenje;Stanje", "Dátum;Popis;Suma;Zostatok",
    "Дата;Опис операції;Сума;Залишок", "Dagsetning;Lýsing;Upphæð;Staða", "Tarikh;Keterangan;Debit;Kredit;Baki", "วันที่ทำรายการ;รายการ;หักบัญชี;เข้าบัญชี;ยอดเงินคงเหลือ",
    "日付;内容;出金金額(円);入金金額(円);残高(円)", "取引日;取引名;払出金額（円）;受入金額（円）;現在（貸付）高", "お取引日;摘要;お引き出し額;お預け入れ額;差し引き残高", "交易日期;摘要;提款;存款;餘額",
    "Ngày giao dịch;Mô tả;Số tiền ghi nợ;Số tiền ghi có;Số dư", "Posted Transactions Date;Description1;Debit-Amount;Credit-Amount;Balance",
    "帳務日期;說明;支出;存入;帳戶餘額", "交易日期;描述;支出;存入;結餘", "Date (dd/mm/yyyy);Description;Money Out (GBP);Money In (GBP);Balance (GBP)"])
def test_a_banks_words_are_known_in_many_languages_and_without_their_accents(tmp_path: Path, head: str) -> None:
    rows = SIGNED if head.count(";") == 3 else (OUT, INTO)
    (tmp_path / "any.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    [found] = extract(tmp_path / "any.csv", load_specs(), Setting(zone="UTC"), file="any", into=tmp_path / "out")
    assert [f"{amount.normalize():f}" for amount in found.summary("bank_entries")[1].values()] == ["87.5"]
    assert (found.rows_parsed, found.unread, [t.name for t in found.totals if t.name.startswith("balances")]) == (2, {}, [found.totals[-1].name])


@pytest.mark.parametrize(("text", "reason"), [
    # money in a column that nobody knows; a transaction that takes another back
    ("Data operacji;Opis;Obciąż.;Uznania;Saldo\n05.03.2026;A;12,50;;987,50\n16.03.2026;B;;100,00;1087,50\n", "rows whose amount stands in a column that is not read 0 1"),
    (OFX.format("20260305", "1.00").replace("</BANKTRANLIST>", "<STMTTRN><TRNTYPE>OTHER<DTPOSTED>20260305<TRNAMT>-1.00<FITID>2<CORRECTFITID>1</STMTTRN></BANKTRANLIST>"),
     "transactions that replace or delete another .CORRECTFITID. 0 1"),
    # an amount that is missing, as the balance tells; also where either order of two rows would do
    ("Date,Description,Debit,Credit,Balance\n2026-03-05,A,10.00,,90.00\n2026-03-06,B,,,110.00\n2026-03-07,C,5.00,,105.00\n", "balance after line 3 of bank 110 90"),
    ("Date,Description,Debit,Balance\n2026-03-05,A,10.00,90.00\n2026-03-06,B,,110.00\n", "balance after line 3 of bank 110 90"),
    # amounts that are not in whole units, as a line above says
    *((f"{line}\nDate,Description,Amount\n2026-03-05,A,-12.50\n2026-03-16,B,100.00\n", f"rows in units of {unit}, as the lines around them state 0 2")
      for line, unit in (("Amounts in thousands of USD", "thousands"), ("单位：万元", "万元"), ("(All figures in USD thousands)", "thousands"), ("金额单位:人民币千元", "千元"))),
    # a total among the rows, with a day of its own
    *((f"Date,Description,Amount\n2026-03-05,A,-50.00\n2026-03-13,B,-10.00\n2026-03-13,{word},-60.00\n", "rows called a total that come to what all others do 0 1")
      for word in ("Total", "SUMME", "合计", "Totale", "Suma")),
    # a thousand, or a digit too many; a month that is another one in another language
    ("Date,Description,Amount\n2026-03-05,A,1.234\n2026-03-06,B,-20.50\n", "'1.234' is 1234 where the mark parts thousands"),
    ("Date,Description,Amount\n5 lip 2026,A,1.00\n6 lip 2026,B,-20.50\n", "'lip' is June in Croatian or July in Polish"),
    (OFX.format("20260305", "1.00").replace("</BANKTRANLIST>", "<STMTTRN><TRNTYPE>OTHER<DTPOSTED>20260305<TRNAMT>1.00<FITID>1</STMTTRN></BANKTRANLIST>"),
     "twice under one FITID 0 1"),
    (MT940.format("x").replace("62F:C251127EUR", "62F:C251127USD"), "currencies of the balances of STARTUMSE/1/1 1 2"),
    # a word of three letters that is no currency
    ("Date,Description,Amount,Balance\n2026-03-05,A,-10.00 DEB,90.00\n2026-03-06,B,20.00 CRE,110.00\n", "rows in CRE, which is no currency 0 1"),
    ("Date,Description,Amount,Currency\n2026-03-05,A,-10.00,EUX\n2026-03-06,B,20.00,EUX\n", "rows in EUX, which is no currency 0 2"),
    # no sign, and a balance that does not tell of the earliest row what it moved
    *((f"Date,Description,Amount,{more[0]}Balance\n{rows}", "the balance behind its earliest row does not tell") for more, rows in (
        ([""], "2026-03-16,X,100.00,1100.00\n"), ([""], "2026-03-17,Z,50.00,1137.50\n2026-03-16,X,100.00,1087.50\n2026-03-05,Y,12.50,987.50\n"),
        (["Flow,"], "2026-03-05,Y,12.50,Debit card,987.50\n2026-03-16,X,100.00,Deposit,1087.50\n"))),
    # cards whose charges are positive
    ("Trans. Date,Post Date,Description,Amount,Category\n02/20/2026,02/20/2026,S,8.01,Merchandise\n02/20/2026,02/22/2026,P,-52.42,Payments and "
     "Credits\n02/19/2026,02/19/2026,C,25.24,Merchandise\n", "8.01 in the column 'Amount' is money in, or what was charged"),
    ("Transaction Date,Clearing Date,Description,Category,Amount (USD)\n03/15/2026,03/16/2026,A,Grocery,10.00\n03/16/2026,03/17/2026,P,Payment,-50.00\n",
     "is money in, or what was charged"),
    ("Date Processed,Description,Amount,\n12-Dec-2026,SHOP,£18.89,\n11-Dec-2026,PAYMENT RECEIVED,+ £100.00,CR\n", "is money in, or what was charged"),
    # days and months beside days that have the year first
    ("Date,Description,Amount\n2026-06-03,B,-100\n05/03/2026,A,-12.5\n", "'05/03/2026' is 2026-05-03 .month first. or 2026-03-05"),
    # what the lines around the rows state of them; a balance of the day of the download is none of theirs
    *((f"{above}{HEAD}2026-03-05,A,-12.50,987.50\n2026-03-16,B,100.00,1087.50\n{below}", f"{what}, as the lines around them state {stated} {found}")
      for above, below, what, stated, found in (
          ("Closing balance,1100.00\n", "", "balance after its rows", "1100", "1087.5"), ("", "Closing balance,,,1100.00\n", "balance after its rows", "1100", "1087.5"),
          ("总收入:100.00元,总支出:99.00元\n", "", "money out", "99", "-12.5"), ("", "3 transactions\n", "number of its rows", "3", "2"))),
    ("Date,Description,Amount\n2026-01-31,Salary Anna Berg,-2500.00\n2026-01-31,Salary Carl Dorn,-2300.00\n", "rows that are all salaries"),
    # rows that were pasted twice, all of them or a page
    ("Date,Description,Amount\n" + "2026-03-05,A,-10.00\n2026-03-06,B,20.00\n" * 2, "rows that stand in it twice, in the same order 0 2"),
    ("Date,Description,Amount\n" + "".join(f"2026-03-{n:02},P,-{n}.50\n" for n in (*range(1, 9), *range(3, 8), 9)), "rows that stand in it twice, in the same order 0 5"),
    # a first movement that its opening balance contradicts; the earliest of movements without signs, before which no balance stands
    ("Date,Description,Debit,Credit,Balance\n2026-03-01,Opening Balance,,,10000.00\n2026-03-01,A,5000.00,,9500.00\n2026-03-13,B,,1200.00,10700.00\n", "balance after line 3"),
    ("Date,Description,Amount,Balance\n2026-03-01,A,500.00,9500.00\n2026-03-13,B,1200.00,10700.00\n2026-03-14,C,700.00,10000.00\n2026-03-14,D,70.00,9930.00\n", "its earliest row does not tell"),
    ("Opening balance,1000.00\nClosing balance,1100.00\nDate,Description,Amount\n2026-03-05,A,-12.50\n2026-03-16,B,100.00\n",
     "balance after its rows, as the lines around them state 1100 1087.5"),
    (OFX.format("20260305", "1.234"), "amounts with three digits behind their only mark, which may be thousands 0 1"),
    (OFX.format("20260305", "12.50").replace("OTHER", "CHECK"), "debits of which none is negative 0 1"),
    ("Date,Description,Amount,Original Currency\n2026-03-15,A,-10.00,USD\n2026-03-16,B,20.00,USD\n", "although another column names USD 0 2"),
    ("Date,Description,Amount\n2026-03-15,A,-10.00\n2026-03-16,B,20.00\n* Amounts in EUR\n", "although lines around them name EUR 0 2"),
    ("Date,Description,Amount,VAT,Total\n2026-03-15,A,-10.00,-2.00,-12.00\n2026-03-16,B,100.00,20.00,120.00\n",
     "what Total adds up to, which is what is read and VAT 108 90"),
    # debits and credits without a header and a word; a fee that came in; a header without what stands above it
    ("2026-03-05,AMAZON,52.10,\n2026-03-06,ACME,,100.00\n", "no header line"),
    ("Date,Description,Amount\n2026-03-05,Service fee refund,12.50\n", "12.5 in the column 'Amount' is money in, or what was charged"),
    ("Umsatz (ohne Soll/Haben-Kz);Soll/Haben-Kennzeichen;Konto;Gegenkonto (ohne BU-Schlüssel);Belegdatum\n1,00;S;1;2;503\n",
     "closest is datev_bookings, without the lines that stand above its columns"),
    # two columns of one name
    ("Date,Description,Amount,Amount\n2026-03-05,A,-10.00,-12.00\n2026-03-06,B,20.00,24.00\n", "a second column called Amount adds up to 12 10"),
    ("Date,Description,Amount,,Date,Description,Amount\n2026-03-05,A,-10.00,,2026-03-05,X,-1\n2026-03-16,B,20.00,,2026-03-16,Y,2\n",
     "a second column called Amount adds up to 1 10"),
    # rows alike under one reference; debits of both signs without a balance
    ("Date,Description,Amount,Reference\n2026-03-05,A,-10.00,R1\n2026-03-05,A,-10.00,R1\n", "rows alike in day and amount that bear one reference 0 1"),
    ("日期,摘要,支出,收入\n2026-03-05,付,100.00,\n2026-03-06,冲,-30.00,\n2026-03-07,收,,50.00\n", "debits or credits of both signs 0 1"),
    # rows of which only some say their side, or their currency
    ("Date,Description,Amount,D/C\n2026-03-05,A,10.00,\n2026-03-06,B,20.00,CR\n", "rows without a side where others have one 0 1"),
    ("Date,Description,Amount,Currency\n2026-03-05,A,-10.00,EUR\n2026-03-06,B,20.00,\n", "other rows of it are in EUR 0 1"),
    ("Date,Description,Amount\n2026-03-05,A,$-10.00\n2026-03-06,B,$20.00\n", r"amounts are in \$ 0 2"),
    ("Date,Description,Amount,Account\n2026-03-05,A,-10.00,NL47BUNQ2025181418\n", "the account is in NL, where money is EUR 0 1"),
    # a balance of which no word says that it is one, below rows with a header or without one; money of shares; amounts in two currencies
    *((f"Date,Description,Amount\n{rows}", "a row at the end that names nothing, unlike all others, and may be a balance 0 1") for rows in (
        "2026-03-05,A,-12.50\n2026-03-16,B,100.00\n2026-03-31,,1087.50\n", "2026-03-01,,1000.00\n2026-03-05,A,-12.50\n2026-03-16,B,100.00\n")),
    ("05/03/2026;-12,50;Carte;0;SHOP;;0;Divers\n16/03/2026;1200,00;Virement;0;VIR;;0;Divers\n17/03/2026;1187,50;;;00012 345678A;;;\n", "no header line"),
    (OFX.format("20260305", "1.00").replace("</BANKTRANLIST>", "<BUYSTOCK><INVBUY><INVTRAN><FITID>9</INVTRAN><TOTAL>-10</INVBUY></BUYSTOCK></BANKTRANLIST>"),
     "transactions of shares, which move money and are not read 0 1"),
    ("Date,Description,Amount,Currency,Converted Amount\n2026-03-05,A,-11.00,EUR,-12.50\n2026-03-16,B,100.00,USD,100.00\n",
     "rows in several currencies beside amounts that are in that of the account 0 1"),
    # dates that a spreadsheet wrote between marks of its own beside those that it did not take for dates
    ("Date,Description,Amount\n03.05.2026,A,-12.50\n03-13-2026,B,100.00\n", "'03.05.2026' stands beside others between other marks"),
    # what is owed and what is on cards and in points is no statement of a bank
    *((f"Date,Description,{name},Debit,Credit\n2026-03-05,A,x,,10.00\n2026-03-16,B,y,4.00,\n", f"but with {name.replace('?', '.')}, which that kind does not have")
      for name in ("Paid", "Is paid?", "Outstanding", "Bezahlt", "Payé", "Gift Card Number", "Voucher code", "Points", "Customer email", "已付款", "Tip", "Discount", "Shipping", "Versandkosten",
                   "Hours", "Stock", "Points balance", "Donor", "Orders", "Credit note", "Refund reason", "Probability", "Frequency", "Next payment", "Tx hash", "Network", "Fees & Comm", "ISIN",
                   "工时", "花费", "卡券编号", "会员", "花呗", "工号", "库存数量", "积分", "Nights", "Confirmation Code", "Employee Name", "Clicks", "Split", "优惠金额", "送料")),
])
def test_what_can_be_meant_in_two_ways_is_refused_or_does_not_tie(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "any.txt").write_text(text, encoding="utf-8")
    try:
        [found] = extract(tmp_path / "any.txt", load_specs(), Setting(is_of_books=True), file="any", into=tmp_path / "out")
        said = "; ".join(f"{t.name} {t.stated} {t.computed}" for t in found.totals if not t.ok)
    except RefusedFile as error:
        said = str(error)
    assert re.search(reason, said), said


def test_the_numbers_of_a_workbook_have_a_point_whatever_mark_its_texts_have(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Datum", "Verwendungszweck", "Betrag"], ["05.03.2026", "A", "-1.012,50"], ["16.03.2026", "B", 123.456], ["17.03.2026", "C", 0.5]):
        book.active.append(row)
    book.save(tmp_path / "any.xlsx")
    [found] = extract(tmp_path / "any.xlsx", load_specs(), Setting(zone="UTC"), file="any", into=tmp_path / "out")
    assert found.summary("bank_entries")[1] == {"CNY": Decimal("-888.5440")} and not found.rows_quarantined

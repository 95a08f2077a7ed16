"""Tables that are written in other forms: workbooks in XML, blocks of labelled lines, names of columns on several lines."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

WORKBOOK = """<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<ss:Workbook xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet" xmlns:x="urn:schemas-microsoft-com:office:excel">
<ss:Styles><ss:Style ss:ID="Default"/><ss:Style ss:ID="d"><ss:NumberFormat ss:Format="Short Date"/></ss:Style>
<ss:Style ss:ID="m"><ss:NumberFormat ss:Format="#,##0.00\\ [$€-407]"/></ss:Style><ss:Style ss:ID="n" ss:Parent="m"/></ss:Styles>
<ss:Worksheet ss:Name="Notes"><ss:Table><ss:Row><ss:Cell><ss:Data ss:Type="String">Statement of March</ss:Data></ss:Cell></ss:Row></ss:Table></ss:Worksheet>
<ss:Worksheet ss:Name="Moves"><ss:Table><ss:Column/><ss:Column/><ss:Column ss:StyleID="n"/>
<ss:Row><ss:Cell><ss:Data ss:Type="String">Date</ss:Data></ss:Cell><ss:Cell><ss:Data ss:Type="String">Description</ss:Data></ss:Cell><ss:Cell>
<ss:Data ss:Type="String">Amount</ss:Data></ss:Cell><ss:Cell><ss:Data ss:Type="String">Balance</ss:Data></ss:Cell></ss:Row>
<ss:Row ss:Index="4"><ss:Cell ss:StyleID="d"><ss:Data ss:Type="DateTime">2026-03-05T00:00:00.000</ss:Data></ss:Cell>
<ss:Cell><ss:Data ss:Type="String"><B xmlns="http://www.w3.org/TR/REC-html40">A</B> &amp; B</ss:Data>
<ss:Comment><ss:Data ss:Type="String">5.00</ss:Data></ss:Comment></ss:Cell>
<ss:Cell><ss:Data ss:Type="Number">-10.5</ss:Data></ss:Cell><ss:Cell ss:StyleID="m"><ss:Data ss:Type="Number">89.5</ss:Data></ss:Cell></ss:Row>
<ss:Row{hidden}><ss:Cell ss:StyleID="d"><ss:Data ss:Type="DateTime">2026-03-16T00:00:00.000</ss:Data></ss:Cell>
<ss:Cell ss:Index="3"><ss:Data ss:Type="Number">1020</ss:Data></ss:Cell><ss:Cell><ss:Data ss:Type="Number">1109.5</ss:Data></ss:Cell></ss:Row>
</ss:Table></ss:Worksheet></ss:Workbook>"""
BLOCKS = (
    "From: 01/03/2026 to 31/03/2026\n\t\t\t\nAccount: XXXX XXXX XXXX 1234\n\nDate: 16/03/2026\nDescription: CARD PAYMENT: SHOP\nAmount: -12.34 GBP\n"
    "Balance: 987.66 GBP\n\nDate: 04/03/2026\nDescription: FASTER PAYMENTS REF.INV 22\nAmount: 500.00 GBP\nBalance: 1,000.00 GBP\n")


def read(folder: Path, body: bytes, setting: Setting | None = None) -> Extraction:
    (folder / "any.xls").write_bytes(body)
    [found] = extract(folder / "any.xls", load_specs(), setting or Setting(zone="UTC"), file="any", into=folder / "out")
    return found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_workbook_in_xml_is_read_as_one(tmp_path: Path, encoding: str) -> None:
    found = read(tmp_path, WORKBOOK.replace("{hidden}", "").encode(encoding))
    assert (found.summary("bank_entries")[1], sorted(map(str, found.days))) == ({"EUR": Decimal("1009.5")}, ["2026-03-05", "2026-03-16"])
    assert [t.name for t in found.totals if not t.ok] == [] and found.rows_quarantined == 0


def test_a_row_that_a_workbook_in_xml_hides_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, WORKBOOK.replace("{hidden}", ' ss:Hidden="1"').encode())
    assert found.unseen.lines == (5,)


@pytest.mark.parametrize(("old", "new", "reason"), [
    ("</ss:Workbook>", "", "not a readable workbook"),
    ('<ss:Cell><ss:Data ss:Type="Number">-10.5</ss:Data>', '<ss:Cell ss:Formula="=1-2">', "formulas that nobody has computed"),
    ('ss:Index="4"', 'ss:Index="90000000"', "cells are more than the limit"),
    ("<ss:Workbook", '<!DOCTYPE x [<!ENTITY e "1">]><ss:Workbook', "a document type or entities"),
])
def test_a_workbook_in_xml_that_is_damaged_says_so(tmp_path: Path, old: str, new: str, reason: str) -> None:
    body = WORKBOOK.replace("{hidden}", "").replace(old, new).encode()
    with pytest.raises(RefusedFile, match=reason):
        read(tmp_path, body)


def test_a_long_id_in_a_workbook_in_xml_keeps_its_digits(tmp_path: Path) -> None:
    body = WORKBOOK.replace("{hidden}", "").replace(">Balance<", ">Reference<")
    found = read(tmp_path, body.replace('"Number">89.5<', '"Number">4200001234567890123456<').replace('"Number">1109.5<', '"String">R2<').encode())
    assert found.table("bank_entries")["entry_id"].to_pylist() == ["4200001234567890123456", "R2"]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("text", [BLOCKS, BLOCKS.replace(": ", ":\xa0"), BLOCKS.replace("GBP\n\nDate", "GBP\nDate"), BLOCKS.replace("\n", "\r\n")])
def test_a_statement_in_blocks_of_labelled_lines_is_read(tmp_path: Path, text: str, encoding: str) -> None:
    found = read(tmp_path, text.encode(encoding))
    assert (found.summary("bank_entries")[1], sorted(map(str, found.days))) == ({"GBP": Decimal("487.66")}, ["2026-03-04", "2026-03-16"])
    assert [t.name for t in found.totals if not t.ok] == []


@pytest.mark.parametrize(("old", "new"), [
    ("Amount: -12.34 GBP\n", ""), ("Balance: 987.66 GBP\n", "Balance: 987.66 GBP\nor so\n"), ("Amount: 500.00", "Amount: 500.00\nAmount: 5.00"),
])
def test_blocks_that_are_not_alike_are_refused(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(RefusedFile):
        read(tmp_path, BLOCKS.replace(old, new).encode())


def test_names_of_columns_may_have_marks_without_width(tmp_path: Path) -> None:
    found = read(tmp_path, "\u200bDate,\u200eDescription,Amount\u200b,Bal\u00adance\u2060\n2026-03-05,A,-10.00,90.00\n2026-03-16,B,20.00,110.00\n".encode())
    assert (found.summary("bank_entries")[1], [t.ok for t in found.totals if t.name.startswith("balances")]) == ({"CNY": Decimal("10")}, [True])


@pytest.mark.parametrize("header", [
    'Date,"Transaction\nDescription",Amount,Balance', '"Booking\r\nDate",Description,"Amount","Account\r\nBalance"',
    '"Statement of\nNobody 5",,,\nDate,Description,"Transaction\n Amount",Balance',
])
def test_names_of_columns_may_go_over_several_lines(tmp_path: Path, header: str) -> None:
    found = read(tmp_path, f'{header}\n2026-03-05,"A\nB",-10.00,90.00\n2026-03-16,B,20.00,110.00\n'.encode())
    assert (found.summary("bank_entries")[1], found.rows_parsed) == ({"CNY": Decimal("10")}, 2)


@pytest.mark.parametrize(("zone", "cut_off"), [("America/Los_Angeles", 0), ("Pacific/Auckland", 0), ("Europe/Warsaw", 240), ("Asia/Shanghai", 1380)])
@pytest.mark.parametrize("body", [
    # the day of a bank in Poland, of a marketplace in Moscow, of any bank, of an MT940, of a payout's arrival at midnight in UTC
    '#Waluta;PLN;\n#Numer rachunku;12 3456 7890 1234 5678 9012 3456;\n'
    '#Data operacji;#Data księgowania;#Opis operacji;#Tytuł;#Nadawca/Odbiorca;#Numer konta;#Kwota;#Saldo po operacji;\n2026-03-05;2026-03-05;PRZELEW;x;y;1;-5,00;95,00;\n',
    "Date,Description,Amount,Balance\n2026-03-05,A,-5.00,95.00\n", "Date,Description,Amount,Balance\n2026-03-05 00:00:00,A,-5.00,95.00\n",
    ":20:S\n:25:20752041/29\n:28C:1/1\n:60F:C260304EUR100,00\n:61:2603050305D5,00NDDTNONREF\n:86:x\n:62F:C260305EUR95,00\n-\n",
    "id,Amount,Created (UTC),Currency,Livemode,Arrival Date (UTC),Source Type,Destination,Status,Type,Method,Description,Balance Transaction\n"
    "po_1,96.80,2026-03-03 11:00,usd,true,2026-03-05 00:00,card,ba_1,paid,bank_account,standard,STRIPE PAYOUT,txn_1\n",
], ids=["mbank", "generic", "midnight", "mt940", "stripe"])
def test_a_day_without_an_hour_is_that_day_wherever_it_is_read(tmp_path: Path, body: str, zone: str, cut_off: int) -> None:
    """Fails if a bank's day is the one before in books of another zone, or of books whose day begins later than at midnight."""
    found = read(tmp_path, body.encode(), Setting(zone=zone, cut_off_minutes=cut_off))
    assert sorted(map(str, found.days)) == ["2026-03-05"]


def test_an_hour_beside_a_midnight_is_moved_by_its_zone(tmp_path: Path) -> None:
    """Fails if a movement at midnight in Poland is one of that day in Alaska where others of its file have hours."""
    rows = "05.03.2026 00:00;;;Przesyłka DPD;;-5,00;95,00;\n05.03.2026 12:00;;;Przesyłka DPD;;-5,00;90,00;\n"
    body = f"Data;Nazwa oferty;Identyfikator oferty;Typ operacji;Uznania;Obciążenia;Saldo;Szczegóły operacji\n{rows}"
    found = read(tmp_path, body.encode(), Setting(zone="America/Anchorage"))
    assert sorted(map(str, found.days)) == ["2026-03-04", "2026-03-05"]

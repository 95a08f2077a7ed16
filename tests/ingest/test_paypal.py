"""PayPal: activity in three languages and two orders of day and month, settlement (STL) and transaction (TRR) reports."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

ACTIVITY_HEADER = (
    '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","From Email Address","To Email Address",'
    '"Transaction ID","Item Title","Item ID","Reference Txn ID","Invoice Number","Custom Number","Receipt ID","Balance","Subject",'
    '"Balance Impact"\r\n'
)


def line(*cells: str) -> str:
    return ",".join(f'"{cell}"' for cell in cells) + "\r\n"


def movement(date: str, kind: str, status: str, currency: str, gross: str, fee: str, net: str, txn: str, ref: str, invoice: str,
             balance: str, impact: str) -> str:
    return line(date, "10:00:00", "PST", "Jane Roe", kind, status, currency, gross, fee, net, "jane@example.com", "us@example.com",
                txn, "", "", ref, invoice, "", "", balance, "", impact)


ACTIVITY = ("\ufeff" + ACTIVITY_HEADER
    + movement("03/01/2026", "Express Checkout Payment", "Completed", "USD", "1,100.00", "-32.20", "1,067.80", "T1", "", "1001", "1,067.80", "Credit")
    + movement("03/02/2026", "Payment Refund", "Completed", "USD", "-100.00", "2.90", "-97.10", "T2", "T1", "1001", "970.70", "Debit")
    + movement("03/13/2026", "General Withdrawal", "Pending", "USD", "-500.00", "0.00", "-500.00", "T3", "", "", "470.70", "Debit")
    + movement("03/14/2026", "General Authorization", "Pending", "USD", "-9.00", "0.00", "-9.00", "T4", "", "", "470.70", "Memo")
    + movement("03/15/2026", "Website Payment", "Denied", "USD", "50.00", "-1.80", "48.20", "T5", "", "1002", "470.70", "Memo")
    + movement("03/16/2026", "PreApproved Payment Bill User Payment", "Completed", "USD", "-20.70", "0.00", "-20.70", "T6", "", "", "450.00", "Debit")
).encode()
STATEMENT_ES = ("\ufeff"
    '"Fecha","Hora","Zona horaria","Descripción","Divisa","Bruto ","Comisión ","Neto","Saldo","Id. de transacción",'
    '"Correo electrónico del remitente","Nombre","Nombre del banco","Cuenta bancaria","Importe de envío y manipulación",'
    '"Impuesto de ventas","Id. de factura","Id. de referencia de trans."\n'
    + line("1/7/2025", "15:37:32", "Europe/Berlin", "Pago con Pago exprés", "EUR", "1.058,09", "-31,04", "1.027,05", "1.027,05", "P1", "c@example.com",
           "Cliente", "", "", "0,00", "0,00", "A-1", "").replace("\r", "")
    + line("2/7/2025", "09:00:00", "Europe/Berlin", "Reembolso de pago", "EUR", "-58,09", "1,70", "-56,39", "970,66", "P2", "", "Cliente", "", "", "0,00",
           "0,00", "A-1", "P1").replace("\r", "")
    + line("3/7/2025", "09:00:00", "Europe/Berlin", "Conversión de divisas general", "USD", "-11,40", "0,00", "-11,40", "0,00", "P3", "", "", "", "", "0,00",
           "0,00", "", "P5").replace("\r", "")
    + line("3/7/2025", "09:00:00", "Europe/Berlin", "Conversión de divisas general", "EUR", "10,00", "0,00", "10,00", "980,66", "P4", "", "", "", "", "0,00",
           "0,00", "", "P5").replace("\r", "")
    + line("29/7/2025", "09:23:05", "Europe/Berlin", "Retirada iniciada por el usuario", "EUR", "-900,00", "0,00", "-900,00", "80,66", "P6", "", "",
           "Banco", "3554", "0,00", "0,00", "", "").replace("\r", "")
).encode()
SECTION_HEADER = (
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type","Transaction Event Code","Transaction Initiation Date",'
    '"Transaction Completion Date","Transaction Debit or Credit","Gross Transaction Amount","Gross Transaction Currency","Fee Debit or Credit",'
    '"Fee Amount","Fee Currency",'
)
STL = ("\ufeff"
    '"RH",2026/01/07 02:21:10 -0800,"A","MERCHANT1",009,\n"FH",01\n'
    '"SH",2026/01/06 00:00:00 -0800,2026/01/06 23:59:59 -0800,"MERCHANT1",""\n'
    + SECTION_HEADER + '"Custom Field","Consumer ID","Payment Tracking ID","Store ID","Bank Reference ID","Credit Transactional Fee",'
    '"Credit Promotional Fee","Credit Term"\n'
    '"SB","T1","1001","","","T0006",2026/01/06 00:00:30 -0800,2026/01/06 00:00:30 -0800,"CR",5200,"USD","DR",225,"USD","","C1","","","",,,\n'
    '"SB","T2","1001","T1","TXN","T1107",2026/01/06 09:00:00 -0800,2026/01/06 09:00:00 -0800,"DR",1500,"USD","CR",38,"USD","","C1","","","",,,\n'
    '"SB","T3","","","","T0400",2026/01/06 23:00:00 -0800,2026/01/06 23:00:00 -0800,"DR",3000,"USD","",,"","","","","","1047428557493",,,\n'
    '"SB","T4","1002","","","T0006",2026/01/06 23:30:00 -0800,2026/01/06 23:30:00 -0800,"CR",15000,"JPY","DR",4300,"JPY","","C2","","","",,,\n'
    '"SF","USD",5200,4500,38,225,"CR",0,"CR",513,"CR",0,"CR",513,"CR",0,"CR",0,3\n'
    '"SF","JPY",15000,0,0,4300,"CR",0,"CR",10700,"CR",0,"CR",10700,"CR",0,"CR",0,1\n'
    '"SC",4\n'
    '"RF","USD",5200,4500,38,225,"CR",0,"CR",513,"CR",0,"CR",513,"CR",0,"CR",0,3\n'
    '"RF","JPY",15000,0,0,4300,"CR",0,"CR",10700,"CR",0,"CR",10700,"CR",0,"CR",0,1\n'
    '"RC",4\n"FF",4\n'
).encode()
TRR = (
    '"RH",2026/01/07 02:05:05 -0800,"A","MERCHANT1",011,\n"FH",01\n'
    '"SH",2026/01/06 00:00:00 -0800,2026/01/06 23:59:59 -0800,"MERCHANT1",""\n'
    + SECTION_HEADER + '"Transactional Status","Insurance Amount","Sales Tax Amount","Shipping Amount","Transaction Subject","Transaction Note",'
    '"Payer\'s Account ID","Payer Address Status","Item Name","Item ID","Shipping Address Line1","Custom Field","Consumer ID","First Name","Last Name",'
    '"Payment Source","Shipping Name","Payment Tracking ID"\n'
    '"SB","T1","1001","","","T0006",2026/01/06 00:00:30 -0800,2026/01/06 00:00:30 -0800,"CR",5200,"USD","DR",225,"USD","S",,0,0,"Cup, large","",'
    '"jane@example.com","N","Cup","","1 Street","","C1","Jane","Roe","Express Checkout","Roe, Jane",""\n'
    '"SB","T2","1001","T1","TXN","T1107",2026/01/06 09:00:00 -0800,2026/01/06 09:00:00 -0800,"DR",1500,"USD","CR",38,"USD","S",,0,0,"","",'
    '"jane@example.com","N","","","","","C1","Jane","Roe","Others","Roe, Jane",""\n'
    '"SB","T5","1003","","","T0006",2026/01/06 10:00:00 -0800,2026/01/06 10:00:00 -0800,"CR",900,"USD","",,"","D",,0,0,"","",'
    '"joe@example.com","N","","","","","C3","Joe","Doe","Others","Doe, Joe",""\n'
    '"SF","USD",6100,1500,38,225\n"SC",3\n"RF","USD",6100,1500,38,225\n"RC",3\n"FF",3\n'
).encode()

SAMPLES = {"paypal_activity.csv": ACTIVITY, "paypal_activity.es.csv": STATEMENT_ES, "paypal_settlement.csv": STL, "paypal_transaction.csv": TRR}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    (found,) = extract(path, load_specs(), Setting(shop="s", zone="UTC"), file="any.bin", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_layout_is_told_and_ties(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, SAMPLES[name])
    assert (found.spec.name, found.rows_quarantined) == (name.split(".")[0], 0)
    assert found.totals and [t for t in found.totals if not t.ok or t.stated is None] == []
    told = str([found.table(t).to_pylist() for t in found.tables])
    assert "example.com" not in told and "Roe" not in told


@pytest.mark.parametrize(("name", "old", "new"), [
    ("paypal_activity.csv", '"-32.20"', '"-32.21"'),
    ("paypal_activity.es.csv", '"1.058,09"', '"1.058,08"'),
    ("paypal_settlement.csv", '"CR",5200,"USD"', '"CR",5201,"USD"'),
    ("paypal_settlement.csv", '"CR",38,"USD"', '"CR",39,"USD"'),
    ("paypal_settlement.csv", '"DR",3000,"USD"', '"CR",3000,"USD"'),
    ("paypal_settlement.csv", '"SB","T3"', '"SF","T3"'),
    ("paypal_transaction.csv", '"DR",225,"USD"', '"DR",226,"USD"'),
    ("paypal_transaction.csv", '"SC",3', '"SC",4'),
])
def test_a_cent_breaks_a_total(tmp_path: Path, name: str, old: str, new: str) -> None:
    body = SAMPLES[name].decode()
    assert body.count(old) == 1
    assert not all(t.ok for t in read(tmp_path, body.replace(old, new).encode()).totals)


@pytest.mark.parametrize(("name", "start"), [("paypal_settlement.csv", '"SB","T2"'), ("paypal_transaction.csv", '"SB","T5"')])
def test_a_lost_line_breaks_a_total(tmp_path: Path, name: str, start: str) -> None:
    lines = SAMPLES[name].decode().splitlines(keepends=True)
    kept = [one for one in lines if not one.startswith(start)]
    assert len(kept) == len(lines) - 1
    assert not all(t.ok for t in read(tmp_path, "".join(kept).encode()).totals)


def test_activity_month_first(tmp_path: Path) -> None:
    found = read(tmp_path, ACTIVITY)
    assert found.rows_ignored == 2  # the authorisation and the denied payment
    rows = [(r["transaction_id"], r["kind"], r["amount"], r["period"]) for r in found.table("settlements").to_pylist()]
    assert sorted(rows) == sorted([
        ("T1", "sale", Decimal(1100), dt.date(2026, 3, 1)), ("T1", "fee", Decimal("-32.2"), dt.date(2026, 3, 1)),
        ("T2", "refund", Decimal(-100), dt.date(2026, 3, 2)), ("T2", "fee", Decimal("2.9"), dt.date(2026, 3, 2)),
        ("T3", "payout", Decimal(-500), dt.date(2026, 3, 13)), ("T6", "other", Decimal("-20.7"), dt.date(2026, 3, 16)),
    ])
    (paid,) = found.table("payments").to_pylist()
    assert (paid["order_id"], paid["amount"], paid["fee"]) == ("1001", Decimal(1100), Decimal("32.2"))
    assert paid["occurred_at"] == dt.datetime.fromisoformat("2026-03-01 18:00:00")
    (back,) = found.table("refunds").to_pylist()
    assert (back["amount"], back["fee"]) == (Decimal(100), Decimal("-2.9"))
    (payout,) = found.table("payouts").to_pylist()
    assert payout["amount"] == Decimal(500)


def test_statement_in_spanish_day_first_decimal_comma(tmp_path: Path) -> None:
    found = read(tmp_path, STATEMENT_ES)
    rows = [(r["transaction_id"], r["kind"], r["amount"], r["currency"]) for r in found.table("settlements").to_pylist() if r["kind"] != "fee"]
    assert sorted(rows) == [
        ("P1", "sale", Decimal("1058.09"), "EUR"), ("P2", "refund", Decimal("-58.09"), "EUR"), ("P3", "transfer", Decimal("-11.4"), "USD"),
        ("P4", "transfer", Decimal(10), "EUR"), ("P6", "payout", Decimal(-900), "EUR"),
    ]
    (paid,) = found.table("payments").to_pylist()
    assert (paid["order_id"], paid["fee"], paid["occurred_at"]) == ("A-1", Decimal("31.04"), dt.datetime.fromisoformat("2025-07-01 13:37:32"))


def test_settlement_report(tmp_path: Path) -> None:
    found = read(tmp_path, STL)
    rows = [(r["transaction_id"], r["kind"], r["amount"], r["currency"]) for r in found.table("settlements").to_pylist()]
    assert sorted(rows) == sorted([
        ("T1", "sale", Decimal(52), "USD"), ("T1", "fee", Decimal("-2.25"), "USD"), ("T2", "refund", Decimal(-15), "USD"),
        ("T2", "fee", Decimal("0.38"), "USD"), ("T3", "payout", Decimal(-30), "USD"),
        # hundredths in every currency: 15000 is 150 yen
        ("T4", "sale", Decimal(150), "JPY"), ("T4", "fee", Decimal(-43), "JPY"),
    ])
    (payout,) = found.table("payouts").to_pylist()
    assert (payout["payout_id"], payout["amount"]) == ("1047428557493", Decimal(30))
    assert found.table("settlements").to_pylist()[0]["occurred_at"] == dt.datetime.fromisoformat("2026-01-06 08:00:30")
    assert found.captures["account"] == "MERCHANT1" and found.coverage == (dt.date(2026, 1, 6), dt.date(2026, 1, 6))


def test_transaction_report(tmp_path: Path) -> None:
    found = read(tmp_path, TRR)
    (paid,) = found.table("payments").to_pylist()
    assert (paid["transaction_id"], paid["order_id"], paid["amount"], paid["fee"]) == ("T1", "1001", Decimal(52), Decimal("2.25"))
    (back,) = found.table("refunds").to_pylist()
    assert (back["transaction_id"], back["amount"], back["fee"]) == ("T2", Decimal(15), Decimal("-0.38"))
    assert found.rows_ignored == 1  # denied

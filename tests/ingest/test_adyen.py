"""Adyen's settlement details: columns in any order, CSV and workbook, fees one by one, another currency converted."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

COLUMNS = [
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method", "Creation Date", "TimeZone", "Type",
    "Modification Reference", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)", "Exchange Rate", "Net Currency", "Net Debit (NC)",
    "Net Credit (NC)", "Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)", "Payment Method Variant",
    "Modification Merchant Reference", "Batch Number", "Reserved4", "Reserved5", "Reserved6", "Reserved7", "Reserved8", "Reserved9", "Reserved10",
]


def row(kind: str, psp: str, order: str, modification: str, gross: str, net: str, fees: Sequence[str] = (), zone: str = "CET",
        rate: str = "1", currency: str = "EUR") -> dict[str, str]:
    """gross and net are signed and go to their credit or debit column; fees: commission, markup, scheme, interchange."""
    cells = dict.fromkeys(COLUMNS, "")
    cells |= {
        "Company Account": "Shop", "Merchant Account": "ShopEU", "Psp Reference": psp, "Merchant Reference": order, "Payment Method": "visa",
        "Creation Date": "2026-01-06 10:25:36", "TimeZone": zone, "Type": kind, "Modification Reference": modification,
        "Exchange Rate": rate, "Net Currency": "EUR", "Batch Number": "380",
    }
    if gross:
        cells |= {"Gross Currency": currency, f"Gross {'Debit' if gross.startswith('-') else 'Credit'} (GC)": gross.lstrip("-")}
    cells[f"Net {'Debit' if net.startswith('-') else 'Credit'} (NC)"] = net.lstrip("-")
    return cells | dict(zip(COLUMNS[16:20], fees, strict=False))


ROWS = [
    row("Settled", "PSP1", "1001", "M1", "100.00", "97.77", ("", "0.60", "0.13", "1.50")),
    row("Settled", "PSP2", "1002", "M2", "50.00", "49.00", ("1.00",), zone="CEST"),
    row("Refunded", "PSP1", "1001", "M3", "-20.00", "-20.10", ("0.10",)),
    row("Chargeback", "PSP2", "1002", "M4", "-50.00", "-57.50", ("7.50",)),
    row("Settled", "PSP3", "1003", "M5", "10.00", "8.90", ("0.25",), rate="0.915", currency="USD"),
    row("Fee", "", "", "Transaction Fees January 2026", "", "-3.00"),
    row("MerchantPayout", "", "", "TX3488899933XT batch 380, ShopEU", "", "-75.07"),
]


def csv_of(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> bytes:
    return "".join(",".join(f'"{c}"' if "," in c else c for c in line) + "\n" for line in (
        columns, *([one.get(name, "") for name in columns] for one in rows))).encode()


# the layout of 2021: another order and two columns more
COLUMNS_2021 = [*COLUMNS[:2], *COLUMNS[3:23], "Booking Date", "Booking Date TimeZone", *COLUMNS[23:], "Psp Reference"]


def workbook() -> bytes:
    """A copy saved from a spreadsheet: a blank first row, dates as serial days, amounts as numbers."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([])
    for at, name in enumerate(COLUMNS, 1):
        sheet.cell(2, at, name)
    for down, one in enumerate(ROWS, 3):
        for at, name in enumerate(COLUMNS, 1):
            cell: str | float = one[name]
            if name == "Creation Date":
                cell = 46028.434444444444
            elif one[name] and (name.endswith("C)") or name in ("Batch Number", "Exchange Rate")):
                cell = float(one[name])
            if cell != "":
                sheet.cell(down, at, cell)
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


SAMPLES = {
    "adyen_settlement.30.csv": csv_of(COLUMNS, ROWS),
    "adyen_settlement.32.csv": csv_of(COLUMNS_2021, [one | {"Booking Date": "2026-01-07 01:00:00", "Booking Date TimeZone": "CET"} for one in ROWS]),
    "adyen_settlement.xlsx": workbook(),
}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    (found,) = extract(path, load_specs(), Setting(shop="s", zone="UTC"), file="any.bin", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_layout_gives_the_same(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, SAMPLES[name])
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("adyen_settlement", 7, 7)
    assert [(t.name, t.computed) for t in found.totals if not t.ok] == []
    rows = [(r["transaction_id"], r["kind"], r["amount"], r["currency"]) for r in found.table("settlements").to_pylist()]
    assert sorted(rows) == sorted([
        ("PSP1", "sale", Decimal(100), "EUR"), ("PSP1", "fee", Decimal("-0.6"), "EUR"), ("PSP1", "fee", Decimal("-0.13"), "EUR"),
        ("PSP1", "fee", Decimal("-1.5"), "EUR"), ("PSP2", "sale", Decimal(50), "EUR"), ("PSP2", "fee", Decimal(-1), "EUR"),
        ("M3", "refund", Decimal(-20), "EUR"), ("M3", "fee", Decimal("-0.1"), "EUR"),
        ("PSP2", "dispute", Decimal(-50), "EUR"), ("PSP2", "service", Decimal("-7.5"), "EUR"),
        # sold in dollars, converted by two transfers
        ("PSP3", "sale", Decimal(10), "USD"), ("PSP3", "transfer", Decimal(-10), "USD"), ("PSP3", "transfer", Decimal("9.15"), "EUR"),
        ("PSP3", "service", Decimal("-0.25"), "EUR"), ("", "service", Decimal(-3), "EUR"), ("", "payout", Decimal("-75.07"), "EUR"),
    ])
    (payout,) = found.table("payouts").to_pylist()
    assert (payout["payout_id"], payout["amount"], payout["currency"]) == ("TX3488899933XT", Decimal("75.07"), "EUR")
    assert {r["statement_id"] for r in found.table("settlements").to_pylist()} == {"380"}
    first, second = (r["occurred_at"] for r in found.table("payments").to_pylist()[:2])
    assert (first, second) == (dt.datetime.fromisoformat("2026-01-06 09:25:36"), dt.datetime.fromisoformat("2026-01-06 08:25:36"))
    paid = [(r["order_id"], r["amount"], r["fee"], r["currency"]) for r in found.table("payments").to_pylist()]
    assert paid == [("1001", Decimal(100), Decimal("2.23"), "EUR"), ("1002", Decimal(50), Decimal(1), "EUR"), ("1003", Decimal(10), Decimal(0), "USD")]
    (back,) = found.table("refunds").to_pylist()
    assert (back["transaction_id"], back["amount"], back["fee"]) == ("M3", Decimal(20), Decimal("0.1"))


@pytest.mark.parametrize(("old", "new"), [(b",97.77,", b",97.78,"), (b",1.50,", b",1.51,"), (b",75.07,", b",75.08,"), (b",8.90,", b",8.91,")])
def test_a_cent_breaks_a_total(tmp_path: Path, old: bytes, new: bytes) -> None:
    body = SAMPLES["adyen_settlement.30.csv"]
    assert body.count(old) == 1
    assert not all(t.ok for t in read(tmp_path, body.replace(old, new)).totals)


def test_a_lost_line_breaks_the_batch(tmp_path: Path) -> None:
    assert not all(t.ok for t in read(tmp_path, csv_of(COLUMNS, ROWS[:-1])).totals)

"""FedEx and UPS: names that repeat, no header at all, and invoices whose total stands on every line."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

FEDEX_COLUMNS = [
    *("Bill to Account Number|Invoice Date|Invoice Number|Store ID|Original Amount Due|Current Balance|Payor|Ground Tracking ID Prefix|"
      "Express or Ground Tracking ID|Transportation Charge Amount|Net Charge Amount|Service Type|Ground Service|Shipment Date|"
      "POD Delivery Date|POD Delivery Time|POD Service Area Code|POD Signature Description|Actual Weight Amount|Actual Weight Units|"
      "Rated Weight Amount|Rated Weight Units|Number of Pieces|Bundle Number|Meter Number|TDMasterTrackingID|Service Packaging|Dim Length|"
      "Dim Width|Dim Height|Dim Divisor|Dim Unit|Recipient Name|Recipient Company|Recipient Address Line 1|Recipient Address Line 2|"
      "Recipient City|Recipient State|Recipient Zip Code|Recipient Country/Territory|Shipper Company|Shipper Name|Shipper Address Line 1|"
      "Shipper Address Line 2|Shipper City|Shipper State|Shipper Zip Code|Shipper Country/Territory|Original Customer Reference|"
      "Original Ref#2|Original Ref#3/PO Number|Original Department Reference Description|Updated Customer Reference|Updated Ref#2|"
      "Updated Ref#3/PO Number|Updated Department Reference Description|RMA#|Original Recipient Address Line 1|"
      "Original Recipient Address Line 2|Original Recipient City|Original Recipient State|Original Recipient Zip Code|"
      "Original Recipient Country/Territory|Zone Code|Cost Allocation|Alternate Address Line 1|Alternate Address Line 2|Alternate City|"
      "Alternate State Province|Alternate Zip Code|Alternate Country/Territory Code|CrossRefTrackingID Prefix|CrossRefTrackingID|Entry Date|"
      "Entry Number|Customs Value|Customs Value Currency Code|Declared Value|Declared Value Currency Code").split("|"),
    *["Commodity Description", "Commodity Country/Territory Code"] * 4,
    *("Currency Conversion Date|Currency Conversion Rate|Multiweight Number|Multiweight Total Multiweight Units|"
      "Multiweight Total Multiweight Weight|Multiweight Total Shipment Charge Amount|Multiweight Total Shipment Weight|"
      "Ground Tracking ID Address Correction Discount Charge Amount|Ground Tracking ID Address Correction Gross Charge Amount|Rated Method|"
      "Sort Hub|Estimated Weight|Estimated Weight Unit|Postal Class|Process Category|Package Size|Delivery Confirmation|Tendered Date").split("|"),
    *["Tracking ID Charge Description", "Tracking ID Charge Amount"] * 25,
    "Shipment Notes",
]


def fedex(due: str, *rows: dict[str, str]) -> bytes:
    lines = [FEDEX_COLUMNS]
    for row in rows:
        given = {"Bill to Account Number": "000000000", "Invoice Date": "20260908", "Invoice Number": "826090801", "Original Amount Due": due,
                 "Current Balance": due, "Rated Weight Units": "L", "Recipient Name": "A PERSON", **row}
        cells = [given.get(name, "") for name in FEDEX_COLUMNS]
        first = FEDEX_COLUMNS.index("Tracking ID Charge Description")
        cells[first : first + 4] = ["Fuel Surcharge", "1.10", "Residential, home", "0.40"]
        lines.append(cells)
    return "".join(",".join(f'"{c}"' if "," in c else c for c in line) + "\n" for line in lines).encode()


FEDEX = fedex(
    "21.49",
    {"Express or Ground Tracking ID": "770000000001", "Net Charge Amount": "12.48", "Service Type": "FedEx Ground", "Ground Service": "Home Delivery",
     "Shipment Date": "20260902", "Rated Weight Amount": "10", "Original Customer Reference": "#1001", "Zone Code": "05"},
    {"Express or Ground Tracking ID": "770000000002", "Net Charge Amount": "-3.99", "Service Type": "FedEx 2Day", "Shipment Date": "20260903",
     "Rated Weight Amount": "2", "Rated Weight Units": "K", "Original Customer Reference": "#1002"},
    {"Net Charge Amount": "13.00", "Service Type": "Weekly service charge", "Invoice Date": "20260908"},
)


def ups(quoted: str, *rows: tuple[str, str, str, str, str, str]) -> bytes:
    lines = []
    for invoice, due, tracking, class_, description, net in rows:
        cells = [""] * 250
        given = {0: "2.1", 1: "0000A1B2C3", 2: "0000A1B2C3", 3: "US", 4: "2026-09-12", 5: invoice, 6: "E", 9: "USD", 10: due, 11: "2026-09-03", 13: tracking,
                 15: "#1003", 18: "1", 20: tracking, 28: "4.0", 29: "L", 33: "004", 34: "SHP", 35: "WWS", 43: class_, 45: description, 50: "USD",
                 51: "-1.00", 52: net, 66: "A PERSON", 82: "LAKE ST, 5" if quoted else "LAKE ST"}
        for at, value in given.items():
            cells[at] = value
        lines.append(",".join(f"{quoted}{cell}{quoted}" for cell in cells) + "\r\n")
    return "".join(lines).encode()


UPS_ROWS = (
    ("000000A1B2C3376", "15.70", "1Z001", "FRT", "Ground Commercial", "11.20"), ("000000A1B2C3376", "15.70", "1Z001", "FSC", "Fuel Surcharge", "1.50"),
    ("000000A1B2C3376", "15.70", "1Z002", "ACC", "Residential Surcharge", "4.00"), ("000000A1B2C3376", "15.70", "1Z002", "INF", "Dimensions", "0.00"),
    ("000000A1B2C3376", "15.70", "1Z009", "MSC", "Void Ground", "-1.00"), ("000000A1B2C3386", "3.30", "1Z003", "FRT", "Ground Residential", "3.00"),
    ("000000A1B2C3386", "3.30", "1Z003", "FSC", "Fuel Surcharge", "0.30"),
)
UPS = ups("", *UPS_ROWS)

SAMPLES: dict[str, bytes] = {"fedex_all.csv": FEDEX, "ups_billing.csv": UPS, "ups_quoted.csv": ups('"', *UPS_ROWS)}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s", zone="UTC"), file="f", into=folder / "out")
    return found


def summary(found: Extraction) -> list[tuple[str, str, Decimal, Decimal]]:
    return [(r["tracking_number"], r["order_id"], r["weight"], r["amount"]) for r in found.table("freight_charges").to_pylist()]


def test_fedex_with_156_columns(tmp_path: Path) -> None:
    assert len(FEDEX_COLUMNS) == 156
    found = read(tmp_path, FEDEX)
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("fedex_invoice", 3, 3)
    assert [(t.name, t.stated, t.ok) for t in found.totals] == [("Original Amount Due", "21.49", True)]
    assert summary(found)[:2] == [
        ("770000000001", "#1001", Decimal("4.5359"), Decimal("12.48")), ("770000000002", "#1002", Decimal(2), Decimal("-3.99"))]
    assert [str(r["period"]) for r in found.table("freight_charges").to_pylist()] == ["2026-09-02", "2026-09-03", "2026-09-08"]
    assert "PERSON" not in str(found.table("freight_charges").to_pylist())


@pytest.mark.parametrize("name", ["ups_billing.csv", "ups_quoted.csv"])
def test_ups_without_a_header(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, SAMPLES[name])
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_ignored) == ("ups_billing", 7, 6, 1)
    assert [(t.stated, t.ok) for t in found.totals] == [("19", True)]
    assert summary(found)[0] == ("1Z001", "#1003", Decimal("1.8144"), Decimal("11.20"))
    assert {r["charge_type"] for r in found.table("freight_charges").to_pylist()} == {"SHP/FRT", "SHP/FSC", "SHP/ACC", "SHP/MSC"}
    assert {(r["currency"], str(r["period"])) for r in found.table("freight_charges").to_pylist()} == {("USD", "2026-09-03")}


@pytest.mark.parametrize(("body", "old", "new"), [(FEDEX, b"12.48", b"12.49"), (UPS, b"11.20", b"11.21")])
def test_a_changed_cent_shows(tmp_path: Path, body: bytes, old: bytes, new: bytes) -> None:
    assert [t.ok for t in read(tmp_path, body.replace(old, new)).totals] == [False]


def test_two_wrong_invoices_do_not_make_up_for_each_other(tmp_path: Path) -> None:
    found = read(tmp_path, UPS.replace(b"11.20", b"11.21").replace(b"-1.00,3.00", b"-1.00,2.99"))
    assert [t.ok for t in found.totals] == [False]


def test_wide_rows_of_another_kind_are_no_ups_bill(tmp_path: Path) -> None:
    rows: Sequence[str] = [",".join(["1.5", "a", "b", "c", *["7"] * 240]) for _ in range(3)]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(RefusedFile):
        extract(path, load_specs(), Setting(shop="s"), file="f", into=tmp_path / "out")

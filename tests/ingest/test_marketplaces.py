"""eBay, Etsy and TikTok: statements with words for amounts, dashes for nothing and a column for every fee."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

EBAY_COLUMNS = (
    "Transaction creation date|Type|Order number|Legacy order ID|Buyer username|Buyer name|Ship to city|Ship to province/region/state|"
    "Ship to zip|Ship to country|Net amount|Payout currency|Payout date|Payout ID|Payout method|Payout status|Reason for hold|Item ID|"
    "Transaction ID|Item title|Custom label|Quantity|Item subtotal|Shipping and handling|Seller collected tax|eBay collected tax|"
    "Final Value Fee - fixed|Final Value Fee - variable|Regulatory operating fee|Very high \"item not as described\" fee|"
    "Below standard performance fee|International fee|Charity donation|Deposit processing fee|Gross transaction amount|"
    "Transaction currency|Exchange rate|Reference ID|Description"
).split("|")


def ebay(cells: dict[str, str]) -> str:
    assert set(cells) <= set(EBAY_COLUMNS)
    base = {"Payout currency": "USD", "Transaction currency": "USD"}
    return ",".join('"' + {**base, **cells}.get(c, "--") + '"' for c in EBAY_COLUMNS) + "\n"


EBAY = "\ufeff" + "Transaction report\n\nSeller,a.seller\n\n" + ",".join('"' + c.replace('"', '""') + '"' for c in EBAY_COLUMNS) + "\n" + "".join(map(ebay, [
    {"Transaction creation date": "Sep 5, 2026", "Type": "Order", "Order number": "25-1", "Buyer username": "ann", "Buyer name": "Ann Person",
     "Net amount": "21.17", "Payout ID": "71", "Transaction ID": "9001", "Custom label": "CUP", "Quantity": "1", "Item subtotal": "20",
     "Shipping and handling": "4.5", "eBay collected tax": "1.6", "Final Value Fee - fixed": "-0.3", "Final Value Fee - variable": "-2.85",
     "International fee": "-0.18", "Gross transaction amount": "24.5"},
    {"Transaction creation date": "Sep 6, 2026", "Type": "Refund", "Order number": "25-1", "Net amount": "-4.42", "Payout ID": "71",
     "Final Value Fee - variable": "0.58", "Gross transaction amount": "-5", "Reference ID": "R9"},
    {"Transaction creation date": "Sep 6, 2026", "Type": "Other fee", "Order number": "25-1", "Net amount": "-0.75", "Payout ID": "71",
     "Gross transaction amount": "-0.75", "Description": "Promoted Listings fee"},
    {"Transaction creation date": "Sep 7, 2026", "Type": "Shipping label", "Order number": "25-1", "Net amount": "-6", "Payout ID": "71",
     "Gross transaction amount": "-6"},
    {"Transaction creation date": "Sep 8, 2026", "Type": "Payout", "Net amount": "-10", "Payout ID": "71", "Payout date": "Sep 8, 2026",
     "Payout status": "Funds sent"},
]))

ETSY = """\ufeffDate,Type,Title,Info,Currency,Amount,"Fees & Taxes",Net,"Tax Details"
"September 24, 2026",Sale,"Payment for Order #3812345671",,USD,$1016.08,--,"$1,016.08",--
"September 24, 2026",Tax,"Sales tax paid by buyer","Order #3812345671",USD,--,-$1.08,-$1.08,--
"September 24, 2026",Fee,"Transaction fee: Fern Print, Vintage","Order #3812345671",USD,--,-$0.98,-$0.98,--
"September 24, 2026",Fee,"Listing fee","Listing #1400000001",USD,--,-$0.20,-$0.20,--
"September 24, 2026",Fee,"Listing fee","Listing #1400000001",USD,--,-$0.20,-$0.20,--
"Sep 23, 2026",Marketing,"Etsy Ads",,USD,--,-$2.50,-$2.50,--
"Sep 23, 2026",Shipping,"Shipping label: USPS","Order #3812345671",USD,--,-$4.10,-$4.10,--
"22 September, 2026",Refund,"Refund to buyer for Order #3812345000",,USD,-$10.00,$0.20,-$9.80,--
"September 21, 2026",Deposit,"$1,234.50 sent to your bank account",,USD,--,--,--,--
"September 20, 2026",Fee,"Processing fee","Order #3812345999",EUR,--,-€1.15,-€1.15,--
"""

TIKTOK_COLUMNS = (
    "Statement Date|Statement ID|Currency|Type |Order/adjustment ID  |SKU ID|Quantity|Product name|SKU name|Total settlement amount|"
    "Total Revenue|Subtotal after seller discounts|Subtotal before discounts|Seller discounts|Total Fees|Transaction fee|"
    "TikTok Shop commission fee|Actual shipping fee|Customer shipping fee|Affiliate Commission|Affiliate Shop Ads commission|"
    "Customer payment|Customer refund|Platform discounts|Ajustment amount|Related order ID"
).split("|")


TIKTOK = "\ufeff" + ",".join(TIKTOK_COLUMNS) + """
2026/09/03,7300,USD,Order,5774310916174359790\t,1732440158393635811\t,1,Cup,Red,30.00,40.00,40.00,45.00,-5.00,-10.00,-1.00,-6.00,-4.00,0,-2.00,0,\
40.00,0,0,0,5774310916174359790\t
2026/09/04,7300,USD,Order,5774310916174359790\t,1732440158393635811\t,1,Cup,Red,-12.50,-15.00,0,0,0,2.50,0,2.50,0,0,0,0,0,-15.00,0,0,\
5774310916174359790\t
2026/09/04,7300,USD,GMV Payment for TikTok Ads,7577\t,/,,/,/,-3.00,0,0,0,0,0,0,0,0,0,0,0,0,0,0,-3.00,/
"""

SAMPLES: dict[str, bytes] = {"ebay_report.csv": EBAY.encode(), "etsy_statement.csv": ETSY.encode(), "tiktok_income.csv": TIKTOK.encode()}


def read(folder: Path, body: str) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body.encode())
    [found] = extract(path, load_specs(), Setting(shop="s", zone="UTC"), file="f", into=folder / "out")
    return found


def by_kind(found: Extraction, currency: str = "USD") -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in found.table("settlements").to_pylist():
        if row["currency"] == currency:
            sums[row["kind"]] = sums.get(row["kind"], Decimal(0)) + row["amount"]
    return sums


def test_ebay_every_fee_is_a_line_and_the_payout_takes_all(tmp_path: Path) -> None:
    found = read(tmp_path, EBAY)
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_quarantined) == ("ebay_transactions", 5, 5, 0)
    assert all(t.ok for t in found.totals)
    assert by_kind(found) == {
        "sale": Decimal("24.5"), "refund": Decimal(-5), "commission": Decimal("-3.50"), "freight": Decimal(-6), "payout": Decimal(-10)}
    assert {r["statement_id"] for r in found.table("settlements").to_pylist()} == {"71"}
    assert [(p["payout_id"], p["amount"], str(p["period"])) for p in found.table("payouts").to_pylist()] == [("71", Decimal(10), "2026-09-08")]
    [paid], [refunded] = found.table("payments").to_pylist(), found.table("refunds").to_pylist()
    assert (paid["order_id"], paid["amount"], refunded["amount"], refunded["refund_id"]) == ("25-1", Decimal("24.5"), Decimal(5), "R9")
    assert "ann" not in paid["customer"] and paid["customer"]


def test_etsy_orders_and_deposits_hide_in_the_text(tmp_path: Path) -> None:
    found = read(tmp_path, ETSY)
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_quarantined) == ("etsy_statement", 10, 10, 0)
    assert [t.ok for t in found.totals] == [True, True]
    assert by_kind(found) == {
        "sale": Decimal("1016.08"), "refund": Decimal(-10), "deduction": Decimal("-1.08"), "freight": Decimal("-4.10"),
        "commission": Decimal("-0.98") - Decimal("0.40") - Decimal("2.50") + Decimal("0.20"), "payout": Decimal("-1234.50")}
    assert by_kind(found, "EUR") == {"commission": Decimal("-1.15")}
    [payout] = found.table("payouts").to_pylist()
    assert (payout["amount"], str(payout["period"])) == (Decimal("1234.50"), "2026-09-21")
    assert [(r["order_id"], r["amount"]) for r in found.table("refunds").to_pylist()] == [("3812345000", Decimal(10))]
    assert {r["order_id"] for r in found.table("settlements").to_pylist() if r["fee_type"].startswith("Transaction fee")} == {"3812345671"}


def test_tiktok_fees_add_up_to_the_settlement(tmp_path: Path) -> None:
    found = read(tmp_path, TIKTOK)
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_quarantined) == ("tiktok_settlement", 3, 3, 0)
    assert [t.ok for t in found.totals] == [True]
    assert by_kind(found) == {"sale": Decimal(40), "refund": Decimal(-15), "commission": Decimal("-7.50"), "adjustment": Decimal(-3)}
    assert {r["order_id"] for r in found.table("refunds").to_pylist()} == {"5774310916174359790"}
    assert {str(r["period"]) for r in found.table("settlements").to_pylist()} == {"2026-09-03", "2026-09-04"}


@pytest.mark.parametrize(("body", "old", "new"), [
    (EBAY, '"-2.85"', '"-2.86"'), (ETSY, "-$9.80", "-$9.81"), (ETSY, "$1,234.50 sent", "Money sent"), (TIKTOK, ",30.00,", ",30.01,")])
def test_a_changed_cent_shows(tmp_path: Path, body: str, old: str, new: str) -> None:
    assert old in body
    found = read(tmp_path, body.replace(old, new))
    assert [t.ok for t in found.totals].count(False) == 1

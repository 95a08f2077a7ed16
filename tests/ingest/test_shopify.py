"""Shopify's exports and interface: continuation lines, signs of fees, and who announces a payout."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

ORDER_COLUMNS = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,"
    "Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,"
    "Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,"
    "Billing Address2,Billing Company,Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,"
    "Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,"
    "Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,Location,"
    "Device ID,Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,"
    "Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,Billing Province Name,Shipping Province Name,Payment ID,"
    "Payment Terms Name,Next Payment Due At,Payment References"
).split(",")


def order(**cells: str) -> str:
    given = {name.replace("_", " "): value for name, value in cells.items()}
    assert set(given) <= set(ORDER_COLUMNS)
    return ",".join(f'"{given[c]}"' if "," in given.get(c, "") else given.get(c, "") for c in ORDER_COLUMNS)


FIRST = {"Email": "ann@example.com", "Fulfillment_Status": "fulfilled", "Currency": "USD", "Created_at": "2026-05-01 10:00:00 +0200"}
ORDERS = "\n".join([
    ",".join(ORDER_COLUMNS),
    order(Name="#1001", Financial_Status="paid", Paid_at="2026-05-01 23:30:00 +0200", Subtotal="52.00", Shipping="5.00", Taxes="4.56", Total="61.56",
          Discount_Code="TEN", Discount_Amount="8.00", Lineitem_quantity="2", Lineitem_name="Cup, large", Lineitem_price="20.00", Lineitem_sku="CUP",
          Billing_Name="Ann Person", Id="5000000000001", **FIRST),
    order(Name="#1001", Email="ann@example.com", Lineitem_quantity="1", Lineitem_name="Tea", Lineitem_price="21.00", Lineitem_sku="TEA",
          Lineitem_discount="1.00"),
    order(Name="#1002", Financial_Status="pending", Subtotal="10.00", Shipping="0.00", Taxes="1.60", Total="10.00", Discount_Amount="0.00",
          Lineitem_quantity="1", Lineitem_name="Tea", Lineitem_price="10.00", Lineitem_sku="TEA", **{**FIRST, "Fulfillment_Status": "unfulfilled"}),
]) + "\n"

TRANSACTIONS_17 = """Transaction Date,Type,Order,Card Brand,Card Source,Payout Status,Payout Date,Payout ID,Available On,Amount,Fee,Net,Checkout,\
Payment Method Name,Presentment Amount,Presentment Currency,Currency
2026-06-06 04:15:48 -0700,charge,#1001,visa,online,paid,2026-06-10,90001,2026-06-10,61.56,2.09,59.47,#6861,card,61.56,USD,USD
2026-06-07 04:15:48 -0700,refund,#1001,visa,online,paid,2026-06-10,90001,2026-06-10,-20.00,0.00,-20.00,#6861,card,-20.00,USD,USD
2026-06-08 00:00:00 -0700,dispute,#1000,visa,online,paid,2026-06-10,90001,2026-06-10,-9.00,15.00,-24.00,#6800,card,-9.00,USD,USD
2026-06-09 04:15:48 -0700,charge,#1003,master,online,pending,,,2026-06-12,41.58,3.78,37.80,#6863,card,38.00,EUR,USD
"""
TRANSACTIONS_13 = """Transaction Date,Type,Order,Card Brand,Card Source,Payout Status,Payout Date,Payout ID,Available On,Amount,Fee,Net,Currency
2026/6/12,charge,#25665,american_express,online,pending,2026/6/12,,2026/6/12,$21.83,$1.52,$20.31,USD
2026/6/12,refund,#25662,visa,online,paid,2026/6/12,70001,2026/6/12,-$8.00,$0.00,-$8.00,USD
"""
TRANSACTIONS_12 = TRANSACTIONS_13.replace(",Payout ID,", ",").replace(",2026/6/12,,2026", ",2026/6/12,2026").replace(",70001,", ",")
TRANSACTIONS_18 = "\n".join(
    line + (",VAT" if line.startswith("Transaction") else ",0.00") for line in TRANSACTIONS_17.splitlines()) + "\n"
PAYOUTS = """Payout Date,Status,Charges,Refunds,Adjustments,Reserved Funds,Fees,Retried Amount,Total,Currency
2026-06-10,paid,61.56,-20.00,-9.00,0.00,-17.09,0.00,15.47,USD
2026-06-12,scheduled,41.58,0.00,0.00,0.00,-3.78,0.00,37.80,USD
"""
API_PAYOUTS = json.dumps({"payouts": [
    {"id": 854088011, "status": "paid", "date": "2026-06-10", "currency": "USD", "amount": "41.90",
     "summary": {"charges_gross_amount": "44.90", "charges_fee_amount": "3.00"}},
    {"id": 512467833, "status": "failed", "date": "2026-06-01", "currency": "USD", "amount": "43.12", "summary": {}},
]})
API_TRANSACTIONS = json.dumps({"transactions": [
    {"id": 699519475, "type": "charge", "test": False, "payout_id": 854088011, "payout_status": "paid", "currency": "USD", "amount": "44.90",
     "fee": "3.00", "net": "41.90", "source_id": 460709370, "source_type": "charge", "source_order_id": 5000000000001,
     "source_order_transaction_id": 12, "processed_at": "2026-06-09T17:14:40-04:00"},
    {"id": 77412310, "type": "refund", "test": False, "payout_id": None, "payout_status": "pending", "currency": "USD", "amount": "-5.00",
     "fee": "0.00", "net": "-5.00", "source_id": 374511569, "source_type": "refund", "source_order_id": 5000000000001,
     "source_order_transaction_id": 13, "processed_at": "2026-06-11T17:14:40-04:00"},
    {"id": 1006917261, "type": "payout", "test": False, "payout_id": 854088011, "payout_status": "paid", "currency": "USD", "amount": "-41.90",
     "fee": "0.00", "net": "-41.90", "source_id": 854088011, "source_type": "payout", "source_order_id": None,
     "source_order_transaction_id": None, "processed_at": "2026-06-10T08:00:00-04:00"},
]})

SAMPLES: dict[str, bytes] = {
    "shopify_orders.csv": ORDERS.encode(), "shopify_transactions_17.csv": TRANSACTIONS_17.encode(),
    "shopify_transactions_18.csv": TRANSACTIONS_18.encode(), "shopify_transactions_13.csv": TRANSACTIONS_13.encode(),
    "shopify_transactions_12.csv": TRANSACTIONS_12.encode(), "shopify_payouts.csv": PAYOUTS.encode(),
    "shopify_api_payouts.json": API_PAYOUTS.encode(), "shopify_api_transactions.json": API_TRANSACTIONS.encode(),
}


def read(folder: Path, body: str) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body.encode())
    [found] = extract(path, load_specs(), Setting(shop="s", zone="Asia/Shanghai"), file="f", into=folder / "out")
    return found


def test_the_lines_of_an_order_add_up_to_its_total(tmp_path: Path) -> None:
    assert len(ORDER_COLUMNS) == 79
    found = read(tmp_path, ORDERS)
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_quarantined) == ("shopify_orders", 3, 3, 0)
    rows = found.table("orders").to_pylist()
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["order_id"]] += row["amount"]
    assert [t.name for t in read(tmp_path, ORDERS.replace(",21.00,", ",22.00,")).totals if not t.ok] == [
        "what the lines of orders come to beyond their Subtotal"]
    # taxes stand beside the prices of the first order and inside those of the second
    assert sums == {"#1001": Decimal("61.56"), "#1002": Decimal(10)}
    assert {(r["order_id"], r["line_id"], r["quantity"]) for r in rows} == {
        ("#1001", "CUP", 2), ("#1001", "TEA", 1), ("#1001", "freight", 0), ("#1001", "discount", 0), ("#1001", "tax", 0), ("#1002", "TEA", 1)}
    assert {(r["order_id"], r["status"], str(r["occurred_at"]), r["currency"]) for r in rows} == {
        ("#1001", "shipped", "2026-05-01 21:30:00", "USD"), ("#1002", "unpaid", "2026-05-01 08:00:00", "USD")}
    assert {r["customer"] for r in rows} != {""} and "example.com" not in str(rows)


@pytest.mark.parametrize("body", [TRANSACTIONS_17, TRANSACTIONS_18])
def test_transactions_net_of_fees(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, body)
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("shopify_transactions", 4, 4)
    assert [t.ok for t in found.totals] == [True]
    rows = found.table("settlements").to_pylist()
    assert sum(r["amount"] for r in rows) == Decimal("59.47") - 20 - 24 + Decimal("37.80")
    assert sum(r["amount"] for r in rows if r["statement_id"] == "90001") == Decimal("15.47")
    assert sum(r["amount"] for r in rows if r["kind"] == "fee") == Decimal("-5.87")
    assert len({r["entry_id"] for r in rows}) == len(rows)
    paid = found.table("payments").to_pylist()
    assert [(p["order_id"], p["amount"], p["fee"]) for p in paid] == [("#1001", Decimal("61.56"), Decimal("2.09")), ("#1003", Decimal("41.58"), Decimal("3.78"))]
    assert str(paid[0]["occurred_at"]) == "2026-06-06 11:15:48"
    assert [(r["order_id"], r["amount"]) for r in found.table("refunds").to_pylist()] == [("#1001", Decimal(20))]


@pytest.mark.parametrize("body", [TRANSACTIONS_12, TRANSACTIONS_13])
def test_transactions_saved_by_a_spreadsheet(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, body)
    assert (found.spec.name, found.rows_parsed) == ("shopify_transactions", 2) and found.totals[0].ok
    assert sum(r["amount"] for r in found.table("settlements").to_pylist()) == Decimal("12.31")


def test_transactions_tell_a_changed_cent(tmp_path: Path) -> None:
    assert [t.ok for t in read(tmp_path, TRANSACTIONS_17.replace(",2.09,", ",2.08,")).totals] == [False]


def test_payouts_that_left(tmp_path: Path) -> None:
    found = read(tmp_path, PAYOUTS)
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_ignored) == ("shopify_payouts", 2, 1, 1)
    [payout] = found.table("payouts").to_pylist()
    assert (payout["amount"], payout["currency"], str(payout["period"])) == (Decimal("15.47"), "USD", "2026-06-10")


def test_the_interface(tmp_path: Path) -> None:
    found = read(tmp_path, API_PAYOUTS)
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("shopify_api_payouts", 2, 1)
    assert [(p["payout_id"], p["amount"]) for p in found.table("payouts").to_pylist()] == [("854088011", Decimal("41.90"))]


def test_the_transactions_of_the_interface(tmp_path: Path) -> None:
    found = read(tmp_path, API_TRANSACTIONS)
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("shopify_api_transactions", 3, 3)
    rows = found.table("settlements").to_pylist()
    assert sum(r["amount"] for r in rows if r["statement_id"] == "854088011") == 0
    assert sorted((r["kind"], r["amount"]) for r in rows) == [
        ("fee", Decimal(-3)), ("payout", Decimal("-41.90")), ("refund", Decimal(-5)), ("sale", Decimal("44.90"))]
    [payment] = found.table("payments").to_pylist()
    assert (payment["order_id"], payment["transaction_id"], str(payment["occurred_at"])) == ("5000000000001", "699519475", "2026-06-09 21:14:40")
    assert "payouts" not in found.tables

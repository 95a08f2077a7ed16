"""Stripe's balance report, dashboard export, payout reconciliation and API answers: the same money, one sign each."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

# the itemized balance report as it comes: BOM, CRLF, a description with commas and doubled quotes
BALANCE = (
    "\ufeffbalance_transaction_id,created_utc,created,available_on_utc,currency,gross,fee,net,reporting_category,source_id,description,"
    "customer_facing_amount,customer_facing_currency,customer_id,customer_email,status,payment_metadata[order_id]\r\n"
    'txn_1,2026-03-01 10:11:12,2026-03-01 11:11:12,2026-03-03 00:00:00,eur,25.00,0.95,24.05,charge,ch_1,"Cup, ""large""",25.00,eur,cus_1,a@example.com,available,#1001\r\n'
    "txn_2,2026-03-01 12:00:00,2026-03-01 13:00:00,2026-03-03 00:00:00,eur,-10.00,0.00,-10.00,refund,re_1,REFUND,-10.00,eur,cus_1,a@example.com,available,#1001\r\n"
    "txn_3,2026-03-02 12:00:00,2026-03-02 13:00:00,2026-03-03 00:00:00,eur,-25.00,15.00,-40.00,dispute,du_1,Chargeback,-25.00,eur,cus_1,,available,#1001\r\n"
    "txn_4,2026-03-02 23:30:00,2026-03-03 00:30:00,2026-03-03 00:00:00,jpy,5000,180,4820,charge,ch_2,,5000,jpy,,,available,\r\n"
    "txn_5,2026-03-02 23:30:00,2026-03-03 00:30:00,2026-03-03 00:00:00,eur,-0.50,0.00,-0.50,fee,,Radar,,,,,available,\r\n"
).encode()
ALL_ACTIVITY = (
    b"id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC),Description,Customer Facing Amount,Customer Facing Currency,"
    b"Transfer,Transfer Date (UTC),Transfer Group,order_id (metadata)\n"
    b"txn_1,charge,ch_1,25.00,0.95,24.05,eur,2026-03-01 10:11,2026-03-03 00:00,Cup,25.00,eur,po_1,2026-03-03 00:00,,#1001\n"
    b"txn_2,refund,re_1,-10.00,0.00,-10.00,eur,2026-03-01 12:00,2026-03-03 00:00,REFUND,-10.00,eur,po_1,2026-03-03 00:00,,#1001\n"
    b"txn_9,payout,po_1,-14.05,0.00,-14.05,eur,2026-03-03 00:00,2026-03-03 00:00,STRIPE PAYOUT,,,po_1,2026-03-03 00:00,,\n"
)
RECONCILIATION = (
    b"automatic_payout_id,automatic_payout_effective_at_utc,automatic_payout_effective_at,balance_transaction_id,created_utc,created,"
    b"available_on_utc,available_on,currency,gross,fee,net,reporting_category,source_id,description,charge_id,payment_intent_id,customer_id,"
    b"payment_metadata[order_id]\n"
    b"po_1,2026-03-03 00:00:00,2026-03-03 01:00:00,txn_1,2026-03-01 10:11:12,2026-03-01 11:11:12,2026-03-03 00:00:00,2026-03-03 01:00:00,"
    b"eur,25.00,0.95,24.05,charge,ch_1,,ch_1,pi_1,cus_1,#1001\n"
    b"po_1,2026-03-03 00:00:00,2026-03-03 01:00:00,txn_2,2026-03-01 12:00:00,2026-03-01 13:00:00,2026-03-03 00:00:00,2026-03-03 01:00:00,"
    b"eur,-10.00,0.00,-10.00,refund,re_1,,ch_1,pi_1,cus_1,#1001\n"
    b"po_1,2026-03-03 00:00:00,2026-03-03 01:00:00,txn_9,2026-03-03 00:00:00,2026-03-03 01:00:00,2026-03-03 00:00:00,2026-03-03 01:00:00,"
    b"eur,-14.05,0.00,-14.05,payout,po_1,STRIPE PAYOUT,,,,\n"
)
TRANSACTIONS = json.dumps({"object": "list", "url": "/v1/balance_transactions", "has_more": False, "data": [
    {"id": "txn_1", "object": "balance_transaction", "amount": 2500, "available_on": 1772496000, "created": 1772359872, "currency": "eur",
     "description": None, "exchange_rate": None, "fee": 95, "fee_details": [{"amount": 95, "type": "stripe_fee"}], "net": 2405,
     "reporting_category": "charge", "source": {"id": "ch_1", "customer": "cus_1", "metadata": {"order_id": "#1001"}},
     "status": "available", "type": "charge"},
    {"id": "txn_4", "object": "balance_transaction", "amount": 5000, "available_on": 1772496000, "created": 1772359872, "currency": "jpy",
     "description": None, "exchange_rate": None, "fee": 180, "fee_details": [], "net": 4820, "reporting_category": "charge",
     "source": "ch_2", "status": "available", "type": "charge"},
    {"id": "txn_2", "object": "balance_transaction", "amount": -1000, "available_on": 1772496000, "created": 1772359872, "currency": "eur",
     "description": None, "exchange_rate": None, "fee": 0, "fee_details": [], "net": -1000,
     "source": "re_1", "status": "available", "type": "refund"},
]}, indent=1).encode()
PAYOUTS = json.dumps({"object": "list", "url": "/v1/payouts", "has_more": False, "data": [
    {"id": "po_1", "object": "payout", "amount": 1405, "arrival_date": 1772496000, "automatic": True, "balance_transaction": "txn_9",
     "created": 1772359872, "currency": "eur", "destination": "ba_1", "statement_descriptor": None, "status": "paid", "type": "bank_account"},
    {"id": "po_0", "object": "payout", "amount": 500, "arrival_date": 1772496000, "automatic": True, "balance_transaction": "txn_8",
     "created": 1772359872, "currency": "eur", "destination": "ba_1", "statement_descriptor": None, "status": "failed", "type": "bank_account"},
]}).encode()

SAMPLES = {
    "stripe_balance.csv": BALANCE, "stripe_balance.all.csv": ALL_ACTIVITY, "stripe_payout_reconciliation.csv": RECONCILIATION,
    "stripe_api.transactions.json": TRANSACTIONS, "stripe_api.payouts.json": PAYOUTS,
}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    (found,) = extract(path, load_specs(), Setting(shop="s"), file="any.bin", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_layout_is_told_and_ties(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, SAMPLES[name])
    assert (found.spec.name, found.rows_quarantined) == (name.split(".")[0], 0)
    assert found.totals and [t for t in found.totals if not t.ok] == []
    assert "cus_1" not in str([found.table(t).to_pylist() for t in found.tables])


@pytest.mark.parametrize(("name", "old", "new"), [
    ("stripe_balance.csv", "eur,25.00,0.95", "eur,25.00,0.96"),
    ("stripe_balance.all.csv", "-10.00,0.00,-10.00,eur", "-10.01,0.00,-10.00,eur"),
    ("stripe_payout_reconciliation.csv", "0.95,24.05", "0.95,24.06"),
    ("stripe_api.transactions.json", "2405", "2406"),
])
def test_a_cent_breaks_a_total(tmp_path: Path, name: str, old: str, new: str) -> None:
    body = SAMPLES[name].decode()
    assert body.count(old) == 1
    assert not all(t.ok for t in read(tmp_path, body.replace(old, new).encode()).totals)


def test_balance_rows_and_their_fees(tmp_path: Path) -> None:
    found = read(tmp_path, BALANCE)
    rows = {(r["transaction_id"], r["kind"], r["amount"], r["currency"]) for r in found.table("settlements").to_pylist()}
    assert rows == {
        ("ch_1", "sale", Decimal(25), "EUR"), ("ch_1", "fee", Decimal("-0.95"), "EUR"), ("re_1", "refund", Decimal(-10), "EUR"),
        ("du_1", "dispute", Decimal(-25), "EUR"), ("du_1", "service", Decimal(-15), "EUR"),
        ("ch_2", "sale", Decimal(5000), "JPY"), ("ch_2", "fee", Decimal(-180), "JPY"), ("txn_5", "service", Decimal("-0.5"), "EUR"),
    }
    paid, _ = found.table("payments").to_pylist()
    assert (paid["order_id"], paid["amount"], paid["fee"], str(paid["occurred_at"])) == (
        "#1001", Decimal(25), Decimal("0.95"), "2026-03-01 10:11:12")
    (back,) = found.table("refunds").to_pylist()
    assert (back["transaction_id"], back["amount"], back["origin"]) == ("re_1", Decimal(10), "provider")


def test_a_payout_is_announced_once(tmp_path: Path) -> None:
    """By its own line in the dashboard's export; by its lines, which name it, in the reconciliation."""
    (tmp_path / "a").mkdir()
    by_line = read(tmp_path / "a", ALL_ACTIVITY)
    (payout,) = by_line.table("payouts").to_pylist()
    assert (payout["payout_id"], payout["amount"], payout["currency"]) == ("stripe/po_1", Decimal("14.05"), "EUR")
    assert {r["payout_id"] for r in by_line.table("settlements").to_pylist()} == {""}
    by_parts = read(tmp_path, RECONCILIATION)
    assert by_parts.table("payouts").num_rows == 0
    parts = [r["amount"] for r in by_parts.table("settlements").to_pylist() if r["payout_id"] == "stripe/po_1" and r["kind"] != "payout"]
    assert sum(parts) == Decimal("14.05")


def test_api_amounts_are_minor_units_of_their_currency(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    found = read(tmp_path / "a", TRANSACTIONS)
    paid = [(r["transaction_id"], r["order_id"], r["amount"], r["fee"], r["currency"]) for r in found.table("payments").to_pylist()]
    assert paid == [("ch_1", "#1001", Decimal(25), Decimal("0.95"), "EUR"), ("ch_2", "", Decimal(5000), Decimal(180), "JPY")]
    assert str(found.table("payments").to_pylist()[0]["occurred_at"]) == "2026-03-01 10:11:12"
    # this one has no reporting_category, as in old answers: its type says it
    assert [(r["transaction_id"], r["amount"]) for r in found.table("refunds").to_pylist()] == [("re_1", Decimal(10))]
    payouts = read(tmp_path, PAYOUTS)
    assert [(r["payout_id"], r["amount"]) for r in payouts.table("payouts").to_pylist()] == [("stripe/po_1", Decimal("14.05"))]
    assert payouts.rows_ignored == 1


BALANCE_TABLE = """id,_fivetran_synced,amount,available_on,connected_account_id,created,currency,description,exchange_rate,fee,net,source,status,type,payout_id
txn_1,2026-03-02 02:21:08,204000,2026-03-04 0:00:00,,2026-03-02 01:17:15,usd,,,5919,198081,ch_1,pending,charge,po_1
txn_2,2026-03-02 02:21:08,-4000,2026-03-04 0:00:00,,2026-03-02 02:17:15,usd,,,0,-4000,re_1,pending,refund,po_1
txn_3,2026-03-02 02:21:08,5000,2026-03-04 0:00:00,,2026-03-02 03:17:15,jpy,,,180,4820,ch_2,pending,charge,
txn_4,2026-03-02 02:21:08,-194081,2026-03-04 0:00:00,,2026-03-03 03:17:15,usd,,,0,-194081,po_1,pending,payout,po_1
"""
PAYOUT_TABLE = """id,_fivetran_synced,amount,arrival_date,automatic,balance_transaction_id,created,currency,description,destination_bank_account_id,status,type
po_1,2026-03-04 20:21:25,194081,2026-03-04 00:00:00,TRUE,txn_4,2026-03-03 01:02:57,usd,STRIPE PAYOUT,ba_1,paid,bank_account
po_2,2026-03-04 20:21:25,100,2026-03-05 00:00:00,TRUE,txn_5,2026-03-03 01:02:57,usd,STRIPE PAYOUT,ba_1,failed,bank_account
"""
SAMPLES |= {"stripe_balance_table.csv": BALANCE_TABLE.encode(), "stripe_payout_table.csv": PAYOUT_TABLE.encode()}


def test_tables_of_a_data_pipeline(tmp_path: Path) -> None:
    found = read(tmp_path, BALANCE_TABLE.encode())
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("stripe_balance_transaction", 4, 4)
    assert found.summary("settlements")[1] == {"JPY": Decimal(4820), "USD": Decimal(0)}
    assert found.summary("payments")[1] == {"JPY": Decimal(5000), "USD": Decimal(2040)} and [t.ok for t in found.totals] == [True]
    found = read(tmp_path, PAYOUT_TABLE.encode())
    assert (found.spec.name, found.rows_parsed, found.rows_ignored) == ("stripe_payout", 1, 1)
    assert found.summary("payouts")[1] == {"USD": Decimal("1940.81")}


def test_every_layout_names_a_payout_alike_and_what_is_in_none_has_no_id(tmp_path: Path) -> None:
    """Fails if lines and payouts go by different ids, so that a payout is announced twice, or a line of none by the name of Stripe alone."""
    cases = {f.name: f.read_bytes() for f in (Path(__file__).parent / "cases").glob("*/stripe*.csv")}
    found: dict[str, set[tuple[str, str]]] = {}
    for name, body in {**SAMPLES, **cases}.items():
        (tmp_path / name).mkdir()
        held = read(tmp_path / name, body)
        found[name] = {(table, row["payout_id"]) for table in ("payouts", "settlements") if table in held.tables
                       for row in held.table(table).to_pylist()}
    one = "stripe/po_1"
    assert found == {
        "stripe_balance.csv": {("settlements", "")}, "stripe_balance.all.csv": {("payouts", one), ("settlements", "")},
        "stripe_payout_reconciliation.csv": {("settlements", one)}, "stripe_api.transactions.json": {("settlements", "")},
        "stripe_api.payouts.json": {("payouts", one)}, "stripe_balance_table.csv": {("settlements", one), ("settlements", "")},
        "stripe_item.csv": {("payouts", "stripe/txn_4"), ("settlements", "")},
        "stripe_payout_table.csv": {("payouts", one)}, "stripe-payments.csv": {("settlements", one)},
        "stripe_recon.csv": {("settlements", "stripe/po_1QxYz8Ab2Cd3Ef4G")}, "stripe-activity.csv": {("payouts", one), ("settlements", "")},
    }

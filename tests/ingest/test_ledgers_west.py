"""Xero and QuickBooks: signed or with a side, one line a split, balanced where the format promises it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.books import Books
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.inbox import collect
from duizhang.ingest.landing import extract

XERO = """journal_line_id,account_code,account_id,account_name,account_type,description,gross_amount,journal_id,net_amount,tax_amount,tax_name,tax_type
l1,1200,a1,Accounts Receivable,CURRENT,"Invoice, May",110.00,j1,110.00,0,,
l2,4000,a2,Sales,REVENUE,Invoice,-110.00,j1,-100.00,-10.00,GST on Income,OUTPUT
l3,,a3,GST,CURRLIAB,,0,j1,-10.00,0,,
l4,,a4,Business American Express,BANK,,-27.85,j2,-27.85,0,,
l5,6000,a5,Fees,EXPENSE,,27.85,j2,27.85,0,,
"""
XERO_HEAD = """journal_id,created_date_utc,journal_date,journal_number,reference,source_id,source_type
j1,2020-02-10 18:42:07.587 UTC,2019-11-01,337,,,
j2,2020-02-10 18:42:08.587 UTC,2019-11-02,338,,,
"""
DATES = {"j1": ",2019-11-01,337", "j2": ",2019-11-02,338"}
XERO_JOINED = "\n".join(
    line + (",journal_date,journal_number" if n == 0 else next(v for k, v in DATES.items() if f",{k}," in line))
    for n, line in enumerate(XERO.splitlines())) + "\n"
XERO_REPORT = """Journal Report
A Company Ltd
For the period 1 November 2026 to 30 November 2026

Date,Journal Number,Account Code,Account,Description,Debit,Credit
1 Nov 2026,337,1200,Accounts Receivable,Invoice,"1,110.00",
1 Nov 2026,337,4000,Sales,Invoice,,"1,110.00"
2 Nov 2026,338,6000,Fees,,27.85,
2 Nov 2026,338,,Business American Express,,,27.85
Total,,,,,"1,137.85","1,137.85"
"""
QUICKBOOKS = """index,journal_entry_id,_fivetran_synced,account_id,amount,billable_status,class_id,customer_id,department_id,description,\
description_service_date,description_tax_code_id,employee_id,posting_type,tax_amount,tax_applicable_on,tax_code_id,vendor_id
0,41,2020-07-14 17:31:56,35,304.76,,,,,Sale,,,,Credit,,,,
1,41,2020-07-14 17:31:56,12,304.76,,,,,Sale,,,,Debit,,,,
"""
QUICKBOOKS_REPORT = """A Company
Journal
"January 1 - December 31, 2026"

Date,Transaction Type,Num,Name,Memo/Description,Account,Debit,Credit
01/15/2026,Invoice,1001,Acme,Design,Accounts Receivable (A/R),"1,250.00",
,,,,Design,Sales:Design Services,,"1,200.00"
,,,,Tax,Sales Tax,,50.00
,,,,,,"1,250.00","1,250.00"

02/01/2026,Expense,,Depot,Paper,Office Expenses,45.99,
,,,Depot,Paper,Checking,,45.99
,,,,,,$45.99,$45.99
TOTAL,,,,,,"1,295.99","1,295.99"
"""

SAMPLES: dict[str, bytes] = {
    "xero_lines.csv": XERO.encode(), "xero_joined.csv": XERO_JOINED.encode(), "xero_heads.csv": XERO_HEAD.encode(),
    "xero_report.csv": XERO_REPORT.encode(), "quickbooks_lines.csv": QUICKBOOKS.encode(), "quickbooks_report.csv": QUICKBOOKS_REPORT.encode(),
}


def read(folder: Path, body: str) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body.encode())
    [found] = extract(path, load_specs(), Setting(shop="s", zone="UTC"), file="f", into=folder / "out")
    return found


@pytest.mark.parametrize(("body", "voucher", "day"), [(XERO, "j1", None), (XERO_JOINED, "337", "2019-11-01")])
def test_xero_lines_net_out(tmp_path: Path, body: str, voucher: str, day: str | None) -> None:
    found = read(tmp_path, body)
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("xero_journal", 5, 5)
    assert [t.ok for t in found.totals] == [True]
    rows = found.table("journal_lines").to_pylist()
    assert [(r["account"], r["debit"], r["credit"], r["amount"]) for r in rows[1:3]] == [
        ("4000", 0, Decimal(100), Decimal(-100)), ("a3", 0, Decimal(10), Decimal(-10))]
    assert rows[0]["voucher"] == voucher and (rows[0]["period"] and str(rows[0]["period"])) == day


def test_lines_without_a_date_do_not_get_lost_in_the_books(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "undated.csv").write_text(XERO, encoding="utf-8")
    (inbox / "dated.csv").write_text(XERO_JOINED, encoding="utf-8")
    (tmp_path / "pseudonym.key").write_text("0" * 64, encoding="utf-8")
    books = Books(root=tmp_path, entity="acme", start=dt.date(2019, 11, 1))
    found = {record.path: record for record in collect(books, Store(tmp_path / "home"), State(tmp_path / "home"))}
    assert found["dated.csv"].status == "read"
    assert found["undated.csv"].status == "refused" and "5 rows of xero_journal have no date" in found["undated.csv"].problem


def test_xero_heads_feed_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, XERO_HEAD)
    assert (found.spec.name, found.rows_read, found.rows_ignored) == ("xero_journal_head", 2, 2)


def test_the_report_of_xero(tmp_path: Path) -> None:
    found = read(tmp_path, XERO_REPORT)
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("xero_report", 4, 4)
    assert [t.ok for t in found.totals] == [True] * 3
    rows = found.table("journal_lines").to_pylist()
    assert [r["amount"] for r in rows] == [Decimal(1110), Decimal(-1110), Decimal("27.85"), Decimal("-27.85")]
    assert (rows[3]["account"], str(rows[3]["period"])) == ("Business American Express", "2026-11-02")


def test_quickbooks_takes_the_side_from_the_posting_type(tmp_path: Path) -> None:
    found = read(tmp_path, QUICKBOOKS)
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("quickbooks_journal", 2, 2)
    assert [(r["account"], r["amount"]) for r in found.table("journal_lines").to_pylist()] == [("35", Decimal("-304.76")), ("12", Decimal("304.76"))]


def test_the_report_of_quickbooks_says_a_date_once(tmp_path: Path) -> None:
    found = read(tmp_path, QUICKBOOKS_REPORT)
    assert (found.spec.name, found.rows_read, found.rows_parsed, found.rows_ignored) == ("quickbooks_report", 7, 5, 2)
    assert [t.ok for t in found.totals] == [True] * 3
    rows = found.table("journal_lines").to_pylist()
    assert {(r["voucher"], str(r["period"])) for r in rows} == {
        ("2026-01-15-Invoice-1001", "2026-01-15"), ("2026-02-01-Expense", "2026-02-01")}
    assert sum(r["debit"] for r in rows) == Decimal("1295.99")


@pytest.mark.parametrize(("body", "old", "new"), [(XERO, ",j2,27.85", ",j2,27.86"), (XERO_REPORT, "338,6000,Fees,,27.85", "338,6000,Fees,,27.84"),
                                                  (QUICKBOOKS_REPORT, ",,50.00", ",,50.01")])
def test_a_changed_cent_shows(tmp_path: Path, body: str, old: str, new: str) -> None:
    assert old in body
    assert False in [t.ok for t in read(tmp_path, body.replace(old, new)).totals]

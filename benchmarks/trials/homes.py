"""Homes to be tried: made-up tables, published, with everything on which somebody may decide."""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
from pathlib import Path
from typing import Any

import openpyxl

from duizhang.books import Books
from duizhang.close import append_event, export_exceptions
from duizhang.gate import recorded_results, run_gate
from duizhang.home.store import days
from duizhang.ingest.files import READ, REFUSED, FileRecord, remember
from duizhang.ingest.inbox import archive
from duizhang.publish import publish

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("fakes", ROOT / "tests" / "gate" / "conftest.py")
assert _SPEC and _SPEC.loader
FAKES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(FAKES)
# the server of tests/ingest
sys.path.insert(0, str(ROOT))

FIRST = dt.date(2026, 3, 1)
PERIODS = days(FIRST, FIRST + dt.timedelta(days=2))
# signed and closed, and held by a check that failed
GOOD, HELD = PERIODS[:2], PERIODS[2]
WORKBOOK = "decided.xlsx"


def put_out(home: Path, rules: str = "r") -> None:
    """Publish what the home's tables hold; the gate has looked at it."""
    fake = FAKES.Fake(home)
    publish(Books(root=home, entity="acme", start=FIRST), fake.store, fake.state, home, PERIODS, rules_digest=rules)


def decidable(home: Path) -> None:
    """Two published days and a held one, a workbook with decisions beside the home, a file that was read and one that was refused."""
    fake = FAKES.Fake(home)
    fake.fill(PERIODS)
    known = {}
    for name, status in (("company/read.csv", READ), ("company/refused.csv", REFUSED)):
        raw = home.parent / name.replace("/", "-")
        raw.write_text(name)
        known[name] = FileRecord(name, archive(home, raw), raw.stat().st_size, 1, status, "books_orders", "", "", {"problem": "x"})
    remember(fake.state, known)
    for period in PERIODS:
        fake.put("source_files", period, {
            "source": "books_orders", "file": "company/read.csv", "sha256": known["company/read.csv"].sha256, "status": "read",
            "rows_read": 1, "rows_parsed": 1, "control_totals_ok": True,
        })
    fake.put("recon_summary", HELD, {"leg": "order_payment", "opening": 20, "left_amount": 20, "right_amount": 10, "closing": 31})
    run_gate(fake.store, fake.state, PERIODS)
    put_out(home)
    append_event(fake.state, actor="Li", kind="note", payload={})
    export_exceptions(home, fake.state, FIRST, home.parent / WORKBOOK)
    book = openpyxl.load_workbook(home.parent / WORKBOOK)
    for sheet in book.worksheets:
        names = [str(cell.value) for cell in sheet[1]]
        if "decision" not in names:
            continue  # the one that explains
        for row in range(3, sheet.max_row + 1):
            for name, value in (("decision", "accept"), ("reason", "agreed")):
                sheet.cell(row, names.index(name) + 1, value)
    book.save(home.parent / WORKBOOK)


def failed_check(home: Path) -> tuple[str, str]:
    """Table and name of a check that holds the last day."""
    fake: Any = FAKES.Fake(home)
    found = next(result for result in recorded_results(fake.state, [HELD]) if not result.success)
    return found.table, found.expectation

"""Files that were refused are told wherever people look, and hold what they may hold money of."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from duizhang.cli import cli
from tests.pipelines.test_end_to_end import duizhang, query
from tests.thoroughness import THOROUGH

BOOKS = """\
entity: acme
start: 2026-03-02
legs: [payout_bank]
shops:
  tb-01: {platform: own, provider: own}
"""
BILL = (
    "provider,entry_id,type,transaction_id,order_id,gross,fee,net,currency,payout_id,created_at\n"
    "own,E1,charge,T1,O1,10.00,0,10.00,CNY,,2026-03-0{day} 03:00:00\n"
)


@pytest.fixture
def books(tmp_path: Path) -> Path:
    (tmp_path / "books.yaml").write_text(BOOKS, encoding="utf-8")
    for day in (2, 3):
        place = tmp_path / "inbox" / "tb-01" / f"{day}.csv"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(BILL.format(day=day), encoding="utf-8")
    return tmp_path / "books.yaml"


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_a_refused_file_is_told_by_run_status_the_published_table_and_the_report(books: Path, tmp_path: Path) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    (inbox / "tb-O1").mkdir()
    (inbox / "tb-O1" / "3.csv").write_text(BILL.format(day=3).replace("E1", "E2"), encoding="utf-8")
    (inbox / "notes.txt").write_text("call the bank", encoding="utf-8")
    arguments = ["run", "--books", str(books), "--home", str(home), "--from", "2026-03-02", "--to", "2026-03-03"]
    ran = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert ran.return_value == 2, ran.output
    assert "2 read, 2 refused" in ran.output and "did you mean 'tb-01'?" in ran.output and "notes.txt" in ran.output
    states = dict(query(home, "select period, state from period_status"))
    assert states == {dt.date(2026, 3, 2): "reconciled", dt.date(2026, 3, 3): "held"}, "its day is held, and no other"
    told = {f["file"]: f["period"] for f in json.loads(duizhang("status", "--home", home, "--json"))["files"]}
    assert told == {"tb-O1/3.csv": "2026-03-03", "notes.txt": "2026-03-03"}
    assert "2 files were not read" in duizhang("status", "--home", home)
    assert ("notes.txt", "refused") in query(home, "select file, status from source_files")
    duizhang("report", "--home", home, "--period", "2026-03-03", "--out", tmp_path / "report.html")
    assert "notes.txt" in (tmp_path / "report.html").read_text(encoding="utf-8")

    duizhang("source", "accept", "tb-O1/3.csv", "--home", home, "--by", "Li", "--reason", "a copy")
    run = ("run", "--quiet", *arguments[1:])
    assert "so that they hold none: 1" in duizhang(*run, exit_code=2), "the other one still is nobody's decision, and that is told"
    assert query(home, "select distinct state from period_status") == [("reconciled",)]
    duizhang("source", "accept", "notes.txt", "--home", home, "--by", "Li", "--reason", "no bill")
    duizhang(*run)
    assert ("notes.txt", "accepted") in query(home, "select file, status from source_files")
    assert ("tb-O1/3.csv", "accepted") in query(home, "select file, status from source_files")
    assert duizhang("replay", "--home", home, "--period", "2026-03-03")

    if not THOROUGH:  # what is withdrawn: tests/ingest/test_told.py; two that contradict each other: test_overlaps.py, tests/gate
        return
    before = query(home, "select distinct file from source_files where period = date '2026-03-02'")
    duizhang("source", "withdraw", "tb-01/2.csv", "--home", home, "--by", "Li", "--reason", "another company's")
    duizhang(*run)
    after = query(home, "select distinct file from source_files where period = date '2026-03-02'")
    assert (before, after) == ([("tb-01/2.csv",)], [])

    # another download of a bill states another amount: nothing is chosen, and both are named wherever people look
    (inbox / "tb-01" / "3 again.csv").write_text(BILL.format(day=3).replace("10.00,0,10.00", "11.00,0,11.00"), encoding="utf-8")
    duizhang(*run, exit_code=2)
    said = "line 2 of tb-01/3.csv states 10.00 CNY, line 2 of tb-01/3 again.csv 11.00 CNY"
    assert said in " ".join(duizhang("status", "--home", home).split())
    assert {f["file"] for f in json.loads(duizhang("status", "--home", home, "--json"))["noted"]} == {"tb-01/3.csv", "tb-01/3 again.csv"}
    duizhang("report", "--home", home, "--period", "2026-03-03", "--out", tmp_path / "report.html")
    assert said in (tmp_path / "report.html").read_text(encoding="utf-8")
    duizhang("source", "withdraw", "tb-01/3 again.csv", "--home", home, "--by", "Li", "--reason", "a draft")
    duizhang(*run)
    assert query(home, "select state from period_status where period = date '2026-03-03'") == [("reconciled",)]

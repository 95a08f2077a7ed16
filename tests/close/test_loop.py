"""The loop closed: differences out, all decided in the workbook, back in, computed, booked, posted, read back, signed and closed."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from pathlib import Path

import openpyxl
import pytest
import yaml

from duizhang.speech.labels import load_labels
from tests.pipelines.test_end_to_end import duizhang, made, query, raw

__all__ = ["made", "raw"]

START, LAST = dt.date(2026, 3, 1), dt.date(2026, 3, 3)
# what an accountant does about a difference by its cause; everything else is corrected
DONE = {"timing": "wait", "rounding": "write_off", "stock_sync_delay": "wait", "unexplained": "wait"}


def run(raw: Path, home: Path) -> None:
    duizhang("run", "--quiet", "--books", raw / "books.yaml", "--home", home, "--from", START, "--to", LAST)


def fill(book: Path) -> int:
    """Decide about every event in the row that has its money; how many."""
    workbook, decided, legs = openpyxl.load_workbook(book), set(), load_labels()["legs"]
    for sheet in workbook.worksheets[1:]:
        names = [str(cell.value).split("\n")[0] for cell in sheet[1]]
        for row in sheet.iter_rows(min_row=2):
            said = dict(zip(names, row, strict=True))
            event = str(said["event"].value)
            own = f"{legs.get(said['leg'].value, {}).get('zh')} {said['key'].value}"
            if not event.startswith("E") or event in decided or said["booked_in"].value != own:
                continue
            decided.add(event)
            decision = DONE.get(str(said["cause"].value), "correct")
            said["decision"].value, said["reason"].value = decision, f"month's end: {said['cause'].value}"
            if decision == "wait":
                said["wait_until"].value = "2026-04-30"
    workbook.save(book)
    return len(decided)


def on_ledger(home: Path) -> set[str]:
    """The accounts of the entries that are held against a sub-ledger, and on which something is booked."""
    booked = ("select account from journal_proposals where account in (select account from ledger_tieout) group by account "
              "having sum(debit) <> sum(credit)")
    return {account for account, in query(home, booked)}


def post(entries: Path, ledger: Path) -> None:
    """Somebody posts the entries: the ledger's own file of the day has them from then on."""
    with entries.open(encoding="utf-8-sig", newline="") as file:
        header, *lines = list(csv.reader(file))
    with ledger.open(encoding="utf-8-sig", newline="") as file:
        own, *rows = list(csv.reader(file))
    with ledger.open("w", encoding="utf-8-sig", newline="") as file:
        posted = [dict(zip(header, line, strict=True)) | {"凭证号": f"9{line[header.index('凭证号')]}"} for line in lines]
        csv.writer(file).writerows([own, *rows, *([line.get(name, "") for name in own] for line in posted)])


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
def test_a_month_end_is_decided_booked_posted_signed_and_closed(raw: Path, made: Path, tmp_path: Path) -> None:
    raw, home = (Path(shutil.copytree(it, tmp_path / it.name, symlinks=True)) for it in (raw, made))
    book, entries = tmp_path / "book.xlsx", tmp_path / "entries.csv"
    keys = {who: duizhang("key", "new", tmp_path / f"{who}.key").rpartition('key: "')[2].partition('"')[0] for who in ("li", "wang")}
    books = yaml.safe_load((raw / "books.yaml").read_text(encoding="utf-8"))
    books["roles"] = {"clerk": {"may": ["decide", "make"]}, "chief": {"may": ["check", "close"]}}
    books["people"] = {who: {"name": who, "role": role, "key": keys[who]} for who, role in (("li", "clerk"), ("wang", "chief"))}
    (raw / "books.yaml").write_text(yaml.safe_dump(books, allow_unicode=True), encoding="utf-8")
    li, wang = (("--home", home, "--by", who, "--key", tmp_path / f"{who}.key") for who in ("li", "wang"))
    run(raw, home)

    duizhang("exceptions", "export", "--home", home, "--period", LAST, "--out", book)
    number = fill(book)
    assert f"{number} new decisions" in duizhang("exceptions", "import", book, *li)
    waits = ", ".join(repr(cause) for cause, decision in DONE.items() if decision == "wait")
    decided = query(home, "select event, sum(case leg when 'ledger' then 0 else difference end), max(abs(difference)) from event_items "
                          f"where period = date '{LAST}' and is_booked and currency <> 'PCS' and difference <> 0 "
                          f"and cause not in ({waits}) group by event")
    run(raw, home)
    # nothing is left without an answer, and the money of every event is booked once
    unanswered = f"select leg, key, cause, difference from variances where period = date '{LAST}' and status = 'open' "
    assert query(home, f"{unanswered} and leg <> 'ledger'") == []
    booked = query(home, "select entry, sum(debit), sum(credit) from journal_proposals group by entry order by entry")
    assert [entry for entry, *_ in booked] == [f"J{n:06d}" for n in range(1, len(booked) + 1)] and len(booked) == len(decided) > 4
    assert all(debit == credit for _, debit, credit in booked)
    assert sorted(debit for _, debit, _ in booked) == sorted(abs(total) or most for _, total, most in decided)

    # what is booked on the ledger's accounts is open until the ledger has it
    assert {key for _, key, *_ in query(home, f"{unanswered} and leg = 'ledger'")} == {f"{a}/{LAST}" for a in on_ledger(home)}
    duizhang("journal", "export", "--books", raw / "books.yaml", "--home", home, "--from", START, "--to", LAST, "--layout", "kingdee",
             "--out", entries)
    post(entries, raw / "inbox" / "company" / str(LAST) / f"凭证_{LAST}.csv")
    run(raw, home)
    assert query(home, unanswered) == []

    days = ("--period", START, "--to", LAST)
    assert "decided: C000001" in duizhang("approve", *days, "--as", "maker", *li)
    duizhang("approve", *days, "--as", "checker", *wang)
    duizhang("close", "--from", START, "--to", LAST, *wang)
    assert query(home, "select distinct state from period_status") == [("closed",)]
    told = duizhang("verify", "--home", home)
    assert "as they were written" in told and "not authenticated" not in told

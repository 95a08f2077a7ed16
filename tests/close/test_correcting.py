"""Cells of raw files corrected: the row counts, the file stays, and whoever corrects has seen what stands there."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from duizhang.books import load_books
from duizhang.cli import cli
from duizhang.close import CellChoice, approve, correct, record_of, rejected
from duizhang.close.authority import unsigned
from duizhang.errors import UserError
from duizhang.home.events import event_log
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import collect, records
from duizhang.ingest.files import cell_corrections
from duizhang.publish import set_period_state
from tests.pipelines.test_end_to_end import duizhang, once, query
from tests.pipelines.test_files import BILL, BOOKS
from tests.review.conftest import Serving, serving

pytestmark = [pytest.mark.usefixtures("unchecked"), pytest.mark.slow]

__all__ = ["serving"]

DAY = "2026-03-02"
FILE = "tb-01/2.csv"
# the same record with an amount whose 0 is a letter, below one that is right
ROW = BILL.format(day=2).splitlines()[1]
WRONG = BILL.format(day=2) + ROW.replace("E1", "E2").replace("10.00,0,10.00", "12O.50,0,120.50") + "\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books with one day that a rejected amount holds, run once."""
    def make(root: Path) -> None:
        (root / "inbox" / "tb-01").mkdir(parents=True)
        (root / "books.yaml").write_text(BOOKS, encoding="utf-8")
        (root / "inbox" / FILE).write_text(WRONG, encoding="utf-8")
        run(root, exit_code=2)

    return once(tmp_path_factory, "cells", make)


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made"


def run(root: Path, *, exit_code: int = 0) -> str:
    return duizhang("run", "--quiet", "--books", root / "books.yaml", "--home", root / "home", "--from", DAY, "--to", DAY,
                    exit_code=exit_code)


def look(root: Path) -> None:
    """Take in the inbox as a run does."""
    collect(load_books(root / "books.yaml"), Store(root / "home"), State(root / "home"))


def correcting(root: Path, was: str = "12O.50", to: str = "120.50", by: str = "Li", line: int = 3, column: str = "gross") -> str:
    return duizhang("source", "correct", FILE, "--home", root / "home", "--line", line, "--column", column, "--was", was, "--to", to,
                    "--reason", "a letter for a digit", "--by", by)


def counted(root: Path) -> list[int]:
    [record] = records(State(root / "home"))
    return [int(str(record.detail[f"rows_{what}"])) for what in ("read", "parsed", "quarantined", "ignored")]


def test_a_rejected_amount_is_corrected_counts_and_is_taken_back(root: Path) -> None:
    home, raw = root / "home", (root / "inbox" / FILE).read_bytes()
    assert counted(root) == [2, 1, 1, 0]
    [cell] = rejected(home, State(home))
    assert (cell.line, cell.column, cell.value, cell.is_money) == (3, "gross", "99x.99", True)
    assert "99x.99" in duizhang("source", "rejected", "--home", home, "--period", DAY)

    assert "K000001" in correcting(root, was=cell.value)
    plan = json.loads(duizhang("plan", "--json", "--books", root / "books.yaml", "--home", home))
    assert [r["text"] for p in plan["periods"] for r in p["reasons"]] == [
        f"corrected cell of {FILE}, line 3, gross (K000001) new"]
    run(root)
    assert counted(root) == [2, 2, 0, 0] and rejected(home, State(home)) == []
    assert query(home, "select file, line, column_name, was, value, corrected_by, correction from corrected_cells") == [
        (FILE, 3, "gross", "99x.99", "120.50", "Li", "K000001")]
    assert (root / "inbox" / FILE).read_bytes() == raw
    sha = hashlib.sha256(raw).hexdigest()
    assert (home / "archive" / sha[:2] / sha).read_bytes() == raw
    assert "the same" in duizhang("replay", "--home", home, "--period", DAY)
    assert b"12O.50" not in b"".join(p.read_bytes() for p in home.rglob("state.db*")), "what stood there is kept in its shape"
    duizhang("verify", "--home", home)
    with pytest.raises(AssertionError, match="Li has decided items of this day"):
        duizhang("approve", "--period", DAY, "--as", "maker", "--by", "Wang", "--home", home)
        duizhang("approve", "--period", DAY, "--as", "checker", "--by", "Li", "--home", home)

    # also where the file has left the inbox since
    (root / "inbox" / FILE).unlink()
    duizhang("exceptions", "undo", "K000001", "--home", home, "--by", "Zhao", "--reason", "the bill was right")
    with pytest.raises(UserError, match="corrections of its files are not in its published version yet: K000001"):
        approve(home, State(home), [dt.date.fromisoformat(DAY)], role="checker", by="Chen")
    look(root)
    assert counted(root) == [2, 1, 1, 0]
    with pytest.raises(AssertionError, match="Zhao took K000001 back before"):
        duizhang("exceptions", "undo", "K000001", "--home", home, "--by", "Li", "--reason", "again")
    correcting(root, by="Wu")
    look(root)
    assert counted(root) == [2, 2, 0, 0]


def test_a_correction_that_cannot_be_is_refused_with_its_reason(root: Path) -> None:
    home = root / "home"
    for given, said in (
        ({"was": "12.50"}, "something else than '12.50' stands in gross: '99x.99' in its shape"),
        ({"to": "a hundred"}, "cannot be read either"),
        ({"to": "12O.50"}, "is '12O.50' already"),
        ({"line": 1}, "no record that can be read cell by cell stands in line 1"),
        ({"line": 99}, "stands in line 99"),
        ({"column": "grosz"}, "did you mean 'gross'?"),
        ({"column": "order"}, "is no column that is read of it"),
    ):
        with pytest.raises(AssertionError, match="nothing was corrected") as refused:
            correcting(root, **given)  # type: ignore[arg-type]
        assert said in str(refused.value), (given, str(refused.value))
    with pytest.raises(AssertionError, match=r"no file is known as 'tb-01/3.csv'; did you mean 'tb-01/2.csv'"):
        duizhang("source", "correct", "tb-01/3.csv", "--home", home, "--line", 3, "--column", "gross", "--was", "", "--to", "1",
                 "--reason", "x", "--by", "Li")
    state = State(home)
    seen = CellChoice(FILE, 3, "gross", "12O.50", "120.50", "x", sha256="0" * 64)
    with pytest.raises(UserError, match="holds another content than the one that was seen"):
        correct(home, state, [seen], by="Li")
    correcting(root)
    assert "it was corrected so before" in correcting(root)
    with pytest.raises(AssertionError, match=r"Li corrected it to '120.50' \(K000001\); take that back first"):
        correcting(root, to="121.50", by="Wang")


def test_the_workbook_of_a_held_day_corrects_its_cells_all_or_none(root: Path, tmp_path: Path) -> None:
    home, book = root / "home", tmp_path / "book.xlsx"
    assert "1 cell that was not read" in duizhang("exceptions", "export", "--home", home, "--period", DAY, "--out", book, "--lang", "en")
    whole = openpyxl.load_workbook(book)
    sheet = whole["Cells not read"]
    named = dict(zip([cell.value for cell in sheet[1]], sheet[3], strict=True))
    assert [name for name, cell in named.items() if not cell.protection.locked] == ["new_value", "new_reason"]
    assert (named["file"].value, named["line"].value, named["value"].value) == (FILE, 3, "99x.99")

    def imported(**cells: object) -> str:
        for name in ("new_value", "new_reason", *cells):
            named[name].value = cells.get(name)
        whole.save(book)
        ran = CliRunner().invoke(cli, ["exceptions", "import", str(book), "--home", str(home), "--by", "Li"], standalone_mode=False)
        return str(ran.exception or ran.output)

    place = "sheet Cells not read, row 3"
    assert f"{place}: a reason without a new value" in imported(new_reason="typed")
    assert f"{place}: the reason is empty" in imported(new_value="120.50")
    assert "cannot be read either" in imported(new_value="many", new_reason="typed")
    assert "something else than '9.99' stands in gross" in imported(new_value="120.50", new_reason="typed", value="9.99")
    assert cell_corrections(State(home)) == []
    assert "K000001: tb-01/2.csv, line 3, gross" in imported(new_value="120.50", new_reason="typed", value="99x.99")
    assert "0 new decisions" in imported(new_value="120.50", new_reason="typed", value="99x.99")
    look(root)
    assert counted(root) == [2, 2, 0, 0]


def test_the_page_of_a_held_day_shows_its_files_and_corrects_their_cells(root: Path, serving: Serving) -> None:
    server, state = serving(root / "home"), State(root / "home")
    csrf = server.enter()
    status, text, _ = server.ask(f"/day/{DAY}/files?lang=en")
    assert status == 200 and FILE in text and "99x.99" in text and "12O.50" not in text
    sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text.partition(f'action="/day/{DAY}/correct"')[2]))
    assert (sent["file"], sent["line"], sent["column"], sent["was"]) == (FILE, "3", "gross", "99x.99")
    form = {**sent, "csrf": csrf, "value": "120.50", "reason": "a letter for a digit"}
    assert server.ask(f"/day/{DAY}/correct", {**form, "value": "x"})[0] == 400
    assert server.ask(f"/day/{DAY}/correct", {**form, "csrf": ""})[0] == 403 and cell_corrections(state) == []
    assert server.ask(f"/day/{DAY}/correct", form)[0] == 303
    [one] = cell_corrections(state)
    assert (one.name, one.value, one.by) == ("K000001", "120.50", "Li Na")
    _, text, _ = server.ask(f"/day/{DAY}/record?file={FILE}&line=2&lang=en")
    assert "10.00" in text and 'name="column" value="gross"' in text
    assert server.ask(f"/day/{DAY}/record?file={FILE}&line=77")[0] == 400
    assert server.ask(f"/day/{DAY}/restored", {"csrf": csrf, "number": "1", "reason": "was right"})[0] == 303
    assert [bool(c.taken_back) for c in cell_corrections(state)] == [True]
    assert "cell_restored" not in server.ask(f"/day/{DAY}?lang=en")[1], "every event of the log has a name"


def test_a_cell_that_was_read_is_corrected_as_well_and_moves_its_row_to_another_day(root: Path) -> None:
    home, state = root / "home", State(root / "home")
    correcting(root)
    assert record_of(home, state, FILE, 2).cells["gross"].raw == "10.00"
    said = correcting(root, was="2026-03-02 03:00:00", to="2026-03-03 03:00:00", line=2, column="created_at")
    assert "run 2026-03-02, 2026-03-03 again" in said
    look(root)
    [record] = records(state)
    assert [d.isoformat() for d in record.days()] == ["2026-03-02", "2026-03-03"] and counted(root) == [2, 2, 0, 0]
    set_period_state(state, dt.date.fromisoformat(DAY), "closed")
    with pytest.raises(AssertionError, match="belongs to 2026-03-02, which is closed"):
        correcting(root, was="0", to="1", line=2, column="fee")
    with pytest.raises(AssertionError, match="which is closed"):
        duizhang("exceptions", "undo", "K000001", "--home", home, "--by", "Li", "--reason", "again")
    problems, free = unsigned(home, event_log(state))
    assert problems == [] and free == 2

"""The report of a business that was really run says what its tables say."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from duizhang.home.store import days
from duizhang.report.printing import BROWSERS
from tests.pipelines.test_end_to_end import LAST, START, duizhang, query


@pytest.mark.slow
def test_a_page_of_a_range_and_of_its_last_day(home: Path) -> None:
    for arguments in ((), ("--from", START, "--to", LAST, "--lang", "en")):
        told = duizhang("report", "--home", home, *arguments)
        page = Path(told.removeprefix("report: ").strip()).read_text(encoding="utf-8")
        [(files,)] = query(home, f"select count(distinct sha256) from source_files where period >= date '{START if arguments else LAST}'")
        assert (f"{files} files" if arguments else f"{files} 个文件") in page
    assert "淘宝店" in page, "a shop has the name that the books give it"


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no Chromium is installed")
def test_a_day_is_printed_on_two_pages(home: Path, tmp_path: Path) -> None:
    duizhang("report", "--home", home, "--period", LAST, "--format", "pdf", "--out", tmp_path / "a.pdf")
    assert len(re.findall(rb"/Type\s*/Page[^s]", (tmp_path / "a.pdf").read_bytes())) <= 2


@pytest.mark.slow
def test_every_day_has_a_page(home: Path, tmp_path: Path) -> None:
    day = days(START, LAST)[1]
    duizhang("report", "--home", home, "--period", day, "--out", tmp_path / "a.html")
    assert str(day) in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_the_workbook_adds_up(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "exceptions.xlsx"
    duizhang("exceptions", "export", "--home", home, "--period", LAST, "--out", out)
    sheets = openpyxl.load_workbook(out).worksheets[1:]
    rows = [row for sheet in sheets for row in sheet.iter_rows(min_row=3, values_only=True)]
    [difference] = {[cell.value for cell in sheet[1]].index("difference") for sheet in sheets}
    assert all(isinstance(row[difference], int | float) for row in rows)
    [(expected,)] = query(home, f"select sum(difference) from variances where period = date '{LAST}'")
    assert sum(Decimal(str(row[difference])) for row in rows) == expected


def test_lines_of_a_bank_that_nothing_is_held_against_are_added_up(home: Path, tmp_path: Path) -> None:
    moved = query(home, "select currency, count(*), sum(amount) from bank_unclaimed where kind = 'out' group by entity, currency")
    first, last = query(home, "select min(period), max(period) from period_status")[0]
    duizhang("report", "--home", home, "--from", first, "--to", last, "--lang", "en", "--out", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    table = page[page.index("Lines of bank statements that nothing is held against"):].split("</table>")[0]
    said = " ".join(re.sub("<[^>]*>", " ", table).split())
    assert moved
    for currency, lines, amount in moved:
        assert f" out {lines} {currency} {amount:,.2f} " in said

"""The page of every day can be made, and says what the tables say."""

from __future__ import annotations

import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from duizhang.reconcile import LEG_MODELS
from duizhang.report.page import LEG_NAMES
from duizhang.store import days
from tests.pipelines.test_end_to_end import LAST, START, duizhang, query


def test_every_leg_has_a_name() -> None:
    assert set(LEG_NAMES) == set(LEG_MODELS)


def test_a_page_for_every_day(home: Path, tmp_path: Path) -> None:
    for day in days(START, LAST):
        out = tmp_path / f"{day}.html"
        duizhang("report", "--home", home, "--period", day, "--out", out)
        page = out.read_text(encoding="utf-8")
        [(variances,)] = query(home, f"select count(*) from variances where period = date '{day}'")
        assert f"of {variances}<" in page and "None" not in page and "Undefined" not in page


def test_the_page_in_a_browser(home: Path, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed")
    out = tmp_path / "page.html"
    duizhang("report", "--home", home, "--period", LAST, "--out", out)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run([browser, *flags, "--dump-dom", out.as_uri()], capture_output=True, text=True, check=True, timeout=60).stdout
    assert shown.count("<table") == out.read_text(encoding="utf-8").count("<table") and "http" not in shown.split("</style>")[1]


def test_the_workbook_adds_up(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "exceptions.xlsx"
    duizhang("exceptions", "export", "--home", home, "--period", LAST, "--out", out)
    header, *rows = openpyxl.load_workbook(out)["exceptions"].iter_rows(values_only=True)
    difference = [str(name).split("\n")[0] for name in header].index("difference")
    assert all(isinstance(row[difference], int | float) for row in rows)
    [(expected,)] = query(home, f"select sum(difference) from variances where period = date '{LAST}'")
    assert sum(Decimal(str(row[difference])) for row in rows) == expected

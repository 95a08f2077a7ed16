"""The same report as a workbook and as a PDF."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from duizhang.errors import UserError
from duizhang.report import printing, write_report
from duizhang.speech.labels import Labels
from tests.report.conftest import EVIL


def test_the_workbook_has_numbers_as_numbers_each_currency_by_itself(office: Path, tmp_path: Path) -> None:
    path = write_report(office, language="en", form="xlsx", out=tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    assert "4 differences have to be dealt with" in str(book.worksheets[0]["A3"].value)
    header, *rows = book[Labels("en").text("todo")].iter_rows()
    names = [cell.value for cell in header]
    yuan, pieces = names.index("Amount, each once CNY"), names.index("Amount, each once pieces")
    missing = next(row for row in rows if row[1].value == "Missing on the other side")
    assert (missing[yuan].value, missing[yuan].number_format) == (30, "#,##0.00")
    assert (missing[pieces].value, missing[pieces].number_format) == (2, "#,##0")
    texts = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert any(EVIL in cell.value for cell in texts) and not [cell for cell in texts if cell.data_type == "f"]
    again = write_report(office, language="en", form="xlsx", out=tmp_path / "b.xlsx")
    assert path.read_bytes() == again.read_bytes()


def test_without_a_browser_a_pdf_says_what_to_install(office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "BROWSERS", ("no-such-browser",))
    with pytest.raises(UserError, match="neither is installed") as told:
        write_report(office, form="pdf", out=tmp_path / "a.pdf")
    assert "apt install chromium" in told.value.advice and not list(tmp_path.iterdir())

"""The workbook of exceptions as people see it: one sheet a leg, in one language, writable where a decision belongs and nowhere else."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from duizhang.close.choosing import decision_named
from duizhang.close.decisions import DECISIONS
from duizhang.close.leg_sheets import HIDDEN, INPUT, SHOWN, decision_names, write_sheets
from duizhang.close.workbook import HEADER, safe_cell
from duizhang.report import LANGUAGES, Labels

DAY = dt.date(2026, 3, 2)


def row(leg: str, cause: str, difference: str, currency: str = "CNY", **more: Any) -> dict[str, Any]:
    amount, nothing = Decimal(difference), Decimal(0)
    return {"period": DAY, "leg": leg, "entity": "acme", "key": f"=1+1/{cause}", "currency": currency, "cause": cause,
            "left_amount": amount, "right_amount": nothing, "difference": amount, "left_quantity": nothing, "right_quantity": nothing,
            "first_seen": DAY, "age_days": 0, "status": "open", "proposal": "", "shop": "s", "order_id": "o", "evidence": None,
            "candidates": None, "event": "E1", "booked_in": "x", "row": f"{leg}{cause}", **more}


ROWS = [row("order_payment", "missing_right", "1234.5"), row("order_payment", "timing", "5"), row("order_shipment", "timing", "3", "PCS"),
        row("payout_bank", "currency", "700", "JPY", proposal="pairs with PO1",
            candidates='[{"cause":"fx_difference","tells":""}]')]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sheet_a_leg_with_amounts_as_numbers_drop_downs_and_locked_cells(tmp_path: Path, language: Any) -> None:
    labels = Labels(language)
    write_sheets(ROWS, DAY, tmp_path / "a.xlsx", labels, safe_cell, shops={"s": "花店"}.__getitem__)
    first, *sheets = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets
    assert [sheet.title for sheet in sheets] == [labels.leg(leg) for leg in ("order_payment", "order_shipment", "payout_bank")]
    assert [cell.value for cell in first["D"] if isinstance(cell.value, int)] == [2, 1, 1], "the first sheet counts the rows"
    for sheet in sheets:
        names = [cell.value for cell in sheet[1]]
        assert sheet.row_dimensions[1].hidden and sheet.freeze_panes == "C3" and sheet.auto_filter.ref and sheet.protection.sheet
        for cells in sheet.iter_rows(min_row=3):
            assert {name for name, cell in zip(names, cells, strict=True) if not cell.protection.locked} == set(INPUT)
        kinds = {v.type: v.formula1 for v in sheet.data_validations.dataValidation}
        assert kinds["list"] == f'"{",".join(decision_names(labels))}"' and "date" in kinds
        words = " ".join(str(cell.value) for cell in sheet[2])
        assert bool(re.search("[一-鿿]", words)) == (language == "zh")
    payment, shipment, payout = sheets
    difference = names.index("difference")
    formats = [(s.cell(3, difference + 1).value, s.cell(3, difference + 1).number_format) for s in sheets]
    assert formats == [(1234.5, "#,##0.00"), (3, "#,##0"), (700, "#,##0")]
    assert [payment.row_dimensions[n].hidden for n in (3, 4)] == [False, True], "what is in transit is filtered away"
    assert not shipment.row_dimensions[3].hidden, "but not where there is nothing else"
    assert payout.cell(3, names.index("proposal") + 1).value == {"zh": "与 PO1 配对", "en": "pairs with PO1"}[language]
    assert labels.tells("fx_difference") in payout.cell(3, names.index("candidates") + 1).value
    since, shop = (payment.cell(3, names.index(name) + 1) for name in ("first_seen", "shop_name"))
    assert (str(since.value), since.number_format, shop.value) == (f"{DAY} 00:00:00", "yyyy-mm-dd", "花店")
    assert payment["B3"].value == "'=1+1/missing_right" and payout["B3"].data_type == "s"


def test_every_column_that_the_import_wants_is_there_and_every_decision_has_a_name_in_both_languages() -> None:
    assert set(HEADER) <= {*SHOWN, *HIDDEN}
    for language in LANGUAGES:
        assert list(decision_names(Labels(language)).values()) == list(DECISIONS)
        assert {decision_named(label.upper()) for label in decision_names(Labels(language))} == set(DECISIONS)
    assert decision_named("nonsense") == "nonsense"

"""Tables below one another in one file, and accounts beside one another in one table: each is what it is, and nothing is lost."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract
from duizhang.ingest.landing.looking import look

ACCOUNT = "Date,Description,Amount,Balance,Currency\n2026-03-05,A,10.00,110.00,EUR\n2026-03-06,B,-20.00,90.00,EUR\n"
STRIPE = (
    "id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC)\n"
    "txn_1,charge,ch_1,10.00,0.50,9.50,usd,2026-03-05 10:00,2026-03-07 00:00\n")
FEES = "Fees\nDate,Fee,Amount\n2026-03-05,Card fee,1.50\n2026-03-06,Wire fee,2.25\n"
GERMAN = "Buchungstag,Betrag,Verwendungszweck,Währung\n07.03.2026,\"-5,50\",C,EUR\n"
ITEMS = "Item,Pieces,Charge,Kind,Unit\n2026-03-05,2,1.50,x,y\n"
OF_Y = "Account: CHF 90.00\nDate,Description,Amount,Balance\n2026-03-05,A,10.00,110.00\n2026-03-06,B,-20.00,90.00\n"
OF_X = "Account: EUR 120.00\n" + OF_Y.partition("\n")[2]

ODD = "Date,Fee,Amount\n2026-03-05,a,\u22125.00\n2026-03-05,b,-\u20ac5.00\n2026-03-06,c,1.50 DR\n2026-03-06,d,1.234\n"  # and who knows what 1.234 is


def read(folder: Path, body: str, *, sheet: bool = False) -> list[Extraction]:
    data = body.encode()
    if sheet:
        book, packed = openpyxl.Workbook(), io.BytesIO()
        for line in body.splitlines():
            book.active.append([cell or None for cell in line.replace('"-5,50"', "-5.50").split(",")])
        book.save(packed)
        data = packed.getvalue()
    (folder / "any.bin").write_bytes(data)
    return extract(folder / "any.bin", load_specs(), Setting(zone="UTC"), file="any", into=folder / "out")


@pytest.mark.parametrize("sheet", [False, True])
@pytest.mark.parametrize(("body", "tables"), [
    (f"{ACCOUNT}\n{STRIPE}", [("line 1", "bank_generic", 2), ("line 5", "stripe_balance", 1)]),
    (f"{STRIPE}\nStatement\n{ACCOUNT}", [("line 1", "stripe_balance", 1), ("line 5", "bank_generic", 2)]),
    (f"{ACCOUNT}{GERMAN}", [("line 1", "bank_generic", 2), ("line 4", "bank_generic", 1)]),
    (f"{OF_X}\n{OF_Y}", [("line 2", "bank_generic", 2), ("line 7", "bank_generic", 2)]),
    (f"{ACCOUNT}{ACCOUNT.partition(chr(10))[0]}\n2026-03-07,C,-1.00,89.00,EUR\n", [("", "bank_generic", 3)]),
    (f"{ACCOUNT}\nTotal,,10.00,,\nNote:,the bank is open,\n", [("", "bank_generic", 2)]),
])
def test_a_table_below_another_is_read_as_its_own_kind(tmp_path: Path, body: str, tables: list[tuple[str, str, int]], *, sheet: bool) -> None:
    found = read(tmp_path, body, sheet=sheet)
    assert [(one.member, one.spec.name, one.rows_parsed) for one in found] == tables
    assert all(not one.rows_quarantined or "Note" in body for one in found)


@pytest.mark.parametrize("sheet", [False, True])
@pytest.mark.parametrize(("body", "lines", "said"), [
    (f"{ACCOUNT}\n{FEES}", {7, 8}, "of Date, Fee, Amount, in all Amount 3.75"), (f"{ACCOUNT}\n{ITEMS}", {6}, "in all Charge 1.5"),
    (f"{FEES}\n{ACCOUNT}", {3, 4}, "in all Amount 3.75"),
    (f"{ACCOUNT}\n{ODD}", {6, 7, 8, 9}, "in all Amount -11.5 (+1 ?)"),
])
def test_a_table_that_nobody_reads_holds_with_its_lines_and_sums(tmp_path: Path, body: str, lines: set[int], said: str, *, sheet: bool) -> None:
    [found] = read(tmp_path, body, sheet=sheet)
    assert found.rows_parsed == 2 and {cell["line"] for cell in found.quarantine().to_pylist()} == lines
    [total] = [total for total in found.totals if not total.ok]
    assert said in total.name and total.computed == str(len(lines))


def test_a_row_of_a_table_below_is_found_again(tmp_path: Path) -> None:
    read(tmp_path, f"{ACCOUNT}\n{STRIPE}")
    [(line, record)] = look(tmp_path / "any.bin", load_specs(), Setting(), member="line 5", lines=[6]).items()
    assert line == 6 and "txn_1" in {cell.raw for cell in record.cells.values()}


@pytest.mark.parametrize("body", [
    pytest.param(ACCOUNT + "\n" * 200_000, marks=pytest.mark.slow), ACCOUNT.replace("\n", "\n\n") + "2026-03-07,C,0.00,90.00,EUR\n\n" * 40_000],
                         ids=["at its end", "between its lines"])
def test_blank_lines_take_no_more_time_than_their_number(tmp_path: Path, body: str) -> None:
    """Many minutes, where each of them was looked at from each."""
    [one] = read(tmp_path, body)
    assert one.rows_parsed == 2 + body.count(",C,") and not one.rows_quarantined


@pytest.mark.parametrize(("last", "told"), [("70.00", []), ("71.00", ["balance after line 5 of CH2 EUR"])])
def test_every_account_of_a_file_has_a_balance_of_its_own(tmp_path: Path, last: str, told: list[str]) -> None:
    [found] = read(tmp_path, (
        "Account,Date,Description,Amount,Balance,Currency\nCH1,2026-03-05,A,10.00,110.00,EUR\nCH2,2026-03-05,B,-20.00,90.00,EUR\n"
        f"CH1,2026-03-06,C,5.00,115.00,EUR\nCH2,2026-03-06,D,-20.00,{last},EUR\n"))
    assert [total.name for total in found.totals if not total.ok] == told and len(found.table("bank_entries")["bank_account"].unique()) == 2


def test_positive_amounts_of_one_table_are_not_judged_by_another(tmp_path: Path) -> None:
    """Fails if money out of one table and money in of another are taken for one column of signs."""
    with pytest.raises(RefusedFile, match="two ways"):
        read(tmp_path, f"Date,Description,Amount,Currency\n2026-03-05,A,10.00,EUR\n\nOut\n{GERMAN}")

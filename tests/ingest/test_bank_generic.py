"""A bank's plain CSV: signed amounts, debit and credit columns, D/C marks, and the shapes that a spreadsheet makes of them."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

SIGNED = b'"Date","Label","Currency","Amount","Amount Currency","Partner Name","Bank Account"\n"12/15/2026","Your supplier","USD","-33.50","0.0","John Doe","1234"\n"12/16/2026","Payout /PAYOUT/AP3","EUR","1,525.00","1,000.00","Azure",""\n'
SIDES = b'"Date","Label","Amount","D/C","Balance","Partner Name","Bank Account"\n"12/15/2026","Supplier","33.50","D","-23.50","John Doe","1234"\n"12/15/2026","Payment","1,533.50","C","1,510.00","Azure",""\n'
COLUMNS = b"Booking date;Reference;Description;Debit;Credit;Balance;IBAN\n15.12.2026;R1;Credit;;1.020,00;1.010,00;DE01\n16.12.2026;R2;Debit;33,50;;976,50;DE01\n17.12.2026;R3;Nothing;--;;976,50;DE01\n"
SAMPLES = {"bank_generic_signed": SIGNED, "bank_generic_sides": SIDES, "bank_generic_columns": COLUMNS}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s"), file="any", into=Path(tempfile.mkdtemp(dir=folder)))
    assert found.spec.name == "bank_generic"
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


@pytest.mark.parametrize(("body", "amounts", "currencies", "ids"), [
    (SIGNED, ["-33.5", "1525"], ["USD", "EUR"], ["20261215/2", "20261216/3"]),
    (SIDES, ["-33.5", "1533.5"], ["CNY", "CNY"], ["20261215/-23.5000", "20261215/1510.0000"]),
    (COLUMNS, ["1020", "-33.5"], ["CNY", "CNY"], ["R1/1010.0000", "R2/976.5000"]),
])
def test_shapes(tmp_path: Path, body: bytes, amounts: list[str], currencies: list[str], ids: list[str]) -> None:
    found = read(tmp_path, body)
    rows = found.table("bank_entries").to_pylist()
    assert [r["amount"] for r in rows] == [Decimal(a) for a in amounts]
    assert [r["currency"] for r in rows] == currencies and [r["entry_id"] for r in rows] == ids
    assert str(rows[0]["period"]) == "2026-12-15" and "Doe" not in str(rows)
    assert {r["reference"] for r in rows} <= {"", "AP3"}
    assert found.rows_ignored == (body is COLUMNS)


def test_a_side_that_is_not_known_is_quarantined(tmp_path: Path) -> None:
    found = read(tmp_path, SIDES.replace(b'"D"', b'"Q"'))
    assert (found.rows_parsed, found.rows_quarantined) == (1, 1)


def test_one_of_several_currencies_above_the_rows_is_not_guessed(tmp_path: Path) -> None:
    """Fails if the money of a file that names two currencies above its table counts in that of the books, with nothing told."""
    body = "Saldo: CHF 1079.50;;;\nSaldo: EUR 5.00;;;\nDatum;Buchungstext;Betrag;Valuta\n06.03.2026;Einkauf;-20.5;06.03.2026\n"
    [total] = [t for t in read(tmp_path, body.encode()).totals if not t.ok]
    assert (total.name, total.computed) == ("rows whose currency is one of several that the file states", "1")
    marked = body.replace("-20.5", "EUR -20.5")
    assert [t for t in read(tmp_path, marked.encode()).totals if not t.ok] == []


def test_of_two_columns_of_codes_nothing_tells_the_currency(tmp_path: Path) -> None:
    body = "Date,Description,Amount,A,B\n2026-03-05,Coffee,-3.50,CHF,EUR\n2026-03-06,Sale,1.00,CHF,CHF\n"
    [total] = [t for t in read(tmp_path, body.encode()).totals if not t.ok]
    assert (total.name, total.computed) == ("rows whose currency is one of several that the file states", "2")
    assert read(tmp_path, body.replace("EUR", "CHF").encode()).summary("bank_entries")[1] == {"CHF": Decimal("-2.5")}

"""BAI2: signs by type code, smallest units, continuations, and every control total and count of 49, 98 and 99 checked."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

BAI2 = (
    b"01,121140399,121140399,260302,0754,1,,,2/\n"
    b"02,121140399,121140399,1,260301,,USD,2/\n"
    # a comma too many before the continuation, availability in the summaries
    b"03,1234567890,,010,34726979,,,015,35217175,,,/\n"
    b"88,072,000,,,100,490196,1,S,1,2,3,400,000,0,/\n"
    b"16,142,490196,S,100,200,300,BR1,172629,SOME PAYMENT, ACH/OFFSET\n"
    b"88,ENTRY po_1AbcDefGhiJklMno/\n"
    b"16,890,,,,,A NOTE/\n"
    b"49,70924546,6/\n"
    b"03,55,JPY,,,,/\n"
    b"16,475,1200,V,260301,,,CUST,CHECK/   16,195,3000,D,2,0,1000,1,2000,BR9,,WIRE/\n"
    b"49,4200,4/\n"
    b"98,70928746,2,12/\n"
    b"02,121140399,121140399,1,260302,,USD,2/\n"
    b"03,1234567890,USD,010,35217175,,,015,35217175,,/\n"
    b"49,70434350,2/\n"
    b"98,70434350,1,4/\n"
    b"99,141363096,2,18\n"
)
SAMPLES = {"bai2": BAI2}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s"), file="any", into=Path(tempfile.mkdtemp(dir=folder)))
    assert found.spec.name == "bank_bai2"
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


def test_rows_and_totals(tmp_path: Path) -> None:
    found = read(tmp_path, BAI2)
    rows = found.table("bank_entries").to_pylist()
    assert [(r["bank_account"], r["entry_id"], r["amount"], r["currency"], str(r["period"])) for r in rows] == [
        ("1234567890", "BR1", Decimal("4901.96"), "USD", "2026-03-01"),
        ("55", "260301/1/1", Decimal(-1200), "JPY", "2026-03-01"), ("55", "BR9", Decimal(3000), "JPY", "2026-03-01")]
    assert rows[0]["reference"] == "po_1AbcDefGhiJklMno"
    assert (found.rows_read, found.rows_ignored) == (4, 1)
    assert len(found.totals) == 16 and [t for t in found.totals if not t.ok] == []


@pytest.mark.parametrize(("old", "new", "failing"), [
    (b"16,142,490196", b"16,142,490197", {"control total 1234567890 in group 1", "control total group 1", "control total file",
                                             "closing balance 1234567890 in group 1"}),
    (b"121140399,1,260302", b"121140399,2,260302", {"group 2, which takes back what was sent"}),
    (b"16,890,,,,,A NOTE/\n", b"", {"records of 1234567890 in group 1", "records of group 1", "records of file"}),
    (b"49,4200,4/\n", b"", {"trailers 49 of 55 in group 1", "records of group 1", "records of file"}),
    (b"99,141363096,2,18\n", b"", {"trailers 99 of the file"}),
    (b"98,70434350,1,4/\n", b"98,7043435x,2,4/\n", {"control total group 2", "accounts of group 2"}),
])
def test_damage_shows_in_the_totals(tmp_path: Path, old: bytes, new: bytes, failing: set[str]) -> None:
    assert old in BAI2
    off = {t.name for t in read(tmp_path, BAI2.replace(old, new, 1)).totals if not t.ok}
    assert off == failing


@pytest.mark.parametrize(("old", "new"), [
    (b"16,142,490196", b"16,142,4901.96"), (b"16,142", b"16,742"), (b"16,142", b"1x,142"), (b"16,142", b"17,142"),
])
def test_a_bad_record_is_one_row(tmp_path: Path, old: bytes, new: bytes) -> None:
    found = read(tmp_path, BAI2.replace(old, new, 1))
    assert (found.rows_parsed, found.rows_quarantined) == (2, 1)
    assert found.quarantine().to_pylist()[0]["line"] == 5

"""MT940 in the dialects of its banks: signs, dates and counts are right, messages tie, one bad line costs one row."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

DIALECTS = (
    # reversal marks, a comma without fraction, blanks for the entry date, February 30, a funds code, a long reference
    b":20:STARTUMS\r\n:25:37040044/0532013000EUR\r\n:28C:00012/001\r\n:60F:C260227EUR1000,\r\n"
    b":61:2602270227CR300,NTRFNONREF//BR-1\r\n"
    b":86:166?00GUTSCHRIFT?109310?20EREF+PSP-77?21SVWZ+Payout /PAYOUT/po_7?22_A end?30DEUTDEFF?31DE02?32Pay Gmb?33H & Co\r\n"
    b":61:260227    D20,5NMSCNONREF\r\n:86:Porto /PAYO\r\nUT/none\r\n"
    b":61:2602300301RC100,00NTRFKREF+1//BR-3\r\n:86:/NAME/Muster/REMI/back\r\n"
    b":61:2603010301RD7,25NCHGNONREF\r\nreversed fee\r\nin two lines\r\n"
    b":61:2603010301D2,NTRF123456789012345678901234//BR-5\r\n"
    b":62F:C260301EUR1184,75\r\n:64:C260301EUR1184,75\r\n:86:this belongs to no line /PAYOUT/x\r\n-\r\n"
    # two pages of one statement: intermediate balances
    b"{1:F01BANKDEFFXXXX0000000000}{2:O940BANKDEFFXXXXN}{3:}{4:\r\n:20:PAGE1\r\n:25:NL81ASNB9999999999\r\n:28C:13/1\r\n"
    b":60F:D260301EUR50,\r\n:61:2603010301D65,00NOVBNL47INGB9999999999\r\nhr x\r\n:86:f\xfcr \xffdich\r\n:62M:D260301EUR115,\r\n-}{5:}\r\n"
    b"{1:F01BANKDEFFXXXX0000000000}{2:O940BANKDEFFXXXXN}{3:}{4:\r\n:20:PAGE2\r\n:25:NL81ASNB9999999999\r\n:28C:13/2\r\n"
    b":60M:D260301EUR115,00\r\n:61:2603020302C115,NTRFNONREF\r\n:NS:01526715\r\n02A125\r\n:62F:C260302EUR0,00\r\n-}{5:}\r\n"
    # balances alone, and a message that states none
    b":20:EMPTY\r\n:25:1\r\n:28C:14\r\n:60F:C260303EUR5,\r\n:62F:C260303EUR5,\r\n-\r\n"
    b":20:NOBAL\r\n:25:2\r\n:28C:15\r\n:61:2612310101C1,NTRFNONREF\r\n-\r\n"
)
MT942 = (
    b":20:ST260301CYC/0001\n:25:PL29\n:28C:1/1\n:34F:PLN0\n:13D:2603011815+0100\n:61:2603010301CN0,01NTRFNONREF//MB17\n911-TRANSAKCJA IPH\n"
    b":86:911 TRANSAKCJA\n:61:2603010301DN0,30NTRFNONREF//MB18\n:90D:1PLN0,30\n:90C:1PLN0,01\n-\n"
)
SAMPLES = {"mt940_dialects": DIALECTS, "mt942": MT942}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s", of_sources={"bank_mt940": "CNY"}), file="any", into=Path(tempfile.mkdtemp(dir=folder)))
    assert found.spec.name.startswith("bank_mt94")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored == body.count(b"\n:61:")
    return found


def test_dialects(tmp_path: Path) -> None:
    found = read(tmp_path, DIALECTS)
    assert found.rows_parsed == 8 and found.encoding == "cp1252"
    assert [(t.name, t.ok) for t in found.totals] == [
        ("closing balance STARTUMS/00012/001", True), ("closing balance PAGE1/13/1", True),
        ("closing balance PAGE2/13/2", True), ("balance brought forward to PAGE2/13/2", True), ("closing balance EMPTY/14", True),
    ]
    rows = found.table("bank_entries").to_pylist()
    assert [r["amount"] for r in rows] == [Decimal(a) for a in ("300", "-20.5", "-100", "7.25", "-2", "-65", "115", "1")]
    assert [str(r["period"]) for r in rows] == [
        "2026-02-27", "2026-02-27", "2026-03-01", "2026-03-01", "2026-03-01", "2026-03-01", "2026-03-02", "2027-01-01"]
    assert [r["bank_account"] for r in rows] == ["37040044/0532013000"] * 5 + ["NL81ASNB9999999999"] * 2 + ["2"]
    assert [r["entry_id"] for r in rows[:3]] == ["BR-1", "2026-02-27/-20.5/1279.5", "BR-3"]
    # a payout id is found across sub-fields, and not behind the closing balance
    assert [r["reference"] for r in rows] == ["po_7_A", "", "", "", "", "", "", ""]
    assert [r["currency"] for r in rows] == ["EUR"] * 7 + ["CNY"] and rows[0]["counterparty"] and "Gmb" not in str(rows)


def test_interim_report_states_its_sums(tmp_path: Path) -> None:
    found = read(tmp_path, MT942)
    assert [(t.stated, t.ok) for t in found.totals] == [("0.01", True), ("1", True), ("0.30", True), ("1", True)]
    assert [r["currency"] for r in found.table("bank_entries").to_pylist()] == ["PLN", "PLN"]


@pytest.mark.parametrize(("old", "new"), [
    (b"CR300,NTRF", b"CR300.00NTRF"),  # the library would read 300 and a reference of .00
    (b"CR300,NTRF", b"CR1234567890123456,78NTRF"),
    (b"2602270227CR", b"2613270227CR"),
    (b"CR300,NTRF", b"ED300,NTRF"),
    (b"2602270227CR300", b"2602270227CR\xff00"),
    (b"2602270227CR300,", b"2602270227CR3,0,0"),
])
def test_a_line_that_cannot_be_read_is_one_row_and_breaks_its_message_alone(tmp_path: Path, old: bytes, new: bytes) -> None:
    assert old in DIALECTS
    found = read(tmp_path, DIALECTS.replace(old, new, 1))
    assert (found.rows_parsed, found.rows_quarantined) == (7, 1)
    assert [t.ok for t in found.totals] == [False, True, True, True, True]
    [cell] = found.quarantine().to_pylist()
    assert cell["line"] == 5 and cell["is_money"] and "expected such as" in cell["reason"]


def test_a_cent_or_a_line_off_does_not_tie(tmp_path: Path) -> None:
    assert [t.ok for t in read(tmp_path, DIALECTS.replace(b"RD7,25", b"RD7,26")).totals] == [False, True, True, True, True]
    assert [t.ok for t in read(tmp_path, DIALECTS.replace(b":61:2603020302C115,NTRFNONREF\r\n", b"")).totals] == [True, True, False, True, True]
    assert [t.ok for t in read(tmp_path, MT942.replace(b"DN0,30", b"CN0,30")).totals] == [False, False, False, False]
    assert not read(tmp_path, DIALECTS.replace(b"EUR1184,75\r\n:64", b"EURx\r\n:64")).totals[0].ok


def test_a_page_that_is_missing_and_a_statement_that_stands_twice_are_told(tmp_path: Path) -> None:
    missing = read(tmp_path, DIALECTS.replace(b":62M:D260301EUR115,", b":62M:D260301EUR105,").replace(b"D65,00", b"D55,00"))
    assert [t.name for t in missing.totals if not t.ok] == ["balance brought forward to PAGE2/13/2"]
    first = DIALECTS[: DIALECTS.index(b"{1:")]
    assert [(t.name, t.computed) for t in read(tmp_path, first + DIALECTS).totals if not t.ok] == [
        ("times that statement STARTUMS/00012/001 of 37040044/0532013000 stands in it", "2")]


def test_an_interim_report_is_a_kind_of_its_own_so_that_its_day_does_not_count_twice(tmp_path: Path) -> None:
    """Fails if MT942 and MT940 are one source: the lines of both have no name in common, so a day of which both come would count twice."""
    report = b":20:X\n:25:1234\n:28C:1/1\n:34F:EUR0,\n:13D:2511271200+0100\n:61:2511271127C119,35NDDTNONREF\n:86:x\n:90C:1EUR119,35\n-\n"
    (tmp_path / "a.sta").write_bytes(report)
    [found] = extract(tmp_path / "a.sta", load_specs(), Setting(), file="a", into=tmp_path / "out")
    specs = load_specs()
    assert (found.spec.name, found.rows_parsed, all(t.ok for t in found.totals)) == ("bank_mt942", 1, True)
    assert specs["bank_mt942"].same_money == specs["bank_mt940"].same_money

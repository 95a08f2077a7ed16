"""CAMT.053 and CAMT.054 of every version: entries signed, batches one row, balances, sums and counts tie, hostile XML refused."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract


def _entry(amount: str, side: str, *, status: str = "<Sts>BOOK</Sts>", date: str = "<Dt>2026-03-01</Dt>", ref: str = "", rest: str = "") -> str:
    return (f"<Ntry>\n<NtryRef>N1</NtryRef><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{status}<BookgDt>{date}</BookgDt>"
            f"<ValDt><Dt>2026-03-02</Dt></ValDt>{f'<AcctSvcrRef>{ref}</AcctSvcrRef>' if ref else ''}{rest}</Ntry>\n")


def _balance(code: str, amount: str, side: str = "CRDT") -> str:
    return (f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>"
            "<Dt><Dt>2026-03-01</Dt></Dt></Bal>\n")


def _document(version: str, root: str, *statements: str, prefix: str = "") -> bytes:
    element = "Stmt" if root == "BkToCstmrStmt" else "Ntfctn"
    inner = "".join(
        f"<{element}>\n<Id>S{n}</Id><CreDtTm>2026-03-02T06:00:00+01:00</CreDtTm><Acct><Id><IBAN>DE0{n}</IBAN></Id><Ccy>EUR</Ccy></Acct>\n{body}</{element}>\n"
        for n, body in enumerate(statements, 1)
    )
    text = (f"<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:{version}\"><{root}>\n<GrpHdr><MsgId>M</MsgId>"
            f"<CreDtTm>2026-03-02T06:00:00</CreDtTm></GrpHdr>\n{inner}</{root}></Document>\n")
    if prefix:
        text = text.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:").replace("xmlns=", f"xmlns:{prefix}=")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _tx(amount: str) -> str:
    return (f"<TxDtls><Refs><EndToEndId>E{amount}</EndToEndId></Refs><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
            "<RltdPties><Dbtr><Nm>Frau Käufer</Nm></Dbtr></RltdPties><RmtInf><Ustrd>Order 7</Ustrd></RmtInf></TxDtls>")


SUMMARY = ("<TxsSummry><TtlNtries><NbOfNtries>4</NbOfNtries><Sum>164.75</Sum><TtlNetNtry><Amt>65.25</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry></TtlNtries>"
           "<TtlCdtNtries><NbOfNtries>2</NbOfNtries><Sum>115.00</Sum></TtlCdtNtries><TtlDbtNtries><NbOfNtries>2</NbOfNtries><Sum>49.75</Sum></TtlDbtNtries></TxsSummry>\n")
STATEMENT = _document(
    "camt.053.001.04", "BkToCstmrStmt",
    _balance("OPBD", "10.00", "DBIT") + _balance("CLBD", "75.25") + SUMMARY
    + _entry("100.00", "CRDT", ref="B1", rest=f"<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>{_tx('60.00')}{_tx('40.00')}</NtryDtls><AddtlNtryInf>SEPA /PAYOUT/AP9</AddtlNtryInf>")
    + _entry("29.75", "DBIT", date="<DtTm>2026-03-01T23:30:00.123+01:00</DtTm>")
    # a reversal states the side on which it is booked itself
    + _entry("15.00", "CRDT", rest="<RvslInd>true</RvslInd>", ref="B3")
    + _entry("20.00", "DBIT", status="<Sts>PDNG</Sts>", ref="B4"),
    # what is not booked moves no balance: -10 + 100 - 29.75 + 15 = 75.25
    _balance("CLBD", "5.00"),
)
NEW = _document("camt.053.001.08", "BkToCstmrStmt", _balance("PRCD", "1.00") + _entry("2.5", "CRDT", status="<Sts><Cd>BOOK</Cd></Sts>", date="<Dt>2026-03-01Z</Dt>", rest=(
    "<NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>Käufer GmbH</Nm></Pty></Dbtr></RltdPties></TxDtls></NtryDtls>")) + _balance("CLBD", "3.50"), prefix="ns2")
NOTIFICATION = _document("camt.054.001.02", "BkToCstmrDbtCdtNtfctn", "<TxsSummry><TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>5</Sum></TtlCdtNtries></TxsSummry>"
                         + _entry("5.00", "CRDT", ref="X1")).replace(b"\n<", b"<")
SAMPLES = {"camt053_04": STATEMENT, "camt053_08": NEW, "camt054_02": NOTIFICATION}


def read(folder: Path, body: bytes, source: str = "bank_camt053") -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s", zone="Europe/Berlin"), file="any", into=Path(tempfile.mkdtemp(dir=folder)))
    assert found.spec.name == source
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


def test_statement(tmp_path: Path) -> None:
    found = read(tmp_path, STATEMENT)
    assert (found.rows_read, found.rows_parsed, found.rows_ignored) == (4, 3, 1)
    rows = found.table("bank_entries").to_pylist()
    assert [(r["entry_id"], r["amount"]) for r in rows] == [("B1", Decimal(100)), ("N1/60.25", Decimal("-29.75")), ("B3", Decimal(15))]
    assert [str(r["period"]) for r in rows] == ["2026-03-01"] * 3 and str(rows[1]["occurred_at"]) == "2026-03-01 22:30:00"
    assert (rows[0]["bank_account"], rows[0]["currency"], rows[0]["reference"]) == ("DE01", "EUR", "AP9")
    assert [t.name for t in found.totals if t.ok] == [t.name for t in found.totals] and len(found.totals) == 9
    [stated] = found.statements  # the second states no opening balance
    assert (stated.account, stated.opening, stated.closing, *map(str, stated.days())) == ("DE01", -10, Decimal("75.25"), "2026-03-01")
    assert "Käufer" not in str(rows)


def test_next_version_with_prefixes_and_notification_in_one_line(tmp_path: Path) -> None:
    [row] = read(tmp_path, NEW).table("bank_entries").to_pylist()
    assert row["amount"] == Decimal("2.5") and row["counterparty"] and str(row["period"]) == "2026-03-01"
    assert [t.ok for t in read(tmp_path, NEW).totals] == [True]
    found = read(tmp_path, NOTIFICATION, "bank_camt054")
    assert found.rows_parsed == 1 and [t.ok for t in found.totals] == [True, True]


def test_a_cent_or_an_entry_off_does_not_tie(tmp_path: Path) -> None:
    def off(body: bytes) -> set[str]:
        return {t.name for t in read(tmp_path, body).totals if not t.ok}

    cent = off(STATEMENT.replace(b">29.75<", b">29.76<"))
    assert cent == {"closing balance S1", "sum of entries S1", "sum of debits S1", "net of entries S1"}
    start = STATEMENT.index(b"<Ntry>")
    deleted = off(STATEMENT[:start] + STATEMENT[STATEMENT.index(b"</Ntry>") + 7:])
    assert deleted == {
        "closing balance S1", "sum of entries S1", "sum of credits S1", "net of entries S1", "number of entries S1", "number of credits S1"}
    assert off(STATEMENT.replace(b"<NbOfTxs>2<", b"<NbOfTxs>3<")) == {"transactions in batches S1"}
    assert "entries in another currency than their account S1" in off(STATEMENT.replace(b'<Amt Ccy="EUR">29.75<', b'<Amt Ccy="USD">29.75<'))


def test_a_bad_entry_is_one_row(tmp_path: Path) -> None:
    found = read(tmp_path, STATEMENT.replace(b'">29.75<', b'">29,75<'))
    assert (found.rows_parsed, found.rows_quarantined) == (2, 1) and not found.totals[0].ok
    assert "is no amount" in found.quarantine().to_pylist()[0]["reason"]


@pytest.mark.parametrize("hostile", [
    '<!DOCTYPE d [<!ENTITY a "b">]>', '<!DOCTYPE d SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>',
])
def test_hostile_xml_is_refused(tmp_path: Path, hostile: str) -> None:
    with pytest.raises(RefusedFile, match="document type"):
        read(tmp_path, STATEMENT.replace(b"<Document", hostile.encode() + b"<Document", 1))
    with pytest.raises(RefusedFile, match="nested"):
        read(tmp_path, STATEMENT.replace(b"<NtryRef>", b"<a>" * 100 + b"<NtryRef>", 1))
    with pytest.raises(RefusedFile, match="not readable as XML at line"):
        read(tmp_path, STATEMENT[:-60])


def test_a_statement_that_stands_twice_is_told(tmp_path: Path) -> None:
    one = _balance("OPBD", "1.00") + _entry("2.00", "CRDT") + _balance("CLBD", "3.00")
    twice = _document("camt.053.001.02", "BkToCstmrStmt", one, one).replace(b"S2<", b"S1<").replace(b"DE02", b"DE01")
    assert [(t.name, t.computed) for t in read(tmp_path, twice).totals if not t.ok] == [
        ("times that statement S1 of DE01 stands in it", "2")]


@pytest.mark.parametrize(("stamp", "day"), [
    ("2026-03-05T23:30:00-05:00", "2026-03-05"),  # the bank's own day, whatever the books' zone
    ("2026-03-05T00:00:00Z", "2026-03-05"),
    ("2026-03-05T23:00:00Z", "2026-03-06"),  # by no clock of the bank's: midnight of the books
])
def test_the_day_of_an_entry_is_that_of_its_bank(tmp_path: Path, stamp: str, day: str) -> None:
    body = _document("camt.053.001.02", "BkToCstmrStmt", _entry("2.00", "CRDT", date=f"<DtTm>{stamp}</DtTm>"))
    assert [str(row["period"]) for row in read(tmp_path, body).table("bank_entries").to_pylist()] == [day]

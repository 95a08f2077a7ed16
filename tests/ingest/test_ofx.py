"""OFX 1.x with tags left open and 2.x as XML: several accounts, signs, days, currencies; one bad transaction is one row."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

SGML = (
    "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\nCOMPRESSION:NONE\r\n"
    "OLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n"
    "<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260302<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>\r\n"
    "<BANKMSGSRSV1><STMTTRNRS><TRNUID>0<STMTRS><CURDEF>CAD<BANKACCTFROM><BANKID>16<ACCTID>12300 0012<ACCTTYPE>CHECKING</BANKACCTFROM>\r\n"
    "<BANKTRANLIST><DTSTART>20260301<DTEND>20260302\r\n"
    "<STMTTRN><TRNTYPE>POS<DTPOSTED>20260301122017.000[-5:EST]<TRNAMT>-6.60<FITID>F1<NAME>Caf\xe9 & Söhne<MEMO>POS</STMTTRN>\r\n"
    "<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260302<TRNAMT>+1,5<FITID>F2<NAME>Stripe po_1AbcDefGhiJklMno</STMTTRN>\r\n"
    "</BANKTRANLIST><LEDGERBAL><BALAMT>382.34<DTASOF>20260302</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1>\r\n"
    "<CREDITCARDMSGSRSV1><CCSTMTTRNRS><CCSTMTRS><CURDEF>CAD<CCACCTFROM><ACCTID>4000</CCACCTFROM><BANKTRANLIST>\r\n"
    "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260302120000<TRNAMT>-10<FITID>F1<BANKACCTTO><ACCTID>other</BANKACCTTO>"
    "<CURRENCY><CURRATE>1.3<CURSYM>USD</CURRENCY></STMTTRN>\r\n"
    "</BANKTRANLIST></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1></OFX>\r\n"
).encode("cp1252")
# all transactions in one line; a currency that TRNAMT has been converted from; FITID left empty
XML = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE"?>\n'
    b"<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD</CURDEF><BANKACCTFROM><ACCTID>9100</ACCTID></BANKACCTFROM><BANKTRANLIST>"
    b"<STMTTRN><TRNTYPE>CREDIT</TRNTYPE><DTPOSTED>20260302033000.000[+5.5:IST]</DTPOSTED><TRNAMT>12.34</TRNAMT><FITID>A</FITID>"
    b"<ORIGCURRENCY><CURRATE>1</CURRATE><CURSYM>INR</CURSYM></ORIGCURRENCY><MEMO>a &amp; b /PAYOUT/P&#45;1</MEMO></STMTTRN>"
    b"<STMTTRN><TRNTYPE>DEBIT</TRNTYPE><DTPOSTED>20260302</DTPOSTED><TRNAMT>-2</TRNAMT><FITID></FITID><NAME>X</NAME></STMTTRN>"
    b"</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
)
SAMPLES = {"ofx_sgml": SGML, "ofx_xml": XML}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s", zone="UTC"), file="any", into=Path(tempfile.mkdtemp(dir=folder)))
    assert found.spec.name == "bank_ofx"
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


def test_open_tags_and_two_accounts(tmp_path: Path) -> None:
    found = read(tmp_path, SGML)
    rows = found.table("bank_entries").to_pylist()
    assert [(r["bank_account"], r["entry_id"], r["amount"], r["currency"], r["line"]) for r in rows] == [
        ("12300 0012", "F1", Decimal("-6.6"), "CAD", 14), ("12300 0012", "F2", Decimal("1.5"), "CAD", 15), ("4000", "F1", Decimal(-10), "USD", 18)]
    assert [str(r["occurred_at"]) for r in rows] == ["2026-03-01 17:20:17", "2026-03-02 00:00:00", "2026-03-02 12:00:00"]
    assert [r["reference"] for r in rows] == ["", "po_1AbcDefGhiJklMno", ""] and "Caf" not in str(rows)
    assert found.rows_parsed == 3 and [t.ok for t in found.totals] == [True, True]


def test_xml_in_one_line(tmp_path: Path) -> None:
    rows = read(tmp_path, XML).table("bank_entries").to_pylist()
    assert [(r["entry_id"], r["amount"], r["currency"], r["reference"]) for r in rows] == [
        ("A", Decimal("12.34"), "USD", "P-1"), ("20260302/-2/fa58e7e28f12", Decimal(-2), "USD", "")]
    assert str(rows[0]["occurred_at"]) == "2026-03-01 22:00:00" and str(rows[0]["period"]) == "2026-03-02"


@pytest.mark.parametrize(("old", "new"), [
    (b"<TRNAMT>-6.60", b"<TRNAMT>-6.6O"), (b"<TRNAMT>-6.60", b"<TRNAMX>-6.60"), (b"<DTPOSTED>20260301122017", b"<DTPOSTED>20261301122017"),
    (b"<DTPOSTED>20260301122017.000[-5:EST]", b""), (b"<STMTTRN><TRNTYPE>POS", b"<STMXTRN><TRNTYPE>POS"),
])
def test_a_bad_transaction_is_one_row(tmp_path: Path, old: bytes, new: bytes) -> None:
    assert old in SGML
    found = read(tmp_path, SGML.replace(old, new))
    assert (found.rows_parsed, found.rows_quarantined) == (2, 1)


def test_a_file_cut_short_does_not_pass_and_entities_are_refused(tmp_path: Path) -> None:
    found = read(tmp_path, SGML[: SGML.index(b"<FITID>F2")])
    assert (found.rows_parsed, found.rows_quarantined) == (1, 1) and [t.name for t in found.totals if not t.ok] == ["</OFX> at the end of the file"]
    with pytest.raises(RefusedFile, match="document type"):
        read(tmp_path, XML.replace(b"<OFX>", b'<!DOCTYPE OFX [<!ENTITY a "b">]><OFX>'))


def test_a_bank_that_leaves_out_the_signs_is_told(tmp_path: Path) -> None:
    unsigned = XML.replace(b"<TRNAMT>-2<", b"<TRNAMT>2<")
    assert [(t.name, t.computed) for t in read(tmp_path, unsigned).totals if not t.ok] == [("debits of which none is negative", "1")]

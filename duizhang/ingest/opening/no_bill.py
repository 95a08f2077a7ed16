"""What cannot be read, told by its first bytes: a PDF, a mail, a page under the name of a workbook, statements of other forms."""

from __future__ import annotations

import re

from duizhang.errors import RefusedFile

_HEAD = 4096
_OTHER_FORMS = "Download the statement as CAMT.053, MT940, OFX or CSV: this form is not read."
_KINDS = (  # (what its beginning looks like, what it is, what to do)
    (rb"\A\s*%PDF-", "a PDF", "Download the bill as CSV or as a workbook: amounts on a printed page are not read."),
    (rb"\A\s*\{\\rtf", "a text document (RTF)", "Download the bill as CSV or as a workbook."),
    (rb"(?s)\A.*<\?mso-application progid=\"Excel\.Sheet\"|(?i:<(ss:)?Workbook[^>]*urn:schemas-microsoft-com:office:spreadsheet)",
     "SpreadsheetML (an Excel 2003 workbook in XML)", "Open it in a spreadsheet and save it as XLSX."),
    (rb"(?i)\A\W*(<!doctype html|<html|<head|<body|<table|<meta)", "HTML, a web page",
     "Open it in a spreadsheet and save it as XLSX, or download the bill again: a page instead of a file is often a sign-in."),
    (rb"(?i)\A(?:[\w-]+:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*){0,40}?(?:mime-version|received|message-id|return-path):", "a mail",
     "Save what is attached to it, and drop that."),
    (rb"\APK\x03\x04", "a ZIP in an archive", "Unpack it, and drop what is in it."),
    (rb"\A(?:\x1f\x8b|BZh\d1AY&SY|\xfd7zXZ\x00|\x28\xb5\x2f\xfd|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|[\s\S]{257}ustar)",
     "an archive of a kind that is not opened (7z, RAR, tar, xz, bzip2, zstd, or one in another)", "Unpack it, and drop what is in it."),
    (rb"\A(?:\x89PNG|\xff\xd8\xff|GIF8|II\*\x00|MM\x00\*)", "a picture", "Download the bill as CSV or as a workbook."),
    (rb"\A(?:SQLite format 3\x00|ARROW1\x00)", "a database or a table of a program", "Export it as CSV or Parquet."),
    (rb"\AID;P", "a SYLK table", "Open it in a spreadsheet and save it as XLSX."),
    (rb"\A(?:\xef\xbb\xbf)?1CClientBankExchange", "an exchange of 1C with a bank (Russia)", _OTHER_FORMS),
    (rb"\A\s*!(?:(?:Type|Option):|Account\b)", "a QIF file (Quicken) of several accounts, or of lists or shares",
     "Download the statement as OFX, CAMT.053, MT940 or CSV."),
    (rb"\A\s*#(?:FLAGGA|PROGRAM|FORMAT|SIETYP)\b", "a SIE file of a ledger (Sweden)", "Export the journal as CSV."),
    (rb"\A\s*(?:\[\s*)?\{\s*\"\w+\"\s*:", "JSON, of a form that no specification has",
     "Export it as CSV, or write a specification with reader: json."),
    (rb"\A00000[0-3]\d[01]\d\d\d\d{3}05", "a CODA statement (Belgium)", _OTHER_FORMS),
    (rb"\A0[147]\d{5}[ \d]{4}\d{5}[A-Z]{3}\d", "a CFONB 120 statement (France)", _OTHER_FORMS),
    (rb"\A11\d{30}[12]\d{17}", "a Norma 43 statement (AEB, Spain)", _OTHER_FORMS),
    (rb"\A074\d{16}", "an ABO statement (GPC, Czechia and Slovakia)", _OTHER_FORMS),
    (rb"\A01BGMAX", "a BgMax report of Bankgirot (Sweden)", _OTHER_FORMS),
    (rb"\A1(?:01|03)[01]\d{18}", "a statement of Zengin (Japan)", _OTHER_FORMS),
    (rb"\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\?>\s*(?:<!--[\s\S]*?-->\s*)*<(?:\w+:)?(?:Invoice|CreditNote|CrossIndustryInvoice|AuditFile)\b",
     "an invoice or an audit file in XML", "Download the statement or the bill as CSV."),
    (rb"(?:camt\.052\.001\.\d\d|<(?:\w+:)?BkToCstmrAcctRpt[\s>])", "camt.052, an intraday report that the day's statement repeats",
     "Download the statement of the day, camt.053."),
    (rb"iso:20022:tech:xsd:(?:pain|pacs)\.\d\d\d|<(?:\w+:)?(?:CstmrCdtTrfInitn|CstmrDrctDbtInitn|CstmrPmtStsRpt)[\s>]",
     "an order of payments, or the answer to one (ISO 20022 pain or pacs)", "Download the statement of the account, camt.053."),
)
_COMPILED = tuple((re.compile(pattern), kind, advice) for pattern, kind, advice in _KINDS)


def refuse_no_bill(head: bytes) -> None:
    """Raises RefusedFile, saying what it is, where a document that no specification fits begins as no bill does."""
    for pattern, kind, advice in _COMPILED:
        if pattern.search(head[:_HEAD]):
            raise RefusedFile(f"it is {kind}, no bill that can be read", advice=advice)

"""What is no bill, told by its first bytes: a PDF, a mail, a page or workbook in XML under the name of a workbook."""

from __future__ import annotations

import re

from duizhang.errors import RefusedFile

_HEAD = 4096
_KINDS = (  # (what its beginning looks like, what it is, what to do)
    (rb"\A\s*%PDF-", "a PDF", "Download the bill as CSV or as a workbook: amounts on a printed page are not read."),
    (rb"\A\s*\{\\rtf", "a text document (RTF)", "Download the bill as CSV or as a workbook."),
    (rb"(?s)\A.*<\?mso-application progid=\"Excel\.Sheet\"|(?i:<(ss:)?Workbook[^>]*urn:schemas-microsoft-com:office:spreadsheet)",
     "SpreadsheetML (an Excel 2003 workbook in XML)", "Open it in a spreadsheet and save it as XLSX."),
    (rb"(?i)\A\W*(<!doctype html|<html|<head|<body|<table|<meta)", "HTML, a web page",
     "Open it in a spreadsheet and save it as XLSX, or download the bill again: a page instead of a file is often a sign-in."),
    (rb"(?i)\A(?:[\w-]+:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*){0,40}?(?:mime-version|received|message-id|return-path):", "a mail",
     "Save what is attached to it, and drop that."),
    (rb"(?:camt\.052\.001\.\d\d|<(?:\w+:)?BkToCstmrAcctRpt[\s>])", "camt.052, an intraday report that the day's statement repeats",
     "Download the statement of the day, camt.053."),
)
_COMPILED = tuple((re.compile(pattern), kind, advice) for pattern, kind, advice in _KINDS)


def refuse_no_bill(head: bytes) -> None:
    """Raises RefusedFile, saying what it is, where a document that no specification fits begins as no bill does."""
    for pattern, kind, advice in _COMPILED:
        if pattern.search(head[:_HEAD]):
            raise RefusedFile(f"it is {kind}, no bill that can be read", advice=advice)

"""Rows that a workbook hides, by a filter or by hand: they are read like the others, and told."""

from __future__ import annotations

import html
import io
import re
import zipfile

from duizhang.ingest.opening.container import Document, refusing_damage
from duizhang.ingest.opening.spreadsheet_xml import is_spreadsheet_xml, sheets_of
from duizhang.ingest.opening.workbook_parts import sheet_part
from duizhang.ingest.opening.xls import MAGIC, xls_hidden_rows

_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*\bhidden=\"(?:1|true)\"[^>]*>")
_NUMBER = re.compile(rb'\br="(\d+)"')
_FILLED = re.compile(rb"<(?:\w+:)?(?:v|t)>[^<]")
_ROW_END = re.compile(rb"</(?:\w+:)?row>")
# of an OpenDocument sheet: its rows one after another, each with how often it stands there
_TABLE = re.compile(r"<table:table\s[^>]*?table:name=\"([^\"]*)\"[^>]*>(.*?)</table:table>", re.DOTALL)
_ODS_ROW = re.compile(r"<table:table-row\b([^>]*?)(/>|>(.*?)</table:table-row>)", re.DOTALL)
_REPEATED = re.compile(r'table:number-rows-repeated="(\d+)"')


def hidden_rows(document: Document) -> list[int]:
    """The lines of a sheet that are hidden and not empty, counted from 1. Raises RefusedFile where the workbook is damaged."""
    with document.open() as stream:
        body = stream.read()
    if body.startswith(MAGIC):
        return xls_hidden_rows(body, document.sheet)
    if is_spreadsheet_xml(body[:4096]):
        return sheets_of(body)[document.sheet].hidden
    with refusing_damage(), zipfile.ZipFile(io.BytesIO(body)) as members:
        names = members.namelist()
        if "content.xml" in names:
            return _of_open_document(members.read("content.xml").decode("utf-8", "replace"), document.sheet)
        part = sheet_part(members, document.sheet)
        return _of_sheet(members.read(part)) if part in names else []


def _of_sheet(text: bytes) -> list[int]:
    lines = []
    for found in _ROW.finditer(text):
        number = _NUMBER.search(found[0])
        if number is None or found[0].endswith(b"/>"):
            continue
        end = _ROW_END.search(text, found.end())
        if end is not None and _FILLED.search(text, found.end(), end.start()):
            lines.append(int(number[1]))
    return lines


def _of_open_document(text: str, sheet: str) -> list[int]:
    lines: list[int] = []
    at = 1
    for table in _TABLE.finditer(text):
        if html.unescape(table[1]) != sheet:
            continue
        for row in _ODS_ROW.finditer(table[2]):
            repeated = _REPEATED.search(row[1])
            count = int(repeated[1]) if repeated else 1
            filled = "<text:p" in (row[3] or "")
            if filled and re.search(r'table:visibility="(?:collapse|filter)"', row[1]):
                lines += range(at, at + count)
            at += count
        break
    return lines

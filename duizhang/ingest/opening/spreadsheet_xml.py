"""SpreadsheetML, the workbook in XML of Excel 2003 that programs still send under the name of an XLS: its sheets, rows and what cells show.

It is read as a stream by defusedxml's parser: a document type or an entity is refused at once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

import defusedxml.expatreader
from defusedxml.common import DefusedXmlException

from duizhang.errors import RefusedFile
from duizhang.ingest.opening.bounds import refuse_far
from duizhang.ingest.opening.number_formats import shown_by

_BEGINS = re.compile(rb"<(?:\w+:)?Workbook[^>]*urn:schemas-microsoft-com:office:spreadsheet")
_HEAD = 4096
_PART = 1 << 16
_MOST = 1 << 28  # bytes
_LONG_NUMBER = re.compile(r"-?\d{16,}")  # which a float no longer holds
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?)?")
_NAMED_FORMATS = {"Euro Currency": "EUR"}
_OF_A_CLOCK = 1899  # the year of a cell that is a time of day alone


@dataclass
class Sheet:
    """What a sheet has. shown: what formats show at its numbers, by row and column from 0; hidden: its hidden lines from 1."""

    name: str
    rows: list[list[object]] = field(default_factory=list)
    shown: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden: list[int] = field(default_factory=list)
    is_hidden: bool = False


def is_spreadsheet_xml(head: bytes) -> bool:
    """Whether a document begins as such a workbook."""
    return _BEGINS.search(head[:_HEAD].replace(b"\0", b"")) is not None


@lru_cache(1)
def sheets_of(body: bytes) -> Mapping[str, Sheet]:
    """The sheets of a workbook by name. Raises RefusedFile where it is too large, ends early or has formulas that nobody computed."""
    if len(body) > _MOST:
        raise RefusedFile(f"a workbook of {len(body):,} bytes", advice="Export it as CSV.")
    parser, found = defusedxml.expatreader.create_parser(forbid_dtd=True), _Workbook()
    parser.setContentHandler(found)
    try:
        for start in range(0, len(body), _PART):
            parser.feed(body[start : start + _PART])
        parser.close()
    except DefusedXmlException as error:
        raise RefusedFile("XML with a document type or entities, which no workbook has", advice="Check where it comes from.") from error
    except (SAXException, ValueError, LookupError) as error:
        raise RefusedFile(f"not a readable workbook: {error}", advice="Download it again, or save it as XLSX.") from error
    return found.sheets


class _Workbook(ContentHandler):
    """What a workbook's elements say, one after another."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: dict[str, Sheet] = {}
        self.path: list[str] = []
        self.formats: dict[str, str] = {}  # style -> its format
        self.parents: dict[str, str] = {}
        self.style = ""
        self.columns: dict[int, str] = {}  # of a sheet: column -> its style
        self.row: list[object] = []
        self.row_style, self.row_hidden, self.column, self.cell_style = "", False, 0, ""
        self.below: dict[int, int] = {}  # column -> rows into which a cell above still reaches
        self.kind, self.text, self.formula, self.across, self.down = "", [""], False, 0, 0
        self.is_filled = False

    def startElement(self, name: str, attrs: Any) -> None:
        """See what begins."""
        own = name.rpartition(":")[2]
        said = {key.rpartition(":")[2]: value for key, value in attrs.items()}
        self.path.append(own)
        if own == "Style":
            self.style, self.parents[said.get("ID", "")] = said.get("ID", ""), said.get("Parent", "")
        elif own == "NumberFormat":
            self.formats[self.style] = said.get("Format", "")
        elif own == "Worksheet":
            self.sheet = self.sheets.setdefault(said.get("Name", ""), Sheet(said.get("Name", "")))
            self.columns, self.below = {}, {}
        elif own == "Column":
            at = int(said["Index"]) - 1 if "Index" in said else max(self.columns, default=-1) + 1
            refuse_far(1, at + 1 + int(said.get("Span", "0")))
            for column in range(at, at + 1 + int(said.get("Span", "0"))):
                self.columns[column] = said.get("StyleID", "")
        elif own == "Row":
            refuse_far(int(said.get("Index", "1")), 1)
            while "Index" in said and len(self.sheet.rows) < int(said["Index"]) - 1:
                self._end_row([])
            self.row, self.row_style, self.column = [], said.get("StyleID", ""), 0
            self.row_hidden = said.get("Hidden", "") in ("1", "true") or said.get("Height", "") == "0"
        elif own == "Cell":
            while "Index" not in said and self.below.get(self.column, 0):
                self.column += 1
            self.column = int(said["Index"]) - 1 if "Index" in said else self.column
            refuse_far(len(self.sheet.rows) + 1, self.column + 1)
            self.cell_style, self.formula = said.get("StyleID", ""), "Formula" in said
            self.across, self.down = int(said.get("MergeAcross", "0")), int(said.get("MergeDown", "0"))
            self.kind, self.is_filled = "", False
        elif own == "Data" and self.path[-2:-1] == ["Cell"]:
            self.kind, self.text = said.get("Type", "String"), []
        elif own == "Visible":
            self.text = []

    def characters(self, content: str) -> None:
        """Take a text: of a cell, what stands in the elements of its writing as well."""
        self.text.append(content)

    def endElement(self, name: str) -> None:
        """See what ends."""
        own = name.rpartition(":")[2]
        self.path.pop()
        if own == "Data" and self.path[-1:] == ["Cell"]:
            self._fill(self._value("".join(self.text)))
        elif own == "Cell":
            if self.formula and not self.is_filled:
                raise RefusedFile("cells of it are formulas that nobody has computed, so they have no value",
                                  advice="Open it in a spreadsheet and save it again.")
            if self.down:
                self.below |= dict.fromkeys(range(self.column, self.column + self.across + 1), self.down + 1)
            self.column += 1 + self.across
        elif own == "Row":
            self._end_row(self.row)
        elif own == "Visible":
            self.sheet.is_hidden = "".join(self.text).strip() in ("SheetHidden", "SheetVeryHidden")

    def _end_row(self, row: list[object]) -> None:
        self.sheet.rows.append(row)
        if self.row_hidden and any(str(cell).strip() for cell in row):
            self.sheet.hidden.append(len(self.sheet.rows))
        self.below = {column: left - 1 for column, left in self.below.items() if left > 1}
        self.row_hidden = False

    def _fill(self, value: object) -> None:
        self.row += [""] * (self.column - len(self.row))
        if len(self.row) > self.column:
            self.row[self.column] = value
        else:
            self.row.append(value)
        self.is_filled = True
        if isinstance(value, float) and (shown := self._shown()):
            self.sheet.shown[len(self.sheet.rows), self.column] = shown

    def _shown(self) -> str:
        style = self.cell_style or self.row_style or self.columns.get(self.column, "")
        for _ in range(len(self.parents) + 1):
            if style in self.formats:
                return _NAMED_FORMATS.get(self.formats[style]) or shown_by(self.formats[style])
            style = self.parents.get(style, "")
        return ""

    def _value(self, text: str) -> object:
        if self.kind == "Number":
            return text if _LONG_NUMBER.fullmatch(text) else float(text)
        if self.kind == "Boolean":
            return text.strip() == "1"
        found = _TIME.fullmatch(text) if self.kind == "DateTime" else None
        if found is None:
            return text
        year, month, day, hour, minute, second, part = (int(group) if group else 0 for group in found.groups())
        clock = dt.time(hour, minute, second, int(f"{part:06}") if part else 0)
        if year == _OF_A_CLOCK:
            return str(clock)
        return dt.datetime.combine(dt.date(year, month, day), clock)

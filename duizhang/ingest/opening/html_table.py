"""A page with the rows of a bill in a table, as banks and shops send under the name of a workbook, as the delimited text that it is.

A line is a row of a table; what stands outside of tables is a line by itself. A table that has others in it only lays them out.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from html.parser import HTMLParser

from duizhang.errors import RefusedFile
from duizhang.ingest.opening.encoded import marked

_PAGE = re.compile(rb"(?i)\A\W*<(?:!doctype html|html|head|body|table|meta|style|div)\b")
_CHARSET = re.compile(rb"(?i)<meta[^>]*charset=[\"']?\s*([\w-]+)")
_MOST = 1 << 26  # bytes
_FEWEST = 3  # cells of a row that tell a table from a form
_MOST_SPANNED = 200  # columns or rows
_RAISED = ("sup", "sub", "small")
_HIDDEN = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)")
_CUT = re.compile(r"^[-+]?\d(?:[.,]\d+)?E[+]?\d+$|^#+$")  # what a spreadsheet shows of a number that has no room


def is_page(head: bytes) -> bool:
    """Whether a document begins as a page."""
    return _PAGE.search(_narrow(head[:4096])) is not None


def as_table(body: bytes) -> bytes | None:
    """The rows of the page's tables between tabs, in UTF-8 where its encoding is known; None where there is no table in it.

    Raises RefusedFile where the page ends within a table, or has rows in one that it does not show.
    """
    if len(body) > _MOST:
        return None
    encoding = _encoding(body)
    page = _Page()
    page.feed(body.decode(encoding, "replace"))
    page.close()
    for table in page.tables:  # that do not end
        page.lines += table.rows
    if not any(len(row) >= _FEWEST for row in page.lines):
        return None
    if page.tables or (page.html_opened and not page.html_closed):
        raise RefusedFile("the page ends within a table", advice="Download it again.")
    if page.hidden:
        raise RefusedFile("a table of the page has rows that it does not show", advice="Open it in a spreadsheet and save it as XLSX.")
    written = io.StringIO()
    rows = csv.writer(written, delimiter="\t", lineterminator="\n")
    for row in page.lines:
        rows.writerow(row)
    # without a known encoding the text is byte for byte what it was
    return written.getvalue().encode("latin-1", "replace") if encoding == "latin-1" else b"\xef\xbb\xbf" + written.getvalue().encode()


def _narrow(head: bytes) -> bytes:
    """The beginning in bytes of ASCII where it is."""
    return head.replace(b"\0", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff") if b"\0" in head[:64] else head


def _encoding(body: bytes) -> str:
    """The encoding of a page: by its mark, by what its letters are, by what it says; else latin-1, which changes no byte."""
    mark = marked(body[:4096])
    if mark:
        return mark
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        said = _CHARSET.search(body[:8192])
        name = said[1].decode() if said else ""
        name = "gb18030" if name.lower() in ("gb2312", "gbk") else name
        try:
            return name if name and codecs.lookup(name).name not in ("utf-8", "ascii") else "latin-1"
        except LookupError:
            return "latin-1"
    return "utf-8"


class _Table:
    """A table that is being read: the cells of its row, and those above that reach into it."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.row: list[str] | None = None
        self.cell: list[str] | None = None
        self.number, self.columns, self.spanned = "", 1, 1
        self.above: dict[int, int] = {}  # column -> rows into which a cell above still reaches
        self.lays_out = False

    def end_cell(self) -> None:
        """Put the cell into its row, behind those that reach into it from above."""
        if self.cell is None:
            return
        row = self.begun_row()
        while self.above.get(len(row), 0):
            row.append("")
        text = " ".join("".join(self.cell).split())
        text = self.number if self.number and _CUT.match(text) else text
        for at in range(self.columns):
            if self.spanned > 1:
                self.above[len(row)] = self.spanned
            row.append("" if at else text)
        self.cell = None

    def begun_row(self) -> list[str]:
        """The row that is being read."""
        if self.row is None:
            self.row = []
        return self.row

    def end_row(self) -> None:
        """Put the row to the others."""
        self.end_cell()
        if self.row is not None:
            while self.above.get(len(self.row), 0):
                self.row.append("")
            self.rows.append(self.row)
            self.above = {column: left - 1 for column, left in self.above.items() if left > 1}
            self.row = None


class _Page(HTMLParser):
    """The lines of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[list[str]] = []
        self.tables: list[_Table] = []
        self.words: list[str] = []  # outside of tables
        self.unread = ""  # the element whose text is none of the page's
        self.hidden = self.html_opened = self.html_closed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See what begins."""
        said = {name: value or "" for name, value in attrs}
        if tag in ("script", "style", "title"):
            self.unread = tag
        elif tag == "html":
            self.html_opened = True
        elif tag == "table":
            self._end_words()
            if self.tables:
                self.tables[-1].lays_out = True
            self.tables.append(_Table())
        elif tag in ("br", "p", "div", "li", "h1", "h2", "h3", "h4"):
            self._text(" ")
            self._end_words()
        elif tag in _RAISED:
            self._text("^")  # cents or a note: no digit of the number before it
        if not self.tables:
            return
        table = self.tables[-1]
        if tag == "tr":
            table.end_row()
            table.row = []
        elif tag in ("td", "th"):
            table.end_cell()
            table.cell, table.number = [], said.get("x:num", "")
            table.columns, table.spanned = _count(said.get("colspan", "")), _count(said.get("rowspan", ""))
        if tag in ("table", "tbody", "tr", "td", "th") and ("hidden" in said or _HIDDEN.search(said.get("style", ""))):
            self.hidden = True

    def handle_endtag(self, tag: str) -> None:
        """See what ends."""
        if tag == self.unread:
            self.unread = ""
        elif tag == "html":
            self.html_closed = True
        elif tag in ("p", "div", "li", "h1", "h2", "h3", "h4"):
            self._end_words()
        if not self.tables:
            return
        table = self.tables[-1]
        if tag in ("td", "th"):
            table.end_cell()
        elif tag == "tr":
            table.end_row()
        elif tag == "table":
            table.end_row()
            self.tables.pop()
            found = [[text] for row in table.rows for text in row if text] if table.lays_out else table.rows
            self.lines += [*found, []]

    def handle_data(self, data: str) -> None:
        """Take a text."""
        if not self.unread:
            self._text(data)

    def close(self) -> None:
        """End the page."""
        super().close()
        self._end_words()

    def _text(self, data: str) -> None:
        if self.tables and self.tables[-1].cell is not None:
            self.tables[-1].cell.append(data)
        else:
            self.words.append(data)

    def _end_words(self) -> None:
        text = " ".join("".join(self.words).split())
        self.lines += [[text]] if text else []
        self.words = []


def _count(text: str) -> int:
    return min(max(int(text), 1), _MOST_SPANNED) if text.strip().isdecimal() else 1

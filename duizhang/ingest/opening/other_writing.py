"""Delimited text that is written in another way: each line as one quoted cell, apostrophes for quotation marks, two marks between cells,
a header with other marks than its rows, QIF, blocks of labelled lines, a page. It is read as it would be written usually; lines keep
their number, but of a page."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import BinaryIO

from duizhang.ingest.opening import html_table, labelled
from duizhang.ingest.opening.container import Document
from duizhang.ingest.opening.encoded import WIDE, marked
from duizhang.ingest.opening.qif import as_table, is_qif

_LOOKED_AT, _SHOWN = 60, 1 << 14  # lines, bytes
_MARKS = (",", ";", "\t", "|", "^", "~")
_PAIRS = ("|;", ";|", "|,", ",|", "::", "||", ";;", ",,", "~~", "^^", "~|~", "|~|", "##")  # longer ones of the same marks first
_BETWEEN = "\x1f"  # stands for two marks: in no text that people write
_FEWEST = 3  # cells of a table

Rule = Callable[[int, str], str]  # of a line and its index from 0


def rewritten(document: Document) -> Document:
    """The document as it would be written usually; itself where it is."""
    if document.kind != "text":
        return document
    if html_table.is_page(document.head):
        with document.open() as stream:
            rows = html_table.as_table(stream.read())
        return document if rows is None else replace(document, open=lambda: io.BytesIO(rows))
    if (marked(document.head) or "").startswith(WIDE):
        return document
    if is_qif(document.head):
        with document.open() as stream:
            table = as_table(stream.read())
        return document if table is None else replace(document, open=lambda: io.BytesIO(table))
    if labelled.is_labelled(document.head[:_SHOWN]):
        with document.open() as stream:
            blocks = labelled.as_table(stream.read())
        return document if blocks is None else replace(document, open=lambda: io.BytesIO(blocks))
    lines = re.split(r"\r\n|\n|\r", document.head[:_SHOWN].decode("latin-1"))  # byte for byte
    rule = _rule(lines[:_LOOKED_AT] if len(document.head) <= _SHOWN else lines[:-1][:_LOOKED_AT])
    if rule is None:
        return document

    def opened() -> BinaryIO:
        return io.BufferedReader(_Rewritten(document.open(), rule))  # type: ignore[type-var]

    return replace(document, open=opened)


def _rule(lines: Sequence[str]) -> Rule | None:
    """What makes the usual way of these lines; None where they are written so."""
    filled = [(at, line.removeprefix("\xef\xbb\xbf")) for at, line in enumerate(lines) if line.strip()]
    if len(filled) < 2:
        return None
    return _wrapped(filled) or _apostrophes(filled) or _pairs(filled) or _other_header(filled)


def _wrapped(filled: Sequence[tuple[int, str]]) -> Rule | None:
    """Lines that are one quoted cell each; the header need not be."""
    one_cell = [_inside(line) is not None for _, line in filled]
    if not all(one_cell[-2:]) or sum(one_cell) < len(filled) - 1:
        return None
    return lambda _, line: line if (inside := _inside(line)) is None else inside


def _inside(line: str) -> str | None:
    """What stands in a line that is one quoted cell with marks between cells in it."""
    bare = line.removeprefix("\xef\xbb\xbf").strip()
    if not (bare.startswith('"') and bare.endswith('"') and len(bare) > 2):
        return None
    for mark in _MARKS:
        cells = _cells(bare, mark, '"')
        if len(cells) != 1:
            return None
    [inside] = _cells(bare, ",", '"')
    return inside if any(mark in inside for mark in _MARKS) else None


def _cells(line: str, mark: str, quote: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=mark, quotechar=quote), [])
    except csv.Error:
        return []


def _apostrophes(filled: Sequence[tuple[int, str]]) -> Rule | None:
    """Cells between apostrophes."""
    for mark in _MARKS:
        quoted = re.compile(rf"^'[^']*'(?:{re.escape(mark)}'[^']*'){{2,}}$")
        if quoted.match(filled[0][1].strip()) and filled[1][1].startswith("'"):
            def usual(_: int, line: str, mark: str = mark) -> str:
                written = io.StringIO()
                csv.writer(written, delimiter=mark, lineterminator="").writerow(_cells(line, mark, "'"))
                return written.getvalue()

            return usual
    return None


def _pairs(filled: Sequence[tuple[int, str]]) -> Rule | None:
    """Two marks between cells, where no cell is empty in most lines."""
    for pair in sorted(_PAIRS, key=len, reverse=True):
        counts = [line.count(pair) for _, line in filled]
        usual = max(set(counts), key=counts.count)
        # what stands alone too is the mark, and what is doubled is an empty cell
        alone = any(re.search(rf"{re.escape(pair[0])}", line.replace(pair, "")) for _, line in filled)
        if usual >= _FEWEST - 1 and 2 * counts.count(usual) > len(counts) and not alone:
            return lambda _, line, pair=pair: line.replace(pair, _BETWEEN)  # type: ignore[misc]
    return None


def _other_header(filled: Sequence[tuple[int, str]]) -> Rule | None:
    """A header of as many cells as its rows, between other marks."""
    for (at, line), *rows in ([filled[n], *filled[n + 1 : n + 3]] for n in range(min(len(filled) - 1, 10))):
        for mark in _MARKS:
            width = len(line.split(mark))
            if width < _FEWEST or any(character.isdigit() for character in line):
                continue
            for other in _MARKS:
                if other not in line and all(len(row.split(mark)) != width == len(row.split(other)) for _, row in rows):
                    return lambda n, text, at=at, mark=mark, other=other: text.replace(mark, other) if n == at else text  # type: ignore[misc]
    return None


class _Rewritten(io.RawIOBase):
    """A stream whose lines are written in the usual way."""

    def __init__(self, stream: BinaryIO, rule: Rule) -> None:
        self._stream, self._rule, self._line, self._left = stream, rule, 0, b""
        self._lines = iter(io.TextIOWrapper(stream, encoding="latin-1", newline=None))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        parts, size = [self._left], len(self._left)
        while size < len(buffer) and (line := next(self._lines, "")):
            bare = line.removesuffix("\n")
            parts.append((self._rule(self._line, bare) + line[len(bare):]).encode("latin-1"))
            size += len(parts[-1])
            self._line += 1
        found = b"".join(parts)
        self._left = found[len(buffer):]
        count = min(len(found), len(buffer))
        buffer[:count] = found[:count]
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()

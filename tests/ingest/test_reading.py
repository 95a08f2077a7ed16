"""The quick ways of reading text give what the slow, obvious ones give, wherever a window or a block ends."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duizhang.ingest import load_specs
from duizhang.ingest.opening import encoded, scan
from duizhang.ingest.opening.container import Document
from duizhang.ingest.opening.encoded import LOST, Block, blocks, decoded
from duizhang.ingest.reading.delimited import Piece, _parse, _parsed
from duizhang.ingest.reading.table import BLANKS, _Rows, _says
from duizhang.ingest.reading.ticked import TICKED, is_wrapped, parse_ticked, ticked_part, untick
from duizhang.ingest.recognising import Place
from duizhang.ingest.rows import Reading
from duizhang.ingest.texts import lengths
from tests.thoroughness import examples

QUICK = settings(deadline=None, max_examples=200)
SIZES = st.sampled_from([1, 2, 3, 5, 8, 1 << 18])
BYTES = st.lists(st.sampled_from([b"a", b",", b"`", b'"', b"\n", b"\r", b"\xc2", b"\xa0", b"\0"]), max_size=24).map(b"".join)
CELL = st.text(" \t`'\"#合计Tt-1é\u3000", max_size=4)
FOOTERS = sorted({rule for spec in load_specs().values() for rule in (spec.footer, spec.rows) if rule})


@contextmanager
def sizes(window: int, part: int = 1 << 18, block: int = 8 << 20) -> Iterator[None]:
    """Windows, parts and blocks of another size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "WINDOW", window)
        patch.setattr(encoded, "PART", part)
        patch.setattr(encoded, "BLOCK", block)
        yield


@QUICK
@given(BYTES, st.sampled_from([b",`", b'\n"`', b'","`', b"\xc2\xa0", b"a"]), SIZES)
def test_bytes_are_found_in_windows(text: bytes, needle: bytes, size: int) -> None:
    with sizes(size):
        assert scan.holds(text, needle) == (needle in text)
        assert scan.newlines(text) == text.count(b"\n")
        assert scan.always_before(text, 13, 10) == (text.count(b"\r") == text.count(b"\r\n"))


@QUICK
@given(st.lists(CELL, max_size=6), st.integers(0, 3))
def test_what_cells_hold(cells: list[str], skipped: int) -> None:
    column = pa.array(cells, pa.string()).slice(skipped)
    kept = [cell.encode() for cell in cells[skipped:]]
    assert lengths(column).tolist() == [len(cell) for cell in kept]
    assert scan.is_ascii(column) == all(cell.isascii() for cell in kept)
    assert _says(column).tolist() == [bool(cell.strip()) for cell in cells[skipped:]]


SPEC: Any = SimpleNamespace(
    ticked=True, fields={n: SimpleNamespace(column=n, also=(), join=()) for n in "ac"}, captures={}, totals=(), totals_row=None, repeats=None,
    fill_down=None, encodings=("utf-8",))


def shown(piece: Piece) -> tuple[Any, ...]:
    """What a piece gives, to compare."""
    lines = piece.lines.tolist()
    return (lines, [c.to_pylist() for c in piece.columns], piece.odd, piece.broken, [piece.whole(line) for line in lines])


# 乣 ends with a back-tick in GBK
TICKED_CELL = st.lists(st.sampled_from(["a", "b", "1", "中", "乣", ",", ",", "`", ",`", '"', "\x1e", "\x1f"]), max_size=2).map("".join)
ROW = st.lists(TICKED_CELL, min_size=3, max_size=3)
AS_WRITTEN = ROW.map(lambda cells: ",".join(f"`{cell}" for cell in cells))
SAVED_AGAIN = ROW.map(lambda cells: ",".join(f'"`{cell}"' for cell in cells))
OTHER = st.text('`,"a中', max_size=8) | st.sampled_from(["", '"总数","x"', "总数,x,y", "`1,`2", "`总,`数,`y"])


@settings(deadline=None, max_examples=examples(150, 2000))
@example(["`a,`b,`c\""], ['"`a","`b","`c"'], "", "utf-8", 8)  # saved again as a whole, though not from the first line on
@example(['"`a","`b","`c"'], ['"总数","x"'], "", "utf-8", 8)
@example(['"`a","`b,`c"'], [], "", "utf-8", 8)  # three cells, not two
@example(['"`a","`b","`c"'], ["`"], "", "utf-8", 8)  # nothing is left of the last line
@example([], ["`"], "", "utf-8", 8)
@given(
    st.lists(AS_WRITTEN, max_size=4) | st.lists(SAVED_AGAIN, max_size=4), st.lists(OTHER | AS_WRITTEN | SAVED_AGAIN, max_size=2),
    st.sampled_from(["", "\n"]), st.sampled_from(["utf-8", "gb18030"]), SIZES)
def test_ticked_cells(rows: list[str], others: list[str], end: str, encoding: str, size: int) -> None:
    text = ("\n".join([*rows, *others]) + end).encode(encoding)
    if not text.strip(b"\n"):
        return
    place = Place(SPEC, encoding, names=("a", "b", "c"))
    rewritten = Block(untick(text, wrapped=is_wrapped(text)), 7, encoding)
    with sizes(size):
        quick = _parse(Block(text, 7, encoding), place, [])
    assert shown(quick) == shown(_parsed(rewritten, place, TICKED, []))


@pytest.mark.parametrize("quote", ["", '"'])
def test_plain_ticked_lines_are_not_rewritten(quote: str) -> None:
    lines = [quote + line.replace(",`", f"{quote},{quote}`") + quote for line in ("`a,1,`b,`,", "`a,`b`b,`")]
    text = "".join(f"{line}\n" for line in lines).encode()
    columns = parse_ticked(text, 2, 3, [0, 1, 2])
    assert columns is not None
    assert [c.to_pylist() for c in columns] == [["a,1", "a"], ["b", "b`b"], [",", ""]]
    assert ticked_part(text) == len(text) and ticked_part(text + b"x\n") == len(text)
    assert parse_ticked(text.replace(b"b", b"\x1f"), 2, 3, [0]) is None


@QUICK
@given(st.lists(st.binary(max_size=4) | st.sampled_from(["中", "中\u3000", "\xa0", "é", LOST, "a", "a\nb"]), max_size=6),
       st.sampled_from(["utf-8", "gb18030", "cp1252"]), st.sampled_from([1, 40]))
def test_cells_are_decoded_at_once_as_one_by_one(cells: list[bytes | str], encoding: str, times: int) -> None:
    raw = [cell if isinstance(cell, bytes) else cell.encode(encoding, "ignore") for cell in cells] * times
    expected: list[str | None] = []
    for cell in raw:
        try:
            text = cell.decode(encoding)
            # blanks of UTF-8 are none before the cells are told apart
            expected.append(text if encoding == "utf-8" else text.replace("\u3000", " ").replace("\xa0", " "))
        except UnicodeDecodeError:
            expected.append(None)
    lost = [text is None or (encoding == "utf-8" and LOST in text) for text in expected]
    if encoding == "utf-8" and None in expected:
        expected = [None if text is None else text.replace("\u3000", " ").replace("\xa0", " ") for text in expected]
        lost = [text is None for text in expected]
    found, unreadable = decoded(pa.array(raw, pa.binary()).view(pa.string()), encoding)
    assert found.to_pylist() == ["" if gone else text for text, gone in zip(expected, lost, strict=True)]
    assert (unreadable.tolist() if unreadable is not None else [False] * len(raw)) == lost
    found.validate(full=True)


@QUICK
@given(st.lists(st.sampled_from([b"a", b"bcd", b"\n", b"\r\n", b"\r", b"\0", "中".encode(), "\u3000".encode(), b""]), max_size=24),
       SIZES, st.integers(1, 9), st.integers(1, 20))
def test_blocks_are_the_lines_of_a_document(parts: list[bytes], window: int, part: int, block: int) -> None:
    text = b"".join(parts)
    document = Document("x", "text", lambda: io.BytesIO(text))
    with sizes(window, part, block):
        found = list(blocks(document, "utf-8", ("utf-8",)))
    if text.count(b"\r") - text.count(b"\r\n") > text.count(b"\n"):
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    text = text.replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\0", b" ").replace("\u3000".encode(), b" ")
    assert b"".join(b.text for b in found) == text
    assert all(b.text.endswith(b"\n") for b in found[:-1])
    # a last line without an end is no block by itself: what the first rows tell would be told by one row less
    assert len(found) <= 1 or sum(map(len, parts)) >= block
    line = 1
    for b in found:
        assert (b.first, b.lines) == (line, len(b.text.splitlines()))
        assert b.ascii == b.text.isascii()
        line += b.lines


@QUICK
@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=6), st.sampled_from([None, *FOOTERS]), st.sampled_from([None, "^T", r"^\s*\d"]))
@example([("合计TT", "", "")], "^合计", None)  # a footer with words behind it, in a row without a day
@example([("合计", "", "1")], "^合计", None)  # a line of totals, which is kept to be held against the rows
def test_rows_are_told_from_what_stands_around_them(cells: list[tuple[str, str, str]], footer: str | None, only: str | None) -> None:
    class Part(_Rows):
        def __init__(self) -> None:
            self.spec, self.place = SimpleNamespace(totals_row=None), SimpleNamespace(delimiter="|")  # type: ignore[assignment]
            self.footer, self.only = (re.compile(rule) if rule else None for rule in (footer, only))
            self.reading, self.header, self.days, self.between = Reading([], "utf-8"), [], [], None
            self.first = self.kept = self.others = 0
            self.wanted = [0, 1]

    part = Part()
    lines = np.arange(len(cells)) + 5
    columns = [pa.array([row[n] for row in cells], pa.string()) for n in range(2)]  # the third is not read
    keep = part._is_row(lines, columns, lambda line: list(cells[line - 5]))
    expected = []
    for row in cells:
        around = [rule for rule, fits in ((footer, True), (only, False)) if rule and bool(re.search(rule, row[0].lstrip(BLANKS))) == fits]
        expected.append(not around and any(cell.strip(BLANKS) for cell in row))
    assert keep.tolist() == expected

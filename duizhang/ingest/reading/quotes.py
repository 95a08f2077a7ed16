"""Quotation marks in delimited text: cells that go over several lines are put on one, a stray mark costs its own line only."""

from __future__ import annotations

import csv

import numpy as np

from duizhang.ingest.opening import LF, QUOTE, Block, plain
from duizhang.ingest.recognising import Place
from duizhang.ingest.rows import Broken

QUOTED_LINES = 200  # a quoted cell that goes over more lines than this is a stray quotation mark
PENDING_BYTES = 1 << 20
STRAY = "a quotation mark without its partner; expected it at the end of the cell"


def mend_quotes(block: Block, place: Place, broken: list[Broken]) -> tuple[Block, Block | None]:
    """Cells in quotes that go over several lines are put on one; a stray quotation mark costs its own line only.

    Line numbers stay: a joined record is followed by as many empty lines. The second block is a record that is still
    open at the end, to be read with what follows.
    """
    odd = odd_quotes(block.text)
    if not odd:
        return block, None
    lines = block.text.split(b"\n")
    opening = place.delimiter.encode() + b'"'
    at = 0
    while at < len(odd):
        start = odd[at]
        opens = lines[start].startswith(b'"') or opening in lines[start]
        end = odd[at + 1] if at + 1 < len(odd) else None
        if opens and end is not None and end - start <= QUOTED_LINES:
            joined = b" ".join(lines[start : end + 1])
            if _is_whole(plain(joined, block.encoding), place):
                lines[start : end + 1] = [joined, *[b""] * (end - start)]
                at += 2
                continue
        if opens:
            rest = lines[start:]
            if end is None and len(rest) <= QUOTED_LINES and sum(map(len, rest)) < PENDING_BYTES:
                still = Block(b"\n".join(rest), block.first + start, block.encoding)
                return Block(b"".join(line + b"\n" for line in lines[:start]), block.first, block.encoding), still
            broken.append(Broken(block.first + start, STRAY))
            lines[start] = b""
        at += 1
    return Block(b"\n".join(lines), block.first, block.encoding), None


def odd_quotes(text: bytes) -> list[int]:
    """Which lines, from 0, have an odd number of quotation marks."""
    found = np.frombuffer(text, np.uint8)
    starts = np.append(0, np.flatnonzero(found == LF) + 1)
    starts = starts[starts < len(found)]
    if not len(starts):
        return []
    return np.flatnonzero(np.bitwise_xor.reduceat((found == QUOTE).view(np.uint8), starts)).tolist()


def _is_whole(line: str, place: Place) -> bool:
    """Whether joined lines are one row: as many cells, and every quotation mark that closes one stands before a delimiter."""
    try:
        [cells] = csv.reader([line], delimiter=place.delimiter, strict=True)
    except (csv.Error, ValueError):
        return False
    return len(cells) == len(place.names)

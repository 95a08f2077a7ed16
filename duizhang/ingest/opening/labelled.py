"""A statement in blocks of lines with a label each (Date: ..., Description: ..., Amount: ..., Balance: ...), as some banks export for
printing, as the table that it is: a row each block, at the line at which that ends; all its other lines but those above are blank.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from duizhang.ingest.opening.qif import written

_LINE = re.compile(r"\s*([^\W\d_][^:\n]{0,30}?)[ \t\xa0]*:[ \t\xa0]*(.*?)\s*")
_DAY = re.compile(r"(?i)(?:booking |transaction |posting )?date|datum|fecha|data|日期|交易日期")
_AMOUNT = re.compile(r"(?i)(?:transaction )?amount|betrag|montant|importe|importo|kwota|金额|交易金额")
_MOST = 1 << 26  # bytes
_FEWEST = 3  # labels of a block


def is_labelled(head: bytes) -> bool:
    """Whether a document begins with blocks of labelled lines, of which one has a day and an amount."""
    labels = [found[1] for line in _read(head)[0].splitlines()[:60] if (found := _LINE.fullmatch(line))]
    return any(map(_DAY.fullmatch, labels)) and any(map(_AMOUNT.fullmatch, labels))


def as_table(body: bytes) -> bytes | None:
    """The same as delimited text; None where its blocks do not all have the same labels, or a line belongs to none."""
    if len(body) > _MOST:
        return None
    text, encoding = _read(body)
    lines = text.splitlines()
    blocks = _blocks(lines)
    if not blocks:
        return None
    first, last = blocks[0]
    labels = [label[1] for line in lines[first:last] if (label := _LINE.fullmatch(line))]
    if len(labels) < _FEWEST or len(set(labels)) < len(labels) or not any(map(_AMOUNT.fullmatch, labels)):
        return None
    rows = {n: [line.strip()] for n, line in enumerate(lines[:first])} | {first: labels}
    for start, end in blocks:
        found = [_LINE.fullmatch(line) for line in lines[start:end]]
        if [match[1] for match in found if match] != labels or None in found:
            return None
        rows[end - 1] = [match[2] for match in found if match]
    return "".join(written(_cells(rows.get(n, []))) + "\n" for n in range(len(lines))).encode(encoding)


def _blocks(lines: Sequence[str]) -> list[tuple[int, int]]:
    """From where to where each block stands: it begins with the label of its day; all lines below the first belong to one or are blank."""
    starts = [n for n, line in enumerate(lines) if (label := _LINE.fullmatch(line)) and _DAY.fullmatch(label[1])]
    blocks: list[tuple[int, int]] = []
    for start, following in pairwise([*starts, len(lines)]):
        end = next((n for n in range(start, following) if not lines[n].strip()), following)
        if any(line.strip() for line in lines[end:following]):
            return []
        blocks.append((start, end))
    return blocks


def _read(body: bytes) -> tuple[str, str]:
    """The text and its encoding: byte for byte where it is no UTF-8."""
    try:
        return body.decode("utf-8-sig"), "utf-8-sig"
    except UnicodeDecodeError:
        return body.decode("latin-1"), "latin-1"


def _cells(cells: Sequence[str]) -> list[str]:
    return [" ".join(cell.replace("\xa0", " ").split()) for cell in cells]

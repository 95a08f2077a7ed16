"""Regexes on columns of text, with short cuts where the bytes of the whole column tell the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.ingest.texts import Cells, coded, cut, lengths, may_hold, spread, text_bytes
from duizhang.ingest.typing.shapes import as_found, group_by_shape, without_tail_by_shape

_REST = re.compile(r"\^([^\W\d_]|/)\?\(\.\*\)\$")  # all but one character that may stand first
_WORDS = re.compile(r"\((\w+(?:\|\w+)*)\)")  # one of these words
_HEAD = re.compile(r"\(?([\w/# ]{2,})[\\(\[]")  # what every match begins with, where there is but one way to match
# what holds for every digit or for none: classes, repetitions, marks that stand for themselves
_ALIKE = re.compile(r"\\[dDwWsS.|()\[\]?*+^$/-]|\{\d*,?\d*\}|0-9|a-z|A-Z")
_CLASS = re.compile(r"\[\^?([^\]]*)\]")


def first_group(texts: pa.Array, pattern: str) -> Cells:
    """The first group of a regex in every cell, '' where it does not match; coded where it repeats itself."""
    if (words := _WORDS.fullmatch(pattern)) is not None:
        return _first_word(texts, words.group(1).split("|"))
    if (head := _head(pattern)) is not None:
        return _where(texts, pattern, head)
    if (rest := _REST.fullmatch(pattern)) is not None and not may_hold(texts, "\n"):
        first = pc.starts_with(texts, rest.group(1)).to_numpy(zero_copy_only=False)
        return coded(cut(texts, first, len(rest.group(1).encode())))
    if (span := _span(texts, _named(pattern), once=False)) is not None:
        return coded(_columns(texts, *span))
    found = group_by_shape(texts, _named(pattern)) if _is_digit_blind(_named(pattern)) else None
    return coded(_slow_group(texts, pattern)) if found is None else found


def without(texts: pa.Array, pattern: str) -> pa.Array:
    """Every cell without what a regex matches in it."""
    span = _span(texts, as_found(pattern), once=True)
    if span is not None and span[0] == 0:
        return _columns(texts, span[1], _width(texts) or 0)
    found = without_tail_by_shape(texts, pattern) if span is None and _is_digit_blind(pattern) else None
    return found if found is not None else pc.replace_substring_regex(texts, pattern, "")


def needed(replacements: Mapping[str, str], texts: pa.Array) -> Mapping[str, str]:
    """The replacements, or none where none of several can have anything to do: one look is cheaper than many."""
    if len(replacements) < 4:
        return replacements
    data, ends = text_bytes(texts)
    inside = data[ends[0] : ends[-1]]
    there: dict[int, bool] = {}

    def stands(byte: int) -> bool:
        if byte not in there:
            there[byte] = bool((inside == byte).any())
        return there[byte]

    able = [old for old in replacements if all(stands(byte) for byte in old.encode())]
    if able and pc.any(pc.match_substring_regex(texts, "|".join(map(re.escape, able))), min_count=0).as_py():
        return replacements
    return {}


def _named(pattern: str) -> str:
    return re.sub(r"(?<!\\)\((?!\?)", "(?P<found>", pattern, count=1)


def _slow_group(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.fill_null(pc.struct_field(pc.extract_regex(texts, _named(pattern)), "found"), "")


@lru_cache
def _head(pattern: str) -> str | None:
    """A text with which everything begins that the regex matches."""
    head = _HEAD.match(pattern) if "|" not in pattern else None
    return head.group(1) if head is not None else None


def _first_word(texts: pa.Array, words: Sequence[str]) -> Cells:
    """The word that stands first in every cell; of several at the same place, the one that is listed first."""
    places = np.zeros(len(texts), np.int32)
    first = np.full(len(texts), np.iinfo(np.int64).max)
    for number, word in enumerate(words, 1):
        rows, at = _found(texts, word)
        new = np.flatnonzero(np.diff(rows, prepend=-1))  # of several in one cell, the first
        rows, at = rows[new], at[new]
        earlier = at < first[rows]
        places[rows[earlier]] = number
        first[rows[earlier]] = at[earlier]
    return Cells(pa.array(["", *words], pa.string()), pa.array(places))


def _where(texts: pa.Array, pattern: str, head: str) -> Cells:
    """The first group of a regex that only matches where a text stands: other cells are not shown to it."""
    rows = np.unique(_found(texts, head)[0])
    if len(rows) * 2 > len(texts):
        return coded(_slow_group(texts, pattern))
    found = coded(_slow_group(texts.take(pa.array(rows)), pattern))
    places = np.zeros(len(texts), np.int32)
    places[rows] = 1 + (np.arange(len(rows)) if found.places is None else found.places.to_numpy())
    cells = Cells(pa.concat_arrays([pa.array([""], pa.string()), found.values]), pa.array(places))
    return Cells(cells.rows()) if found.places is None else cells


def _found(texts: pa.Array, word: str) -> tuple[np.ndarray, np.ndarray]:
    """(cells, places among all bytes) where a word stands, in order."""
    data, ends = text_bytes(texts)
    sought = word.encode()
    telling = 2 if len(sought) > 2 else 0  # the third byte of a Chinese character tells more than its first
    at = np.flatnonzero(data[telling:] == sought[telling])
    at = at[(at >= ends[0]) & (at + len(sought) <= ends[-1])]
    for n, byte in enumerate(sought):
        at = at[data[at + n] == byte]
    cells = np.searchsorted(ends, at, side="right") - 1
    within = at + len(sought) <= ends[cells + 1]
    return cells[within], at[within]


@lru_cache
def _is_digit_blind(pattern: str) -> bool:
    """Whether a regex matches the same places whatever digits stand where digits stand."""
    left = _ALIKE.sub("", pattern)
    ranges = any("-" in body[1:-1] for body in _CLASS.findall(left))
    return not ranges and not re.search(r"\d|\\", left)


def _width(texts: pa.Array) -> int | None:
    """How many bytes every cell has that is not empty; None where they differ, or all are empty."""
    sizes = lengths(texts)
    width = int(sizes.max(initial=0))
    return width if width and ((sizes == width) | (sizes == 0)).all() else None


def _span(texts: pa.Array, named: str, *, once: bool) -> tuple[int, int] | None:
    """From where to where the group `found` of a regex stands in every cell that is not empty; None where they differ.

    They do not differ where the regex takes any digit for any other and the cells differ in their digits alone.
    once: only where it matches one time.
    """
    width = _width(texts) if _is_digit_blind(named) else None
    if width is None:
        return None
    data, ends = text_bytes(texts)
    cells = data[ends[0] : ends[-1]].reshape(-1, width)
    digits = cells[0] - np.uint8(48) < 10
    if (cells[:, ~digits] != cells[0, ~digits]).any() or (cells[:, digits] - np.uint8(48) > 9).any():
        return None
    one = pa.array([cells[0].tobytes().decode()])
    if once and pc.count_substring_regex(one, named)[0].as_py() != 1:
        return None
    found = pc.extract_regex_span(one, named)[0].as_py()
    start, length = (found and found["found"]) or (0, 0)
    return start, start + length


def _columns(texts: pa.Array, start: int, stop: int) -> pa.Array:
    """These bytes of every cell; all have the same width, or are empty."""
    data, ends = text_bytes(texts)
    width = _width(texts) or 1
    kept = np.ascontiguousarray(data[ends[0] : ends[-1]].reshape(-1, width)[:, start:stop])
    return spread(kept.reshape(-1), ((ends - ends[0]) // width * (stop - start)).astype(np.int32))

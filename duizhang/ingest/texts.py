"""Columns of text cells: few distinct values are worked on once each, and blanks are only sought where there are any.

Cells are Arrow strings without nulls; an empty cell is ''.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

EDGE = " \t\r\n"
_AROUND = np.zeros(256, dtype=bool)
_AROUND[[ord(c) for c in EDGE + "`'="]] = True
_EDGES = np.zeros(256, dtype=bool)
_EDGES[[ord(c) for c in EDGE]] = True
_LOWEST_INSIDE = ord("'") + 1  # no blank and no apostrophe from here on
SAMPLE = 4096
FEW = 512  # distinct values of a sample: fewer make a column that repeats itself


@dataclass(frozen=True)
class Cells:
    """The cells of a column: `values` row by row, or distinct values (of which some may be equal) and `places` in them."""

    values: pa.Array
    places: pa.Array | None = None

    def map(self, rule: Callable[[pa.Array], pa.Array]) -> Cells:
        """The same rule for every cell, carried out once a distinct value. The rule keeps the length."""
        return Cells(rule(self.values), self.places)

    def rows(self) -> pa.Array:
        """One value a row."""
        return self.values if self.places is None else self.values.take(self.places)

    def column(self) -> pa.Array:
        """One value a row, dictionary-encoded (every value once) where the cells are."""
        if self.places is None:
            return self.rows()
        unique = self.values.dictionary_encode()
        places = self.places if len(unique.dictionary) == len(self.values) else unique.indices.take(self.places)
        return pa.DictionaryArray.from_arrays(places, unique.dictionary)


def coded(texts: pa.Array) -> Cells:
    """Cells that are coded where a sample of them repeats itself."""
    sample = texts.slice(0, SAMPLE)
    if len(texts) > SAMPLE and len(pc.unique(sample)) > FEW:
        return Cells(texts)
    found = texts.dictionary_encode()
    return Cells(found.dictionary, found.indices)


def constant(text: str, count: int) -> pa.Array:
    """The same text in every row, dictionary-encoded."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text], pa.string()))


def whole(column: pa.ChunkedArray) -> pa.Array:
    """A chunked column as one array."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def text_bytes(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """(bytes of all cells one behind the other, where each begins and the last ends) of a string array without nulls."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4) if len(texts) else np.zeros(1, np.int32)
    size = int(ends[-1])
    return (np.frombuffer(data, np.uint8, size) if size else np.empty(0, np.uint8)), ends


def lengths(texts: pa.Array) -> np.ndarray:
    """How many bytes every cell has."""
    return np.diff(text_bytes(texts)[1])


def spread(data: np.ndarray, ends: np.ndarray) -> pa.Array:
    """The string array whose cells are these bytes (uint8), each from one of `ends` (int32, the first is 0) to the next."""
    return pa.Array.from_buffers(pa.string(), len(ends) - 1, [None, pa.py_buffer(ends), pa.py_buffer(data)])


def cut(texts: pa.Array, rows: np.ndarray, head: int, tail: int = 0) -> pa.Array:
    """Cells without their first and last bytes, those of `rows` (a flag a cell; they must be so long)."""
    data, ends = text_bytes(texts)
    inside, begin = data[ends[0] : ends[-1]], ends[0]
    starts, stops = (ends[:-1] - begin)[rows], (ends[1:] - begin)[rows]
    kept = np.ones(len(inside), np.bool_)
    for n in range(head):
        kept[starts + n] = False
    for n in range(tail):
        kept[stops - 1 - n] = False
    bounds = np.zeros(len(ends), np.int32)
    np.cumsum(np.diff(ends) - rows * np.int32(head + tail), out=bounds[1:])
    return spread(inside[kept], bounds)


def bare(texts: pa.Array) -> pa.Array:
    """Cells without the marks that platforms and spreadsheets put around them: blanks, `="..."`, back-ticks, apostrophes."""
    if not _stands_around(texts, _AROUND):
        return texts
    if _stands_around(texts, _EDGES):
        texts = pc.ascii_trim(texts, characters=EDGE)
    texts = _unwrapped(texts)
    if not _stands_around(texts, _AROUND):
        return texts
    return pc.ascii_trim(pc.ascii_ltrim(texts, characters="`'" + EDGE), characters=EDGE)


def _stands_around(texts: pa.Array, marks: np.ndarray) -> bool:
    """Whether a cell may begin or end with one of the marks (a flag a byte); a look at the bytes of all cells where that tells."""
    data, ends = text_bytes(texts)
    inside = data[ends[0] : ends[-1]]
    if not len(inside) or (inside.min() >= _LOWEST_INSIDE and not (inside == ord("`")).any() and not (inside == ord("=")).any()):
        return False
    first, last = _ends(data, ends)
    return bool(marks[first].any() or marks[last].any())


def holds_around(texts: pa.Array, letter: str) -> bool:
    """Whether a cell begins or ends with this ASCII character."""
    data, ends = text_bytes(texts)
    if ends[0] == ends[-1]:
        return False
    first, last = _ends(data, ends)
    return bool((first == ord(letter)).any() or (last == ord(letter)).any())


def _ends(data: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last byte of every cell; of an empty one, those of its neighbours: they are looked at anyway."""
    return data[np.minimum(ends[:-1], len(data) - 1)], data[np.maximum(ends[1:], 1) - 1]


def _unwrapped(texts: pa.Array) -> pa.Array:
    """Cells of the form `="..."` without these marks; one with a line break in it stays as it is."""
    wrapped = pc.starts_with(texts, '="')
    if not pc.any(wrapped, min_count=0).as_py():
        return texts
    if may_hold(texts, "\n"):
        return pc.replace_substring_regex(texts, '^="(.*)"$', r"\1")
    wrapped = pc.and_(pc.and_(wrapped, pc.ends_with(texts, '"')), pc.greater(pc.binary_length(texts), 2))
    return cut(texts, wrapped.to_numpy(zero_copy_only=False), 2, 1)


def may_hold(texts: pa.Array, *letters: str) -> bool:
    """Whether any of these ASCII characters stands in a cell."""
    data, ends = text_bytes(texts)
    inside = data[ends[0] : ends[-1]]
    return any((inside == ord(letter)).any() for letter in letters)

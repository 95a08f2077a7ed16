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
_LOWEST_INSIDE = ord("'") + 1  # no blank and no apostrophe from here on
SAMPLE = 4096
FEW = 512  # distinct values of a sample: fewer make a column that repeats itself


@dataclass(frozen=True)
class Cells:
    """The cells of a column: `values` row by row, or distinct values (of which some may be equal) and `places` in them."""

    values: pa.Array
    places: pa.Array | None = None

    def __len__(self) -> int:
        return len(self.values if self.places is None else self.places)

    def map(self, rule: Callable[[pa.Array], pa.Array]) -> Cells:
        """The same rule for every cell, carried out once a distinct value. The rule keeps the length."""
        return Cells(rule(self.values), self.places)

    def rows(self) -> pa.Array:
        """One value a row."""
        return self.values if self.places is None else self.values.take(self.places)

    def column(self, *, coded: bool = True) -> pa.Array:
        """One value a row, dictionary-encoded (every value once) where the cells are and it is wanted."""
        if self.places is None or not coded:
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


def strings(column: pa.Array) -> pa.Array:
    """A column of text as plain strings."""
    return pc.cast(column, pa.string()) if pa.types.is_dictionary(column.type) else column


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


def bare(texts: pa.Array) -> pa.Array:
    """Cells without the marks that platforms and spreadsheets put around them: blanks, `="..."`, back-ticks, apostrophes."""
    data, ends = text_bytes(texts)
    inside = data[ends[0] : ends[-1]]
    if not len(inside) or (inside.min() >= _LOWEST_INSIDE and not (inside == ord("`")).any() and not (inside == ord("=")).any()):
        return texts
    # the first and the last byte of every cell (of an empty one, those of its neighbours: they are looked at anyway)
    if not _AROUND[data[np.minimum(ends[:-1], len(data) - 1)]].any() and not _AROUND[data[np.maximum(ends[1:], 1) - 1]].any():
        return texts
    texts = pc.ascii_trim(texts, characters=EDGE)
    if pc.any(pc.starts_with(texts, '="'), min_count=0).as_py():
        texts = pc.replace_substring_regex(texts, '^="(.*)"$', r"\1")
    return pc.ascii_trim(pc.ascii_ltrim(texts, characters="`'" + EDGE), characters=EDGE)


def may_hold(texts: pa.Array, *letters: str) -> bool:
    """Whether any of these ASCII characters stands in a cell."""
    data, ends = text_bytes(texts)
    inside = data[ends[0] : ends[-1]]
    return any((inside == ord(letter)).any() for letter in letters)

"""Columns of text cells: few distinct values are worked on once each. No cell is null; an empty one is ''."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

EDGE = " \t\r\n"
SAMPLE = 4096
FEW = 512  # distinct values of a sample: fewer make a column that repeats itself
X = pl.col("x")  # the cell, in every rule
# Arabic, Persian, Thai, Hindi and full-width digits, each as ours
DIGITS = {chr(start + n): str(n) for start in (0x660, 0x6F0, 0xE50, 0x966, 0xFF10) for n in range(10)}


@dataclass(frozen=True)
class Cells:
    """The cells of a column: `values` row by row, or distinct values (of which some may be equal) and `places` in them."""

    values: pl.Series
    places: pa.Array | None = None

    def map(self, rule: pl.Expr) -> Cells:
        """The same rule (an expression over `X`) for every cell, carried out once a distinct value."""
        return Cells(applied(rule, self.values), self.places)

    def rows(self) -> pa.Array:
        """One value a row."""
        values = arrow(self.values)
        return values if self.places is None else values.take(self.places)


def applied(rule: pl.Expr, values: pl.Series) -> pl.Series:
    """What a rule makes of each value."""
    return values.alias("x").to_frame().select(rule.alias("x")).to_series()


def series(values: pa.Array) -> pl.Series:
    """An Arrow array for Polars."""
    return pl.Series("x", values)


def arrow(values: pl.Series) -> pa.Array:
    """A Polars column for Arrow."""
    found = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    return found.cast(pa.string()) if pa.types.is_large_string(found.type) else found


def distinct(texts: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """(distinct texts, places in them) where a sample of them repeats itself, else (all texts, None)."""
    sample = texts.slice(0, SAMPLE)
    if len(texts) > SAMPLE and len(pc.unique(sample)) > FEW:
        return texts, None
    found = texts.dictionary_encode()
    return found.dictionary, found.indices


def coded(texts: pa.Array) -> Cells:
    """The bare cells, coded where a sample of them repeats itself."""
    found, places = distinct(texts)
    return Cells(series(bare(found)), places)


def bare(texts: pa.Array) -> pa.Array:
    """Cells without the marks that platforms and spreadsheets put around them: blanks, `="..."`, back-ticks, apostrophes."""
    texts = pc.ascii_trim(texts, characters=EDGE)
    if _any(pc.starts_with(texts, '="')):
        texts = pc.replace_substring_regex(texts, '(?s)^="(.*)"$', r"\1")
        texts = pc.ascii_trim(texts, characters=EDGE)
    if any(_any(pc.starts_with(texts, mark)) for mark in "`'"):
        texts = pc.ascii_ltrim(texts, characters="`'" + EDGE)
    return texts


def _any(flags: pa.Array) -> bool:
    return bool(pc.any(flags, min_count=0).as_py())


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

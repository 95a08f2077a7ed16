"""Claims as batches of hashes and whole amounts, and their sums by bucket.

DuckDB reads and hashes on all processors and hands over the buffers as they are; adding up is a few passes of numpy over
a batch that fits the cache. Amounts of up to 18 digits travel as 64-bit integers, others as two words each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

TABLES = 2
BATCH = 61_440  # rows that are added at a time: their columns fit the second-level cache, whole vectors of DuckDB
SPREAD = 0x9E3779B97F4A7C15  # odd; the second table's buckets are the top bits of hash * SPREAD modulo 2^64
SAFE = 1 << 62  # sums of two such numbers fit 64 bits

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Whole = npt.NDArray[Any]  # int64 while every value is under SAFE, Python integers (exact, of any size) otherwise


def exact(values: Whole) -> Whole:
    """The same whole numbers in the narrower of the two forms of `Whole`."""
    if values.dtype == np.int64:
        large = values.size and max(int(values.max()), -int(values.min())) >= SAFE
        return values.astype(object) if large else values
    fits = all(-SAFE < v < SAFE for v in values.flat)
    return values.astype(np.int64) if fits else values


def buckets_of(hashes: U64, table: int, bits: int, out: U64 | None = None) -> I64:
    """The bucket of each hash in a table."""
    if table:
        hashes = np.multiply(hashes, np.uint64(SPREAD), out=out)
    return np.right_shift(hashes, np.uint64(64 - bits), out=out).view(np.int64)


def in_buckets(hashed: str, buckets: Sequence[npt.NDArray[np.intp]], bits: int) -> str:
    """SQL condition: the 64-bit hash `hashed` falls in one of `buckets` of every table."""
    if not all(map(len, buckets)):
        return "false"
    conditions = []
    for table, found in enumerate(buckets):
        flags = np.zeros(1 << bits, np.uint8)
        flags[found] = 1
        text = (flags + ord("0")).astype(np.uint8).tobytes().decode()
        value = f"(cast({hashed} as uhugeint) * {SPREAD}::uhugeint) & {(1 << 64) - 1}::uhugeint" if table else hashed
        conditions.append(f"get_bit('{text}'::bit, cast(({value}) >> {64 - bits} as integer)) = 1")
    return f"({' and '.join(conditions)})"


@contextmanager
def streaming(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Settings under which `batches` works, put back afterwards: decimals no wider than they are, rows in any order."""
    names = ("preserve_insertion_order", "arrow_output_version")
    before = con.execute(f"select {', '.join(f'current_setting({n!r})' for n in names)}").fetchall()[0]
    prepare(con)
    try:
        yield
    finally:
        for name, value in zip(names, before, strict=True):
            con.execute(f"set {name} = '{value}'")


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """The settings of `streaming`, to stay."""
    con.execute("set preserve_insertion_order = false")  # a sum has no order
    con.execute("set arrow_output_version = '1.5'")  # the first with decimals of 64 bits


def batches(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[list[npt.NDArray[Any]]]:
    """The columns of a query without nulls as numpy views of DuckDB's buffers; a decimal(38) is two words a row.

    Raises DuckDB's error for an amount that does not fit its type.
    """
    try:
        for batch in con.sql(query).to_arrow_reader(BATCH):
            if batch.num_rows:
                yield [_view(column) for column in batch.columns]
    except OSError as error:  # what goes wrong behind the first batch loses its type on the way through Arrow
        for kind, name in ((duckdb.ConversionException, "Conversion Error"), (duckdb.OutOfRangeException, "Out of Range Error")):
            if str(error).startswith(name):
                raise kind(str(error)) from error
        raise


def _view(column: pa.Array) -> npt.NDArray[Any]:
    width = column.type.bit_width // 8
    data = np.frombuffer(column.buffers()[1], np.uint8, len(column) * width, column.offset * width)
    if width == 1:
        return data
    words = data.view(np.uint64)
    return words if width == 8 else words.reshape(len(column), 2)


class BucketSums:
    """Sums by bucket, in two tables, of amounts in 64-bit words; moved to Python integers before they could overflow."""

    def __init__(self, bits: int, *, wide: bool) -> None:
        """`wide`: amounts are two words each, of up to 38 digits."""
        shape = (TABLES, 1 << bits)
        self.bits, self.wide, self.rows = bits, wide, 0
        self.mixed: U64 = np.zeros(shape, np.uint64)
        self._exact: Whole = np.zeros(shape, np.int64)
        self._words: list[I64] = [np.zeros(shape, np.int64) for _ in range(3 if wide else 1)]
        self._bound = 0
        self._room = [np.empty(BATCH, np.uint64) for _ in range(2)]

    def add(self, hashes: U64, amounts: U64, mixes: U64 | None = None) -> None:
        """Add a batch. `mixes` are what the amounts are multiplied by, the hashes if it is not given."""
        rows = len(hashes)
        if rows > len(self._room[0]):
            self._room = [np.empty(rows, np.uint64) for _ in range(2)]
        low = np.ascontiguousarray(amounts[:, 0]) if self.wide else amounts
        if self.wide:
            parts = [(low & np.uint64(0xFFFFFFFF)).view(np.int64), (low >> np.uint64(32)).view(np.int64),
                     np.ascontiguousarray(amounts[:, 1]).view(np.int64)]
            largest = max(1 << 32, -int(parts[2].min()), int(parts[2].max()))
        else:
            parts = [low.view(np.int64)]
            largest = max(-int(parts[0].min()), int(parts[0].max()))
        fits = largest * rows < SAFE
        if self._bound + largest * rows >= SAFE:
            self._flush()
        self._bound += largest * rows if fits else 0
        mixed = np.multiply(low, hashes if mixes is None else mixes, out=self._room[0][:rows])
        for table in range(TABLES):
            bucket = buckets_of(hashes, table, self.bits, self._room[1][:rows])
            np.add.at(self.mixed[table], bucket, mixed)
            if fits:
                for word, part in zip(self._words, parts, strict=True):
                    np.add.at(word[table], bucket, part)
            else:  # even this batch alone might not fit
                self._exact = self._exact.astype(object)
                np.add.at(self._exact[table], bucket, _integers(parts))
        self.rows += rows

    def _flush(self) -> None:
        self._exact = exact(self._exact.astype(object) + _integers(self._words)) if self._exact.any() or self.wide \
            else self._words[0].copy()
        for word in self._words:
            word.fill(0)
        self._bound = 0

    def totals(self) -> Whole:
        """The exact sum of amounts of each bucket."""
        self._flush()
        return exact(self._exact)


def _integers(words: Sequence[I64]) -> Whole:
    whole: Whole = words[0].astype(object)
    for n, word in enumerate(words[1:], start=1):
        whole = whole + word.astype(object) * (1 << 32 * n)
    return whole

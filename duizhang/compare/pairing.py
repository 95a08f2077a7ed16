"""Which claims of two sides need no grouping, because both sides hold the same keys once each, with the same amounts.

Each side is read once, as hashes and amounts. A bucket (the top bits of the hash) is settled when
- no hash is in it twice on either side: then its rows are its distinct keys, exactly, for equal keys have equal hashes;
- both sides have the same rows, the same exact total, the same sum of amount * hash and the same sum of a second hash
  of the key, the last two modulo 2^64: then both sides hold the same keys with the same amounts.
Everything else (a difference, a key with several rows, two keys with one hash) is in a bucket that is grouped by key.
The only thing that is not proved outright is that two different sets of keys of one bucket do not agree in all four
sums: about 2^-96 a bucket that holds differences, and its amounts would still add up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from duizhang.compare.sketch import U64, BucketSums, Whole, batches

BITS = 16
PART_ROWS = 1 << 25  # hashes of one side that are held and sorted at a time (8 bytes each)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Pairing:
    """`open` are the buckets that must be grouped; `rows` are the claims of either side in all the other buckets."""

    bits: int
    open: npt.NDArray[np.intp]
    rows: int

    @property
    def share(self) -> float:
        """Share of the buckets that is open."""
        return len(self.open) / (1 << self.bits)


@dataclass(frozen=True)
class _Side:
    rows: npt.NDArray[np.int64]
    mixed: U64
    keys: U64
    totals: Whole
    repeated: npt.NDArray[np.bool_]


def pair(
    con: duckdb.DuckDBPyConnection, left: str, right: str, *, keys: Sequence[str], money: str, rows: tuple[int, int],
    wide: bool, bits: int = BITS,
) -> Pairing:
    """Read the relations `left` and `right` (columns `keys`, never null, and `amount`) once.

    `money` is the common decimal type of the amounts, `wide` whether it needs more than 64 bits, `rows` how many there are.
    """
    with ThreadPoolExecutor(1) as pool:  # one side is sorted while the other is read
        one = _read(con, left, keys, money, rows[0], pool, wide=wide, bits=bits)
        two = _read(con, right, keys, money, rows[1], pool, wide=wide, bits=bits)
        a, b = one(), two()
    differs = (a.rows != b.rows) | (a.mixed != b.mixed) | (a.keys != b.keys) | (a.totals != b.totals).astype(bool)
    still_open = differs | a.repeated | b.repeated
    return Pairing(bits, np.flatnonzero(still_open), int(a.rows[~still_open].sum()))


class _Reading:
    def __init__(self, sums: BucketSums, counts: npt.NDArray[np.int64], keys: U64, found: list[Future[npt.NDArray[np.intp]]]):
        self.sums, self.counts, self.keys, self.found = sums, counts, keys, found

    def __call__(self) -> _Side:
        repeated = np.zeros(len(self.counts), dtype=bool)
        for future in self.found:
            repeated[future.result()] = True
        return _Side(self.counts, self.sums.mixed, self.keys, self.sums.totals(), repeated)


def _read(
    con: duckdb.DuckDBPyConnection, relation: str, keys: Sequence[str], money: str, rows: int, pool: ThreadPoolExecutor,
    *, wide: bool, bits: int,
) -> _Reading:
    sums = BucketSums(bits, wide=wide)
    counts: npt.NDArray[np.int64] = np.zeros(1 << bits, np.int64)
    second: U64 = np.zeros(1 << bits, np.uint64)
    found: list[Future[npt.NDArray[np.intp]]] = []
    parts = max(1, math.ceil(rows / PART_ROWS))
    hashed = f"hash({', '.join(keys)})"
    for part in range(parts):
        where = f"where {hashed} % {parts} = {part}" if parts > 1 else ""
        held: U64 = np.empty(rows if parts == 1 else int(rows / parts * 1.01) + 10_000, np.uint64)
        size = 0
        for hashes, limbs, _ in batches(con, f"select {hashed} as h, cast(amount as {money}) as amount from {relation} {where}"):
            bucket = sums.add(hashes, limbs)
            mixed = hashes * _FACTOR
            mixed ^= mixed >> np.uint64(32)
            np.add.at(second, bucket, mixed)
            np.add.at(counts, bucket, 1)
            if size + len(hashes) > len(held):
                held = np.concatenate([held, np.empty(len(held) // 4 + len(hashes), np.uint64)])
            held[size:size + len(hashes)] = hashes
            size += len(hashes)
        if part and len(found) > 1:
            found[-1].result()  # at most two parts are in memory
        found.append(pool.submit(_repeated, held[:size], bits))
        del held
    return _Reading(sums, counts, second, found)


def _repeated(hashes: U64, bits: int) -> npt.NDArray[np.intp]:
    """The buckets of the hashes that are there more than once; sorts `hashes` in place."""
    hashes.sort()
    twice = hashes[1:][hashes[1:] == hashes[:-1]]
    return np.unique(twice >> np.uint64(64 - bits)).astype(np.intp)

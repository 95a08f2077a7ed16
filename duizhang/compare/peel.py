"""The hashes of the keys that do not net to zero, read back from a sketch of their claims.

A bucket with one such key holds its net amount d and d * hash modulo 2^64. That gives the hash: all of it where d is odd,
all but the top t bits where 2^t is the highest power of two in d, and the bucket's own number is those top bits. The
parts of the number that were not needed must agree with what was found. The key is then taken out of both tables, which
leaves other keys alone in their buckets, and so on until both tables are empty.

Several keys of a bucket may together look like one that does not exist. Taking that out fills a bucket of the other table;
when its true keys are found there, what was taken is given back. What was found and what is left have the same sums in
every bucket as the claims. That still leaves keys that share a bucket in both tables, so whoever
uses what was found must know that each hash is that of a key: a hash that is made up is not (a chance of 2^-40 or less).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from duizhang.compare.buckets import I64, SPREAD, TABLES, U64, buckets_of
from duizhang.compare.sketch import Sketch

ROUNDS = 64
_ONE = np.uint64(1)
_ALL = np.uint64((1 << 64) - 1)
_BACK = np.uint64(pow(SPREAD, -1, 1 << 64))


@dataclass(frozen=True)
class Peeled:
    """Net amounts (minor units) by hash of key, ascending, and the buckets of each table that are open without them.

    Whatever else does not net has a hash in an open bucket of every table.
    """

    hashes: U64
    amounts: I64
    bits: int
    open: list[npt.NDArray[np.intp]]

    @property
    def whole(self) -> bool:
        """Nothing is left."""
        return not any(map(len, self.open))

    @property
    def share(self) -> float:
        """The share of all hashes that fall in an open bucket of every table."""
        return math.prod(len(found) / (1 << self.bits) for found in self.open)


def unpeeled(found: Sketch) -> Peeled:
    """Nothing is read back: every open bucket of the sketch is left."""
    return Peeled(np.zeros(0, np.uint64), np.zeros(0, np.int64), found.bits, [found.open_in(t) for t in range(TABLES)])


def peel(found: Sketch) -> Peeled:
    """Read back what the sketch holds; its keys must have been hashed alone, without attributes."""
    if found.totals.dtype != np.int64:
        return unpeeled(found)
    left = replace(found, mixed=found.mixed.copy(), totals=found.totals.copy())
    taken: list[tuple[U64, I64]] = []
    for _ in range(ROUNDS):
        before = len(taken)
        for table in range(TABLES):
            hashed, amount = _take(left.mixed, left.totals, table, found.bits)
            if len(hashed):
                taken.append((hashed, amount))
        if len(taken) == before:
            break
    rest = unpeeled(left)
    hashes, where = np.unique(np.concatenate([rest.hashes, *(h for h, _ in taken)]), return_inverse=True)
    amounts = np.zeros(len(hashes), np.int64)
    np.add.at(amounts, where, np.concatenate([rest.amounts, *(a for _, a in taken)]))
    return replace(rest, hashes=hashes[amounts != 0], amounts=amounts[amounts != 0])


def _take(mixed: U64, totals: I64, table: int, bits: int) -> tuple[U64, I64]:
    """Take the keys that are alone in a bucket of `table` out of both tables."""
    bucket = np.flatnonzero(totals[table])
    amount, product = totals[table][bucket], mixed[table][bucket]
    whole = amount.view(np.uint64)
    lowest = whole & (~whole + _ONE)
    twos = np.bitwise_count(lowest - _ONE).astype(np.uint64)
    if table:
        product = product * np.uint64(SPREAD)
    # odd part of d * value = odd part of product, modulo 2^(64 - t)
    value = (product >> twos) * _inverse((amount >> twos.view(np.int64)).view(np.uint64))
    known = _ALL >> twos
    number = bucket.astype(np.uint64) << np.uint64(64 - bits)
    value = (value & known) | (number & ~known)
    single = ((product & (lowest - _ONE)) == 0) & (twos <= bits) & ((value >> np.uint64(64 - bits)) == bucket.astype(np.uint64))
    hashed = value * _BACK if table else value
    other = buckets_of(hashed, 1 - table, bits)
    bucket, hashed, amount, other = bucket[single], hashed[single], amount[single], other[single]
    mixed[table][bucket] = 0
    totals[table][bucket] = 0
    np.subtract.at(mixed[1 - table], other, amount.view(np.uint64) * hashed)
    np.subtract.at(totals[1 - table], other, amount)
    return hashed, amount


def _inverse(odd: U64) -> U64:
    """The inverse modulo 2^64, by Newton's steps: each doubles the number of right bits."""
    found = odd * np.uint64(3) ^ np.uint64(2)  # 5 bits
    for _ in range(4):
        found *= np.uint64(2) - odd * found
    return found

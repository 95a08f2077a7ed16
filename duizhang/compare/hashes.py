"""The distinct keys of a side as sorted 64-bit hashes: 8 bytes a row, in memory or, beyond a limit, in files.

Counting distinct keys needs no sums but every key; the hash stands for it. Two different keys of a side with the same hash
would count as one: for n distinct keys that has a chance of about n^2 / 2^65 (10 million: 1 in 370,000; 60 million: 1 in
10,000). Only counts could then be wrong by one; amounts are added up without regard to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np

from duizhang.compare.buckets import U64

HELD = 24_000_000  # hashes of both sides together that are kept in memory; of more, half as many at a time
_BLOCK = 2_048  # hashes that are compared at a time where the sides are not the same
_CHUNK = 1 << 20


class KeyHashes:
    """Collects the hashes of the rows of one side, inside `with`; then gives the distinct ones, a range of hashes at a time."""

    def __init__(self, folder: Path, rows: int, parts: int, pool: ThreadPoolExecutor) -> None:
        """`rows` is the most that will be added. Two sides with the same number of `parts` have the same ranges."""
        self.parts, self._pool, self._size = parts, pool, 0
        self._held: U64 = np.empty(rows if parts == 1 else 0, np.uint64)
        self._paths = [folder / f"{n}.hashes" for n in range(parts)] if parts > 1 else []
        self._files = [path.open("wb") for path in self._paths]
        self._edges = np.array([-(-(n << 64) // parts) for n in range(1, parts)], np.uint64)
        self._sorted: list[Future[None]] = []

    def add(self, hashes: U64) -> None:
        """Take in a batch."""
        if not self._files:
            self._held[self._size:self._size + len(hashes)] = hashes
            self._size += len(hashes)
            return
        ordered = np.sort(hashes)
        cuts = [0, *np.searchsorted(ordered, self._edges).tolist(), len(ordered)]
        for file, start, end in zip(self._files, cuts[:-1], cuts[1:], strict=True):
            file.write(ordered[start:end].data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """No more will be added; sorting what is in memory begins behind the caller's back."""
        for file in self._files:
            file.close()
        if kind is None and not self._paths:
            self._sorted = _sort(self._pool, self._held[:self._size])

    def part(self, number: int) -> U64:
        """The distinct hashes of a part, ascending."""
        values = np.fromfile(self._paths[number], np.uint64) if self._paths else self._held[:self._size]
        if self._paths:
            self._sorted = _sort(self._pool, values)
        for future in self._sorted:
            future.result()
        values = _distinct(values)
        if not self._paths:
            self._size = len(values)
        return values


def parts_for(rows: int) -> int:
    """How many parts keep the hashes of `rows` rows of both sides together within bounds."""
    return 1 if rows <= HELD else -(-rows // max(1, HELD // 2))


def _sort(pool: ThreadPoolExecutor, values: U64) -> list[Future[None]]:
    """Sort in place in two halves, of the smaller and of the larger ones, on two processors."""
    middle = len(values) // 2
    if middle:
        values.partition(middle)
    return [pool.submit(half.sort) for half in (values[:middle], values[middle:])]


def _distinct(values: U64) -> U64:
    """Each value once, moved to the front of the sorted `values`: no second copy of them is made."""
    if not len(values) or not (values[1:] == values[:-1]).any():
        return values
    size = 1
    for start in range(1, len(values), _CHUNK):
        chunk = values[start:start + _CHUNK]
        new = chunk[chunk != values[start - 1:start - 1 + len(chunk)]]
        values[size:size + len(new)] = new
        size += len(new)
    return values[:size]


def only(left: U64, right: U64) -> tuple[U64, U64]:
    """What is in `left` only and in `right` only; both ascending without repetition."""
    if len(left) == len(right) and np.array_equal(left, right):
        return np.zeros(0, np.uint64), np.zeros(0, np.uint64)  # no views: they would keep the sides in memory
    found = list(_blocks(left, right))
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def _blocks(left: U64, right: U64) -> Iterator[tuple[U64, U64]]:
    cuts = np.searchsorted(right, left[_BLOCK::_BLOCK]).tolist()
    begin = 0
    for n, end in enumerate([*cuts, len(right)]):
        one, two = left[n * _BLOCK:(n + 1) * _BLOCK], right[begin:end]
        begin = end
        if len(one) != len(two) or not np.array_equal(one, two):
            yield one[~contains(two, one)], two[~contains(one, two)]


def contains(values: U64, wanted: U64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each of `wanted` is in the ascending `values`."""
    if not len(values):
        return np.zeros(len(wanted), np.bool_)
    where = np.searchsorted(values, wanted)
    where[where == len(values)] = 0
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = values[where] == wanted
    return found

"""What both sides say about their keys, from the hashes of the keys and the net amounts that the sketch gives back.

Distinct hashes stand for distinct keys, a hash on both sides for a key in both files, and a hash that nets to zero for a
key whose amounts are equal. Where the sketch does not tell every difference, the keys of its open buckets are left to be
grouped: no other key can differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duizhang.compare.buckets import U64, buckets_of
from duizhang.compare.hashes import KeyHashes, contains, only
from duizhang.compare.peel import Peeled


@dataclass(frozen=True)
class Tally:
    """Counts of keys and sums of amounts (minor units; `right_only` as the right file has it, `difference` left - right)."""

    left_keys: int = 0
    right_keys: int = 0
    both: int = 0
    equal: int = 0
    left_only: int = 0
    right_only: int = 0
    difference: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(self.values, other.values, strict=True)))

    @property
    def values(self) -> tuple[int, ...]:
        """The numbers in the order of the fields."""
        return (self.left_keys, self.right_keys, self.both, self.equal, self.left_only, self.right_only, self.difference)


@dataclass(frozen=True)
class Settled:
    """The tally of all keys but those with a hash in `rest`, which must be grouped, and how large a share they are."""

    tally: Tally
    rest: U64
    share: float


def settle(hashes: Sequence[KeyHashes], peeled: Peeled, allowed: int, *, named: bool) -> Settled | None:
    """Settle what needs no grouping; `peeled` was read back from the sketch of left - right.

    A key in both files is equal if its difference is at most `allowed` minor units. With `named` the keys that are not
    equal or on one side only are left to be grouped, because their names and amounts are asked for.
    None if something that was read back is no key's hash: then nothing of it is to be trusted.
    """
    flags = [] if peeled.whole else _flags(peeled)
    outside = ~_open(peeled.hashes, flags, peeled.bits) if flags else slice(None)
    changed, amounts = peeled.hashes[outside], peeled.amounts[outside]
    tally, rest, known, recognised = Tally(), [np.zeros(0, np.uint64)], 0, 0
    for part in range(hashes[0].parts):
        left, right = (side.part(part) for side in hashes)
        left_only, right_only = only(left, right)
        known += len(left) + len(right_only)
        on_left, on_right = contains(left, changed), contains(right, changed)
        recognised += int(np.count_nonzero(on_left | on_right))
        lefts, rights = len(left), len(right)
        if flags:
            rest += [left[_open(left, flags, peeled.bits)], right_only[_open(right_only, flags, peeled.bits)]]
            lefts -= len(rest[-2])
            rights -= int(np.count_nonzero(_open(right, flags, peeled.bits)))
            left_only, right_only = (values[~_open(values, flags, peeled.bits)] for values in (left_only, right_only))
        both = lefts - len(left_only)
        different = on_left & on_right & (np.abs(amounts) > allowed)
        equal = both - int(np.count_nonzero(different))
        if named:
            rest += [left_only, right_only, changed[different]]
            tally += Tally(equal, equal, equal, equal, 0, 0, _sum(amounts[on_left & on_right & ~different]))
        else:
            tally += Tally(lefts, rights, both, equal, _sum(amounts[on_left & ~on_right]),
                           -_sum(amounts[on_right & ~on_left]), _sum(amounts[on_left & on_right]))
        del left, right  # before the next part is read
    if recognised < len(changed):
        return None
    left_over = np.concatenate(rest)
    return Settled(tally, left_over, len(left_over) / max(known, 1))


def _flags(peeled: Peeled) -> list[npt.NDArray[np.bool_]]:
    found = []
    for buckets in peeled.open:
        flag = np.zeros(1 << peeled.bits, np.bool_)
        flag[buckets] = True
        found.append(flag)
    return found


def _open(values: U64, flags: Sequence[npt.NDArray[np.bool_]], bits: int) -> npt.NDArray[np.bool_]:
    """Which hashes fall in an open bucket of both tables."""
    first, second = (flag[buckets_of(values, table, bits)] for table, flag in enumerate(flags))
    both: npt.NDArray[np.bool_] = first & second
    return both


def _sum(amounts: npt.NDArray[np.int64]) -> int:
    return sum(amounts.tolist())

"""Which of a few amounts add up to a deposit: exact, with a hard bound on the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Solutions that are looked at to find the smallest; more are only counted.
_LISTED = 64


@dataclass(frozen=True)
class Subset:
    """members: indices of the smallest combination (then the first in order), empty if there is none; count: how many
    combinations of two or more there are."""

    members: tuple[int, ...]
    count: int


def find_subset(target: int, amounts: Sequence[int]) -> Subset:
    """Combinations of two or more `amounts` (integers, all > 0) that add up to `target`.

    Amounts whose sums have no room in 64 bits are added up by Python, which is slower and has no such bound.
    Meets in the middle: 2 ** (n / 2) sums a half are made and looked up, so the caller bounds n.
    """
    half = len(amounts) // 2
    kind = np.int64 if max(target, sum(amounts)) <= np.iinfo(np.int64).max else np.object_
    first, second = _sums(amounts[:half], kind), _sums(amounts[half:], kind)
    order = np.argsort(second, kind="stable")
    ordered = second[order]
    wanted = target - first
    low = np.searchsorted(ordered, wanted, side="left")
    high = np.searchsorted(ordered, wanted, side="right")
    count = int((high - low).sum()) - sum(amount == target for amount in amounts)
    if count <= 0:
        return Subset((), 0)
    found = (
        _members(int(mask), int(order[place]), half, len(amounts))
        for mask in np.flatnonzero(high > low)
        for place in range(int(low[mask]), int(high[mask]))
    )
    best = min(islice((m for m in found if len(m) > 1), _LISTED), key=lambda m: (len(m), m))
    return Subset(best, count)


def _sums(amounts: Sequence[int], kind: type[np.int64 | np.object_]) -> NDArray[Any]:
    """The sum of every combination; bit i of the index says whether amounts[i] is in it."""
    sums = np.array([0], dtype=kind)
    for amount in amounts:
        sums = np.concatenate([sums, sums + amount])
    return sums


def _members(first: int, second: int, half: int, count: int) -> tuple[int, ...]:
    return tuple(i for i in range(count) if (first >> i if i < half else second >> (i - half)) & 1)

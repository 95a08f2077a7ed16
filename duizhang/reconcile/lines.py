"""Open items that may be lines of a deposit, by counterparty and day: counted and summed without looking at each of them."""

from __future__ import annotations

import datetime as dt
import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice

_ANY = "*"  # no party's name: those are pseudonyms and channels


@dataclass(frozen=True, slots=True)
class Item:
    """An open item as the search for combinations sees it: amount in 1/10000, + left, - right."""

    key: str
    amount: int
    first_seen: dt.date
    party: str
    window: int
    left_first: bool = False  # what is on the right is never more than a day before what is on the left


class _Day:
    """The lines of one counterparty and day."""

    def __init__(self, items: list[Item]) -> None:
        self.items = sorted(items, key=lambda i: i.key)
        self.sizes = sorted(abs(i.amount) for i in items)
        self.sums = [0, *accumulate(self.sizes)]

    def below(self, target: int) -> tuple[int, int]:
        """How many lines are smaller than the target, and their sum."""
        count = bisect_left(self.sizes, target)
        return count, self.sums[count]


class Lines:
    """The items of one sign."""

    def __init__(self, items: Iterable[Item]) -> None:
        grouped: dict[tuple[str, int], list[Item]] = {}
        for item in items:
            for party in (item.party, _ANY):
                grouped.setdefault((party, item.first_seen.toordinal()), []).append(item)
        self._days = {place: _Day(listed) for place, listed in grouped.items()}

    def remove(self, items: Iterable[Item]) -> None:
        """Take lines out; the days that they are on are made anew."""
        gone: dict[tuple[str, int], set[str]] = {}
        for item in items:
            for party in (item.party, _ANY):
                gone.setdefault((party, item.first_seen.toordinal()), set()).add(item.key)
        for place, keys in gone.items():
            if place in self._days:
                self._days[place] = _Day([i for i in self._days[place].items if i.key not in keys])

    def parties(self) -> list[str]:
        """Who stands on the other side of any of them."""
        return sorted({party for party, _ in self._days} - {"", _ANY})

    def below(self, deposit: Item) -> tuple[int, int]:
        """How many lines the deposit may hold, and their sum."""
        found = [day.below(abs(deposit.amount)) for distance in self._within(deposit) for day in distance]
        return sum(count for count, _ in found), sum(total for _, total in found)

    def nearest(self, deposit: Item, number: int) -> list[Item]:
        """The first `number` of them by days apart, then by key."""
        target = abs(deposit.amount)
        ordered = (
            item for distance in self._within(deposit) for item in heapq.merge(*(d.items for d in distance), key=lambda i: i.key)
            if abs(item.amount) < target
        )
        return list(islice(ordered, number))

    def _within(self, deposit: Item) -> Iterator[list[_Day]]:
        """The days within the deposit's window, nearest first."""
        parties = (deposit.party, "") if deposit.party else (_ANY,)
        middle = deposit.first_seen.toordinal()
        for distance in range(deposit.window + 1):
            near = sorted({middle - distance, middle + distance})
            if deposit.left_first:
                near = [day for day in near if (day >= middle - 1 if deposit.amount > 0 else day <= middle + 1)]
            places = [(party, day) for party in parties for day in near]
            yield [self._days[place] for place in places if place in self._days]


__all__ = ["Item", "Lines"]

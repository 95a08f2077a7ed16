"""What is unusual: a day's measures held against their own history, rates that changed and stay so, and what a mass of differences has
in common. Quiet data give nothing. Every finding has its size and what would be normal."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from duizhang.report.seasonal import last_change, likely_on

_TO_SIGMA = 1.4826  # of the median absolute deviation, for values that are normally distributed
_DAYS_NEEDED, _WEEKS_OF_WEEKDAYS = 8, 14
_DEVIATIONS, _FEW_DEVIATIONS = 5.0, 7.0  # where there are fewer than two weeks the deviation itself is uncertain
_FARTHEST = 99.0  # deviations that are told; zero is infinitely far from what is counted
_LEAST_CHANGE = 0.25  # of the usual value
# of a rate that changed: days on either side, how many deviations, and which part of the rate
_BEFORE, _AFTER, _BREAK, _LEAST_STEP = 6, 3, 2.5, 0.04
_COUNTED = 20  # a day: smaller counts have no trend or weekday that could be told from chance
_MASS, _MASS_SHARE, _MASS_LIFT = 20, 0.8, 3.0

Series = Mapping[dt.date, float]


@dataclass(frozen=True)
class Unusual:
    """A value that its own history does not explain. low, high: what would be normal; size: distance in deviations."""

    day: dt.date
    value: float
    low: float
    high: float
    size: float
    days: int


@dataclass(frozen=True)
class Break:
    """A rate that is another one from a day on: the medians before and after it."""

    since: dt.date
    before: float
    after: float
    size: float


@dataclass(frozen=True)
class Mass:
    """What most of a mass of differences have in common. share, base: of the differences and of everything; lift: share / base."""

    part: str
    share: float
    base: float
    count: int

    @property
    def lift(self) -> float:
        return self.share / self.base if self.base else math.inf


def weekday_factors(values: Series) -> dict[int, float]:
    """How a weekday differs from the others: its median over that of all, 1 for all where there are less than two weeks."""
    if len(values) < _WEEKS_OF_WEEKDAYS or not (middle := median(values.values())):
        return dict.fromkeys(range(7), 1.0)
    by_day = {n: [v for d, v in values.items() if d.weekday() == n] for n in range(7)}
    return {n: (median(found) / middle if len(found) > 1 and median(found) > 0 else 1.0) for n, found in by_day.items()}


def unusual_on(values: Series, day: dt.date, *, kind: Literal["count", "amount", "rate"]) -> Unusual | None:
    """Whether the value of a day lies outside what the days before it make likely, their weekdays considered, and their trend where
    there are three weeks of them.

    kind: a count varies at least as much as chance does; a rate moves by small steps that matter.
    """
    if day not in values:
        return None
    before = {d: v for d, v in values.items() if d < day}
    if len(before) < _DAYS_NEEDED:
        return None
    if kind != "count" or median(before.values()) >= _COUNTED:
        likely = likely_on(before, day, is_ratio=kind != "rate")
        if likely:
            least = math.log(1 + _LEAST_CHANGE) if likely.is_ratio else _LEAST_CHANGE
            off = likely.distance(values[day])
            low, high = likely.band(3)
            found = Unusual(day, values[day], max(low, 0.0), high, min(off / likely.deviation, _FARTHEST), len(before))
            return found if off > max(_DEVIATIONS * likely.deviation, least) else None
    factors = weekday_factors(before)
    plain = [v / factors[d.weekday()] for d, v in before.items()]
    middle = median(plain)
    deviation = _TO_SIGMA * median(abs(v - middle) for v in plain)
    floor = math.sqrt(middle + 1) if kind == "count" else abs(middle) * (0.01 if kind == "rate" else 0.04)
    deviation = max(deviation, floor)
    if not deviation:
        return None
    value, factor = values[day], factors[day.weekday()]
    limit = _DEVIATIONS if len(before) >= _WEEKS_OF_WEEKDAYS else _FEW_DEVIATIONS
    reach = max(limit * deviation, _LEAST_CHANGE * abs(middle))
    if abs(value / factor - middle) <= reach:
        return None
    low, high = (middle - 3 * deviation) * factor, (middle + 3 * deviation) * factor
    return Unusual(day, value, max(low, 0.0), high, abs(value / factor - middle) / deviation, len(before))


def break_of(values: Series) -> Break | None:
    """The day from which on a rate is another one and stays so until the last day; None where none is clear."""
    days = sorted(values)
    if len(days) < _BEFORE + _AFTER:
        return None
    series = [values[d] for d in days]
    steps = [b - a for a, b in pairwise(series)]
    # of the values around their level, whatever that does: a step apart they differ by the square root of two more
    deviation = max(_TO_SIGMA * median(abs(s) for s in steps) / math.sqrt(2), 0.005 * abs(median(series)))
    if not deviation or (change := last_change(series, deviation)) is None:
        return None
    at, start = change
    before, after = series[start:at], series[at:]
    was, now = median(before), median(after)
    # every day since is on the other side: odd days are no change of the rate
    beyond = all((v - (was + now) / 2) * (now - was) > 0 for v in after)
    size = abs(now - was) / deviation
    if at < _BEFORE or not beyond or size < _BREAK or abs(now - was) < _LEAST_STEP * abs(was):
        return None
    return Break(days[at], was, now, size)


def in_common(parts: Sequence[str], base: Mapping[str, float]) -> Mass | None:
    """What stands out among the parts that a mass of differences is about, held against how often each part is there at all."""
    total = sum(base.values())
    if len(parts) < _MASS or not total:
        return None
    counts = {part: parts.count(part) for part in sorted(set(parts)) if part}
    if not counts:
        return None
    part = max(counts, key=lambda p: (counts[p], p))
    found = Mass(part, counts[part] / len(parts), base.get(part, 0.0) / total, counts[part])
    return found if found.share >= _MASS_SHARE and found.base > 0 and found.lift >= _MASS_LIFT else None


__all__ = ["Break", "Mass", "Series", "Unusual", "break_of", "in_common", "unusual_on", "weekday_factors"]

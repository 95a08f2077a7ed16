"""What is usual for a measure of a day: the median of the days before it and three deviations around it, by weekday where
there are enough of them. Robust, so that one bad day does not widen the band."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

WEEKDAYS_NEEDED, DAYS_NEEDED = 4, 7
DEVIATIONS = 3.0
_TO_SIGMA = 1.4826  # of the median absolute deviation, for values that are normally distributed


@dataclass(frozen=True)
class Band:
    """The usual range of a measure. deviation: robust standard deviation; days: how many it was taken from."""

    low: float
    middle: float
    high: float
    deviation: float
    days: int

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def usual(values: Mapping[dt.date, float], day: dt.date, *, least: float = 0.0) -> Band | None:
    """The band of a day from the days before it; None where they are too few. least: a deviation that is always allowed."""
    before = {d: v for d, v in values.items() if d < day}
    same = [v for d, v in before.items() if d.weekday() == day.weekday()]
    chosen = same if len(same) >= WEEKDAYS_NEEDED else list(before.values())
    if len(chosen) < (WEEKDAYS_NEEDED if chosen is same else DAYS_NEEDED):
        return None
    middle = median(chosen)
    deviation = max(_TO_SIGMA * median(abs(v - middle) for v in chosen), least)
    return Band(middle - DEVIATIONS * deviation, middle, middle + DEVIATIONS * deviation, deviation, len(chosen))


__all__ = ["Band", "usual"]

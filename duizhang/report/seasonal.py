"""What a series makes likely for its next day (trend and weekday by STL with robust weights), and from which day on a rate is another
one (PELT). Both libraries are loaded when a series is first judged."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from duizhang.kept_out import let_in

WEEK = 7
DAYS_NEEDED = 3 * WEEK  # of STL, before the day that is judged
_TO_SIGMA = 1.4826  # of the median absolute deviation, for values that are normally distributed
_FITTED = 1.4  # what is left over by a fit deviates less than what is yet to come
_LEAST_DEVIATION, _LEAST_OF_RATE = 0.08, 0.01  # of the value
_PENALTY, _LEAST_DAYS = 8.0, 3


@dataclass(frozen=True)
class Likely:
    """What is likely for a day. deviation: one robust standard deviation, as a part of the middle. is_ratio: values are held against
    the middle by ratio, as of what is counted or added up; else by distance, as of rates."""

    middle: float
    deviation: float
    is_ratio: bool

    def distance(self, value: float) -> float:
        """How far a value is off, as a part of the middle; of what is counted half is as far as double."""
        if self.is_ratio:
            return abs(math.log(value / self.middle)) if value > 0 else math.inf
        return abs(value - self.middle) / abs(self.middle)

    def band(self, deviations: float) -> tuple[float, float]:
        """From where to where a value is normal."""
        reach = deviations * self.deviation
        if self.is_ratio:
            return self.middle * math.exp(-reach), self.middle * math.exp(reach)
        return self.middle - reach * abs(self.middle), self.middle + reach * abs(self.middle)


def likely_on(values: Mapping[dt.date, float], day: dt.date, *, is_ratio: bool) -> Likely | None:
    """What the days before make likely for a day; None where they are too few, not without gaps, or zero on some day: then trend and
    weekdays cannot be told."""
    first = min((d for d in values if d < day), default=day)
    before = [values.get(first + dt.timedelta(days=n)) for n in range((day - first).days)]
    known = [v for v in before if v is not None and v > 0]
    if len(before) < DAYS_NEEDED or len(known) < len(before):
        return None
    let_in()
    import numpy as np
    from statsmodels.tsa.seasonal import STL

    scale = 1.0 if is_ratio else median(known)
    series = np.log(known) if is_ratio else np.asarray(known) / scale
    found = STL(series, period=WEEK, robust=True).fit()
    # what is usual now: the trend of the last week, and the same weekday of the week before
    middle = float(np.median(found.trend[-WEEK:]) + found.seasonal[-WEEK])
    rest = found.resid - np.median(found.resid)
    deviation = max(_FITTED * _TO_SIGMA * float(np.median(np.abs(rest))), _LEAST_DEVIATION if is_ratio else _LEAST_OF_RATE)
    return Likely(math.exp(middle) if is_ratio else middle * scale, deviation, is_ratio)


def last_change(values: list[float], deviation: float) -> tuple[int, int] | None:
    """Where the last stretch of a series begins that has another level, and where the one before it does; None where all have one.

    deviation: a robust standard deviation of the values around their level.
    """
    if len(values) < 2 * _LEAST_DAYS:
        return None
    import numpy as np
    import ruptures

    ends = ruptures.Pelt(model="l1", min_size=_LEAST_DAYS, jump=1).fit(np.asarray(values) / deviation).predict(pen=_PENALTY)
    starts = [0, *(end for end in ends if end < len(values))]
    return (starts[-1], starts[-2]) if len(starts) > 1 else None


__all__ = ["Likely", "last_change", "likely_on"]

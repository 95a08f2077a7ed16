"""The order in which days are computed: stretches of stale days, and behind them what opens differently since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator

DAY = dt.timedelta(days=1)


def stretches(periods: Iterable[dt.date]) -> list[list[dt.date]]:
    """The days in order, consecutive ones together."""
    found: list[list[dt.date]] = []
    for period in sorted(set(periods)):
        if found and period - found[-1][-1] == DAY:
            found[-1].append(period)
        else:
            found.append([period])
    return found


def spans(periods: Iterable[dt.date]) -> str:
    """Days as text, stretches of them as `first to last`."""
    shown = [f"{s[0]}" if len(s) == 1 else f"{s[0]} to {s[-1]}" for s in stretches(periods)]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


def passes(
    first: dt.date, last: dt.date, *, stale: Collection[dt.date], closed: Callable[[dt.date], bool],
    moved: Callable[[dt.date], bool], refuse: Callable[[dt.date], None],
) -> Iterator[tuple[list[dt.date], bool]]:
    """Stretches to compute one after the other, and whether each only follows what was computed before it.

    Stale days are one stretch as long as they are consecutive. What follows a changed closing is done in stretches of 1, 2,
    4, ... days: a cascade that stops soon costs little, one that goes on for months few passes. `moved` is asked when the
    stretch before is computed; a closed day that would have to follow is refused, and stops the cascade.
    """
    period, width = first, 1
    while period <= last:
        opens_differently = moved(period)
        follows = opens_differently and period not in stale and not closed(period)
        if not follows and period not in stale:
            if opens_differently:
                refuse(period)
            period, width = period + DAY, 1
            continue
        end = period
        while (after := end + DAY) <= last and not closed(after) and (
            after in stale or (follows and (after - period).days < width)
        ):
            end = after
        yield [period + DAY * n for n in range((end - period).days + 1)], follows
        period, width = end + DAY, width * 2 if follows else 1

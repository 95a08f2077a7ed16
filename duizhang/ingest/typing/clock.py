"""From the clocks on walls to UTC, and from UTC to business days.

The offset of a zone is constant from one change of its clock to the next, so times are shifted by looking them up among the
changes: few, and found once a zone and span of years.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.ingest.typing.stamps import DAY, SECOND

TIME = pa.timestamp("us")
_FIRST_YEAR, _LAST_YEAR = 1970, 2100  # outside of them Arrow is asked for every time
_LONGEST = 60  # years over which the changes of a zone are looked for
_HOUR = 3600 * SECOND


def to_utc(times: pa.Array, zone: str) -> pa.Array:
    """Wall-clock times of a zone in UTC. A time that the clock shows twice is the first; one that it skips, the last before."""
    numbers, nulls = _integers(times)
    found = _utc(numbers, nulls, zone)
    if found is None:
        return pc.cast(pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="earliest"), pa.timestamp("us", "UTC")).cast(TIME)
    return times if found is numbers else pa.array(found, mask=nulls).view(TIME)


def by_zone(times: pa.Array, zones: pa.Array, fallback: str) -> pa.Array:
    """Wall-clock times in UTC, each by the zone that its row names; `fallback` where it names none.

    zones: text, dictionary-encoded or not.
    """
    coded = zones if pa.types.is_dictionary(zones.type) else zones.dictionary_encode()
    names = [name or fallback for name in coded.dictionary.to_pylist()] + [fallback]
    places = pc.fill_null(coded.indices, len(names) - 1).to_numpy()
    used = np.flatnonzero(np.bincount(places))
    if len(used) == 1:
        return to_utc(times, names[used[0]])
    numbers, nulls = _integers(times)
    found = np.zeros(len(numbers), np.int64)
    for place in used:
        rows = np.flatnonzero(places == place)
        there = to_utc(times.take(pa.array(rows)), names[place])
        found[rows] = _integers(there)[0]
    return pa.array(found, mask=nulls).view(TIME)


def business_day(utc: pa.Array, zone: str, cut_off_minutes: int) -> pa.Array:
    """The day in the books' zone, which begins at the cut-off, of times in UTC."""
    numbers, nulls = _integers(utc)
    changes = _changes_around(numbers, nulls, zone)
    if changes is None:
        local, _ = _integers(pc.local_timestamp(pc.cast(utc.cast(pa.timestamp("us", "UTC")), pa.timestamp("us", zone))))
    else:
        at, offsets = changes
        local = numbers + (offsets[np.searchsorted(at, numbers, side="right")] if len(at) else offsets[0])
    days = np.floor_divide(local - cut_off_minutes * 60 * SECOND, DAY).astype(np.int32)
    return pa.array(days, mask=nulls).view(pa.date32())


def _utc(numbers: np.ndarray, nulls: np.ndarray | None, zone: str) -> np.ndarray | None:
    """Microseconds in UTC of those that a zone's clock shows; None where Arrow has to be asked."""
    changes = _changes_around(numbers, nulls, zone)
    if changes is None:
        return None
    at, offsets = changes
    if not len(at):
        return numbers - offsets[0] if offsets[0] else numbers
    # at a change the clock jumps from one reading to another: the new offset holds from the later of both on, and what lies
    # between them is shown twice where it jumps back, and never where it jumps forward
    later, earlier = at + np.maximum(offsets[:-1], offsets[1:]), at + offsets[:-1]
    place = np.searchsorted(later, numbers, side="right")
    utc = numbers - offsets[place]
    skipped = numbers >= np.append(earlier, np.iinfo(np.int64).max)[place]
    return np.where(skipped, np.append(at, 0)[place] - 1, utc)


def _integers(times: pa.Array) -> tuple[np.ndarray, np.ndarray | None]:
    """(microseconds, 0 for null; where there are nulls, which are)."""
    numbers = times.view(pa.int64())
    if not numbers.null_count:
        return numbers.to_numpy(), None
    return pc.fill_null(numbers, 0).to_numpy(), times.is_null().to_numpy(zero_copy_only=False)


def _changes_around(numbers: np.ndarray, nulls: np.ndarray | None, zone: str) -> tuple[np.ndarray, np.ndarray] | None:
    """The changes of a zone's clock around these times, as `_changes` gives them; None where they are not known."""
    known = numbers if nulls is None else numbers[~nulls]
    if not len(known):
        return np.zeros(0, np.int64), np.zeros(1, np.int64)
    least, most = int(known.min()) - 2 * DAY, int(known.max()) + 2 * DAY
    first, last = _year(least), _year(most)
    if first < _FIRST_YEAR or last > _LAST_YEAR or last - first > _LONGEST:
        return None
    at, offsets = _changes(zone, first, last)
    begin, end = np.searchsorted(at, [least, most])
    return at[begin:end], offsets[begin : end + 1]


def _year(microseconds: int) -> int:
    return int(np.datetime64(microseconds, "us").astype("datetime64[Y]").astype(int)) + 1970


@lru_cache(maxsize=256)
def _changes(zone: str, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """(when the clock of a zone is changed in these years, in UTC; its offset before the first change and after each).

    All in microseconds. The clock is looked at every hour, and where it was changed meanwhile, every second.
    """
    begin, end = (int(np.datetime64(str(year), "us").astype(np.int64)) for year in (first, last + 1))
    hours = np.arange(begin, end + 1, _HOUR)
    by_hour = _offsets(hours, zone)
    at: list[np.ndarray] = []
    offsets: list[np.ndarray] = [by_hour[:1]]
    for place in np.flatnonzero(np.diff(by_hour)):
        seconds = np.arange(hours[place], hours[place] + _HOUR + SECOND, SECOND)
        by_second = _offsets(seconds, zone)
        steps = np.flatnonzero(np.diff(by_second)) + 1
        at.append(seconds[steps])
        offsets.append(by_second[steps])
    return np.concatenate([np.zeros(0, np.int64), *at]), np.concatenate(offsets)


def _offsets(utc: np.ndarray, zone: str) -> np.ndarray:
    """Microseconds east of UTC at these times."""
    times = pa.array(utc).view(TIME).cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", zone))
    return np.asarray(pc.local_timestamp(times).view(pa.int64()).to_numpy() - utc)

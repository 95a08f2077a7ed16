"""From the clocks on walls to UTC, and from UTC to business days."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

TIME = pa.timestamp("us")


def to_utc(times: pa.Array, zone: str) -> pa.Array:
    """Wall-clock times of a zone in UTC. A time that the clock shows twice is the first; one that it skips, the last before."""
    return _to_utc(times, zone)[0]


def _to_utc(times: pa.Array, zone: str) -> tuple[pa.Array, bool]:
    """(times in UTC, whether the clock shows each of them)."""
    walls = pl.Series(times)
    if (offset := ZoneInfo(zone).utcoffset(None)) is not None:  # one that never changes
        return (walls - offset).to_arrow(), True
    there = walls.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if there.null_count() > walls.null_count():  # Polars has no answer for what the clock skips
        there = pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="earliest")
        return pc.cast(there, pa.timestamp("us", "UTC")).cast(TIME), False
    return there.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_arrow(), True


def by_zone(times: pa.Array, zones: pa.Array, fallback: str) -> pa.Array:
    """Wall-clock times in UTC, each by the zone that its row names; `fallback` where it names none.

    zones: text, dictionary-encoded or not.
    """
    coded = zones if pa.types.is_dictionary(zones.type) else zones.dictionary_encode()
    names = [name or fallback for name in coded.dictionary.to_pylist()] + [fallback]
    places = pc.fill_null(coded.indices, len(names) - 1).to_numpy()
    found = np.full(len(times), np.datetime64("NaT"), "datetime64[us]")
    for place, name in enumerate(names):
        if len(at := np.flatnonzero(places == place)):
            found[at] = to_utc(times.take(pa.array(at)), name)
    return pa.array(found, TIME)


def business_day(utc: pa.Array, zone: str, cut_off_minutes: int) -> pa.Array:
    """The day in the books' zone, which begins at the cut-off, of times in UTC."""
    return _day(pl.Series(utc).dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None), cut_off_minutes)


def utc_and_day(times: pa.Array, zone: str, books_zone: str, cut_off_minutes: int) -> tuple[pa.Array, pa.Array]:
    """(wall-clock times of a zone in UTC, their days in the books' zone), as `to_utc` and `business_day` have them."""
    utc, are_shown = _to_utc(times, zone)
    if zone == books_zone and are_shown:
        return utc, _day(pl.Series(times), cut_off_minutes)
    return utc, business_day(utc, books_zone, cut_off_minutes)


def _day(local: pl.Series, cut_off_minutes: int) -> pa.Array:
    return (local - dt.timedelta(minutes=cut_off_minutes) if cut_off_minutes else local).dt.date().to_arrow()

"""From the clocks on walls to UTC, and from UTC to business days."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.ingest.texts import X, applied

TIME = pa.timestamp("us")


def to_utc(times: pa.Array, zone: str) -> pa.Array:
    """Wall-clock times of a zone in UTC. A time that the clock shows twice is the first; one that it skips, the last before."""
    utc = applied(_utc(X, zone), pl.Series(times))
    if utc.null_count() > times.null_count:  # Polars has no answer for what the clock skips
        there = pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="earliest")
        return pc.cast(there, pa.timestamp("us", "UTC")).cast(TIME)
    return utc.to_arrow()


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
    return applied(_day(_local(X, zone), cut_off_minutes), pl.Series(utc)).to_arrow()


def utc_and_day(value: pl.Expr, zone: str, books_zone: str, cut_off_minutes: int) -> tuple[pl.Expr, pl.Expr]:
    """(wall-clock times of a zone in UTC, their days in the books' zone), as `to_utc` and `business_day` have them but for times that
    the clock skips: of these both are null, or wrong."""
    return (utc := _utc(value, zone)), _day(value if zone == books_zone else _local(utc, books_zone), cut_off_minutes)


def _utc(walls: pl.Expr, zone: str) -> pl.Expr:
    if (offset := ZoneInfo(zone).utcoffset(None)) is not None:  # one that never changes
        return walls - offset
    there = walls.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return there.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _local(utc: pl.Expr, zone: str) -> pl.Expr:
    return utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)


def _day(local: pl.Expr, cut_off_minutes: int) -> pl.Expr:
    return (local - dt.timedelta(minutes=cut_off_minutes) if cut_off_minutes else local).dt.date()

"""From the clocks on walls to UTC, and from UTC to business days."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

TIME = pa.timestamp("us")


def to_utc(times: pa.Array, zone: str) -> pa.Array:
    """Wall-clock times of a zone in UTC. A time that the clock shows twice is the first; one that it skips, the last before."""
    walls = pl.Series(times)
    there = walls.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if there.null_count() > walls.null_count():  # Polars has no answer for what the clock skips
        return pc.cast(pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="earliest"), pa.timestamp("us", "UTC")).cast(TIME)
    return there.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_arrow()


def by_zone(times: pa.Array, zones: pa.Array, fallback: str) -> pa.Array:
    """Wall-clock times in UTC, each by the zone that its row names; `fallback` where it names none.

    zones: text, dictionary-encoded or not.
    """
    coded = zones if pa.types.is_dictionary(zones.type) else zones.dictionary_encode()
    names = [name or fallback for name in coded.dictionary.to_pylist()] + [fallback]
    places = pc.fill_null(coded.indices, len(names) - 1).to_numpy()
    if len(places) and (places == places[0]).all():
        return to_utc(times, names[places[0]])
    rows = [np.flatnonzero(places == place) for place in range(len(names))]
    parts = [to_utc(times.take(pa.array(at)), name) for at, name in zip(rows, names, strict=True) if len(at)]
    return pa.concat_arrays([*parts, pa.array([], TIME)]).take(pa.array(np.argsort(np.concatenate(rows))))


def business_day(utc: pa.Array, zone: str, cut_off_minutes: int) -> pa.Array:
    """The day in the books' zone, which begins at the cut-off, of times in UTC."""
    local = pl.Series(utc).dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return (local.dt.offset_by(f"-{cut_off_minutes}m") if cut_off_minutes else local).dt.date().to_arrow()

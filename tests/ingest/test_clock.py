"""Clocks of zones are those that Arrow knows, above all around the hours at which they are changed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duizhang.ingest.typing.clock import TIME, business_day, by_zone, to_utc

SECOND, DAY = 1_000_000, 86_400_000_000  # microseconds

# half an hour of summer time, a night that was left out, a Ramadan without it, two hours at once
ZONES = ["Asia/Shanghai", "America/Los_Angeles", "America/St_Johns", "Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "Pacific/Apia",
         "Africa/Casablanca", "Antarctica/Troll", "Asia/Tehran", "Etc/GMT+8", "UTC"]
AROUND = [-3601, -3600, -1800, -1, 0, 1, 1799, 1800, 3599, 3600, 3601]  # seconds


def around_changes(zone: str) -> np.ndarray:
    """A moment of every day, and clocks on both sides of every change within an hour."""
    hours = np.arange(0, 60 * 365 * DAY, 3600 * SECOND)
    there = pa.array(hours).view(TIME).cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", zone))
    offsets = pc.local_timestamp(there).view(pa.int64()).to_numpy() - hours
    places = np.flatnonzero(np.diff(offsets))
    walls = [hours[places] + shift + seconds * SECOND for shift in (offsets[places], offsets[places + 1], 0) for seconds in AROUND]
    return np.concatenate([np.arange(3, 60 * 365) * DAY + 37 * SECOND, *walls])


def slow_utc(times: pa.Array, zone: str) -> pa.Array:
    there = pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="earliest")
    return pc.cast(there, pa.timestamp("us", "UTC")).cast(TIME)


def slow_day(utc: pa.Array, zone: str, cut_off_minutes: int) -> list[object]:
    local = pc.local_timestamp(pc.cast(utc.cast(pa.timestamp("us", "UTC")), pa.timestamp("us", zone)))
    return pc.subtract(local, pa.scalar(cut_off_minutes * 60 * SECOND, pa.duration("us"))).cast(pa.date32(), safe=False).to_pylist()


@pytest.mark.parametrize("zone", ZONES)
def test_clocks_around_their_changes(zone: str) -> None:
    walls = pa.array(around_changes(zone)).view(TIME)
    assert to_utc(walls, zone).equals(slow_utc(walls, zone))
    assert business_day(walls, zone, 90).to_pylist() == slow_day(walls, zone, 90)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 50 * 365 * 86_400) | st.none(), st.sampled_from([*ZONES, "", None])), max_size=6))
def test_every_row_by_the_zone_that_it_names(rows: list[tuple[int | None, str | None]]) -> None:
    times = pa.array([None if seconds is None else seconds * SECOND for seconds, _ in rows], pa.int64()).view(TIME)
    zones = pa.array([zone for _, zone in rows], pa.string())
    expected = [slow_utc(times.slice(n, 1), zone or "Europe/Berlin").to_pylist()[0] for n, (_, zone) in enumerate(rows)]
    for column in (zones, zones.dictionary_encode()):
        assert by_zone(times, column, "Europe/Berlin").to_pylist() == expected


def test_times_of_other_centuries() -> None:
    times = pa.array([-2_000_000_000 * SECOND, 0, 5_000_000_000 * SECOND, None], pa.int64()).view(TIME)
    assert to_utc(times, "Europe/Berlin").equals(slow_utc(times, "Europe/Berlin"))
    assert business_day(times, "Europe/Berlin", 0).to_pylist() == slow_day(times, "Europe/Berlin", 0)

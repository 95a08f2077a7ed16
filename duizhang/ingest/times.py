"""From text to time: exact, by the patterns of a specification, and from wall clocks to UTC and business days."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.ingest.texts import text_bytes
from duizhang.store import quoted, scratch

TIME = pa.timestamp("us")
ISO = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}
FIRST_YEAR, LAST_YEAR = 1900, 2200
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_PATTERN = re.compile(r"%(.)|([^%]+)", re.DOTALL)
_SECOND, _DAY = 1_000_000, 86_400_000_000  # microseconds
PROBE = 64
_LONGEST = 400  # days over which a zone is looked at for a change of its offset
_EPOCH = dt.date(1970, 1, 1).toordinal()
# the first day of every month since January of the first year, in days since 1970, and the days of that month
_MONTHS = np.array([dt.date(y, m, 1).toordinal() - _EPOCH for y in range(FIRST_YEAR, LAST_YEAR + 1) for m in range(1, 13)], np.int32)
_LENGTHS = np.diff(np.append(_MONTHS, dt.date(LAST_YEAR + 1, 1, 1).toordinal() - _EPOCH))
_EARLIEST, _LATEST = int(_MONTHS[0]) * 86_400_000_000, int(_MONTHS[-1] + _LENGTHS[-1]) * 86_400_000_000


def is_absolute(pattern: str) -> bool:
    """Whether times of this pattern name their offset."""
    return "%z" in pattern or pattern == "epoch"


def time_sql(formats: Sequence[str]) -> tuple[str, str]:
    """(value, reason) in SQL over the text `x`: the first of the patterns that reads it."""
    tries = []
    for pattern in formats:
        if pattern == "epoch":
            tries.append(r"case when regexp_full_match(x, '\d{9,11}') then make_timestamp(try_cast(x as bigint) * 1000000) end")
        elif pattern == "excel":
            # day 1 is 1900-01-01 and there is a 1900-02-29, so days count from 1899-12-30
            tries.append(
                r"case when regexp_full_match(x, '\d{5}(\.\d+)?') then timestamp '1899-12-30' "
                "+ to_microseconds((round(try_cast(x as double) * 86400) * 1000000)::bigint) end"
            )
        else:
            # %Y takes two digits for the year 20: that is no year of anybody's books
            text = "regexp_replace(x, 'Z$', '+00:00')" if "%z" in pattern else "x"
            tried = f"try_cast(try_strptime({text}, {quoted(pattern)}) as timestamp)"
            tries.append(f"case when year({tried}) between {FIRST_YEAR} and {LAST_YEAR} then {tried} end" if "%Y" in pattern else tried)
    example = next((f for f in formats if f.startswith("%")), formats[0])
    return f"coalesce({', '.join(tries)})", f"is no time; expected such as {example}"


def fast_time(texts: pa.Array, formats: Sequence[str]) -> pa.Array | None:
    """All cells as times (those with an offset in UTC), or None where one of them needs the slow way."""
    # a cell that Arrow does not take is found out by a few of them: its error for a whole column costs as much as a column
    if _iso(texts.slice(0, PROBE), formats) is not None and (found := _iso(texts, formats)) is not None:
        return found
    for number, pattern in enumerate(formats):
        layout = _layout(pattern)
        if layout is None or not _alone(pattern, tuple(formats[:number])):
            continue
        found = _fixed(texts, layout)
        if found is not None:
            return found
    return None


def _iso(texts: pa.Array, formats: Sequence[str]) -> pa.Array | None:
    absolute = all(is_absolute(f) for f in formats)
    if (not absolute and not ISO & set(formats)) or any(f in ("epoch", "excel") for f in formats):
        return None
    try:
        filled = pc.if_else(pc.equal(texts, ""), None, texts)
        if not absolute and pc.any(pc.equal(pc.binary_length(filled), 13)).as_py():
            return None  # Arrow takes an hour alone
        found = pc.cast(filled, pa.timestamp("us", "UTC") if absolute else TIME).cast(TIME)
        ends = pc.min_max(found.view(pa.int64())).as_py()
        within = ends["min"] is None or (ends["min"] >= _EARLIEST and ends["max"] < _LATEST)
        return found if within else None
    except pa.ArrowInvalid:
        return None


@lru_cache
def _layout(pattern: str) -> tuple[tuple[str, str], ...] | None:
    """The parts of a pattern, ('Y' and the like, '') or ('', literal), where all have a fixed width; an offset may only end it."""
    parts = tuple((code, literal) for code, literal in _PATTERN.findall(pattern))
    codes = [code for code, _ in parts if code]
    fixed = all(code in _WIDTHS or (code == "z" and n == len(codes) - 1) for n, code in enumerate(codes))
    if not fixed or not {"Y", "m", "d"} <= set(codes) or len(set(codes)) != len(codes) or not pattern.isascii():
        return None
    return None if "z" in codes and parts[-1][0] != "z" else parts


@lru_cache
def _alone(pattern: str, before: tuple[str, ...]) -> bool:
    """Whether none of the patterns before this one can read what this one reads at its full width."""
    return not before or not any(_reads(other, pattern) for other in before)


@lru_cache(maxsize=1024)
def _reads(other: str, pattern: str) -> bool:
    """Whether a pattern may read a text that `pattern`, of fixed width, reads.

    Tried on a text whose every part is right in any place: year 2011, else 11.
    """
    text = "".join({"Y": "2011", "z": "+0000"}.get(code, "11") if code else literal for code, literal in _layout(pattern) or ())
    with scratch() as con:
        [(found,)] = con.execute(f"select {time_sql([other])[0]} from (select $1 as x)", [text]).fetchall()
    return found is not None


def _fixed(texts: pa.Array, layout: Sequence[tuple[str, str]]) -> pa.Array | None:
    """Times out of cells that all have the width of the pattern; an empty cell is null."""
    data, ends = text_bytes(texts)
    lengths = np.diff(ends)
    filled = lengths > 0
    width = int(lengths.max(initial=0))
    clock = sum(_WIDTHS.get(code, 0) if code else len(literal) for code, literal in layout)
    zoned = layout[-1][0] == "z"
    if not width or (lengths[filled] != width).any() or (width - clock not in (5, 6) if zoned else width != clock):
        return None
    cells = data[ends[0] : ends[-1]].reshape(-1, width)
    numbers: dict[str, np.ndarray] = {}
    at = 0
    for code, literal in layout:
        if code == "z":
            break
        if literal:
            if any((cells[:, at + n] != byte).any() for n, byte in enumerate(literal.encode())):
                return None
            at += len(literal)
            continue
        number = _number(cells, at, _WIDTHS[code])
        if number is None:
            return None
        numbers[code], at = number, at + _WIDTHS[code]
    times = _since_epoch(numbers)
    if times is not None and zoned:
        offset = _offset(cells[:, at:])
        times = times - offset if offset is not None else None
    if times is None:
        return None
    if filled.all():
        return pa.array(times).view(TIME)
    rows = np.zeros(len(texts), np.int64)
    rows[filled] = times
    return pa.array(rows, mask=~filled).view(TIME)


def _number(cells: np.ndarray, at: int, width: int) -> np.ndarray | None:
    number = np.zeros(len(cells), np.int32)
    for n in range(at, at + width):
        digit = cells[:, n] - np.uint8(48)  # what is below '0' wraps to above 9
        if digit.max(initial=0) > 9:
            return None
        number = number * 10 + digit
    return number


def _since_epoch(numbers: dict[str, np.ndarray]) -> np.ndarray | None:
    """Microseconds since 1970, or None where a part is out of range."""
    year, month, day = numbers["Y"], numbers["m"], numbers["d"]
    hour, minute, second = (numbers.get(code, np.zeros(1, np.int32)) for code in "HMS")
    if year.min() < FIRST_YEAR or year.max() > LAST_YEAR or month.min() < 1 or month.max() > 12 or day.min() < 1:
        return None
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        return None
    index = (year - FIRST_YEAR) * 12 + (month - 1)
    if (day > _LENGTHS[index]).any():
        return None
    days = (_MONTHS[index] + (day - 1)).astype(np.int64)
    return np.asarray(days * _DAY + (hour * 3600 + minute * 60 + second).astype(np.int64) * _SECOND)


def _offset(cells: np.ndarray) -> np.ndarray | None:
    """Microseconds east of UTC out of +hhmm or +hh:mm."""
    sign = cells[:, 0]
    plus = sign == ord("+")
    if not (plus | (sign == ord("-"))).all():
        return None
    colon = cells.shape[1] == 6
    if colon and (cells[:, 3] != ord(":")).any():
        return None
    hours, minutes = _number(cells, 1, 2), _number(cells, 3 + colon, 2)
    if hours is None or minutes is None or hours.max() > 15 or minutes.max() > 59:
        return None
    return np.asarray(np.where(plus, 1, -1) * (hours * 60 + minutes).astype(np.int64) * 60 * _SECOND)


def to_utc(times: pa.Array, zone: str) -> pa.Array:
    """Wall-clock times of a zone in UTC. A time that the clock shows twice is the first; one that it skips, the last before."""
    offset = _constant_offset(times, zone)
    if offset is not None:
        return _shifted(times, -offset)
    return pc.cast(pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="earliest"), pa.timestamp("us", "UTC")).cast(TIME)


def business_day(utc: pa.Array, zone: str, cut_off_minutes: int) -> pa.Array:
    """The day in the books' zone, which begins at the cut-off, of times in UTC."""
    offset = _constant_offset(utc, zone)
    if offset is not None:
        local = _shifted(utc, offset)
    else:
        local = pc.local_timestamp(pc.cast(utc.cast(pa.timestamp("us", "UTC")), pa.timestamp("us", zone)))
    numbers = _integers(local) - cut_off_minutes * 60 * _SECOND
    days = np.floor_divide(numbers, _DAY).astype(np.int32)
    return pa.array(days, mask=_nulls(local)).view(pa.date32())


def by_zone(times: pa.Array, zones: pa.Array, fallback: str) -> pa.Array:
    """Wall-clock times in UTC, each by the zone that its row names; `fallback` where it names none."""
    found = pa.nulls(len(times), TIME)
    for zone in pc.unique(zones).to_pylist():
        mask = pc.fill_null(pc.equal(zones, zone), False) if zone is not None else pc.is_null(zones)
        found = pc.if_else(mask, to_utc(times, zone or fallback), found)
    return found


def _integers(times: pa.Array) -> np.ndarray:
    """Microseconds; 0 for null."""
    numbers = times.view(pa.int64())
    return np.asarray(pc.fill_null(numbers, 0).to_numpy() if numbers.null_count else numbers.to_numpy())


def _nulls(times: pa.Array) -> np.ndarray | None:
    return times.is_null().to_numpy(zero_copy_only=False) if times.null_count else None


def _shifted(times: pa.Array, microseconds: int) -> pa.Array:
    return times if not microseconds else pc.add(times.view(pa.int64()), pa.scalar(microseconds)).view(TIME)


def _constant_offset(times: pa.Array, zone: str) -> int | None:
    """Microseconds east of UTC where the zone's clock is not changed around any of the times; else None."""
    ends = pc.min_max(times.view(pa.int64())).as_py()
    if ends["min"] is None:
        return 0
    return _offset_over(zone, ends["min"] // _DAY - 2, ends["max"] // _DAY + 2)


@lru_cache(maxsize=4096)
def _offset_over(zone: str, first: int, last: int) -> int | None:
    if last - first > _LONGEST or not -719_000 < first < last < 2_900_000:
        return None
    clock, epoch = ZoneInfo(zone), dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    found = {(epoch + dt.timedelta(days=day)).astimezone(clock).utcoffset() for day in range(first, last + 1)}
    [offset, *others] = found
    return None if others or offset is None else int(offset / dt.timedelta(microseconds=1))


def possible(texts: pa.Array, formats: Sequence[str]) -> tuple[str, ...]:
    """Of formats that read the same text differently (day and month), those to use for this file.

    The one that reads every cell leads; where several do, one under which the times go steadily up or down, as rows of
    a statement do; else the first of the specification. A format that reads a cell otherwise than the leading one is out.
    """
    kept = texts.filter(pc.not_equal(texts, ""))
    if not len(kept):
        return tuple(formats)
    found = _read_by_each(kept, formats)
    whole = [pattern for pattern, times in found.items() if not times.null_count]
    if not whole:
        return tuple(formats)
    lead = next((pattern for pattern in whole if _is_steady(found[pattern])), whole[0])
    same = [p for p in formats if not pc.any(pc.not_equal(found[p], found[lead]), min_count=0).as_py()]
    return (lead, *(p for p in same if p != lead))


def _read_by_each(texts: pa.Array, formats: Sequence[str]) -> dict[str, pa.Array]:
    """The times that each of the patterns reads, null where it reads none."""
    for pattern in formats:
        layout = _layout(pattern)
        times = _fixed(texts, layout) if layout else None
        if times is not None:
            rivals = [other for other in formats if other != pattern and _reads(other, pattern)]
            nothing = dict.fromkeys(formats, pa.nulls(len(texts), TIME))
            return {**nothing, **_read_by_sql(texts, rivals), pattern: times}
    return _read_by_sql(texts, formats)


def _read_by_sql(texts: pa.Array, formats: Sequence[str]) -> dict[str, pa.Array]:
    found: dict[str, pa.Array] = {}
    with scratch() as con:
        con.register("cells", pa.table({"x": texts}))
        for pattern in formats:
            value, _ = time_sql([pattern])
            found[pattern] = con.sql(f"select {value} as t from cells").to_arrow_table()["t"].cast(TIME).combine_chunks()
    return found


def _is_steady(times: pa.Array) -> bool:
    numbers = times.cast(pa.int64())
    steps = pc.subtract(numbers[1:], numbers[:-1])
    return any(pc.all(rule(steps, 0), min_count=0).as_py() for rule in (pc.greater_equal, pc.less_equal))

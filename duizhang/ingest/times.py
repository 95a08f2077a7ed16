"""From text to time: exact, by the patterns of a specification."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.ingest.clock import TIME
from duizhang.ingest.stamps import EARLIEST, FIRST_YEAR, LAST_YEAR, LATEST, MONTH_NAMES, by_pattern, parts_of
from duizhang.ingest.texts import Cells, text_bytes
from duizhang.store import quoted, scratch

ISO = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}
PROBE = 64


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
    return _by_patterns(texts, formats)


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
        within = ends["min"] is None or (ends["min"] >= EARLIEST and ends["max"] < LATEST)
        return found if within else None
    except pa.ArrowInvalid:
        return None


def _by_patterns(texts: pa.Array, formats: Sequence[str]) -> pa.Array | None:
    """Every cell by the first of the patterns that reads it; an empty one is null. None where that cannot be told quickly."""
    data, ends = text_bytes(texts)
    starts, stops = ends[:-1].astype(np.int64), ends[1:].astype(np.int64)
    filled = stops > starts
    left = np.flatnonzero(filled)
    times = np.zeros(len(texts), np.int64)
    for number, pattern in enumerate(formats):
        parts = parts_of(pattern) if len(left) else None
        if parts is None:
            continue
        found, read = by_pattern(data, starts[left], stops[left], parts)
        if not read.any():
            continue
        if not _alone(pattern, tuple(formats[:number])):
            return None
        times[left[read]] = found[read]
        left = left[~read]
    return pa.array(times, mask=None if filled.all() else ~filled).view(TIME) if not len(left) else None


@lru_cache
def _alone(pattern: str, before: tuple[str, ...]) -> bool:
    """Whether none of the patterns before this one can read otherwise what is read quickly by this one."""
    return not any(_plain(other) != _plain(pattern) and _reads(other, pattern) for other in before)


def _plain(pattern: str) -> str:
    """Patterns that differ in the width of blanks or in long and short months alone give the same time to what both read."""
    return re.sub(r"\s+", " ", pattern.replace("%B", "%b"))


@lru_cache(maxsize=1024)
def _reads(other: str, pattern: str) -> bool:
    """Whether a pattern may read a text that is read quickly by `pattern`.

    Tried on texts whose every part is right in any place: year 2011, else 1 or 11, the months November and May.
    """
    parts = parts_of(pattern) or ()
    choices = [
        [part.literal.decode()] if part.literal else
        {"Y": ["2011"], "b": ["Nov", "May"], "B": ["November", "May"], "p": ["AM"], "z": ["+0000", "Z"]}.get(
            part.code, ["11"] if part.fixed else ["11", "1"])
        for part in parts
    ]
    texts = ["".join(chosen) for chosen in itertools.product(*choices)]
    with scratch() as con:
        found = con.execute(f"select count({time_sql([other])[0]}) from (select unnest($1::varchar[]) as x)", [texts]).fetchall()
    return bool(found[0][0])


def possible(texts: Cells, formats: Sequence[str]) -> tuple[str, ...]:
    """Of formats that read the same text differently (day and month), those to use for this file, the likeliest first.

    The one that reads every cell leads; where several do, one under which the times go steadily up or down, as rows of
    a statement do; else the first of the specification. A format that reads a cell otherwise than the leading one is out.
    """
    filled = pc.not_equal(texts.values, "")
    values = texts.values.filter(filled)
    if not len(values):
        return tuple(formats)
    if not rivals(tuple(formats)):
        # any order gives the same times; the one that reads the first cells is soonest done
        few = values.slice(0, PROBE)
        lead = next((p for p in formats if _by_patterns(few, (p,)) is not None), formats[0])
        return (lead, *(p for p in formats if p != lead))
    found = _read_by_each(values, tuple(formats))
    whole = [pattern for pattern, times in found.items() if not times.null_count]
    if not whole:
        return tuple(formats)
    lead = whole[0]
    if len(whole) > 1:
        lead = next((pattern for pattern in whole if _is_steady(_in_rows(found[pattern], texts, filled))), lead)
    same = [p for p in formats if not pc.any(pc.not_equal(found[p], found[lead]), min_count=0).as_py()]
    return (lead, *(p for p in same if p != lead))


def _read_by_each(texts: pa.Array, formats: tuple[str, ...]) -> dict[str, pa.Array]:
    """The times that each of the patterns reads, null where it reads none. All texts are filled."""
    for pattern in formats:
        times = _by_patterns(texts, (pattern,))
        if times is not None:
            # of the others only those matter that may read a text of this one otherwise
            nothing = pa.nulls(len(texts), TIME)
            return {
                other: times if other == pattern else _read_by(texts, other) if frozenset((pattern, other)) in rivals(formats) else nothing
                for other in formats
            }
    return {pattern: _read_by_sql(texts, pattern) for pattern in formats}


def _in_rows(times: pa.Array, texts: Cells, filled: pa.Array) -> pa.Array:
    """The times of filled values in the order of the rows that have them."""
    if texts.places is None:
        return times
    place = np.cumsum(np.asarray(filled)) - 1
    return times.take(pa.array(place[np.asarray(texts.places)], mask=~np.asarray(filled)[np.asarray(texts.places)])).drop_null()


def _read_by(texts: pa.Array, pattern: str) -> pa.Array:
    """The times that a pattern reads, null where it reads none. All texts are filled."""
    parts = parts_of(pattern)
    if parts is None:
        return _read_by_sql(texts, pattern)
    data, ends = text_bytes(texts)
    times, read = by_pattern(data, ends[:-1].astype(np.int64), ends[1:].astype(np.int64), parts)
    if read.all():
        return pa.array(times).view(TIME)
    # what is not read quickly may still be read, which a few of them tell
    left = np.flatnonzero(~read)
    few = left[:PROBE]
    if _read_by_sql(texts.take(pa.array(few)), pattern).null_count == len(few):
        return pa.array(times, mask=~read).view(TIME)
    return _read_by_sql(texts, pattern)


def _read_by_sql(texts: pa.Array, pattern: str) -> pa.Array:
    value, _ = time_sql([pattern])
    with scratch() as con:
        con.register("cells", pa.table({"x": texts}))
        return con.sql(f"select {value} as t from cells").to_arrow_table()["t"].cast(TIME).combine_chunks()


@lru_cache(maxsize=256)
def rivals(formats: tuple[str, ...]) -> frozenset[frozenset[str]]:
    """The pairs of formats under which one text may be two times.

    Tried on texts of every format, with and without leading zeros, of days and months that can stand for each other, for
    years, hours and minutes, and of such that cannot.
    """
    texts = sorted({text for pattern in formats for text in _examples(pattern)})
    if len(formats) < 2 or not texts:
        return frozenset()
    columns = ", ".join(f'epoch_us({time_sql([pattern])[0]}) as "{n}"' for n, pattern in enumerate(formats))
    with scratch() as con:
        con.register("cells", pa.table({"x": texts}))
        read = [np.ma.masked_invalid(column.to_numpy()) for column in con.sql(f"select {columns} from cells").to_arrow_table()]
    return frozenset(
        frozenset((formats[a], formats[b])) for a, b in itertools.combinations(range(len(formats)), 2)
        if bool((read[a] != read[b]).any())
    )


def _examples(pattern: str) -> list[str]:
    if pattern in ("epoch", "excel"):
        return ["1700000000", "2011101211", "999999999"] if pattern == "epoch" else ["45000", "20110", "45000.5"]
    texts = []
    for year, month, day, width in itertools.product((2011, 1999, 2026), (1, 5, 11, 12), (1, 10, 12, 20), (1, 2)):
        numbers = {"y": year % 100, "m": month, "d": day, "H": 9, "I": 9, "M": 10, "S": 11}
        name = MONTH_NAMES[month - 1].title()
        words = {"Y": str(year), "b": name[:3], "B": name, "p": "AM", "f": "000", "z": "+0000"}
        words |= {code: f"{number:0{width}}" for code, number in numbers.items()}
        texts.append(re.sub("%(.)", lambda match, words=words: words.get(match[1], match[0]), pattern))  # type: ignore[misc]
    return texts


def _is_steady(times: pa.Array) -> bool:
    numbers = times.cast(pa.int64())
    steps = pc.subtract(numbers[1:], numbers[:-1])
    return any(pc.all(rule(steps, 0), min_count=0).as_py() for rule in (pc.greater_equal, pc.less_equal))

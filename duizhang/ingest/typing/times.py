"""From text to time: exact, by the patterns of a specification."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.errors import RefusedFile
from duizhang.ingest.texts import Cells, text_bytes
from duizhang.ingest.typing.clock import TIME
from duizhang.ingest.typing.stamps import DAY, EARLIEST, FIRST_YEAR, LAST_YEAR, LATEST, MONTH_NAMES, by_pattern, parts_of
from duizhang.store import quoted, scratch

ISO = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}
CELL_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d")  # of the times in a workbook
PROBE = 64
_NAMED_MONTH = re.compile(rf"(?i)\b({'|'.join(MONTH_NAMES)})\s+(?:\d{{1,2}},?\s+)?((?:19|20)\d\d)\b")
_NUMBERED_MONTH = re.compile(r"\b((?:19|20)\d\d)[-/.年](\d{1,2})(?!\d)")
_MONTH_FIRST = frozenset(("PST", "PDT", "MST", "MDT", "EST", "EDT", "AKST", "AKDT", "HST"))  # clocks of the United States
_DAY_FIRST = frozenset((
    "GMT", "BST", "WET", "WEST", "CET", "CEST", "MEZ", "MESZ", "EET", "EEST", "IST", "AEST", "AEDT", "ACST", "AWST", "NZST", "NZDT",
    "SGT", "HKT", "BRT", "SAST", "MSK"))
# money of countries that write the day first; dollars and yen are used where either is written, and abroad
_DAY_FIRST_MONEY = frozenset((
    "EUR", "GBP", "AUD", "NZD", "INR", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "TRY", "BRL", "MXN", "ARS", "CLP",
    "COP", "PEN", "ZAR", "SGD", "MYR", "THB", "IDR", "VND", "AED", "SAR", "ILS"))


@dataclass(frozen=True)
class Evidence:
    """What a file says of the order of its days and months beside its dates: words of its zones and currencies, the days that it
    states (from, to), the lines above its rows, and what the books say."""

    words: frozenset[str] = frozenset()
    stated: tuple[str, ...] = ()
    above: str = ""
    said: str = ""

    def order(self) -> str:
        """month or day; '' where nothing tells, or one thing tells otherwise than another."""
        if self.said:
            return self.said
        zones = {"month"} if self.words & _MONTH_FIRST else set()
        zones |= {"day"} if self.words & _DAY_FIRST or any(w.startswith("EUROPE/") for w in self.words) else set()
        if not zones and self.words & _DAY_FIRST_MONEY and not self.words & {"USD", "CAD", "PHP"}:
            zones = {"day"}
        return zones.pop() if len(zones) == 1 else ""


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


def possible(texts: Cells, formats: Sequence[str], evidence: Evidence | None = None) -> tuple[str, ...]:
    """Of formats that read the same text differently (day and month), those to use for this file, the right one first.

    The one that reads every cell leads. Where several do and give other times: the one under which alone the times go steadily
    up or down, as rows of a statement do, or lie on days that follow each other, or within the days that the file states; else
    what its zones and currencies tell, or the books. A format that reads a cell otherwise than the leading one is out.
    Raises RefusedFile with both readings where nothing tells.
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
    whole = [p for n, p in enumerate(whole) if not any(found[p].equals(found[before]) for before in whole[:n])]
    lead = whole[0] if len(whole) == 1 else _decided(
        {p: _in_rows(found[p], texts, filled) for p in whole}, values[0].as_py(), evidence or Evidence())
    same = [p for p in formats if not pc.any(pc.not_equal(found[p], found[lead]), min_count=0).as_py()]
    return (lead, *(p for p in same if p != lead))


def _decided(readings: Mapping[str, pa.Array], example: str, evidence: Evidence) -> str:
    """The pattern whose times are right. Raises RefusedFile where that cannot be told."""
    if evidence.said:
        return next((p for p in readings if _order(p) == evidence.said), next(iter(readings)))
    tests = (
        _is_steady, _is_daily, lambda times: _is_within(times, evidence.stated), lambda times: _is_in_months(times, evidence.above))
    for holds in tests:
        kept = [pattern for pattern, times in readings.items() if holds(times)]
        if len(kept) == 1:
            return kept[0]
    order = evidence.order()
    kept = [pattern for pattern in readings if _order(pattern) == order]
    if len(kept) == 1:
        return kept[0]
    ways = " or ".join(f"{times[0].as_py():%Y-%m-%d} ({_order(pattern) or pattern} first)" for pattern, times in readings.items())
    raise RefusedFile(
        f"dates can be read in two ways: {example!r} is {ways}, and nothing in the file tells",
        advice="Say in books.yaml, readings: {SOURCE: {dates: day}} or {dates: month}, or export a range with a day after the 12th.")


def _order(pattern: str) -> str:
    """Whether a pattern has the day or the month first; year, where it begins with that."""
    first = re.search("%([dmbBYy])", pattern)
    return {"d": "day", "m": "month", "b": "month", "B": "month"}.get(first[1], "year") if first else ""


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


def _is_daily(times: pa.Array) -> bool:
    """Whether there are three days or more of which none is more than three from the next: rows of a week, not of a year."""
    days = np.unique(times.cast(pa.int64()).to_numpy() // DAY)
    return len(days) > 2 and int(np.diff(days).max()) <= 3


def _is_within(times: pa.Array, stated: tuple[str, ...]) -> bool:
    """Whether all times lie within the days that the file states, which are written year first."""
    ends = [re.match(r"\s*(\d{4})\D?(\d{1,2})\D?(\d{1,2})", text) for text in stated]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        return False
    first, last = (np.datetime64(f"{e[1]}-{int(e[2]):02}-{int(e[3]):02}") for e in ends if e)
    days = times.cast(pa.int64()).to_numpy() // DAY
    return bool(days.min() >= first.astype(int) and days.max() <= last.astype(int))


def _is_in_months(times: pa.Array, above: str) -> bool:
    """Whether all times lie in the months, or between them, that the lines above the rows name: `September 2026`, `2026-09`."""
    found = [(year, MONTH_NAMES.index(name.lower()) + 1) for name, year in _NAMED_MONTH.findall(above)]
    found += [(year, int(month)) for year, month in _NUMBERED_MONTH.findall(above)]
    if not found:
        return False
    stated = sorted(np.datetime64(f"{year}-{month:02}") for year, month in found if 0 < month <= 12)
    months = pa.array(times).cast(TIME).to_numpy(zero_copy_only=False).astype("datetime64[M]")
    return bool(stated) and bool(months.min() >= stated[0] and months.max() <= stated[-1])

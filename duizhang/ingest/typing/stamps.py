"""Times out of the bytes of many cells at once, by one strptime pattern: digits, names of months, AM and PM, an offset at the end.

What is read here has one reading only; a cell that is written in a looser way (blanks around it, a year of two digits for %Y) is
left to the slow way.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

FIRST_YEAR, LAST_YEAR = 1900, 2200
SECOND, DAY = 1_000_000, 86_400_000_000  # microseconds
EPOCH = dt.date(1970, 1, 1).toordinal()
# the first day of every month since January of the first year, in days since 1970, and the days of that month
_MONTHS = np.array([dt.date(y, m, 1).toordinal() - EPOCH for y in range(FIRST_YEAR, LAST_YEAR + 1) for m in range(1, 13)], np.int32)
_LENGTHS = np.diff(np.append(_MONTHS, dt.date(LAST_YEAR + 1, 1, 1).toordinal() - EPOCH))
EARLIEST, LATEST = int(_MONTHS[0]) * DAY, int(_MONTHS[-1] + _LENGTHS[-1]) * DAY
_PATTERN = re.compile(r"%(.)|([^%]+)", re.DOTALL)
_TWO = frozenset("ymdHIMS")  # of at most two digits
_LONGEST = {"Y": 4, "b": 3, "B": 9, "p": 2, "z": 6, **dict.fromkeys(_TWO, 2)}
MONTH_NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_LETTERS = np.zeros((9, 13), np.uint8)  # the letters of every month's name, by place in the name and month
for _number, _name in enumerate(MONTH_NAMES, 1):
    _LETTERS[: len(_name), _number] = np.frombuffer(_name.encode(), np.uint8)
_SPELT = np.array([0, *map(len, MONTH_NAMES)], np.uint8)
_BY_SUM = np.zeros(512, np.uint8)  # the sum of the second and third letter tells the month
_BY_SUM[_LETTERS[1, 1:].astype(int) + _LETTERS[2, 1:]] = np.arange(1, 13)
_LOWER = np.uint8(0x20)


@dataclass(frozen=True)
class Part:
    """One part of a pattern: a code such as `d`, or a literal. fixed: its digits must be two, for a digit follows. last: it ends
    the pattern."""

    code: str
    literal: bytes = b""
    fixed: bool = False
    last: bool = False


@lru_cache
def parts_of(pattern: str) -> tuple[Part, ...] | None:
    """The parts of a pattern for a whole date; None where it cannot be read here."""
    found = [(code, literal) for code, literal in _PATTERN.findall(pattern)]
    codes = [code for code, _ in found if code]
    known = set(codes) <= set(_LONGEST) and len(set(codes)) == len(codes)
    date = len({"Y", "y"} & set(codes)) == 1 and len({"m", "b", "B"} & set(codes)) == 1 and "d" in codes
    clock = ("I" in codes) == ("p" in codes) and not {"H", "I"} <= set(codes)
    if not known or not date or not clock or ("z" in codes and found[-1][0] != "z"):
        return None
    if any(ch.isdigit() for _, literal in found for ch in literal):
        return None
    following = [code for code, _ in found[1:]] + [None]
    return tuple(
        Part(code, literal.encode(), code == "y" or after in _TWO | {"Y"}, after is None)
        for (code, literal), after in zip(found, following, strict=True))


def by_pattern(data: np.ndarray, starts: np.ndarray, stops: np.ndarray, parts: tuple[Part, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(microseconds since 1970, whether it was read) of cells that lie in `data` from `starts` to `stops` (int64).

    Times with an offset are in UTC. No cell is empty.
    """
    width = int(stops[0] - starts[0])
    widest = sum(_LONGEST.get(part.code, len(part.literal)) for part in parts)
    if stops[-1] - starts[0] == width * len(starts) and ((stops - starts) == width).all() and _fixed_width(parts, width):
        times, read = _read(_Rows(data[starts[0] : stops[-1]].reshape(-1, width)), parts)
        if read.all() or all(part.fixed or part.code not in _TWO for part in parts):
            return times, read
    return _read(_Cursors(np.append(data, np.zeros(widest + 1, np.uint8)), starts, stops), parts)


def _fixed_width(parts: tuple[Part, ...], width: int) -> bool:
    """Whether a cell of this width has two digits wherever two are allowed."""
    widths = [_LONGEST.get(part.code, len(part.literal)) for part in parts]
    shorter = sum(widths) - 1  # an offset without its colon
    return all(part.code != "B" for part in parts) and (width == sum(widths) or (parts[-1].code == "z" and width == shorter))


class _Rows:
    """A place in cells that are all alike: bytes are columns of a matrix."""

    def __init__(self, cells: np.ndarray) -> None:
        self.cells, self.at = cells, 0
        self.read = np.ones(len(cells), np.bool_)

    def byte(self, n: int) -> np.ndarray:
        return np.asarray(self.cells[:, self.at + n])

    def two(self, part: Part) -> np.ndarray:
        """A number of two digits."""
        return _two(self)

    def step(self, count: int | np.ndarray) -> None:
        self.at += int(count)

    def rest(self) -> np.ndarray | int:
        """How many bytes of each cell are left."""
        return int(self.cells.shape[1]) - self.at


class _Cursors:
    """A place of its own in every cell. `data` has so many spare bytes that a cell may be read beyond its end."""

    def __init__(self, data: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> None:
        self.data, self.at, self.stops = data, starts.copy(), stops
        self.read = np.ones(len(starts), np.bool_)

    def byte(self, n: int) -> np.ndarray:
        return np.asarray(self.data[self.at + n if n else self.at])

    def two(self, part: Part) -> np.ndarray:
        """A number of two digits, or of one where no digit follows and the pattern lets it."""
        if part.fixed:
            return _two(self)
        first, second = self.byte(0) - np.uint8(48), self.byte(1) - np.uint8(48)
        double = second < 10
        if part.last:  # behind it is the next cell
            double &= self.at + 1 < self.stops
        self.read &= first < 10
        self.at += 1
        self.at += double
        return np.where(double, first * np.uint8(10) + second, first)

    def step(self, count: int | np.ndarray) -> None:
        self.at += count

    def rest(self) -> np.ndarray | int:
        """How many bytes of each cell are left; less than none where it was read beyond its end."""
        return np.asarray(self.stops - self.at)


def _two(cells: _Rows | _Cursors) -> np.ndarray:
    first, second = cells.byte(0) - np.uint8(48), cells.byte(1) - np.uint8(48)  # what is below '0' wraps to above 9
    cells.read &= (first < 10) & (second < 10)
    cells.step(2)
    return np.asarray(first * np.uint8(10) + second)


def _read(cells: _Rows | _Cursors, parts: tuple[Part, ...]) -> tuple[np.ndarray, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for part in parts:
        if part.literal:
            for n, byte in enumerate(part.literal):
                cells.read &= cells.byte(n) == byte
            cells.step(len(part.literal))
        elif part.code == "z":
            found["z"] = _offset(cells)
        elif part.code == "Y":
            century = _two(cells).astype(np.int32)
            found["Y"] = century * 100 + _two(cells)
        elif part.code in "bB":
            found["m"] = _month(cells, spelt=part.code == "B")
        elif part.code == "p":
            letter = cells.byte(0) | _LOWER
            cells.read &= ((letter == ord("a")) | (letter == ord("p"))) & (cells.byte(1) | _LOWER == ord("m"))
            found["p"] = letter == ord("p")
            cells.step(2)
        else:
            found[part.code] = cells.two(part)
        if not cells.read.any():
            return np.zeros(len(cells.read), np.int64), cells.read
    cells.read &= cells.rest() == 0
    return _since_epoch(found, cells.read), cells.read


def _month(cells: _Rows | _Cursors, *, spelt: bool) -> np.ndarray:
    """The month that is named, in full (spelt) or by three letters, in any case."""
    letters = [cells.byte(n) | _LOWER for n in range(3)]
    month = _BY_SUM[letters[1].astype(np.int64) + letters[2]]
    for n, letter in enumerate(letters):
        cells.read &= letter == _LETTERS[n][month]
    if not spelt or isinstance(cells, _Rows):
        cells.step(3)
        return np.asarray(month)
    length = _SPELT[month]
    for n in range(3, 9):
        cells.read &= (length <= n) | (cells.byte(n) | _LOWER == _LETTERS[n][month])
    cells.at += length
    return np.asarray(month)


def _offset(cells: _Rows | _Cursors) -> np.ndarray:
    """Microseconds east of UTC out of +hhmm, +hh:mm or Z."""
    sign, rest = cells.byte(0), cells.rest()
    plus, zulu = sign == ord("+"), (sign == ord("Z")) & (rest == 1)
    if zulu.any():  # a cell of one kind among those of the other is left to the slow way
        cells.read &= zulu
        cells.step(1)
        return np.zeros(len(zulu), np.int64)
    colon = rest == 6
    cells.read &= (plus | (sign == ord("-"))) & (colon | (rest == 5))
    cells.step(1)
    hours = _two(cells)
    cells.read &= np.logical_not(colon) | (cells.byte(0) == ord(":"))
    cells.step(colon)
    minutes = _two(cells)
    cells.read &= (hours <= 15) & (minutes <= 59)
    return np.asarray(np.where(plus, 1, -1) * (hours * np.int64(60) + minutes) * (60 * SECOND))


def _since_epoch(found: dict[str, np.ndarray], read: np.ndarray) -> np.ndarray:
    """Microseconds since 1970; `read` becomes false where a part is out of range."""
    if "y" in found:
        year = found["y"].astype(np.int32)
        year = np.where(year < 69, year + 2000, year + 1900)
    else:
        year = found["Y"]
    month, day = found["m"], found["d"]
    read &= (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)
    index = (year - FIRST_YEAR) * 12 + (month - np.int32(1))
    index[~read] = 0
    read &= (day >= 1) & (day <= _LENGTHS[index])
    seconds = np.zeros(1, np.int32)
    for code, most, unit in (("H", 23, 3600), ("M", 59, 60), ("S", 59, 1)):
        if code == "H" and "I" in found:
            hour = found["I"]
            read &= (hour >= 1) & (hour <= 12)
            number = np.where(hour == 12, np.uint8(0), hour) + np.where(found["p"], np.uint8(12), np.uint8(0))
        elif code in found:
            number = found[code]
            read &= number <= most
        else:
            continue
        seconds = seconds + number.astype(np.int32) * unit
    days = (_MONTHS[index] + (day - np.int32(1))).astype(np.int64)
    times = days * DAY + seconds.astype(np.int64) * SECOND
    return np.asarray(times - found["z"] if "z" in found else times)

"""From text to time, by the patterns of a specification; and whether a file writes the day or the month first."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from duizhang.errors import RefusedFile
from duizhang.ingest.texts import Cells, X, applied
from duizhang.ingest.typing.month_names import ENGLISH
from duizhang.ingest.typing.reading import KEPT, Reading

CELL_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d")  # of the times in a workbook
PROBE = 64
LAST_MONTH = 12
EASTERN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")  # what Chinese, Japanese and Korean are written in
_DAY = 86_400_000_000  # microseconds
# what stands for a code: Polars alone takes 20 for a year, and a text without the blank between day and hour
_SHAPES = {
    "Y": "(?:19[0-9]{2}|2[01][0-9]{2}|2200)", "b": "[A-Za-z]{3}", "B": "[A-Za-z]{3,9}", "p": "[AaPp][Mm]", "f": "[0-9]{1,6}",
    "z": "(?:[+-][0-9]{2}:?[0-9]{2}|Z)",
}
_NAMED_MONTH = re.compile(rf"(?i)\b({'|'.join(ENGLISH)})\s+(?:\d{{1,2}},?\s+)?((?:19|20)\d\d)\b")
_NUMBERED_MONTH = re.compile(r"\b((?:19|20)\d\d)[-/.年](\d{1,2})(?!\d)")
_WRITTEN = re.compile(r"\b(dd|mm)[./-](?:dd|mm)\b")  # in the name of a column: date(dd/mm/yyyy)
_NUMBERED_DAY = re.compile(r"(?<![\d./-])(\d{1,2})([./-])(\d{1,2})\2((?:19|20)\d\d)(?![\d./-])")
_TWO_NUMBERS = r"^(\d{1,2})([./-])(\d{1,2})[./-](?:\d{4}|\d\d)(?: |$)"
_MONTH_FIRST = frozenset(("PST", "PDT", "MST", "MDT", "EST", "EDT", "AKST", "AKDT", "HST"))  # clocks of the United States
_DAY_FIRST = frozenset((
    "GMT", "BST", "WET", "WEST", "CET", "CEST", "MEZ", "MESZ", "EET", "EEST", "IST", "AEST", "AEDT", "ACST", "AWST", "NZST", "NZDT",
    "SGT", "HKT", "BRT", "SAST", "MSK"))
# money of countries that write the day first; dollars and yen are used where either is written, and abroad
_DAY_FIRST_MONEY = frozenset((
    "EUR", "GBP", "AUD", "NZD", "INR", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN", "TRY", "BRL", "MXN", "ARS", "CLP",
    "COP", "PEN", "ZAR", "SGD", "MYR", "THB", "IDR", "VND", "AED", "SAR", "ILS"))
# names of columns, without blanks: in languages that nobody writes the month first in, and of banks of one such country
_DAY_FIRST_NAMES = re.compile(
    r"^(?:data(?:contabile|registrazione|operazione|valuta|operacji|księgowania|movimento|lançamento|tranzac)|datum|buchung|fecha|f\.|"
    r"dated[e']|dateop|libell|dato|bogf|bokf|kirjaus|dátum|könyvel|дата|tarih|işlem|tanggal|ngày|ημερομηνία|kuupäev|įrašo|darījuma"
    r"|วันที่|التاريخ|תאריך|beschreibung|verwendungszweck|concepto|importo|importe|descrizione|histórico|lançamento|sortcode$|bsb$|ifsc)")


@dataclass(frozen=True)
class Evidence:
    """What a file says of the order of its days and months beside its dates: words of its zones and currencies, the days that it
    states (from, to), the lines above its rows, what the books say, the names of its columns, and whether its days are bare (3/5/2026):
    a spreadsheet in the United States writes such of days that were written year first, whatever the country of the money."""

    words: frozenset[str] = frozenset()
    stated: tuple[str, ...] = ()
    above: str = ""
    said: str = ""
    names: frozenset[str] = frozenset()
    is_bare: bool = False

    def order(self) -> str:
        """month or day; '' where nothing tells, or one thing tells otherwise than another."""
        if self.said:
            return self.said
        zones = {"month"} if self.words & _MONTH_FIRST else set()
        zones |= {"day"} if self.words & _DAY_FIRST or any(w.startswith("EUROPE/") for w in self.words) else set()
        if not zones and self.words & _DAY_FIRST_MONEY and not self.words & {"USD", "CAD", "PHP"}:
            zones = {"day"}
        if not zones and any(_DAY_FIRST_NAMES.match(name) for name in self.names):
            zones = {"day"}
        if self.is_bare:
            zones -= {"day"}
        if written := {match[1] for name in self.names for match in _WRITTEN.finditer(name)}:
            zones = {"day" if way == "dd" else "month" for way in written}
        return zones.pop() if len(zones) == 1 else ""


def is_absolute(pattern: str) -> bool:
    """Whether times of this pattern name their offset."""
    return "%z" in pattern or pattern == "epoch"


@lru_cache(KEPT)
def times(formats: tuple[str, ...]) -> Reading:
    """How times are read, those with an offset in UTC: by the first of the patterns that fits a text; most often the first of all."""
    example = next((f for f in formats if f.startswith("%")), formats[0])
    fractions = [f.replace("%S", "%S.%f") for f in formats if "%S" in f and "%f" not in f]  # of seconds, whatever has them
    return Reading(by(formats[0]), pl.coalesce([by(f) for f in (*formats, *fractions)]), pl.when(pl.col("value").is_null()).then(
        pl.lit(f"is no time; expected such as {example}")))


@lru_cache(KEPT)
def by(pattern: str) -> pl.Expr:
    """The time that a text is by one pattern, null where it is none."""
    if pattern == "epoch":
        return pl.when(X.str.contains("^[0-9]{9,11}$")).then(pl.from_epoch(X.cast(pl.Int64, strict=False)).cast(pl.Datetime("us")))
    if pattern == "excel":
        # day 1 is 1900-01-01 and there is a 1900-02-29, so days count from 1899-12-30
        seconds = (X.cast(pl.Float64, strict=False) * 86400).round()
        return pl.when(X.str.contains(r"^[0-9]{5}(?:\.[0-9]+)?$")).then(
            pl.lit("1899-12-30").str.to_datetime("%Y-%m-%d", time_unit="us") + pl.duration(seconds=seconds.cast(pl.Int64)))
    text = X.str.replace("Z$", "+00:00") if "%z" in pattern else X
    read = text.str.to_datetime(pattern.replace(".%f", "%.f"), time_unit="us", strict=False, cache=False).dt.replace_time_zone(None)
    return pl.when(text.str.contains(_shape(pattern))).then(read)


@lru_cache
def _shape(pattern: str) -> str:
    """A regex for the texts of a pattern: numbers of two digits may have one, unless a digit follows."""
    parts = re.findall("%(.)|([^%]+)", pattern)
    shape = ""
    for (code, literal), after in zip(parts, [*(code for code, _ in parts[1:]), "-"], strict=True):
        two = "[0-9]{2}" if code == "y" or (after and after in "ymdHIMSY") else "[0-9]{1,2}"
        shape += re.escape(literal) if literal else _SHAPES.get(code, two)
    return f"^{shape}$"


def possible(texts: Cells, formats: Sequence[str], evidence: Evidence | None = None) -> tuple[str, ...]:
    """Of formats that read the same text differently (day and month), those to use for this file, the right one first.

    The one that reads every cell leads. Where several do and give other times: the one under which alone the times go steadily
    up or down, as rows of a statement do, or lie on days that follow each other, or within the days that the file states; else
    what its zones and currencies tell, or the books. A format that may read a text otherwise than the leading one is out.
    Raises RefusedFile with both readings where nothing tells.
    """
    filled = texts.values.filter(texts.values != "")
    near = _near(filled, formats)
    if not near and len(filled) and rivals(tuple(formats)):
        _refuse_turned(filled, formats)
        # a cell that is no time tells nothing of the others
        filled = filled.filter(applied(pl.coalesce([by(p) for p in formats]), filled).is_not_null())
        near = _near(filled, formats)
    if not len(filled):
        return tuple(formats)
    if not near:
        return _of_several(filled, texts, formats, evidence or Evidence())
    if not rivals(tuple(formats)):
        # any order gives the same times; the one that reads the first cells is soonest done
        return (near[0], *(p for p in formats if p != near[0]))
    found: dict[str, pl.Series] = {}
    for pattern in near:
        read = applied(by(pattern), filled)
        if not read.null_count() and not any(read.equals(other) for other in found.values()):
            found[pattern] = read
    if not found:
        return _of_several(filled, texts, formats, evidence or Evidence())
    lead = next(iter(found))
    if not (evidence or Evidence()).said and (other := _years_first(filled, lead, found[lead], evidence or Evidence())):
        return (other, *(p for p in formats if not re.match("%[dmy]", p)))
    if len(found) > 1:
        lead = _decided({p: _in_rows(by(p), texts) for p in found}, filled[0], evidence or Evidence())
    return (lead, *(p for p in formats if p != lead and frozenset((p, lead)) not in rivals(tuple(formats))))


def _of_several(filled: pl.Series, texts: Cells, formats: Sequence[str], evidence: Evidence) -> tuple[str, ...]:
    """The formats of cells of which none reads all: of two that read the same text differently the one that has to be.

    Raises RefusedFile where each is, or where nothing tells which.
    """
    _refuse_mixed(filled, formats)
    left, clashing = tuple(dict.fromkeys(formats)), rivals(tuple(formats))
    read = filled.alias("x").to_frame().select(by(p).alias(p) for p in left)
    for one, other in itertools.combinations(left, 2):
        if one not in left or other not in left or frozenset((one, other)) not in clashing:
            continue
        first, second = read[one], read[other]
        both = first.is_not_null() & second.is_not_null() & (first != second)
        if not both.any():
            continue
        rest = [by(p) for p in left if p not in (one, other) and not {frozenset((p, one)), frozenset((p, other))} & clashing]
        if (second.is_null() & first.is_not_null()).any():
            lead = one
        elif (first.is_null() & second.is_not_null()).any():
            lead = other
        else:
            times = {p: _in_rows(pl.coalesce([by(p), *rest]), texts) for p in (one, other)}
            lead = _decided(times, filled.filter(both)[0], evidence, {p: read[p].filter(both)[0] for p in (one, other)})
        left = (lead, *(p for p in left if p != lead and frozenset((p, lead)) not in clashing))
    return left


def _near(filled: pl.Series, formats: Sequence[str]) -> list[str]:
    """The formats that read the first cells."""
    lacking = filled.head(PROBE).alias("x").to_frame().select(by(p).null_count().alias(p) for p in dict.fromkeys(formats)).row(0)
    return [p for p, count in zip(dict.fromkeys(formats), lacking, strict=True) if not count]


def _refuse_mixed(filled: pl.Series, formats: Sequence[str]) -> None:
    """Raises RefusedFile where some cells only fit one order of day and month, some only another, and some both."""
    read = filled.alias("x").to_frame().select(by(p).alias(p) for p in formats)
    for one, other in (tuple(pair) for pair in rivals(tuple(formats))):
        first, second = read[one], read[other]
        both = first.is_not_null() & second.is_not_null() & (first != second)
        if both.any() and (first.is_null() & second.is_not_null()).any() and (first.is_not_null() & second.is_null()).any():
            raise RefusedFile(
                f"dates can be read in two ways: {filled.filter(both)[0]!r} is {first.filter(both)[0]:%Y-%m-%d} or "
                f"{second.filter(both)[0]:%Y-%m-%d}, and other cells of the file are written in both orders",
                advice="Export it again without a spreadsheet, which turned some of its dates around.")


def _refuse_turned(filled: pl.Series, formats: Sequence[str]) -> None:
    """Raises RefusedFile where a spreadsheet has taken the days up to the 12th for months: all of its dates are such, and every text has
    one after the 12th."""
    if example := _turned_between(filled):
        raise RefusedFile(
            f"dates can be read in two ways: {example!r} stands beside others between other marks, of which each has a day after the 12th",
            advice="Export it again without a spreadsheet, which turned some of its dates around.")
    dates = filled.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]00:00:00)?$")
    texts, days = filled.filter(~dates), applied(pl.coalesce([by(p) for p in CELL_FORMATS]), filled.filter(dates)).dt.date()
    orders = [tuple(p for p in formats if _order(p) == order and "%b" not in p and "%B" not in p) for order in ("day", "month")]
    if texts.is_empty() or days.is_empty() or not all(orders):
        return
    if (days.dt.day() > LAST_MONTH).any() or (days.dt.day() == days.dt.month()).all():
        return
    one, other = (applied(pl.coalesce([by(p) for p in patterns]), texts).is_not_null() for patterns in orders)
    if (one.all() and not other.any()) or (other.all() and not one.any()):
        first = next(day for day in days.to_list() if day.day != day.month)
        raise RefusedFile(
            f"dates can be read in two ways: {str(first)!r} is {first:%Y-%m-%d} or "
            f"{first.replace(month=first.day, day=first.month):%Y-%m-%d}, and other cells of the file are written in both orders",
            advice="Export it again without a spreadsheet, which turned some of its dates around.")


def _turned_between(filled: pl.Series) -> str:
    """One of the dates that a spreadsheet wrote between marks of its own (05.03.2026) where all that it did not take for one (13-03-2026)
    have a number after the 12th, and none that it wrote has; '' where there are none."""
    parts = filled.to_frame("x").select(
        x="x", mark=pl.col("x").str.extract(_TWO_NUMBERS, 2), one=pl.col("x").str.extract(_TWO_NUMBERS, 1).cast(pl.Int8),
        other=pl.col("x").str.extract(_TWO_NUMBERS, 3).cast(pl.Int8)).drop_nulls()
    late = (pl.col("one") > LAST_MONTH) | (pl.col("other") > LAST_MONTH)
    marks = parts.group_by("mark").agg(late.all().alias("all"), late.any().alias("any"))
    if len(parts) < len(filled) or len(marks) != 2 or sorted(marks["any"]) != [False, True] or not marks["all"].any():
        return ""
    written = parts.filter(~late & (pl.col("one") != pl.col("other")))["x"]
    return str(written[0]) if len(written) else ""


def _years_first(filled: pl.Series, lead: str, times: pl.Series, evidence: Evidence) -> str:
    """The pattern that has the year first where two digits are read as the day and the times of some weeks then lie years apart:
    26-03-13, 26-03-14; '' where they do not. Raises RefusedFile where the columns have no Chinese, Japanese or Korean names."""
    marks = re.fullmatch(r"%d([-./])%m\1%y", lead)
    if marks is None:
        return ""
    pattern = f"%y{marks[1]}%m{marks[1]}%d"
    other = applied(by(pattern), filled)
    if other.null_count():
        return ""
    spans = [(max(days) - min(days)).days for days in (times.dt.date().to_list(), other.dt.date().to_list())]
    if spans[0] <= 300 or spans[1] > 92:
        return ""
    if any(map(EASTERN.search, evidence.names)):
        return pattern
    raise RefusedFile(
        f"dates can be read in two ways: {filled[0]!r} is {times[0]:%Y-%m-%d} (day first) or {other[0]:%Y-%m-%d} (year first), and "
        "nothing in the file tells",
        advice="Say in books.yaml, readings: {SOURCE: {dates: day}} where the day is first, or export years with four digits.")


def _in_rows(rule: pl.Expr, texts: Cells) -> pl.Series:
    """The times of filled cells in the order of the rows that have them."""
    read = applied(rule, texts.values)
    return (read if texts.places is None else read.gather(pl.Series(texts.places))).drop_nulls()


def _decided(
    readings: Mapping[str, pl.Series], example: str, evidence: Evidence, shown: Mapping[str, dt.datetime] | None = None,
) -> str:
    """The pattern whose times are right. Raises RefusedFile where that cannot be told, and shows what the example is by each pattern."""
    if evidence.said:
        return next((p for p in readings if _order(p) == evidence.said), next(iter(readings)))
    tests = (
        _is_steady, _is_daily, lambda times: _is_within(times, evidence.stated), lambda times: _is_between(times, evidence.above),
        lambda times: _is_in_months(times, evidence.above))
    for holds in tests:
        kept = [pattern for pattern, times in readings.items() if holds(times)]
        if len(kept) == 1:
            return kept[0]
    order = evidence.order()
    kept = [pattern for pattern in readings if _order(pattern) == order]
    if len(kept) == 1:
        return kept[0]
    firsts = shown or {pattern: times[0] for pattern, times in readings.items()}
    ways = " or ".join(f"{first:%Y-%m-%d} ({_order(pattern) or pattern} first)" for pattern, first in firsts.items())
    raise RefusedFile(
        f"dates can be read in two ways: {example!r} is {ways}, and nothing in the file tells",
        advice="Say in books.yaml, readings: {SOURCE: {dates: day}} or {dates: month}, or export a range with a day after the 12th.")


def _order(pattern: str) -> str:
    """Whether a pattern has the day or the month first; year, where it begins with that."""
    first = re.search("%([dmbBYy])", pattern)
    return {"d": "day", "m": "month", "b": "month", "B": "month"}.get(first[1], "year") if first else ""


@lru_cache(maxsize=256)
def rivals(formats: tuple[str, ...]) -> frozenset[frozenset[str]]:
    """The pairs of formats under which one text may be two times.

    Tried on texts of every format, with and without leading zeros, of days and months that can stand for each other, for
    years, hours and minutes, and of such that cannot.
    """
    texts = pl.DataFrame({"x": sorted({text for pattern in formats for text in _examples(pattern)})}, {"x": pl.String})
    read = texts.select(by(pattern).alias(pattern) for pattern in dict.fromkeys(formats))
    return frozenset(frozenset(pair) for pair in itertools.combinations(read.columns, 2) if (read[pair[0]] != read[pair[1]]).any())


@lru_cache(maxsize=256)
def _examples(pattern: str) -> list[str]:
    if pattern in ("epoch", "excel"):
        return ["1700000000", "2011101211", "999999999"] if pattern == "epoch" else ["45000", "20110", "45000.5"]
    texts = []
    for year, month, day, width in itertools.product((2011, 1999, 2026), (1, 5, 11, 12), (1, 10, 12, 20), (1, 2)):
        numbers = {"y": year % 100, "m": month, "d": day, "H": 9, "I": 9, "M": 10, "S": 11}
        name = ENGLISH[month - 1].title()
        words = {"Y": str(year), "b": name[:3], "B": name, "p": "AM", "f": "000", "z": "+0000"}
        words |= {code: f"{number:0{width}}" for code, number in numbers.items()}
        texts.append(re.sub("%(.)", lambda match, words=words: words.get(match[1], match[0]), pattern))  # type: ignore[misc]
    return texts


def _is_steady(times: pl.Series) -> bool:
    return times.is_sorted() or times.is_sorted(descending=True)


def _is_daily(times: pl.Series) -> bool:
    """Whether there are three days or more of which none is more than three from the next: rows of a week, not of a year."""
    days = times.dt.date().unique().sort().diff().drop_nulls().dt.total_days()
    return len(days) > 1 and bool((days <= 3).all())


def _is_within(times: pl.Series, stated: tuple[str, ...]) -> bool:
    """Whether all times lie within the days that the file states, which are written year first."""
    ends = [re.match(r"\s*(\d{4})\D?(\d{1,2})\D?(\d{1,2})", text) for text in stated]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        return False
    first, last = (f"{e[1]}-{int(e[2]):02}-{int(e[3]):02}" for e in ends if e)
    return first <= str(times.min())[:10] and str(times.max())[:10] <= last


def _is_between(times: pl.Series, above: str) -> bool:
    """Whether all times lie between the days that the lines above the rows name, where one of those can be read in one order only:
    `01/03/2026 - 31/03/2026`."""
    found = [(int(first), int(second), int(year)) for first, _, second, year in _NUMBERED_DAY.findall(above)]
    is_day_first = {first > LAST_MONTH for first, second, _ in found if (first > LAST_MONTH) != (second > LAST_MONTH)}
    if len(is_day_first) != 1 or len(found) < 2:
        return False
    stated = sorted(f"{year}-{b:02}-{a:02}" if True in is_day_first else f"{year}-{a:02}-{b:02}" for a, b, year in found)
    return stated[0] <= str(times.min())[:10] and str(times.max())[:10] <= stated[-1]


def _is_in_months(times: pl.Series, above: str) -> bool:
    """Whether all times lie in the months, or between them, that the lines above the rows name: `September 2026`, `2026-09`."""
    found = [(year, ENGLISH.index(name.lower()) + 1) for name, year in _NAMED_MONTH.findall(above)]
    found += [(year, int(month)) for year, month in _NUMBERED_MONTH.findall(above)]
    stated = sorted(f"{year}-{month:02}" for year, month in found if 0 < month <= 12)
    return bool(stated) and stated[0] <= str(times.min())[:7] and str(times.max())[:7] <= stated[-1]

"""Dates in other words, digits and calendars than patterns know, written as the year, month and day that they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import polars as pl

from duizhang.ingest.texts import DIGITS
from duizhang.ingest.typing.month_names import MONTHS, all_words, months_of

# how dates are written that have been looked at here, whatever else a specification's own patterns say
ISO = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %I:%M %p", "%Y-%m-%d %I:%M:%S %p")
_PLAIN = (
    r"^(?:(?:(?:19|20)[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:19|20)?[0-9]{2}|[0-9]{8,14}|[0-9]{5}[.0-9]*)"
    r"(?:[-T :.Z+][-T :0-9.Z+]*)?)?$")
_DIGITS = str.maketrans({
    **DIGITS, "／": "/", "－": "-", "．": ".", "：": ":", "\u3000": " ", "\u200e": "", "\u200f": "", "\u202f": " ",
})
_USUAL = tuple((re.compile(pattern), instead) for pattern, instead in (
    (r"^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*|mo|di|mi|do|fr|sa|so|lun|mer|jeu|ven|sam|dim)\.?,?\s+(?=\d|[a-z])", ""),
    (r"\s*[(（](?:周|星期)?[月火水木金土日一二三四五六월화수목금토일][)）]", ""), (r"\s*(?:周|星期|週)[一二三四五六日天]", ""),
    (r"\s*\b([ap])\.?\s?m\.?$", r" \1m"), (r"\s+(?:г|р)\.?$", ""),
    (r"(?<=\d)(?:st|nd|rd|th|er|º|ª)\b", ""), (r"\s+(?:de|of)\s+", " "),
    (r"^(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]", r"\1-\2-\3"),
    (r"^(\d{4})(?:\.\s+|/)(\d{1,2})(?:\.\s+|/)(\d{1,2})\.?", r"\1-\2-\3"),
    (r"^(\d{1,2})\.\s*(\d{1,2})\.\s*(\d{4})\.?$", r"\1.\2.\3"),
    (r"\s*(?:上午|午前|오전)\s*(\d{1,2}:\d\d(?::\d\d)?)$", r" \1 am"), (r"\s*(?:下午|午後|오후)\s*(\d{1,2}:\d\d(?::\d\d)?)$", r" \1 pm")))
_LETTERS = re.compile(r"[^\W\d_]+")
_HAN = re.compile("[\u3400-\u9fff]")
_THAI = re.compile("[\u0e00-\u0e7f]")
_TAIWAN = re.compile("民國|民国|臺灣|台灣|中華郵政|taiwan", re.IGNORECASE)
# dates of other calendars, with the year before the first of each
_ERAS = tuple(
    (re.compile(rf"^(?:{eras})\s*(\d{{1,3}}|元)\s*[-/.年]\s*(\d{{1,2}})\s*[-/.月]\s*(\d{{1,2}})\s*日?(.*)$"), before)
    for eras, before in (("令和|令|r", 2018), ("平成|平|h", 1988), ("昭和|昭|s", 1925), ("中華民國|民國|民国", 1911)))
_CHINESE = (
    (re.compile(r"^(1\d\d)[-/.](\d{1,2})[-/.](\d{1,2})((?:\s.*)?)$"), 1911), (re.compile(r"^(1\d\d)([01]\d)([0-3]\d)()$"), 1911))
_YEAR_FIRST_THAI = ((re.compile(r"^(2[45]\d\d)[-/.](\d{1,2})[-/.](\d{1,2})(.*)$"), -543),)
_BUDDHIST = re.compile(r"^(\d{1,2}[-/. ]+(?:\d{1,2}|[^\W\d]+)[-/., ]+)(2[45]\d\d)")
_MONTH, _REST = f"(?P<month>{'|'.join(MONTHS)})", r"(?:,?\s+(?:at\s+|um\s+|à\s+)?(?P<rest>\d.*))?"
_NAMED = tuple(re.compile(pattern + _REST) for pattern in (
    rf"(?P<day>\d{{1,2}})[\s./-]*{_MONTH}[\s./,-]*(?P<year>\d{{4}}|\d\d)\.?",
    rf"{_MONTH}[\s./-]*(?P<day>\d{{1,2}})[\s,./-]+(?P<year>\d{{4}})\.?",
    rf"(?P<year>\d{{4}})[\s./-]*{_MONTH}[\s./-]*(?P<day>\d{{1,2}})\.?"))


def is_spelled(texts: pl.Series) -> bool:
    """Whether one of a column's texts is more than digits between the marks that are usual."""
    return not texts.str.contains(_PLAIN).all()


def respelled(texts: pl.Series, names: Collection[str], above: str, words: Collection[str]) -> Callable[[str], str]:
    """What makes of a text that no pattern reads the same date year first, in digits. texts: those of the file; names: its columns; above:
    the lines above its rows; words: codes of its currencies.

    A year of three digits is one of the Republic of China where names are Chinese or the file says Taiwan; one from 2400 to 2599 is of the
    Buddhist calendar where it has Thai letters or baht. Raises RefusedFile where the word of a month is two months.
    """
    said = " ".join((*names, above))
    is_chinese = bool(_HAN.search(said) or _TAIWAN.search(said) or "TWD" in words)
    is_thai = bool(_THAI.search(said) or "THB" in words)
    found = {word for text in texts.str.to_lowercase().unique() for word in _LETTERS.findall(text)} & all_words()
    months = months_of(found, names) if found else {}

    def spelled(given: str) -> str:
        text = given.translate(_DIGITS).lower().strip()
        for pattern, instead in _USUAL:
            text = pattern.sub(instead, text)
        for pattern, before in (*_ERAS, *(_CHINESE if is_chinese else ()), *(_YEAR_FIRST_THAI if is_thai else ())):
            text = pattern.sub(lambda match, before=before: _counted(match, before), text)
        if is_thai:
            text = _BUDDHIST.sub(lambda match: f"{match[1]}{int(match[2]) - 543}", text)
        if months:
            text = _with_month(_LETTERS.sub(lambda match: months.get(match[0], match[0]), text))
        return text

    return spelled


def _counted(match: re.Match[str], before: int) -> str:
    """A date (year, month, day, rest) of another calendar as one of ours. before: its year that ours calls 0."""
    return f"{int(match[1].replace('元', '1')) + before}-{match[2]}-{match[3]}{match[4]}"


def _with_month(text: str) -> str:
    """A date with a month's name, year first and in digits."""
    for pattern in _NAMED:
        if found := pattern.fullmatch(text):
            year, rest = found["year"], found["rest"]
            year = year if len(year) == len("2026") else f"20{year}"
            return f"{year}-{MONTHS.index(found['month']) + 1:02}-{found['day']}{' ' + rest if rest else ''}"
    return text

"""What a spreadsheet makes of dates and amounts when it saves a file again: 3/5/2026 10:00 of 2026-03-05 10:00:00, 12,50 of 12.50."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import polars as pl

from duizhang.ingest.texts import Cells, applied
from duizhang.ingest.typing.marks import Marks
from duizhang.ingest.typing.times import by, is_absolute

_DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y-%m-%d", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y")
_HOURS = (" %H:%M", " %H:%M:%S", "", " %I:%M:%S %p", " %I:%M %p")
_FORMATS = (*(day + hour for hour in _HOURS for day in _DAYS), "excel")
_SHORT = "/[0-9]{4}(?: [0-9]{1,2}:[0-9]{2})?$"  # a spreadsheet shows no seconds
_OTHER = {",": ".", ".": ","}


def resaved_formats(texts: Cells, formats: tuple[str, ...]) -> tuple[str, ...]:
    """The formats of a time, with those that spreadsheets write where the platform itself did not write the cells.

    That is so of times that are written year first and never month first where none of their own formats reads any cell: a spreadsheet may
    have taken the month of 03/05/2026 for the day before it wrote 03.05.2026. And of days between slashes where the usual format, which
    stands first, has none (or one that pads its numbers, unlike a spreadsheet in the United States) and only one order is known: the other
    may be right too. Times that name their offset are left as they are by spreadsheets.
    """
    filled = texts.values.filter(texts.values != "")
    slashed = {pattern[1] for pattern in formats if re.match("%[dm]/", pattern)}
    if len(slashed) == 1 and _are_not_usual(filled, formats, slashed.pop()):
        return tuple(dict.fromkeys((*formats, *(day + hour for hour in _HOURS for day in _DAYS[:2]))))
    own = [pattern for pattern in formats if not is_absolute(pattern)]
    if not any(pattern.startswith("%Y") for pattern in own) or any(pattern.startswith("%m") for pattern in own):
        return formats
    if filled.is_empty() or applied(pl.coalesce([by(pattern) for pattern in formats]), filled).is_not_null().any():
        return formats
    read = filled.alias("x").to_frame().select(by(pattern).is_not_null().any().alias(pattern) for pattern in _FORMATS).row(0, named=True)
    return tuple(dict.fromkeys((*formats, *(pattern for pattern, does in read.items() if does))))


def _are_not_usual(filled: pl.Series, formats: tuple[str, ...], first: str) -> bool:
    """Whether days between slashes are not as the source itself writes them. first: d or m, the order in which it may."""
    plain = [pattern for pattern in formats if pattern not in ("excel", "epoch")]
    if all(re.match("%[dm]/", pattern) for pattern in plain):
        return False  # whatever spreadsheet took 05/03/2026 for a date wrote its numbers in the same order
    if first == "d":
        return has_bare_days(filled)
    is_usual = re.match("%[dm]/", plain[0]) is not None
    return not is_usual and bool(filled.str.contains(f"^[0-9]{{1,2}}/[0-9]{{1,2}}{_SHORT}").any())


def has_bare_days(filled: pl.Series) -> bool:
    """Whether there are dates as spreadsheets of the United States write them: 3/5/2026, where others pad the second number, or both."""
    return bool(filled.str.contains(f"^[0-9]{{1,2}}/[1-9]{_SHORT}").any())


def resaved_mark(columns: Iterable[Cells], own: str) -> str:
    """The mark before cents: the specification's own, or the other where that one stands before cents and the own one before none."""
    other = _OTHER[own]
    looked: Sequence[Cells] = list(columns)
    pattern = rf"[0-9]\{other}[0-9]{{1,2}}\D*$"
    if not any(texts.values.str.contains(pattern).any() for texts in looked):
        return own
    marks = Marks()
    for texts in looked:
        marks.look_at(texts)
    return other if marks.counts[other] and not marks.counts[own] else own

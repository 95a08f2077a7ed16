"""What a spreadsheet makes of dates and amounts when it saves a file again: 3/5/2026 10:00 of 2026-03-05 10:00:00, 12,50 of 12.50."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from duizhang.ingest.texts import Cells, applied
from duizhang.ingest.typing.marks import Marks
from duizhang.ingest.typing.times import by, is_absolute

_DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y-%m-%d", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y")
_HOURS = (" %H:%M", " %H:%M:%S", "", " %I:%M:%S %p", " %I:%M %p")
_FORMATS = (*(day + hour for hour in _HOURS for day in _DAYS), "excel")
_OTHER = {",": ".", ".": ","}


def resaved_formats(texts: Cells, formats: tuple[str, ...]) -> tuple[str, ...]:
    """The formats of a time, with those that spreadsheets write where none of its own reads any cell.

    Only of times that are written year first and never month first: a spreadsheet may have taken the month of 03/05/2026 for the day
    before it wrote 03.05.2026. Times that name their offset are left as they are by spreadsheets.
    """
    own = [pattern for pattern in formats if not is_absolute(pattern)]
    if not any(pattern.startswith("%Y") for pattern in own) or any(pattern.startswith("%m") for pattern in own):
        return formats
    filled = texts.values.filter(texts.values != "")
    if filled.is_empty() or applied(pl.coalesce([by(pattern) for pattern in formats]), filled).is_not_null().any():
        return formats
    read = filled.alias("x").to_frame().select(by(pattern).is_not_null().any().alias(pattern) for pattern in _FORMATS).row(0, named=True)
    return tuple(dict.fromkeys((*formats, *(pattern for pattern, does in read.items() if does))))


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

"""What books.yaml says of the files that have to come: of which source and shop, and how often."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_LONGEST = 400  # days of a file that are looked at


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Calendar(_Closed):
    """The business days of a bank or country: `workdays`, without those that are `closed` and with those that are `open` all the same."""

    workdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")
    closed: tuple[dt.date, ...] = ()
    open: tuple[dt.date, ...] = ()

    def has(self, day: dt.date) -> bool:
        """Whether it is a business day."""
        return day in self.open or (_WEEKDAYS[day.weekday()] in self.workdays and day not in self.closed)


class Expected(_Closed):
    """A file that has to be there for every day that it is due for, from a day on; its absence holds the day.

    every: day; business_day, those of `calendar` (Monday to Friday where none is named); a list of weekdays; week or month: one file
    that touches a week (from Monday) or a month, or more of them, stands for all days of it.
    """

    source: str
    shop: str = ""
    from_day: dt.date | None = None
    every: Literal["day", "business_day", "week", "month"] | Annotated[tuple[Weekday, ...], Field(min_length=1)] = "day"
    calendar: str = ""

    @property
    def cadence(self) -> str:
        """How often it comes, in words."""
        return f"every {', '.join(self.every) if isinstance(self.every, tuple) else self.every.replace('_', ' ')}"

    def is_due(self, day: dt.date, calendars: Mapping[str, Calendar]) -> bool:
        """Whether the file has to be there for a day."""
        if self.from_day and day < self.from_day:
            return False
        if isinstance(self.every, tuple):
            return _WEEKDAYS[day.weekday()] in self.every
        return self.every != "business_day" or calendars.get(self.calendar, Calendar()).has(day)

    def stands_for(self, days: Iterable[dt.date]) -> set[dt.date]:
        """The days that a file with rows, or a stated range, of these days stands for: whole weeks or months where it comes so often."""
        touched = set(days)
        if self.every not in ("week", "month") or not touched:
            return touched
        first, last = min(touched), max(touched)
        if (last - first).days > _LONGEST:
            return touched  # a row of another year in it tells nothing of the days between
        if self.every == "week":
            first, last = first - dt.timedelta(days=first.weekday()), last + dt.timedelta(days=6 - last.weekday())
        else:
            first, last = first.replace(day=1), (last.replace(day=1) + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
        return {first + dt.timedelta(days=n) for n in range((last - first).days + 1)}

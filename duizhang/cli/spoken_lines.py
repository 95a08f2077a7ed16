"""What log lines say in English, in the language that is spoken."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from duizhang.speech.language import CHINESE, current
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken

_WIDEST = 100  # characters of why a day is held, where `duizhang status` says the rest


class _Chinese(logging.Formatter):
    """A line of a run in Chinese, as it stands where there is no Chinese for it. `reasons`: why a day is held, in whole."""

    def format(self, record: logging.LogRecord) -> str:
        reasons = getattr(record, "reasons", ())
        if not reasons:
            return f"  {spoken(record.getMessage())}"
        why = spoken(reasons[0])
        why = why if len(why) <= _WIDEST else f"{why[:_WIDEST]}…"
        day = getattr(record, "period", "")
        return "  " + (_("{day} is held: {why}", day=day, why=why) if len(reasons) == 1 else
                       _("{day} is held: {why} (+{n} more)", day=day, why=why, n=len(reasons) - 1))


@contextmanager
def spoken_lines() -> Iterator[None]:
    """What a run tells on standard error is told in the language that is spoken, while this is entered."""
    if current() != CHINESE:
        yield
        return
    from duizhang.logs import shown

    with shown(formatter=_Chinese()):
        yield


__all__ = ["spoken_lines"]

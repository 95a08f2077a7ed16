"""What log lines say in English, in the language that is spoken."""

from __future__ import annotations

import logging

from duizhang.speech.language import CHINESE, current
from duizhang.speech.language import translated as _

_WIDEST = 100  # characters of why a day is held, where `duizhang status` says the rest


class SpokenLines(logging.Formatter):
    """A line of a run, in Chinese where that is spoken and there is Chinese for it. `reasons`: why a day is held, in whole."""

    def format(self, record: logging.LogRecord) -> str:
        if current() != CHINESE:
            return f"  {record.getMessage()}"
        from duizhang.speech.phrases import spoken  # which reads them all

        reasons = getattr(record, "reasons", ())
        if not reasons:
            return f"  {spoken(record.getMessage())}"
        why = spoken(reasons[0])
        why = why if len(why) <= _WIDEST else f"{why[:_WIDEST]}…"
        day = getattr(record, "period", "")
        return "  " + (_("{day} is held: {why}", day=day, why=why) if len(reasons) == 1 else
                       _("{day} is held: {why} (+{n} more)", day=day, why=why, n=len(reasons) - 1))


__all__ = ["SpokenLines"]

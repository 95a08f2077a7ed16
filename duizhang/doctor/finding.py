"""What was found, how much it matters, what to do, and, where it is safe, how to do it at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

WRONG, NOTED, WELL = "wrong", "noted", "well"


@dataclass(frozen=True)
class Finding:
    """area: installation | books | inbox | home. level: wrong (a run fails, is held, or is not to be trusted), noted (worth knowing), well.

    fix: does what is safe and says what it did; None where only a person can decide.
    """

    area: str
    level: str
    what: str
    advice: str = ""
    fix: Callable[[], str] | None = None

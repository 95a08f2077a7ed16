"""Standard logging: what a module writes with `logging.getLogger(__name__)`, and who gets to see it.

Each line knows the run, period, stage and leg that it belongs to (`fields`), as attributes of its record, so that a formatter
of any kind finds them. Where nobody asked to see lines (`shown`, `forwarded`), there are none: importing the engine says nothing.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

# what every record has as an attribute; empty where it belongs to none
FIELDS = ("run", "period", "stage", "leg")
_SOON = 2.0  # seconds in which nobody asks how long it takes
_ENGINE = logging.getLogger("duizhang")
_ENGINE.addHandler(logging.NullHandler())
# a connection that is closed while Ctrl-C comes in is told there with a traceback, and raises all the same
logging.getLogger("sqlalchemy").addHandler(logging.NullHandler())
_NONE: Mapping[str, str] = MappingProxyType({})
_around: ContextVar[Mapping[str, str]] = ContextVar("fields of log lines", default=_NONE)
_hush: ContextVar[bool] = ContextVar("nothing is logged", default=False)


@contextmanager
def fields(**values: object) -> Iterator[None]:
    """Whatever is logged inside, in this thread, has these values of FIELDS. A single line has its own with `extra={...}`."""
    unknown = values.keys() - {*FIELDS}
    if unknown:
        raise TypeError(f"log lines have no field {', '.join(sorted(unknown))}")
    token = _around.set({**_around.get(), **{name: str(value) for name, value in values.items()}})
    try:
        yield
    finally:
        _around.reset(token)


@contextmanager
def hushed() -> Iterator[None]:
    """Nothing that is logged inside, in this thread, is seen: what is tried is not what is done."""
    token = _hush.set(True)
    try:
        yield
    finally:
        _hush.reset(token)


class Pace:
    """How fast things of a known number are done since it was made, and how long the rest will take at that pace."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self._clock, self._began = total, clock, clock()

    def after(self, done: int) -> str:
        """`, 12 a second, about 3 min left`; empty at the end, and before there is anything to judge by."""
        passed = self._clock() - self._began
        if not 0 < done < self.total or passed < _SOON:
            return ""
        rate = done / passed
        left = (self.total - done) / rate
        pace = f"{rate:.0f} a second" if rate >= 1 else f"{60 * rate:.0f} a minute"
        return f", {pace}, about {left:.0f} s left" if left < 90 else f", {pace}, about {left / 60:.0f} min left"


def _add_fields(record: logging.LogRecord) -> bool:
    if _hush.get():
        return False
    for name in FIELDS:
        if not hasattr(record, name):
            setattr(record, name, _around.get().get(name, ""))
    return True


class _StandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what standard error is when a line comes, and not to what it was when the program began."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(logging.Formatter("  %(message)s"))
        self.addFilter(_add_fields)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _Forward(logging.Handler):
    """Passes lines on to another logger."""

    def __init__(self, target: logging.Logger) -> None:
        super().__init__()
        self.target = target
        self.addFilter(_add_fields)

    def emit(self, record: logging.LogRecord) -> None:
        self.target.log(record.levelno, record.getMessage(), extra={name: getattr(record, name) for name in FIELDS})


_PEOPLE = _StandardError()


@contextmanager
def shown(level: int = logging.INFO, formatter: logging.Formatter | None = None) -> Iterator[None]:
    """Lines of this level and above are on standard error while this is entered, once each, however often it is.

    formatter: how they are written meanwhile; without it as they are around this, or else as text, indented by two blanks.
    """
    before = _PEOPLE.level, _PEOPLE.formatter
    _PEOPLE.setLevel(level)
    _PEOPLE.setFormatter(formatter or _PEOPLE.formatter)
    try:
        with _attached(_PEOPLE):
            yield
    finally:
        _PEOPLE.setLevel(before[0])
        _PEOPLE.setFormatter(before[1])


@contextmanager
def forwarded(target: logging.Logger) -> Iterator[None]:
    """Lines are passed on to another logger, with their fields as `extra`, while this is entered."""
    with _attached(_Forward(target)):
        yield


@contextmanager
def _attached(handler: logging.Handler) -> Iterator[None]:
    was_there, level = handler in _ENGINE.handlers, _ENGINE.level
    _ENGINE.addHandler(handler)
    _ENGINE.setLevel(logging.INFO)
    try:
        yield
    finally:
        _ENGINE.setLevel(level)
        if not was_there:
            _ENGINE.removeHandler(handler)


__all__ = ["FIELDS", "fields", "forwarded", "hushed", "shown"]

"""Who runs periods. The engine knows nothing of Dagster: it finds the one that does by an entry point."""

from __future__ import annotations

import datetime as dt
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from duizhang.errors import UserError
from duizhang.layout import find_pipelines

if TYPE_CHECKING:
    from duizhang.books import Books

GROUP = "duizhang.runner"


class Runner(Protocol):
    """Computes, checks and publishes the days from `start` to `end`; exit code 0 all published, 2 something is held."""

    def __call__(
        self, books_path: Path, home: Path, start: dt.date, end: dt.date, *, progress: bool = ..., force: bool = ..., memory: str = ...,
        engine: str = ...,
    ) -> int: ...


def check_range(books: Books, start: dt.date, end: dt.date) -> None:
    """Raises UserError for a range that is none, or that begins before the books do."""
    if end < start:
        raise UserError(f"the range ends ({end}) before it begins ({start})")
    if start < books.start:
        raise UserError(f"{start} is before the books' first day {books.start}", advice="Begin at the books' start, or move it.")


def load_runner() -> Runner:
    """The installed runner. Raises UserError where there is none."""
    found = entry_points(group=GROUP)
    if not found:
        raise UserError("no runner is installed", advice="Install the project with `pip install -e .`.")
    find_pipelines()
    return cast(Runner, next(iter(found)).load())

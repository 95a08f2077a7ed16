"""How far a long command is, with its rate and the time that remains: on a terminal's standard error, nowhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

from duizhang.cli.screen import bare

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Progress:
    """A bar while it is entered; `at(done, of)` moves it. Silent where standard error is no terminal, or `quiet` is asked for."""

    def __init__(self, title: str, *, unit: str, quiet: bool = False) -> None:
        self.title, self.unit = title, unit
        self.shown = not quiet and sys.stderr.isatty()
        self.bar: Bar | None = None
        self.task: Any = None

    def __enter__(self) -> Progress:
        return self

    def at(self, done: int, of: int) -> None:
        """So many of so many are done."""
        if not self.shown:
            return
        if self.bar is None:
            self.bar = self._made()
            self.task = self.bar.add_task(self.title, total=of)
            self.bar.start()
        self.bar.update(self.task, completed=done, total=of)

    def _made(self) -> Bar:
        from rich.console import Console  # a tenth of a second, where nobody may look
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        return Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(self.unit), TaskProgressColumn(show_speed=True),
            TimeRemainingColumn(), console=Console(file=bare(sys.stderr)), transient=True,
        )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.stop()

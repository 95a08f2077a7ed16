"""The one resource: whose books, and where the home is. Tests and the command line build it; `dagster dev` reads the
environment."""

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from dagster import AssetCheckExecutionContext, AssetExecutionContext, ConfigurableResource, InitResourceContext
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from duizhang.books import Books, load_books
from duizhang.close import announce
from duizhang.plan import acquire, record
from duizhang.publish import PeriodOutcome, publish
from duizhang.reconcile import rules_digest
from duizhang.state import State
from duizhang.store import Store, days

BOOKS_VARIABLE = "DUIZHANG_BOOKS"
HOME_VARIABLE = "DUIZHANG_HOME"
# by path: Dagster makes a resource anew for a run, and a run is one process
_PINNED: dict[str, Books] = {}


class Workspace(ConfigurableResource):  # type: ignore[type-arg]
    """Paths as text, since Dagster configures resources with plain values."""

    books_path: str
    home_path: str
    progress: bool = False

    def put_out(self, periods: list[dt.date]) -> list[PeriodOutcome]:
        """Publish or hold what the store has of the periods, and remember what it was made from."""
        books, store, state = self.books(), self.store(), self.state()
        outcomes = publish(books, store, state, self.home, periods, rules_digest=rules_digest(), say=self.say)
        record(store, state, periods)
        announce(self.home, state, outcomes)
        return outcomes

    def books(self) -> Books:
        """The books; within `pinned` as they were when that began."""
        return _PINNED.get(self.books_path) or load_books(Path(self.books_path))

    @contextmanager
    def pinned(self) -> Iterator[Books]:
        """Keep the books as they are for all steps of a run, whoever edits the file meanwhile."""
        before = _PINNED.get(self.books_path)
        _PINNED[self.books_path] = load_books(Path(self.books_path))
        try:
            yield _PINNED[self.books_path]
        finally:
            del _PINNED[self.books_path]
            if before is not None:
                _PINNED[self.books_path] = before

    @property
    def home(self) -> Path:
        return Path(self.home_path).resolve()

    def store(self) -> Store:
        return Store(self.home)

    def state(self) -> State:
        return State(self.home)

    def say(self, text: str) -> None:
        """One line of progress on standard error, where somebody is watching."""
        if self.progress:
            click.echo(f"  {text}", err=True)


class RunWorkspace(Workspace):
    """A workspace that a run has for itself, whoever started it; a second run waits."""

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[Workspace]:
        with acquire(self.home, say=self.say), self.pinned():
            yield self


def from_environment() -> dict[str, Workspace]:
    """The resources over what DUIZHANG_BOOKS and DUIZHANG_HOME name (default: ./demo): `workspace` for runs, `watched`
    for who only looks."""
    return over(os.environ.get(BOOKS_VARIABLE, "demo/raw/books.yaml"), os.environ.get(HOME_VARIABLE, "demo/home"))


def over(books_path: str, home_path: str) -> dict[str, Workspace]:
    """The resources over given books and a given home."""
    return {
        "workspace": RunWorkspace(books_path=books_path, home_path=home_path),
        "watched": Workspace(books_path=books_path, home_path=home_path),
    }


def periods_of(context: AssetExecutionContext | AssetCheckExecutionContext) -> list[dt.date]:
    """The days of the run, in order, whether it is one day or a range in a single run."""
    tags = context.run.tags
    single = tags.get(PARTITION_NAME_TAG)
    first = single or tags[ASSET_PARTITION_RANGE_START_TAG]
    last = single or tags[ASSET_PARTITION_RANGE_END_TAG]
    return days(dt.date.fromisoformat(first), dt.date.fromisoformat(last))

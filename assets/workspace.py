"""The resources: whose books, and where the home is. Tests and the command line build them; `dagster dev` reads the
environment."""

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dagster import ConfigurableResource, InitResourceContext

from duizhang.books import Books, load_books
from duizhang.errors import BooksError, Retryable, UserError
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import SourceSpec
from duizhang.logs import forwarded, shown
from duizhang.plan import acquire
from duizhang.runs import Run, sources_named

BOOKS_VARIABLE = "DUIZHANG_BOOKS"
HOME_VARIABLE = "DUIZHANG_HOME"

Resources = dict[str, "Workspace | RunResource"]


class Workspace(ConfigurableResource):  # type: ignore[type-arg]
    """Books and home of who only looks. Paths as text, since Dagster configures resources with plain values."""

    books_path: str
    home_path: str

    def books(self) -> Books:
        return load_books(Path(self.books_path))

    @property
    def home(self) -> Path:
        return Path(self.home_path).resolve()

    def store(self) -> Store:
        return Store(self.home)

    def state(self) -> State:
        return State(self.home)

    def sources(self) -> dict[str, SourceSpec]:
        """The sources that the books name; none where there are no books yet."""
        try:
            books = self.books()
        except BooksError:
            return {}
        try:
            return sources_named(books, State(self.home, read_only=True))
        except (UserError, Retryable):
            # a home without a state yet, or one that says nothing of itself now: what is declared is there all the same
            return sources_named(books)


class RunResource(ConfigurableResource[Run]):
    """The engine's run, one for all steps of a job's run, which has the home for itself; a second run waits.

    force: compute what is current, too. memory: what it may take, such as 2GB, instead of what books.yaml says. progress: lines on
    standard error as well as in the run's log. engine: what computes the models, instead of what books.yaml says.
    """

    books_path: str
    home_path: str
    progress: bool = False
    force: bool = False
    memory: str = ""
    engine: str = ""

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator[Run]:
        with ExitStack() as stack:
            if self.progress:
                stack.enter_context(shown())
            if context.log:
                stack.enter_context(forwarded(context.log))
            stack.enter_context(acquire(Path(self.home_path)))
            yield Run(Path(self.books_path), Path(self.home_path), force=self.force, memory=self.memory, engine=self.engine)


def from_environment() -> Resources:
    """The resources over what DUIZHANG_BOOKS and DUIZHANG_HOME name (default: ./demo)."""
    return over(os.environ.get(BOOKS_VARIABLE, "demo/raw/books.yaml"), os.environ.get(HOME_VARIABLE, "demo/home"))


def over(
    books_path: str, home_path: str, *, progress: bool = False, force: bool = False, memory: str = "", engine: str = ""
) -> Resources:
    """The resources over given books and a given home: `run` for runs, `watched` for who only looks."""
    return {
        "run": RunResource(books_path=books_path, home_path=home_path, progress=progress, force=force, memory=memory, engine=engine),
        "watched": Workspace(books_path=books_path, home_path=home_path),
    }


def days_of(partition_keys: list[str]) -> list[dt.date]:
    """The days of partition keys, in order."""
    return sorted(dt.date.fromisoformat(key) for key in partition_keys)

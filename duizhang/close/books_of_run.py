"""The books that a home's last run went by."""

from __future__ import annotations

from pathlib import Path

from duizhang.books import Books, load_books
from duizhang.declared.terms import EventKind
from duizhang.home.events import last_before
from duizhang.home.state import State


def last_books(home: Path, state: State) -> Books | None:
    """The books that the last run went by: where it found them, or from the archive where they are not there any more; None before
    any run."""
    run = last_before(state, EventKind.RUN_STARTED)
    if run is None:
        return None
    sha, path = str(run.payload["books"]), Path(str(run.payload.get("books_path", "")))
    return load_books(path if path.is_file() else home / "archive" / sha[:2] / sha)

"""Options that several commands share."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.books import load_books
from duizhang.errors import UserError
from duizhang.ingest import SourceSpec, load_specs
from duizhang.state import State
from duizhang.store import days

DAY = click.DateTime(["%Y-%m-%d"])

home_option = click.option(
    "--home", type=click.Path(path_type=Path), default=Path("home"), envvar="DUIZHANG_HOME", show_default=True,
    help="Where results are kept.",
)
by_option = click.option("--by", required=True, help="Your name; it goes into the event log.")

own_sources = click.option(
    "--books", "books_path", type=click.Path(path_type=Path), help="books.yaml: its own sources as well."
)


def known_sources(books_path: Path | None) -> dict[str, SourceSpec]:
    """The shipped specifications and, where books are given, their own."""
    return load_specs(load_books(books_path).sources_path if books_path else None)


def open_state(home: Path) -> State:
    """The state database of a home that exists."""
    if not home.is_dir():
        raise UserError(f"there is no home at {home}", advice="Give it with --home, or run `duizhang run` first.")
    return State(home)


def waiting(text: str) -> None:
    """Say on standard error that something has to be waited for."""
    click.echo(text, err=True)


def span(start: dt.datetime, end: dt.datetime | None) -> list[dt.date]:
    """The days of a range; of the first day alone without an end."""
    last = (end or start).date()
    if last < start.date():
        raise UserError("the range ends before it begins")
    return days(start.date(), last)

"""Options that several commands share. What can be seen to be a mistake without the engine is told before it is loaded."""

from __future__ import annotations

import datetime as dt
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.errors import BooksError, UserError
from duizhang.speech.language import ask_books
from duizhang.speech.language import translated as _

if TYPE_CHECKING:
    from duizhang.home.state import State
    from duizhang.ingest import SourceSpec


class _Day(click.DateTime):
    """A day as books and files have it."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(_("{value!r} is no day; expected such as 2026-03-31", value=value), param, ctx)


DAY = _Day()
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _is_books(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    """A path of books.yaml that is a file; the same error as `load_books` gives, without loading it."""
    if path is not None and path.is_dir():
        raise BooksError(_("{path} is a folder, and books are a file", path=path),
                         advice=_("Give the file: --books {path}.", path=shlex.quote(str(path / "books.yaml"))))
    if path is not None and not path.is_file():
        raise BooksError(_("{path}: no such file", path=path), advice=_("Give the path of your books.yaml with --books."))
    if path is not None:
        ask_books(lambda: _of_books(path))
    return path


def _of_books(path: Path) -> str | None:
    """The language that books.yaml names, as its text has it."""
    import yaml

    from duizhang.yaml_reading import load_yaml

    try:
        found = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):  # told by whoever loads it
        return None
    said = found.get("language") if isinstance(found, dict) else None
    return said if isinstance(said, str) else None


def _of_home(home: Path) -> str | None:
    """The language that the books of the last run name."""
    from duizhang.report.home_books import read_home_books

    return read_home_books(home).language


def _is_home(_context: click.Context, _option: click.Parameter, home: Path) -> Path:
    if not home.is_dir():
        raise UserError(_("there is no home at {path}", path=home), advice=_("Give it with --home, or run `duizhang run` first."))
    ask_books(lambda: _of_home(home))
    return home


def _home(help_text: str, callback: Callable[[click.Context, click.Parameter, Path], Path] | None) -> Decorator:
    return click.option(
        "--home", type=click.Path(file_okay=False, path_type=Path), default=Path("home"), envvar="DUIZHANG_HOME",
        show_default=True, help=help_text, callback=callback,
    )


# of a command that makes the home where there is none, and of one that needs it
new_home_option = _home("Where results are kept (or DUIZHANG_HOME).", None)
home_option = _home("Where the results are (or DUIZHANG_HOME).", _is_home)
books_option = click.option(
    "--books", "books_path", required=True, type=click.Path(path_type=Path), envvar="DUIZHANG_BOOKS", callback=_is_books,
    default=lambda: path if (path := Path("books.yaml")).is_file() else None,
    help="Path of books.yaml (or DUIZHANG_BOOKS). Default: the one of this folder.",
)
books_here_option = click.option(
    "--books", "books_path", type=click.Path(path_type=Path), help="Default: the books.yaml of this folder.", callback=_is_books,
)
by_option = click.option("--by", required=True, help="Your name; it goes into the event log.")
key_option = click.option(
    "--key", type=click.Path(path_type=Path, dir_okay=False), envvar="DUIZHANG_KEY",
    help="The file of your key, where books.yaml names people (or DUIZHANG_KEY; `duizhang key new` makes one).",
)
own_sources = click.option(
    "--books", "books_path", type=click.Path(path_type=Path), help="books.yaml: its own sources as well.", callback=_is_books,
)


def known_sources(books_path: Path | None) -> dict[str, SourceSpec]:
    """The shipped specifications and, where books are given, their own."""
    from duizhang.books import load_books
    from duizhang.ingest import load_specs

    return load_specs(load_books(books_path).sources_path if books_path else None)


def typed(path: Path) -> str:
    """A path as a shell takes it, shorter from here where that is; bytes of a name that are no text as the shell writes them."""
    text = min(str(path), os.path.relpath(path), key=len)
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(c if c.isprintable() and c not in "'\\" else "".join(f"\\x{b:02x}" for b in os.fsencode(c)) for c in text) + "'"


def at_home(home: Path) -> str:
    """What a command that is proposed needs to find the same home; '' where it finds it by itself."""
    given = click.get_current_context().get_parameter_source("home") is click.core.ParameterSource.COMMANDLINE
    return f" --home {typed(home)}" if given else ""


def open_state(home: Path, *, read_only: bool = False) -> State:
    """The state database of a home that exists. read_only: for commands that only tell, so that they do on a home that cannot be
    written to."""
    from duizhang.home.state import State

    return State(home, read_only=read_only)


def unproved(home: Path) -> str:
    """What is said behind the name of who acts: that nobody proved it, where the books name no people."""
    from duizhang.close.authority import staff_of

    return "" if staff_of(home, open_state(home, read_only=True)).people else _(" (not authenticated: books.yaml names no people)")


def span(start: dt.datetime, end: dt.datetime | None) -> list[dt.date]:
    """The days of a range; of the first day alone without an end."""
    last = (end or start).date()
    in_order(start.date(), last)
    return [start.date() + dt.timedelta(days=n) for n in range((last - start.date()).days + 1)]


def in_order(first: dt.date | None, last: dt.date | None) -> None:
    """Raises UserError for a range that ends before it begins; one that is open at an end is fine."""
    if first and last and last < first:
        raise UserError(_("the range ends ({last}) before it begins ({first})", last=last, first=first))

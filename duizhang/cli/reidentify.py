"""`duizhang reidentify`: from a person to the pseudonym, or a sealed file in clear; both go into the event log."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.files import reason_option
from duizhang.cli.options import books_option, by_option, home_option, open_state


@click.group("reidentify")
def command() -> None:
    """What leads from the books to people. Who asked, when and why goes into the event log; the person's name does not."""


@command.command("person")
@click.argument("value")
@books_option
@home_option
@by_option
@reason_option
def person(value: str, books_path: Path, home: Path, by: str, reason: str) -> None:
    """The pseudonym under which the books know VALUE: a name, account or number as it stands in the files."""
    from duizhang.books import load_books
    from duizhang.privacy import pseudonym_for

    click.echo(pseudonym_for(home, open_state(home), load_books(books_path), value, by=by, reason=reason))


@command.command("file")
@click.argument("name")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A new file; nobody else may read it.")
@home_option
@by_option
@reason_option
def file(name: str, out: Path, home: Path, by: str, reason: str) -> None:
    """Write an archived raw file in clear. NAME: under which it came, or its SHA-256."""
    from duizhang.privacy import open_raw_file

    sha = open_raw_file(home, open_state(home), name, out, by=by, reason=reason)
    click.echo(f"{out}: {sha}; it names people: delete it when you have seen it")

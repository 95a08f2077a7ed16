"""`duizhang reidentify`: from a person to the pseudonym, or a sealed file in clear; both go into the event log."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.files import reason_option
from duizhang.cli.options import books_option, by_option, home_option, key_option, open_state
from duizhang.speech.language import translated as _


@click.group("reidentify")
def command() -> None:
    """What leads from the books to people. Who asked, when and why goes into the event log; the person's name does not."""


@command.command("person")
@click.argument("value")
@books_option
@home_option
@by_option
@key_option
@reason_option
@json_option
def person(value: str, books_path: Path, home: Path, by: str, key: Path | None, reason: str, *, as_json: bool) -> None:
    """The pseudonym under which the books know VALUE: a name, account or number as it stands in the files."""
    from duizhang.books import load_books
    from duizhang.privacy import pseudonym_for

    pseudonym = pseudonym_for(home, open_state(home), load_books(books_path), value, by=by, reason=reason, key=key)
    answer({"pseudonym": pseudonym}, [pseudonym], as_json=as_json)


@command.command("file")
@click.argument("name")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A new file; nobody else may read it.")
@home_option
@by_option
@key_option
@reason_option
@json_option
def file(name: str, out: Path, home: Path, by: str, key: Path | None, reason: str, *, as_json: bool) -> None:
    """Write an archived raw file in clear. NAME: under which it came, or its SHA-256."""
    from duizhang.privacy import open_raw_file

    sha = open_raw_file(home, open_state(home), name, out, by=by, reason=reason, key=key)
    line = _("{path}: {digest}; it names people: delete it when you have seen it", path=out, digest=sha)
    answer({"out": out, "sha256": sha}, [line], as_json=as_json)

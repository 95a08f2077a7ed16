"""`duizhang erase`: a person out of the raw files and the pseudonym key."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.files import reason_option
from duizhang.cli.options import books_option, by_option, home_option, key_option, open_state
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken


@click.command("erase")
@click.argument("values", nargs=-1, required=True)
@books_option
@home_option
@by_option
@key_option
@reason_option
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--unseen", is_flag=True, help="Also where no archived file names the person any more.")
@json_option
def command(
    values: tuple[str, ...], books_path: Path, home: Path, by: str, key: Path | None, reason: str, *, dry_run: bool, unseen: bool,
    as_json: bool,
) -> None:
    """Erase the person of whom VALUES are: names, accounts and numbers as they stand in the files. Afterwards no key that is left leads
    from the person to the rows, and no archived raw file has the values; rows, results, proofs and `replay` stay what they are.

    Whoever comes back later is somebody else to the books. Copies of the pseudonym key that you keep elsewhere have to be replaced: with
    an old one all of this is undone. A file in which nothing can be replaced (old Excel, Parquet, encrypted) refuses the whole.
    """
    from duizhang.books import load_books
    from duizhang.cli.progress import Progress
    from duizhang.privacy import erase

    books = load_books(books_path)
    with Progress("raw files", unit="files", quiet=as_json) as bar:
        done = erase(home, open_state(home), books, values, by=by, reason=reason, key=key, dry_run=dry_run, unseen=unseen, progress=bar.at)
    lines = []
    if done.before:
        lines.append(_("no archived file names this person, who was erased before; nothing was done"))
    elif dry_run:
        lines.append(_("would erase: {n} raw files name this person", n=len(done.files)))
    else:
        lines.append(_("erased: {n} raw files do not name this person any more, and the pseudonym is nobody's", n=len(done.files)))
        lines.append(_("replace the copies of {key} that you keep elsewhere: an old one undoes this", key=books.key_path))
    lines += [f"  {file.name} ({file.cells})" for file in done.files]
    if done.keys:
        lines.append(_("keys that were destroyed, so that older backups of these files stay closed: {keys}", keys=", ".join(done.keys)))
    lines += [_("it would be refused: {file}", file=spoken(line)) for line in done.refused]
    lines += [_("what stays: {what}", what=spoken(line)) for line in done.left]
    answer({
        "erased": not (dry_run or done.before), "before": done.before, "pseudonyms": done.pseudonyms,
        "files": [{"file": file.name, "sha256": file.sha256, "cells": file.cells, "longer": file.longer} for file in done.files],
        "refused": done.refused, "left": done.left, "keys": done.keys,
    }, lines, as_json=as_json)

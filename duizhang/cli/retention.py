"""`duizhang retention`: how long raw files are kept."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import table_text
from duizhang.cli.files import reason_option
from duizhang.cli.options import books_option, by_option, home_option, key_option, open_state
from duizhang.speech.language import translated as _


@click.group("retention")
def command() -> None:
    """How long the raw files of the archive are kept: vouchers 30 years, bank statements 10, what no book uses 1, from the end of the
    year of their last business day; `retention` of books.yaml says otherwise. Books, results and the event log are never removed."""


@command.command("list")
@books_option
@home_option
@click.option("--all", "every", is_flag=True, help="Also those that must still be kept.")
@json_option
def listing(books_path: Path, home: Path, *, every: bool, as_json: bool) -> None:
    """The files whose time is up."""
    from duizhang.books import load_books
    from duizhang.privacy import kept_files

    today = dt.datetime.now(dt.UTC).date()
    found = kept_files(home, open_state(home), load_books(books_path))
    shown = [kept for kept in found if every or kept.is_over(today)]
    rows = [{"file": kept.names[0], "class": kept.kind, "until": kept.until.isoformat(), "over": kept.is_over(today),
             "sha256": kept.sha256} for kept in shown]
    listed = [(r["file"], r["class"], r["until"], r["sha256"]) for r in rows]
    lines = [table_text([_("file"), _("class"), _("kept until"), "sha256"], listed)] if rows else []
    over = sum(kept.is_over(today) for kept in found)
    lines.append(_("{n} of {of} raw files may go; `duizhang retention remove` takes them away", n=over, of=len(found)))
    answer({"files": rows, "over": over}, lines, as_json=as_json)


@command.command("remove")
@click.argument("files", nargs=-1)
@books_option
@home_option
@by_option
@key_option
@reason_option
@json_option
def remove(files: tuple[str, ...], books_path: Path, home: Path, by: str, key: Path | None, reason: str, *, as_json: bool) -> None:
    """Take the files whose time is up out of the archive, or those of them that are named as FILES. A file that must still be kept is
    refused. The event log says what went, and `verify` holds; `replay` of their days does not."""
    from duizhang.books import load_books
    from duizhang.privacy import remove as take_away

    gone, keys = take_away(home, open_state(home), load_books(books_path), by=by, reason=reason, key=key, names=files)
    line = _("{n} raw files were removed", n=len(gone)) + (_(", and the keys of {keys}", keys=", ".join(keys)) if keys else "")
    answer({"removed": gone, "keys": keys}, [line], as_json=as_json)

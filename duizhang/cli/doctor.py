"""`duizhang doctor`: what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import screen_width, wrapped
from duizhang.cli.options import books_here_option, new_home_option
from duizhang.errors import DuizhangError, UserError
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken

if TYPE_CHECKING:
    from duizhang.doctor import Finding


@click.command("doctor")
@books_here_option
@new_home_option
@click.option("--fix", is_flag=True, help="Clean what is safe, and say what was done.")
@click.option("--quick", is_flag=True, help="Do not compare every byte of the home.")
@json_option
def command(books_path: Path | None, home: Path, *, fix: bool, quick: bool, as_json: bool) -> int:
    """Look for what is wrong with the installation, the books, the inbox and the home, and say what to do about each.

    Nothing is written without --fix; with it, leftovers of killed runs are taken away, published.duckdb is made again where it is
    missing or damaged, damaged published objects are written again from the working tables, and the pseudonym key is closed to
    others. Exit code 0: nothing is wrong. 1: something is.
    """
    from duizhang.doctor.finding import WELL, WRONG

    found: list[Finding] = []
    done: dict[int, str] = {}
    wrong = 0
    for finding in _findings(books_path, home, deep=not quick):
        found.append(finding)
        if fix and finding.fix is not None:
            try:
                done[len(found) - 1] = finding.fix()
            except (DuizhangError, OSError) as error:
                done[len(found) - 1] = f"could not be done: {error}"
                wrong += 1
        else:
            wrong += finding.level == WRONG
    if as_json:
        answer({"ok": not wrong, "findings": [
            {"area": f.area, "level": f.level, "what": f.what, "advice": f.advice, "can_fix": f.fix is not None, "done": done.get(n, "")}
            for n, f in enumerate(found)
        ]}, (), as_json=True)
        return 1 if wrong else 0
    area, width = "", screen_width()
    for number, finding in enumerate(found):
        if finding.area != area:
            area = finding.area
            click.echo(_(area))
        mark = {WELL: _("ok"), WRONG: _("WRONG")}.get(finding.level, _("note"))
        advice = f" -> {done[number]}" if number in done else f" -> {finding.advice}" if finding.advice else ""
        for line in wrapped(f"{mark}: {finding.what}{advice}", width, lines=None):
            click.echo(line)
    noted = sum(f.level not in (WELL, WRONG) for f in found)
    also = _("; {n} notes above", n=noted) if noted else ""
    click.echo((_("{n} things are wrong", n=wrong) if wrong else _("nothing is wrong")) + also)
    return 1 if wrong else 0


def _findings(books_path: Path | None, home: Path, *, deep: bool) -> Iterator[Finding]:
    from duizhang.books import load_books
    from duizhang.doctor import Finding, look_at_books, look_at_home, look_at_inbox, look_at_installation
    from duizhang.doctor.finding import NOTED, WRONG
    from duizhang.home.state import State
    from duizhang.ingest import records

    yield from look_at_installation()
    try:
        known = records(State(home, read_only=True)) if (home / "home.json").is_file() else []
    except DuizhangError:
        known = []  # told with the home
    path = books_path or Path("books.yaml")
    if not books_path and not path.is_file():
        yield Finding("books", NOTED, "there is no books.yaml in this folder", "Name it with --books, or draft one: `duizhang init`.")
    else:
        try:
            books = load_books(path)
        except UserError as error:
            yield Finding("books", WRONG, spoken(str(error)), spoken(error.advice))
        else:
            yield from look_at_books(books, path, known)
            yield from look_at_inbox(books, known)
    yield from look_at_home(home, deep=deep)

"""`duizhang run`: reconcile and publish the periods of a range."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, at_home, books_option, new_home_option
from duizhang.memory import parsed
from duizhang.runner import check_range, load_runner
from duizhang.speech.language import translated as _

if TYPE_CHECKING:
    from duizhang.books import Books


@click.command("run")
@books_option
@click.option("--from", "start", required=True, type=DAY, help="First business day.")
@click.option("--to", "end", required=True, type=DAY, help="Last business day.")
@new_home_option
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@click.option("--force", is_flag=True, help="Compute every day of the range again, also what is current.")
@click.option("--memory", default="", metavar="SIZE", help="What it may take, such as 2GB, instead of what books.yaml says.")
@click.option("--engine", default="", metavar="ENGINE", help="duckdb, or a Spark (spark://HOST:7077), instead of what books.yaml says.")
@json_option
def command(
    books_path: Path, start: dt.datetime, end: dt.datetime, home: Path, *, quiet: bool, force: bool, memory: str, engine: str,
    as_json: bool,
) -> int:
    """Collect the inbox, reconcile every day from --from to --to that is not current, check and publish.

    Days behind the range follow while the closing of the day before them changes (`duizhang plan` says which may).

    Exit code 0: everything is published. 2: something is held or was not read (see `duizhang status`). 1: an error.
    """
    from duizhang.books import load_books

    check_range(books := load_books(books_path), start.date(), end.date())
    parsed(memory or books.memory)
    from duizhang.runs import engine_of  # which takes seconds to load: what is wrong in books is told before

    engine_of(engine or books.engine)
    runner = load_runner()
    if not quiet:
        click.echo(_("{first} to {last}, books {books}, home {home}", first=f"{start:%Y-%m-%d}", last=f"{end:%Y-%m-%d}", books=books_path,
                     home=home), err=True)
    code = runner(books_path, home, start.date(), end.date(), progress=not quiet, force=force, memory=memory, engine=engine)
    if not quiet:
        for said in _assumed(books, home):
            click.echo(said, err=True)
        at = at_home(home)
        click.echo(
            _("published: `duizhang status{at}`, `duizhang report{at}`", at=at) if code == 0
            else _("something is held or was not read: see `duizhang status{at}`", at=at), err=True)
    if as_json:
        answer({"from": start.date(), "to": end.date(), "published": code == 0, "periods": _periods(home, start.date(), end.date())}, (),
               as_json=True)
    return code


def _assumed(books: Books, home: Path) -> list[str]:
    """What is not in order of whose the bank's accounts are, which moves money between entities; deadlines that nobody declared."""
    from duizhang.home.state import State
    from duizhang.ingest import records
    from duizhang.standing.assumed_terms import assumed_terms
    from duizhang.standing.bank_accounts import unmet_accounts

    found = [*unmet_accounts(books, records(State(home, read_only=True))), *assumed_terms(books)]
    return [f"{what} ({advice})" for what, advice in found]


def _periods(home: Path, first: dt.date, last: dt.date) -> list[dict[str, Any]]:
    """What became of every day of the range."""
    from duizhang.home.state import State
    from duizhang.publish import period_states

    return [
        {"period": day, "state": s.state, "version": s.version, "held_reasons": [line for line in s.held_reasons.splitlines() if line]}
        for day, s in sorted(period_states(State(home, read_only=True)).items()) if first <= day <= last
    ]

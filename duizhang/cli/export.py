"""`duizhang export`: periods for others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, books_option, home_option, open_state, span
from duizhang.errors import UserError
from duizhang.speech.language import translated as _


@click.group("export")
def command() -> None:
    """For others: `audit` is a folder that proves days to somebody who has no duizhang, `iceberg` tables for other engines, `feed` what was
    corrected, for a system of ours."""


@command.command("audit")
@home_option
@click.option("--from", "start", required=True, type=DAY, help="First day.")
@click.option("--to", "end", required=True, type=DAY, help="Last day.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="A new folder.")
@click.option("--with-raw", is_flag=True, help="Copy the raw files as well. They name customers.")
@json_option
def audit(home: Path, start: dt.datetime, end: dt.datetime, out: Path, *, with_raw: bool, as_json: bool) -> None:
    """The event log with its signed checkpoint, the manifests and published tables of the days, and `check.py`, which proves with
    nothing but Python that they belong together, add up, and were signed by whom."""
    from duizhang.close import export_audit

    periods = span(start, end)
    unclosed = export_audit(home, open_state(home, read_only=True), periods, out, with_raw=with_raw)
    lines = [_("{n} days in {folder}; check them with: python {check}", n=len(periods), folder=out, check=out / "check.py")]
    if unclosed:
        first = ", ".join(str(period) for period in unclosed[:5]) + (" ..." if len(unclosed) > 5 else "")
        lines.append(_("{n} of them are not closed: {days}", n=len(unclosed), days=first))
    answer({"out": out, "periods": periods, "not_closed": unclosed}, lines, as_json=as_json)


@command.command("iceberg")
@home_option
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder of catalogue and metadata.")
@json_option
def iceberg(home: Path, out: Path, *, as_json: bool) -> None:
    """What is published as Apache Iceberg tables, without a copy of a row: for Spark, Trino, Snowflake, Polars and DuckDB. Give the
    same folder again after every publication. Needs `pip install 'duizhang[iceberg]'`."""
    from duizhang.publish import export_iceberg

    done = export_iceberg(home, open_state(home, read_only=True), out)
    lines = [_("{n} days in {folder}; {changed} of {tables} tables changed", n=done.periods, folder=out / "catalog.db",
               changed=len(done.changed), tables=len(done.tables) + 1)]
    answer({"out": out, "periods": done.periods, "objects": done.tables, "changed": list(done.changed)}, lines, as_json=as_json)


@command.command("feed")
@click.argument("name")
@books_option
@home_option
@click.option("--number", type=click.IntRange(min=1), help="That feed again, instead of the next.")
@click.option("--send", is_flag=True, help="To the webhook of the feed, with everything that it has not taken yet.")
@json_option
def feed(name: str, books_path: Path, home: Path, number: int | None, *, send: bool, as_json: bool) -> int:
    """The corrections that were decided since the last feed of a system, each once, as a file below HOME/feeds. The same feed again
    is the same file with the same ids; what was taken back since is reversed.

    Which decisions are whose stands under `feeds` of books.yaml. Exit code 2: the webhook did not take it; it is kept, and sent first
    the next time.
    """
    from duizhang.books import load_books
    from duizhang.close.feeds import deliver, feed_again, feed_of, made_feeds, make_feed

    state, wanted = open_state(home), feed_of(load_books(books_path), name)
    if send and wanted.webhook is None:
        raise UserError(_("the feed {name} has no webhook", name=name), advice=_("books.yaml names it under `feeds`."))
    made = next((m for m in made_feeds(state, name) if m.number == number), None) if number else make_feed(home, state, name, wanted)
    if number:
        if made is None:
            raise UserError(_("{name} has no feed {number} yet", name=name, number=number))
        feed_again(home, state, made)
    tried = deliver(home, state, name, wanted.webhook) if send and wanted.webhook else []
    lines = [_("{path}: {n} corrections", path=made.path(home), n=made.rows) if made
             else _("nothing was decided for {name} since its last feed", name=name)]
    lines += [
        _("feed {number} was not delivered: {problem}", number=m.number, problem=m.problem) if m.problem
        else _("feed {number} was delivered", number=m.number) for m in tried
    ]
    answer({"feed": name, "made": made, "path": made.path(home) if made else None, "tried": tried}, lines, as_json=as_json)
    return 2 if any(m.problem for m in tried) else 0

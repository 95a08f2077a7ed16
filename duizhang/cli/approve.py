"""`duizhang approve`: sign what you saw."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.options import DAY, by_option, home_option, open_state, span, waiting


@click.command("approve")
@home_option
@click.option("--period", required=True, type=DAY, help="The day, or the first of a range.")
@click.option("--to", "end", type=DAY, help="The last day of a range.")
@click.option("--as", "role", required=True, type=click.Choice(["maker", "checker"]), help="Maker first, then checker.")
@by_option
@click.option("--digest", "digests", multiple=True, help="The digest that you saw (its first 8 digits or more); once a day, in order.")
def command(home: Path, period: dt.datetime, end: dt.datetime | None, role: str, by: str, digests: tuple[str, ...]) -> None:
    """Sign the published version of a day as maker or checker. It takes two different people, and the checker may not have
    decided items of the day. With --digest nothing else is signed than what you saw (`duizhang status --json` lists digests).
    """
    from duizhang.close import approve

    periods = span(period, end)
    approve(home, open_state(home), periods, role=role, by=by, digests=digests, say=waiting)
    click.echo(f"signed as {role} by {by}: {', '.join(p.isoformat() for p in periods)}")

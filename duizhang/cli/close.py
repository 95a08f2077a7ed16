"""`duizhang close`: close approved periods."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.options import DAY, by_option, home_option, open_state, span
from duizhang.close import close_periods


@click.command("close")
@home_option
@click.option("--from", "start", required=True, type=DAY, help="First day.")
@click.option("--to", "end", required=True, type=DAY, help="Last day.")
@by_option
def command(home: Path, start: dt.datetime, end: dt.datetime, by: str) -> None:
    """Close days that maker and checker have signed. A closed day refuses new numbers."""
    periods = span(start, end)
    close_periods(home, open_state(home), periods, by=by)
    click.echo(f"closed {periods[0]} to {periods[-1]}")

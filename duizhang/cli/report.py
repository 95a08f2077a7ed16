"""`duizhang report`: one HTML page a period."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.options import DAY, home_option, span
from duizhang.report import write_report


@click.command("report")
@home_option
@click.option("--period", "--from", "period", type=DAY, help="The day, or the first of a range. Default: the newest published.")
@click.option("--to", "end", type=DAY, help="The last day of a range.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: reports/<period>.html in the home.")
def command(home: Path, period: dt.datetime | None, end: dt.datetime | None, out: Path | None) -> None:
    """Write the report of a period: what was reconciled, what differs, why, how much, what is old."""
    for day in span(period, end) if period else [None]:
        click.echo(f"report: {write_report(home, day, out)}")

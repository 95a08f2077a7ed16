"""`duizhang report`: one HTML page a period."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.options import DAY, home_option, span
from duizhang.errors import UserError


@click.command("report")
@home_option
@click.option("--period", "--from", "period", type=DAY, help="The day, or the first of a range. Default: the newest published.")
@click.option("--to", "end", type=DAY, help="The last day of a range.")
@click.option("--out", type=click.Path(path_type=Path), help="A file; of a range, a folder. Default: reports/ in the home.")
@click.option(
    "--data-docs", "docs", type=click.Path(path_type=Path, file_okay=False),
    help="Also write Great Expectations' own pages (they take their style from the network) about each day's tables here.",
)
def command(home: Path, period: dt.datetime | None, end: dt.datetime | None, out: Path | None, docs: Path | None) -> None:
    """Write the report of a period: what was reconciled, what differs, why, how much, what is old."""
    from duizhang.report import write_report

    wanted = span(period, end) if period else [None]
    if out and len(wanted) > 1 and out.suffix:
        raise UserError(f"{out} is one file, and {len(wanted)} days are wanted", advice="Give --out a folder.")
    if docs and not period:
        raise UserError("--data-docs needs a day", advice="Name it with --period.")
    for day in wanted:
        click.echo(f"report: {write_report(home, day, out / f'{day}.html' if out and len(wanted) > 1 else out)}")
        if docs and day:
            from duizhang.gate import write_data_docs  # seconds to load
            from duizhang.store import Store

            click.echo(f"quality: {write_data_docs(Store(home.resolve()), day, docs / day.isoformat())}")

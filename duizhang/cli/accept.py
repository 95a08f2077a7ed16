"""`duizhang accept`: let a failed check pass, by name."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.options import DAY, by_option, home_option, key_option, open_state


@click.command("accept")
@home_option
@click.option("--period", required=True, type=DAY, help="The day that a failed check holds.")
@click.option("--table", required=True, help="The table that was checked.")
@click.option("--expectation", required=True, help="The name of the check, as `quality_results` and the suites have it.")
@by_option
@key_option
@click.option("--reason", required=True, help="Why it may pass; it goes into the event log and the results.")
def command(home: Path, period: dt.datetime, table: str, expectation: str, by: str, key: Path | None, reason: str) -> None:
    """Let a failed check of a day pass. It holds again as soon as it finds something else."""
    from duizhang.close import accept

    new = accept(home, open_state(home), period.date(), table, expectation, by=by, key=key, reason=reason)
    click.echo(f"{'accepted' if new else 'was accepted before'}: {expectation} of {table}, {period:%Y-%m-%d}")
    if new:
        click.echo(f"run {period:%Y-%m-%d} again to publish it")

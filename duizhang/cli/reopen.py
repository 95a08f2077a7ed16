"""`duizhang reopen`: reopen a closed period."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.options import DAY, by_option, home_option, key_option, open_state


@click.command("reopen")
@home_option
@click.option("--period", required=True, type=DAY, help="The closed day.")
@by_option
@key_option
@click.option("--reason", required=True, help="Why; it goes into the event log.")
def command(home: Path, period: dt.datetime, by: str, key: Path | None, reason: str) -> None:
    """Reopen a closed day. Its signatures are void."""
    from duizhang.close import reopen

    behind = reopen(home, open_state(home), period.date(), by=by, key=key, reason=reason)
    click.echo(f"reopened {period:%Y-%m-%d}")
    if behind:
        click.echo(f"closed days behind it, which keep the opening that they were closed with: {', '.join(map(str, behind))}")

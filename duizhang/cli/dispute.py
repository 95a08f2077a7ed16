"""`duizhang dispute`: a letter to a counterparty with the differences that it has to answer for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.books import load_books
from duizhang.cli.options import DAY, home_option, open_state
from duizhang.cli.sql import shown
from duizhang.close import append_event, dispute


@click.command("dispute")
@click.argument("counterparty")
@click.option("--books", "books_path", required=True, type=click.Path(path_type=Path), help="Path of books.yaml.")
@home_option
@click.option("--period", required=True, type=DAY, help="The day at whose end the differences are open.")
@click.option("--out", type=click.Path(path_type=Path), help="An .xlsx or .csv. Default: an .xlsx in the home.")
def command(counterparty: str, books_path: Path, home: Path, period: dt.datetime, out: Path | None) -> None:
    """Write the differences that a provider, platform or carrier has to answer for, with ids, amounts and evidence."""
    state = open_state(home)
    name = "".join(c if c.isalnum() else "-" for c in counterparty)
    target = out or home / f"dispute-{name}-{period:%Y-%m-%d}.xlsx"
    totals = dispute(home, load_books(books_path), counterparty, period.date(), target)
    append_event(state, actor="dispute", kind="disputed", payload={
        "counterparty": counterparty, "period": f"{period:%Y-%m-%d}", "totals": {c: str(t) for c, t in totals.items()},
    })
    click.echo(f"{target}: " + ", ".join(f"{shown(total)} {currency}" for currency, total in sorted(totals.items())))

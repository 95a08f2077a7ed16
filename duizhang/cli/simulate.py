"""`duizhang simulate`: raw files of a made-up business, and the truth about them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal

import click


@click.command(name="simulate")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), default="2026-03-01", show_default=True)
@click.option("--days", type=click.IntRange(min=1), default=7, show_default=True)
@click.option("--orders-per-day", type=click.IntRange(min=1), default=2000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--break-rate", type=float, default=0.005, show_default=True, help="Share of the orders to break.")
@click.option("--noise", type=click.Choice(["easy", "hard"]), default="easy", show_default=True,
              help="hard: damaged references, deposits that put payouts together, files that come again.")
@click.option("--company", type=click.Choice(["demo", "real"]), default="demo", show_default=True,
              help="real: five shops that share accounts, codes of goods, sets and warehouses.")
def command(
    out: Path, start: dt.datetime, days: int, orders_per_day: int, seed: int, break_rate: float, noise: Literal["easy", "hard"],
    company: Literal["demo", "real"],
) -> None:
    """Write raw files of a made-up business in true formats, with books.yaml and truth.parquet."""
    from duizhang.simulate import Plan, simulate

    plan = Plan(start.date(), days, orders_per_day, seed, break_rate, noise, company)
    outcome = simulate(out, plan)
    click.echo(f"{outcome['orders']} orders over {days} days in {outcome['files']} files below {out / 'inbox'}")
    click.echo(f"differences: {sum(outcome['injected'].values())} injected, {outcome['natural']} natural timing")
    for cause, count in outcome["injected"].items():
        click.echo(f"  {cause:<22} {count}")
    click.echo(f"next: duizhang run --books {out / 'books.yaml'} --from {plan.start} --to {plan.date(days - 1)}")

"""`duizhang simulate`: raw files of a made-up business, and the truth about them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY
from duizhang.speech.language import translated as _


@click.command(name="simulate")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to.")
@click.option("--start", type=DAY, default="2026-03-01", show_default=True)
@click.option("--days", type=click.IntRange(min=1), default=7, show_default=True)
@click.option("--orders-per-day", type=click.IntRange(min=1), default=2000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--break-rate", type=float, default=0.005, show_default=True, help="Share of the orders to break.")
@click.option("--noise", type=click.Choice(["easy", "hard", "contradictory"]), default="easy", show_default=True,
              help="hard: damaged references, deposits that put payouts together, refunds paid another way, files that come again; "
              "contradictory: besides, a file that states another amount for a transaction.")
@click.option("--company", type=click.Choice(["demo", "real"]), default="demo", show_default=True,
              help="real: five shops that share accounts, codes of goods, sets and warehouses.")
@click.option("--scale", type=click.IntRange(min=1), default=1, show_default=True, help="All amounts are so many times as large.")
@click.option("--currency", type=click.Choice(["CNY", "JPY", "KWD", "VND"]), default="CNY", show_default=True,
              help="The currency at home; one shop sells in USD.")
@click.option("--entities", type=click.IntRange(1, 4), default=2, show_default=True,
              help="Legal entities that the shops belong to, each with its bank and ledger accounts and warehouses.")
@json_option
def command(
    out: Path, start: dt.datetime, days: int, orders_per_day: int, seed: int, break_rate: float,
    noise: Literal["easy", "hard", "contradictory"], company: Literal["demo", "real"], scale: int, currency: str, entities: int,
    *, as_json: bool,
) -> None:
    """Write raw files of a made-up business in true formats, with books.yaml and truth.parquet."""
    from duizhang.simulate import Plan, simulate

    plan = Plan(start.date(), days, orders_per_day, seed, break_rate, noise, company, scale, currency, entities)
    outcome = simulate(out, plan)
    lines = [
        _("{orders} orders over {days} days in {files} files below {folder}", orders=outcome["orders"], days=days, files=outcome["files"],
          folder=out / "inbox"),
        _("differences: {injected} injected, {natural} natural timing", injected=sum(outcome["injected"].values()),
          natural=outcome["natural"]),
        *(f"  {cause:<22} {count}" for cause, count in outcome["injected"].items()),
        *([_("the break rate asks for {asked} broken orders, and {broken} are: each fault needs orders that it fits, days enough before "
             "the last for it to be overdue (5 days for all of them); more days or orders give more",
             asked=outcome["asked"], broken=outcome["broken"])] if outcome["broken"] < outcome["asked"] else []),
        _("next: {command}", command=f"duizhang run --books {out / 'books.yaml'} --from {plan.start} --to {plan.date(days - 1)}"),
    ]
    answer({"out": out, "days": days, **outcome}, lines, as_json=as_json)

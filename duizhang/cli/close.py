"""`duizhang close`: close approved periods."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, by_option, home_option, key_option, open_state, span, unproved
from duizhang.speech.language import translated as _


@click.command("close")
@home_option
@click.option("--from", "start", required=True, type=DAY, help="First day.")
@click.option("--to", "end", required=True, type=DAY, help="Last day.")
@by_option
@key_option
@click.option("--digest", "digests", multiple=True, help="The digest that you saw (its first 8 digits or more); once a day, in order.")
@click.option("--reason", default="", help="Why these days close before earlier ones; only then needed.")
@json_option
def command(
    home: Path, start: dt.datetime, end: dt.datetime, by: str, key: Path | None, digests: tuple[str, ...], reason: str, *, as_json: bool
) -> None:
    """Close days that maker and checker have signed, in order. A closed day refuses new numbers and decisions. A day that `duizhang plan`
    would compute again is not closed."""
    from duizhang.close import close_periods
    from duizhang.plan import not_current

    periods = span(start, end)
    earlier = close_periods(home, open_state(home), periods, by=by, key=key, digests=digests, reason=reason, stale=not_current)
    closed = [period for period in periods if period not in earlier]
    lines = [_("closed {first} to {last} by {name}", first=closed[0], last=closed[-1], name=f"{by}{unproved(home)}")] if closed else []
    lines += [_("{day} was closed before, by {name}", day=period, name=name) for period, name in earlier.items()]
    answer({"by": by, "periods": periods, "closed_before": {str(period): name for period, name in earlier.items()}}, lines, as_json=as_json)

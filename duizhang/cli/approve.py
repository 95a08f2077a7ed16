"""`duizhang approve`: sign what you saw."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, by_option, home_option, key_option, open_state, span, unproved
from duizhang.speech.language import translated as _


@click.command("approve")
@home_option
@click.option("--period", required=True, type=DAY, help="The day, or the first of a range.")
@click.option("--to", "end", type=DAY, help="The last day of a range.")
@click.option("--as", "role", required=True, type=click.Choice(["maker", "checker"]), help="Maker first, then checker.")
@by_option
@key_option
@click.option("--digest", "digests", multiple=True, help="The digest that you saw (its first 8 digits or more); once a day, in order.")
@click.option("--quiet", is_flag=True, help="Do not show what is signed.")
@json_option
def command(
    home: Path, period: dt.datetime, end: dt.datetime | None, role: str, by: str, key: Path | None, digests: tuple[str, ...], *,
    quiet: bool, as_json: bool,
) -> None:
    """Show what is open and was decided of a day, and sign its published version as maker or checker.

    It takes two different people, and the checker may not have decided items of the day. A day that `duizhang plan` would compute
    again is not signed. With --digest nothing else is signed than what you saw (`duizhang status --json` lists digests).
    """
    from duizhang.close import approve, sheets
    from duizhang.plan import not_current

    periods, state = span(period, end), open_state(home)
    signed = [] if quiet and not as_json else sheets(home, state, periods)
    for sheet in signed if not (quiet or as_json) else ():
        click.echo("\n".join(sheet.lines()))
    approve(home, state, periods, role=role, by=by, digests=digests, key=key, stale=not_current)
    days = ", ".join(p.isoformat() for p in periods)
    line = _("signed as {role} by {name}: {days}", role=_(role), name=f"{by}{unproved(home)}", days=days)
    answer({"as": role, "by": by, "periods": periods, "signed": signed}, [line], as_json=as_json)

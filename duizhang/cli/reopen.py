"""`duizhang reopen`: reopen a closed period."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, by_option, home_option, key_option, open_state
from duizhang.speech.language import translated as _


@click.command("reopen")
@home_option
@click.option("--period", required=True, type=DAY, help="The closed day.")
@by_option
@key_option
@click.option("--reason", required=True, help="Why; it goes into the event log.")
@json_option
def command(home: Path, period: dt.datetime, by: str, key: Path | None, reason: str, *, as_json: bool) -> None:
    """Reopen a closed day. Its signatures are void."""
    from duizhang.close import reopen

    behind = reopen(home, open_state(home), period.date(), by=by, key=key, reason=reason)
    lines = [_("reopened {day}", day=f"{period:%Y-%m-%d}")]
    if behind:
        days = ", ".join(map(str, behind))
        lines.append(_("closed days behind it, which keep the opening that they were closed with: {days}", days=days))
    answer({"period": period.date(), "by": by, "closed_behind": behind}, lines, as_json=as_json)

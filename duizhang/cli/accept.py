"""`duizhang accept`: let a failed check pass, by name."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, by_option, home_option, key_option, open_state
from duizhang.speech.language import translated as _


@click.command("accept")
@home_option
@click.option("--period", required=True, type=DAY, help="The day that a failed check holds.")
@click.option("--table", required=True, help="The table that was checked.")
@click.option("--expectation", required=True, help="The name of the check, as `quality_results` and the suites have it.")
@by_option
@key_option
@click.option("--reason", required=True, help="Why it may pass; it goes into the event log and the results.")
@json_option
def command(
    home: Path, period: dt.datetime, table: str, expectation: str, by: str, key: Path | None, reason: str, *, as_json: bool
) -> None:
    """Let a failed check of a day pass. It holds again as soon as it finds something else."""
    from duizhang.close import accept

    new = accept(home, open_state(home), period.date(), table, expectation, by=by, key=key, reason=reason)
    what = {"expectation": expectation, "table": table, "day": f"{period:%Y-%m-%d}"}
    lines = [_("accepted: {expectation} of {table}, {day}", **what), _("run {day} again to publish it", **what)] if new else [
        _("was accepted before: {expectation} of {table}, {day}", **what)]
    answer({"period": period.date(), "table": table, "expectation": expectation, "by": by, "new": new}, lines, as_json=as_json)

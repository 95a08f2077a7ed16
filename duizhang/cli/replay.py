"""`duizhang replay`: rebuild a published version from the archived raw files."""

from __future__ import annotations

import datetime as dt
from functools import partial
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, home_option, open_state
from duizhang.runner import load_runner
from duizhang.speech.language import translated as _


@click.command("replay")
@home_option
@click.option("--period", required=True, type=DAY, help="The day to rebuild.")
@click.option("--version", type=int, help="Default: the newest.")
@click.option("--key", type=click.Path(path_type=Path), help="The pseudonym key, where it is not where the books had it.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@click.option("--engine", default="", metavar="ENGINE", help="What computes it, instead of what books.yaml said then.")
@json_option
def command(home: Path, period: dt.datetime, version: int | None, key: Path | None, *, quiet: bool, engine: str, as_json: bool) -> int:
    """Rebuild a published version and compare the digests. Exit code 2 where they differ."""
    from duizhang.close import replay
    from duizhang.runs import engine_of

    engine_of(engine)
    runner = partial(load_runner(), progress=not quiet, engine=engine)
    before, now = replay(home.resolve(), open_state(home), period.date(), version, runner, key=key)
    answer({"period": period.date(), "published": before, "replayed": now, "same": before == now}, [
        _("published {digest}", digest=before), _("replayed  {digest}", digest=now),
        _("the same") if before == now else _("not the same: the rules, the books or a file changed since"),
    ], as_json=as_json)
    return 0 if before == now else 2

"""`duizhang replay`: rebuild a published version from the archived raw files."""

from __future__ import annotations

import datetime as dt
import json
from functools import partial
from pathlib import Path

import click

from duizhang.cli.options import DAY, home_option, open_state
from duizhang.runner import load_runner


@click.command("replay")
@home_option
@click.option("--period", required=True, type=DAY, help="The day to rebuild.")
@click.option("--version", type=int, help="Default: the newest.")
@click.option("--key", type=click.Path(path_type=Path), help="The pseudonym key, where it is not where the books had it.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(home: Path, period: dt.datetime, version: int | None, key: Path | None, *, quiet: bool, as_json: bool) -> int:
    """Rebuild a published version and compare the digests. Exit code 2 where they differ."""
    from duizhang.close import replay

    runner = partial(load_runner(), progress=not quiet)
    before, now = replay(home.resolve(), open_state(home), period.date(), version, runner, key=key)
    if as_json:
        click.echo(json.dumps({"period": f"{period:%Y-%m-%d}", "published": before, "replayed": now, "same": before == now}))
        return 0 if before == now else 2
    click.echo(f"published {before}\nreplayed  {now}")
    click.echo("the same" if before == now else "not the same: the rules, the books or a file changed since")
    return 0 if before == now else 2

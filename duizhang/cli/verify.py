"""`duizhang verify`: prove that nothing was touched."""

from __future__ import annotations

import json
from pathlib import Path

import click

from duizhang.cli.options import home_option, open_state
from duizhang.close import verify


@click.command("verify")
@home_option
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def command(home: Path, *, as_json: bool) -> int:
    """Check the event log, the archived raw files and everything published. Exit code 2 where something was changed."""
    problems = verify(home, open_state(home))
    if as_json:
        click.echo(json.dumps({"ok": not problems, "problems": problems}, ensure_ascii=False))
    else:
        click.echo("\n".join(problems) if problems else "events, raw files and published versions are as they were written")
    return 2 if problems else 0

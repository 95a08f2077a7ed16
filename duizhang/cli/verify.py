"""`duizhang verify`: prove that nothing was touched."""

from __future__ import annotations

import json
from pathlib import Path

import click

from duizhang.cli.options import home_option


@click.command("verify")
@home_option
@click.option("--head", default="", help="The hash of an event that you noted earlier: it has to be in the log still.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def command(home: Path, head: str, *, as_json: bool) -> int:
    """Check the database, the event log and what follows from it, the archived raw files and everything published. Nothing is
    written. Exit code 2 where something was changed.

    Note the head hash where nobody who can write to the home can write: only against that is a log safe that is rewritten whole.
    """
    from duizhang.close import verify

    proof = verify(home, head=head)
    if as_json:
        click.echo(json.dumps(
            {"ok": not proof.problems, "problems": proof.problems, "events": proof.events, "head": proof.head}, ensure_ascii=False
        ))
    else:
        told = "events, raw files and published versions are as they were written"
        click.echo("\n".join(proof.problems) if proof.problems else told)
        click.echo(f"{proof.events} events, head {proof.head}")
    return 2 if proof.problems else 0

"""`duizhang verify`: prove that nothing was touched."""

from __future__ import annotations

import json
from pathlib import Path

import click

from duizhang.cli.options import home_option

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("verify")
@home_option
@click.option("--head", default="", help="The hash of an event that you noted earlier: it has to be in the log still.")
@click.option("--checkpoint", type=_FILE, help="A signed checkpoint that you kept: the log has to begin as it did then.")
@click.option("--key", default="", help="The key of that checkpoint, where the home's own is not to be trusted.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def command(home: Path, head: str, checkpoint: Path | None, key: str, *, as_json: bool) -> int:
    """Check the database, the event log and what follows from it, the archived raw files and everything published. Nothing is
    written. Exit code 2 where something was changed.

    Keep the head hash, or better a checkpoint (`duizhang checkpoint`), where nobody who can write to the home can write: only against
    that is a log safe that is rewritten whole.
    """
    from duizhang.close import verify

    note = checkpoint.read_text(encoding="utf-8", errors="replace") if checkpoint else ""
    proof = verify(home, head=head, checkpoint=note, key=key)
    if as_json:
        click.echo(json.dumps(
            {"ok": not proof.problems, "problems": proof.problems, "events": proof.events, "head": proof.head,
             "unauthenticated": proof.unauthenticated, "unopened": proof.unopened}, ensure_ascii=False
        ))
    else:
        told = "events, raw files and published versions are as they were written"
        click.echo("\n".join(proof.problems) if proof.problems else told)
        click.echo(f"{proof.events} events, head {proof.head}")
        if proof.unopened:
            click.echo(f"{proof.unopened} raw files are sealed and their key is not at hand: their bytes are as sealed, not opened")
        if proof.unauthenticated:
            click.echo(f"{proof.unauthenticated} of people are not authenticated: the books named nobody then")
    return 2 if proof.problems else 0

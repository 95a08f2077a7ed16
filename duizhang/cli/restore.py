"""`duizhang restore`: a home out of a backup."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("home", type=click.Path(path_type=Path))
@click.option("--at", default="", help="The name of a backup in SOURCE. Default: the newest.")
def command(source: Path, home: Path, at: str) -> int:
    """Make the new home HOME of a backup in the folder SOURCE and prove it as `duizhang verify` does. A backup of which a byte was
    changed is refused by the name of the file, and nothing is restored. Exit code 2 where the proof finds something.

    State that was in a database server is in the home itself from then on.
    """
    from duizhang.backup import restore

    restored = restore(source, home, at=at)
    snapshot = restored.snapshot
    click.echo(f"{home}: restored from {snapshot.name}, {len(snapshot.files)} files, {snapshot.events} events, head {snapshot.head}")
    if snapshot.in_server:
        click.echo("its state was in a database server; it is in the home itself now, whatever DUIZHANG_STATE_URL says")
    if restored.lost_keys:
        click.echo(f"keys that were destroyed since the backup was taken: {', '.join(restored.lost_keys)}; what they sealed stays closed")
    if snapshot.checkpoint_key:
        click.echo(f"checkpoints of it were signed for {snapshot.checkpoint_key}; put checkpoint.key back from where you keep it")
    click.echo("\n".join(restored.problems) if restored.problems else "verified: everything is as it was written")
    return 2 if restored.problems else 0

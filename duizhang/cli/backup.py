"""`duizhang backup`: a copy of the home elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.options import home_option


@click.command("backup")
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@home_option
@click.option("--keep", type=click.IntRange(min=1), help="Take away older backups beyond so many. Default: all are kept.")
@click.option("--check", is_flag=True, help="Take none: read every byte of the newest backup in TARGET.")
def command(target: Path, home: Path, keep: int | None, *, check: bool) -> None:
    """Copy state, results and archive of the home into the folder TARGET, as of one moment; only content that no earlier backup
    has is written. Readers are not kept runs and decisions wait until it is done.

    Not in it, as they are not in the home or are secret: books.yaml (every run archives it), the inbox (the archive has what was
    read), the pseudonym key, the key of the archive, checkpoint.key (its public half is on record) and people's keys.
    """
    from duizhang.backup import back_up
    from duizhang.backup.recovering import check as look

    if check:
        snapshot = look(target)
        click.echo(f"{snapshot.name}: {len(snapshot.files)} files are as they were written ({_megabytes(snapshot.size)})")
        return
    taken = back_up(home, target, keep=keep or 0)
    snapshot = taken.snapshot
    click.echo(f"{snapshot.name}: {len(snapshot.files)} files, {_megabytes(snapshot.size)}; new: {taken.new_files} of "
               f"{_megabytes(taken.new_bytes)}")
    click.echo(f"{snapshot.events} events, head {snapshot.head}")
    if taken.dropped:
        click.echo(f"{taken.dropped} older backups were taken away")


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MB"

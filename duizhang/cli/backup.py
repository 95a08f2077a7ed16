"""`duizhang backup`: a copy of the home elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import home_option
from duizhang.speech.language import translated as _


@click.command("backup")
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@home_option
@click.option("--keep", type=click.IntRange(min=1), help="Take away older backups beyond so many. Default: all are kept.")
@click.option("--check", is_flag=True, help="Take none: read every byte of the newest backup in TARGET.")
@json_option
def command(target: Path, home: Path, keep: int | None, *, check: bool, as_json: bool) -> None:
    """Copy state, results and archive of the home into the folder TARGET, as of one moment; only content that no earlier backup
    has is written. Readers are not kept waiting; runs and decisions are, until it is done.

    Not in it, as they are not in the home or are secret: books.yaml (every run archives it), the inbox (the archive has what was
    read), the pseudonym key, the key of the archive, checkpoint.key (its public half is on record) and people's keys.
    """
    from duizhang.backup import back_up
    from duizhang.backup.recovering import check as look

    if check:
        snapshot = look(target)
        line = _("{name}: {n} files are as they were written ({size})", name=snapshot.name, n=len(snapshot.files),
                 size=megabytes(snapshot.size))
        answer({"backup": snapshot.name, "files": len(snapshot.files), "bytes": snapshot.size, "ok": True}, [line], as_json=as_json)
        return
    taken = back_up(home, target, keep=keep or 0)
    snapshot = taken.snapshot
    lines = [_("{name}: {n} files, {size}; new: {new} of {new_size}", name=snapshot.name, n=len(snapshot.files),
               size=megabytes(snapshot.size), new=taken.new_files, new_size=megabytes(taken.new_bytes)),
             _("{n} events, head {head}", n=snapshot.events, head=snapshot.head)]
    if taken.dropped:
        lines.append(_("{n} older backups were taken away", n=taken.dropped))
    answer({"backup": snapshot.name, "files": len(snapshot.files), "bytes": snapshot.size, "new_files": taken.new_files,
            "new_bytes": taken.new_bytes, "events": snapshot.events, "head": snapshot.head, "dropped": taken.dropped},
           lines, as_json=as_json)


def megabytes(size: int) -> str:
    """A number of bytes as people read it."""
    return f"{size / (1 << 20):,.1f} MB"

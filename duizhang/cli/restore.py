"""`duizhang restore`: a home out of a backup."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.speech.language import translated as _


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("home", type=click.Path(path_type=Path))
@click.option("--at", default="", help="The name of a backup in SOURCE. Default: the newest.")
@json_option
def command(source: Path, home: Path, at: str, *, as_json: bool) -> int:
    """Make the new home HOME of a backup in the folder SOURCE and prove it as `duizhang verify` does. A backup of which a byte was
    changed is refused by the name of the file, and nothing is restored. Exit code 2 where the proof finds something.

    State that was in a database server is in the home itself from then on.
    """
    from duizhang.backup import restore

    restored = restore(source, home, at=at)
    snapshot = restored.snapshot
    lines = [_("{home}: restored from {name}, {n} files, {events} events, head {head}", home=home, name=snapshot.name,
               n=len(snapshot.files), events=snapshot.events, head=snapshot.head)]
    if snapshot.in_server:
        lines.append(_("its state was in a database server; it is in the home itself now, whatever DUIZHANG_STATE_URL says"))
    if restored.lost_keys:
        lines.append(_("keys that were destroyed since the backup was taken: {keys}; what they sealed stays closed",
                       keys=", ".join(restored.lost_keys)))
    if snapshot.checkpoint_key:
        lines.append(_("checkpoints of it were signed for {key}; put checkpoint.key back from where you keep it",
                       key=snapshot.checkpoint_key))
    lines += restored.problems or [_("verified: everything is as it was written")]
    answer({"home": home, "backup": snapshot.name, "files": len(snapshot.files), "events": snapshot.events, "head": snapshot.head,
            "ok": not restored.problems, "problems": list(restored.problems), "lost_keys": list(restored.lost_keys),
            "checkpoint_key": snapshot.checkpoint_key}, lines, as_json=as_json)
    return 2 if restored.problems else 0

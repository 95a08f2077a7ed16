"""`duizhang checkpoint`: sign what the event log is now."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import home_option, open_state
from duizhang.errors import UserError
from duizhang.speech.language import translated as _


@click.command("checkpoint")
@home_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it into this file instead of showing it.")
@click.option("--key", "wants_key", is_flag=True, help="Show the public key that checkpoints are signed for instead.")
@click.option("--timestamp", "authority", default="", metavar="URL",
              help="The address of a time stamp authority (RFC 3161): its stamp is written beside --out, with .tsr behind the name.")
@json_option
def command(home: Path, out: Path | None, authority: str, *, wants_key: bool, as_json: bool) -> None:
    """A few signed lines that stand for the whole event log: how many events, and the root of their Merkle tree.

    Keep one where nobody who can write to the home can write (mail it to the auditor, print it). `duizhang verify --checkpoint FILE`
    finds later whether anything before it was changed, cut off or written anew. The key is HOME/checkpoint.key, or
    DUIZHANG_CHECKPOINT_KEY. A time stamp proves to others that it existed on that day; nothing but its digest is sent.
    """
    if authority and (wants_key or out is None):
        raise UserError("a time stamp is one of a checkpoint in a file", advice="Give --out, and not --key.")
    from duizhang.close import signed_checkpoint, verifier_key
    from duizhang.home.events import event_log

    text = f"{verifier_key(home, make=True)}\n" if wants_key else signed_checkpoint(home, event_log(open_state(home, read_only=True)))
    if out:
        out.write_text(text, encoding="utf-8")
    lines = [_("written to {path}", path=out)] if out else [text.rstrip("\n")]
    if authority and out:
        from duizhang.close.timestamps import ask, read_stamp

        stamp = out.with_name(f"{out.name}.tsr")
        stamp.write_bytes(ask(authority, out.read_bytes()))
        told = read_stamp(stamp.read_bytes(), out.read_bytes())
        lines.append(_("stamped {time} by {authority}: {path}", time=f"{told.time:%Y-%m-%d %H:%M:%S} UTC",
                       authority=told.authority, path=stamp))
    answer({"out": out, "key" if wants_key else "checkpoint": text}, lines, as_json=as_json)

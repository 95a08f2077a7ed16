"""`duizhang verify`: prove that nothing was touched."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import home_option
from duizhang.errors import UserError
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("verify")
@home_option
@click.option("--head", default="", help="The hash of an event that you noted earlier: it has to be in the log still.")
@click.option("--checkpoint", type=_FILE, help="A signed checkpoint that you kept: the log has to begin as it did then.")
@click.option("--key", default="", help="The key of that checkpoint, where the home's own is not to be trusted.")
@click.option("--timestamp", type=_FILE, help="The time stamp over that checkpoint (RFC 3161), as `checkpoint --timestamp` writes it.")
@click.option("--timestamp-roots", "roots", type=_FILE, help="Certificates (PEM) that vouch for the authority of the time stamp.")
@json_option
def command(
    home: Path, head: str, checkpoint: Path | None, key: str, timestamp: Path | None, roots: Path | None, *, as_json: bool,
) -> int:
    """Check the database, the event log and what follows from it, the archived raw files and everything published. Nothing is
    written. Exit code 2 where something was changed.

    Keep the head hash, or better a checkpoint (`duizhang checkpoint`), where nobody who can write to the home can write: only against
    that is a log safe that is rewritten whole.
    """
    if timestamp and not (checkpoint and roots):
        raise UserError("a time stamp is held against its checkpoint and the roots of its authority",
                        advice="Give --checkpoint and --timestamp-roots as well.")
    from duizhang.close import verify

    note = checkpoint.read_text(encoding="utf-8", errors="replace") if checkpoint else ""
    proof = verify(home, head=head, checkpoint=note, key=key)
    lines = [*(list(map(spoken, proof.problems)) or [_("events, raw files and published versions are as they were written")]),
             _("{n} events, head {head}", n=proof.events, head=proof.head)]
    if timestamp and checkpoint and roots:
        from duizhang.close.timestamps import read_roots, read_stamp

        stamp = read_stamp(timestamp.read_bytes(), checkpoint.read_bytes(), roots=read_roots(roots.read_bytes()))
        lines.append(_("the checkpoint existed on {time}, says {authority}", time=f"{stamp.time:%Y-%m-%d %H:%M:%S} UTC",
                       authority=stamp.authority))
        lines.append(_("not looked at: whether the authority's certificate was revoked by then, which its revocation lists tell"))
    if proof.unopened:
        lines.append(_("{n} raw files are sealed and their key is not at hand: their bytes are as sealed, not opened", n=proof.unopened))
    if proof.left_over:
        lines.append(_("{n} files are left over, which nothing on record refers to ({first}); `duizhang doctor` says what to do with them",
                       n=len(proof.left_over), first=proof.left_over[0]))
    if proof.unauthenticated:
        lines.append(_("events of people that are not authenticated, as the books named nobody then: {n}", n=proof.unauthenticated))
    answer({"ok": not proof.problems, "problems": proof.problems, "events": proof.events, "head": proof.head,
            "unauthenticated": proof.unauthenticated, "unopened": proof.unopened, "left_over": proof.left_over,
            "not_checked": ["revocation of the authority's certificate"] if timestamp else []}, lines, as_json=as_json)
    return 2 if proof.problems else 0

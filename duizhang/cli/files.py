"""`duizhang source accept | withdraw | restore`: what people decide about files of the inbox."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import by_option, home_option, key_option, open_state
from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.speech.language import translated as _

if TYPE_CHECKING:
    from duizhang.ingest import FileRecord

reason_option = click.option("--reason", required=True, help="Why; it goes into the event log.")


@click.command("accept")
@click.argument("file")
@home_option
@by_option
@key_option
@reason_option
@json_option
def accept(file: str, home: Path, by: str, key: Path | None, reason: str, *, as_json: bool) -> None:
    """Say that a refused FILE is rightly left out: it is told no more as a fault, and holds no day.

    FILE: its name as `duizhang status` shows it. The decision is about this content; another one is asked about again.
    """
    _decide(home, file, EventKind.FILE_ACCEPTED, by, key, reason, as_json=as_json)


@click.command("withdraw")
@click.argument("file")
@home_option
@by_option
@key_option
@reason_option
@json_option
def withdraw(file: str, home: Path, by: str, key: Path | None, reason: str, *, as_json: bool) -> None:
    """Take a FILE out of the books, as if it had never come: also one that is no longer in the inbox.

    It stays in the archive, and an older file that it replaced counts again. `source restore` undoes it.
    """
    _decide(home, file, EventKind.FILE_WITHDRAWN, by, key, reason, as_json=as_json)


@click.command("restore")
@click.argument("file")
@home_option
@by_option
@key_option
@reason_option
@json_option
def restore(file: str, home: Path, by: str, key: Path | None, reason: str, *, as_json: bool) -> None:
    """Undo what was decided about a FILE."""
    _decide(home, file, EventKind.FILE_RESTORED, by, key, reason, as_json=as_json)


def _decide(home: Path, file: str, kind: EventKind, by: str, key: Path | None, reason: str, *, as_json: bool) -> None:
    """Check, and put on record, as one change; the same decision again changes nothing. Whoever decides may `accept`."""
    from duizhang.close.authority import actor
    from duizhang.home.events import append_event
    from duizhang.plan import acquire
    from duizhang.publish import CLOSED, period_states

    if not reason.strip():
        raise UserError("a decision about a file needs a reason", advice="Give --reason.")
    from duizhang.ingest.files import (
        ACCEPTED,
        DECIDED,
        REFUSED,
        WITHDRAWN,
        FileDecision,
        decided,
        file_decisions,
        inbox_path,
        records,
        undecided,
    )

    state = open_state(home)
    who = actor(home, state, by, "accept", key=key)

    def decide() -> tuple[str, bool, list[dt.date]]:
        found, decisions = _found(records(state), file), file_decisions(state)
        shown = inbox_path(found.path)
        if decisions.get((shown, found.sha256)) == FileDecision(DECIDED[kind], who.name, reason.strip()):
            return shown, False, []
        # what was decided since the last run counts, though its record is of that run
        record = decided(undecided(found), decisions)
        if kind == EventKind.FILE_ACCEPTED and record.status != REFUSED:
            raise UserError(f"{record.path} was not refused: it is {record.status}", advice="`duizhang status` lists what was refused.")
        if kind == EventKind.FILE_RESTORED and record.status not in (ACCEPTED, WITHDRAWN):
            raise UserError(f"nothing was decided about {record.path}: it is {record.status}")
        if kind == EventKind.FILE_WITHDRAWN and record.status == WITHDRAWN:
            raise UserError(f"{record.path} is withdrawn already")
        append_event(state, actor=who.name, kind=kind, sign=who.sign, payload={
            "file": shown, "sha256": record.sha256, "reason": reason.strip(),
            "days": [day.isoformat() for day in found.touched()],
        })
        states = period_states(state)
        return shown, True, sorted(day for day in found.touched() if day in states and states[day].state == CLOSED)

    with acquire(home):
        shown, new, shut = state.change(decide)
    was = DECIDED[kind] or "restored"
    line = _("{file}: {decision}; `duizhang run` computes the days that it touches", file=shown, decision=_(was)) if new else _(
        "{file}: was {decision} before", file=shown, decision=_(was))
    lines = [line, *(_("{day} is closed and stays as it is until it is reopened", day=day) for day in shut)]
    answer({"file": shown, "decision": was, "by": who.name, "new": new, "closed": shut}, lines, as_json=as_json)


def _found(known: list[FileRecord], file: str) -> FileRecord:
    """The record that a name means: the whole name, or the end of one where that is unique."""
    from duizhang.ingest.files import DUPLICATE, inbox_path
    from duizhang.spelling import nearest

    names = {inbox_path(r.path): r for r in known if r.status != DUPLICATE}
    if file in names:
        return names[file]
    ends = [name for name in names if name.endswith(f"/{file}")]
    if len(ends) == 1:
        return names[ends[0]]
    close = nearest(file, list(names))
    raise UserError(
        f"{file!r} is the end of several names" if ends else f"no file of the inbox is known as {file!r}",
        advice=f"Give one of {', '.join(ends[:5])}." if ends else f"Did you mean {close!r}?" if close else "`duizhang status` lists names.",
    )

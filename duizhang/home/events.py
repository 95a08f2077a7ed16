"""The append-only event log: every record carries the hash of the one before it, so nothing can be changed unseen.

A file beside the database has the hashes as well. Whoever can write both can rewrite both: against that helps only a hash
that was noted elsewhere, which `duizhang verify --head` looks for.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock

from duizhang.declared.terms import EventKind
from duizhang.errors import StateError
from duizhang.home.state import METADATA, State

EVENTS = sa.Table(
    "events", METADATA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("prev_hash", sa.String, nullable=False),
    sa.Column("hash", sa.String, nullable=False),
)
GENESIS = "0" * 64
# raw files whose time was up were taken out of the archive; their SHA-256 -> name, class and day
FILES_REMOVED = EventKind.FILES_REMOVED
# what of a payload the signature of a person is, where there is one
SIGNATURE = "signature"
Sign = Callable[[str], Mapping[str, str]]
# beside the database: a line an event, number and hash
WITNESS = "events.log"
# more bytes than its last line has, cut off or not
_TAIL = 400
_LINE = re.compile(rb"(\d+) [0-9a-f]{64}")


@dataclass(frozen=True)
class Event:
    """One record of the log. text: its payload as JSON, as it is hashed."""

    seq: int
    at: str
    actor: str
    kind: str
    text: str
    prev_hash: str
    hash: str

    @property
    def payload(self) -> dict[str, Any]:
        """What it tells; empty where its text is damaged."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def record(self) -> bytes:
        """The bytes whose SHA-256 is its hash: one line of JSON."""
        return _record(self.seq, self.at, self.actor, self.kind, self.text, self.prev_hash)


def _record(seq: int, at: str, actor: str, kind: str, payload: str, before: str) -> bytes:
    return json.dumps([seq, at, actor, kind, payload, before], ensure_ascii=False, separators=(",", ":")).encode()


def _hash(seq: int, at: str, actor: str, kind: str, payload: str, before: str) -> str:
    return hashlib.sha256(_record(seq, at, actor, kind, payload, before)).hexdigest()


def append_event(state: State, *, actor: str, kind: EventKind, payload: Mapping[str, Any], sign: Sign | None = None) -> int:
    """Add one event, inside a change as part of it; its number. sign: what the person signs with, given `signed_text`."""
    return state.change(lambda: _append(state, actor, kind, payload, sign))


def signed_text(event: Event) -> str:
    """What the signature of an event is over: the event before it, author, kind, and what it tells without the signature."""
    return _signed_text(event.prev_hash, event.actor, event.kind, {k: v for k, v in event.payload.items() if k != SIGNATURE})


def _signed_text(before: str, actor: str, kind: str, payload: Mapping[str, Any]) -> str:
    return _as_text(["duizhang", before, actor, kind, json.loads(_as_text(payload))])


def _as_text(payload: Mapping[str, Any] | Sequence[Any]) -> str:
    return json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def _append(state: State, actor: str, kind: str, payload: Mapping[str, Any], sign: Sign | None) -> int:
    if not state.awaits("events"):
        if found := cut_off(state):
            raise StateError(found, advice="Restore the home from a backup; `duizhang verify` says what differs. Nothing was recorded.")
        # first what a kill has kept from the file: it is never more than one change behind
        _witness(state)
    with state.begin() as con:
        last = con.execute(sa.select(EVENTS.c.seq, EVENTS.c.hash).order_by(EVENTS.c.seq.desc()).limit(1)).first()
        seq, before = (int(last.seq) + 1, str(last.hash)) if last else (1, GENESIS)
        if sign:
            payload = {**payload, SIGNATURE: dict(sign(_signed_text(before, actor, kind, payload)))}
        text = _as_text(payload)
        at = state.moment.isoformat(timespec="microseconds")
        con.execute(sa.insert(EVENTS).values(
            seq=seq, at=at, actor=actor, kind=kind, payload=text, prev_hash=before,
            hash=_hash(seq, at, actor, kind, text, before),
        ))
    state.after("events", lambda: _witness(state))
    return seq


def witnessed(home: Path) -> dict[int, str]:
    """Number and hash of every event as the file beside the database has them, and -1 for a line that is none, or is out of order.
    A last line that is cut off does not count."""
    path = home / WITNESS
    if not path.is_file():
        return {}
    whole, end, _ = path.read_bytes().rpartition(b"\n")
    found = {}
    for number, line in enumerate(whole.split(b"\n") if end else (), 1):
        is_event = _LINE.fullmatch(line) and line.startswith(b"%d " % number)
        found[number if is_event else -1] = line.partition(b" ")[2].decode("ascii", errors="replace")
    return found


def witness_tail(home: Path, log: Sequence[Event]) -> list[str]:
    """What is wrong with the bytes behind the last whole line of that file: a kill leaves none but the beginning of the next event's."""
    path = home / WITNESS
    tail = path.read_bytes().rpartition(b"\n")[2] if path.is_file() else b""
    known = max(witnessed(home), default=0) if tail else 0
    if not tail or any(event.seq == known + 1 and _line(event.seq, event.hash).startswith(tail) for event in log):
        return []
    return [f"{WITNESS} was changed: {len(tail)} bytes behind its last line belong to no event"]


def cut_off(state: State) -> str:
    """Why nothing may be added to the log: its end is gone or was written anew, as the last line of that file tells; '' where it is
    as it was. An emptied database would begin again otherwise, and compute closed days as if they were new."""
    path = state.home / WITNESS
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        found = _last_line(file.read().rpartition(b"\n")[0])
    if found is None:
        return ""
    last, digest = int(found[1]), found[0].partition(b" ")[2].decode("ascii")
    with state.read() as con:
        known = con.execute(sa.select(EVENTS.c.hash).where(EVENTS.c.seq == last)).scalar()
        count = con.execute(sa.select(sa.func.max(EVENTS.c.seq))).scalar() or 0
    if count < last:
        return f"the last events were cut off: {WITNESS} has {last}, the log {count}"
    return "" if known == digest else f"event {last} is not the one that was written first: {WITNESS} has another"


def _last_line(whole: bytes) -> re.Match[bytes] | None:
    return next((line for text in reversed(whole.split(b"\n")) if (line := _LINE.fullmatch(text))), None)


def _line(seq: int, digest: str) -> bytes:
    return f"{seq} {digest}\n".encode()


def _witness(state: State) -> None:
    """Add to the file what the log has more, so that a log which was cut off or written anew differs from it.

    What a kill keeps it from adding is added with the next event.
    """
    path = state.home / WITNESS
    with FileLock(state.home / f".{WITNESS}.lock", is_singleton=True), path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        whole, _, cut = file.read().rpartition(b"\n")
        if cut:
            file.truncate(size - len(cut))
        # lines that somebody else wrote stay for `verify` to tell
        last = int(found[1]) if (found := _last_line(whole)) else 0
        with state.read() as con:
            rows = con.execute(
                sa.select(EVENTS.c.seq, EVENTS.c.hash).where(EVENTS.c.seq > last).order_by(EVENTS.c.seq)
            ).all()
        if rows:
            file.write(b"".join(_line(row.seq, row.hash) for row in rows))
            file.flush()
            os.fsync(file.fileno())


def verify_chain(log: Sequence[Event], witness: Mapping[int, str]) -> list[str]:
    """What is wrong with the log; empty where every record is as it was written, and as the file beside it has it."""
    problems, before, expected = [], GENESIS, 1
    for event in log:
        if event.seq != expected:
            problems.append(f"event {expected} is missing")
        if event.prev_hash != before or event.hash != _hash(
            event.seq, event.at, event.actor, event.kind, event.text, event.prev_hash
        ):
            problems.append(f"event {event.seq} ({event.kind}) was changed")
        elif event.seq in witness and witness[event.seq] != event.hash:
            problems.append(f"event {event.seq} ({event.kind}) is not the one that was written first: {WITNESS} has another")
        before, expected = event.hash, event.seq + 1
    last = max(witness, default=0)
    if last >= expected:
        problems.append(f"the last events were cut off: {WITNESS} has {last}, the log {expected - 1}")
    # one change may be told twice in a day, but only the last one can have been kept from its witness by a kill
    unseen = [event for event in log if event.seq > last]
    if len({event.at for event in unseen}) > 1 or (-1 in witness) or sorted(witness) != list(range(1, last + 1)):
        problems.append(f"{WITNESS} was changed or is missing: it knows {len(witness)} of {len(log)} events")
    return problems


def event_log(state: State, kinds: Sequence[EventKind] = ()) -> list[Event]:
    """The events of these kinds (of every kind by default) as they are stored, in order."""
    query = sa.select(EVENTS).order_by(EVENTS.c.seq)
    with state.read() as con:
        return [Event(*row) for row in con.execute(query.where(EVENTS.c.kind.in_(list(kinds))) if kinds else query)]


def newest(state: State) -> int:
    """The number of the last event, 0 where there is none: it moves with whatever anybody does."""
    with state.read() as con:
        return int(con.scalar(sa.select(sa.func.max(EVENTS.c.seq))) or 0)


def last_before(state: State, kind: EventKind, number: int | None = None) -> Event | None:
    """The last event of a kind; with a number, the last before that one."""
    query = sa.select(EVENTS).where(EVENTS.c.kind == kind).order_by(EVENTS.c.seq.desc()).limit(1)
    with state.read() as con:
        row = con.execute(query if number is None else query.where(EVENTS.c.seq < number)).first()
    return Event(*row) if row else None


def last_event(state: State, period: dt.date, kinds: Sequence[str]) -> Event | None:
    """The last event of these kinds that tells of a period."""
    query = sa.select(EVENTS).where(EVENTS.c.kind.in_(list(kinds))).order_by(EVENTS.c.seq.desc())
    with state.read() as con:
        found = (Event(*row) for row in con.execute(query))
        return next((event for event in found if event.payload.get("period") == period.isoformat()), None)


def events(state: State, kind: str | None = None) -> list[dict[str, Any]]:
    """All events in order, with their payload as a mapping."""
    query = sa.select(EVENTS).order_by(EVENTS.c.seq)
    if kind:
        query = query.where(EVENTS.c.kind == kind)
    with state.read() as con:
        return [{**row, "payload": json.loads(row["payload"])} for row in con.execute(query).mappings()]

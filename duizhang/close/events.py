"""The append-only event log: every record carries the hash of the one before it, so nothing can be changed unseen."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from duizhang.state import METADATA, State, make_home

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


def _hash(seq: int, at: str, actor: str, kind: str, payload: str, before: str) -> str:
    record = json.dumps([seq, at, actor, kind, payload, before], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(record.encode()).hexdigest()


def append_event(state: State, *, actor: str, kind: str, payload: Mapping[str, Any]) -> int:
    """Add one event in a transaction of its own; its number. The number is the primary key, so two writers cannot fork."""
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    with state.begin() as con:
        last = con.execute(sa.select(EVENTS.c.seq, EVENTS.c.hash).order_by(EVENTS.c.seq.desc()).limit(1)).first()
        seq, before = (last.seq + 1, last.hash) if last else (1, GENESIS)
        at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        con.execute(sa.insert(EVENTS).values(
            seq=seq, at=at, actor=actor, kind=kind, payload=text, prev_hash=before,
            hash=_hash(seq, at, actor, kind, text, before),
        ))
    return int(seq)


def verify_chain(state: State) -> list[str]:
    """What is wrong with the log; empty where every record is as it was written."""
    problems, before, expected = [], GENESIS, 1
    with state.begin() as con:
        for row in con.execute(sa.select(EVENTS).order_by(EVENTS.c.seq)):
            if row.seq != expected:
                problems.append(f"event {expected} is missing")
            if row.prev_hash != before or row.hash != _hash(
                row.seq, row.at, row.actor, row.kind, row.payload, row.prev_hash
            ):
                problems.append(f"event {row.seq} ({row.kind}) was changed")
            before, expected = row.hash, row.seq + 1
    return problems


def events(state: State, kind: str | None = None) -> list[dict[str, Any]]:
    """All events in order, with their payload as a mapping."""
    query = sa.select(EVENTS).order_by(EVENTS.c.seq)
    if kind:
        query = query.where(EVENTS.c.kind == kind)
    with state.begin() as con:
        return [{**row, "payload": json.loads(row["payload"])} for row in con.execute(query).mappings()]


def archive_sources(home: Path, folder: Path) -> dict[str, str]:
    """Keep own source specifications as well; their SHA-256 by path below the folder."""
    return {p.relative_to(folder).as_posix(): archive_books(home, p) for p in sorted(folder.rglob("*.yaml"))}


def archive_books(home: Path, books_path: Path) -> str:
    """Keep the bytes of books.yaml with the raw files; their SHA-256."""
    from duizhang.ingest.archive import archive  # that room needs this one's log

    make_home(home)
    return archive(home, books_path.resolve())

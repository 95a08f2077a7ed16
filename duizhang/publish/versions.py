"""Versions and states of periods in the state database, and the manifests on disk."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from duizhang.declared.terms import PeriodStatus
from duizhang.errors import StateError, UserError
from duizhang.home.disk import READ_ONLY, make_folder, written
from duizhang.home.state import METADATA, State

OPEN, RECONCILED, HELD, PROVISIONAL, APPROVED, CLOSED = STATES = tuple(PeriodStatus)

VERSIONS = sa.Table(
    "versions",
    METADATA,
    sa.Column("period", sa.Date, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("data_digest", sa.String, nullable=False),
    sa.Column("opening_digest", sa.String, nullable=False),
    sa.Column("closing_digest", sa.String, nullable=False),
    sa.Column("published_at", sa.DateTime, nullable=False),
)

# version: the one that readers see, 0 for none. held_reasons: one a line, '' when not held.
PERIOD_STATES = sa.Table(
    "period_states",
    METADATA,
    sa.Column("period", sa.Date, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("held_reasons", sa.String, nullable=False),
    sa.Column("approved_by", sa.String, nullable=False),
)

# the text of each manifest as well, so that a damaged file is written again
MANIFESTS = sa.Table(
    "manifests",
    METADATA,
    sa.Column("period", sa.Date, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class PeriodState:
    """What readers are told of a period."""

    period: dt.date
    version: int
    state: PeriodStatus
    held_reasons: str = ""
    approved_by: str = ""


@dataclass(frozen=True)
class Version:
    """One published version. digest: of tables, rules and books; data_digest: of the tables alone.

    opening_digest, closing_digest: of the amounts other than zero that it opens with and leaves open.
    """

    period: dt.date
    version: int
    digest: str
    data_digest: str
    opening_digest: str
    closing_digest: str
    published_at: dt.datetime


def period_states(state: State) -> dict[dt.date, PeriodState]:
    """Every period that was ever run, in order."""
    with state.read() as connection:
        rows = connection.execute(sa.select(PERIOD_STATES).order_by(PERIOD_STATES.c.period)).all()
    return {r.period: PeriodState(r.period, r.version, _known(r.state), r.held_reasons, r.approved_by) for r in rows}


def _known(text: str) -> PeriodStatus:
    try:
        return PeriodStatus(text)
    except ValueError as error:
        raise StateError(f"a period stands as {text!r}, which is no state", advice="`duizhang verify` says what was changed.") from error


def versions(state: State, period: dt.date | None = None) -> list[Version]:
    """The versions of a period (of every period by default), oldest first."""
    query = sa.select(VERSIONS).order_by(VERSIONS.c.period, VERSIONS.c.version)
    if period is not None:
        query = query.where(VERSIONS.c.period == period)
    with state.read() as connection:
        return [Version(*row) for row in connection.execute(query).all()]


def save_states(connection: sa.Connection, changed: list[PeriodState]) -> None:
    """Insert or replace the states of periods, inside the caller's transaction."""
    for s in changed:
        connection.execute(PERIOD_STATES.delete().where(PERIOD_STATES.c.period == s.period))
        connection.execute(
            PERIOD_STATES.insert().values(
                period=s.period, version=s.version, state=s.state, held_reasons=s.held_reasons,
                approved_by=s.approved_by,
            )
        )


def note_refused(state: State, refused: Mapping[dt.date, Sequence[str]], looked_at: Collection[dt.date]) -> bool:
    """Remember with closed periods what they refuse to take in, so that it is told until they are reopened; whether that is news.

    looked_at: the periods of which it is known; a closed one that refuses nothing says so.
    """
    def note() -> bool:
        changed = []
        for period, s in period_states(state).items():
            if s.state == CLOSED and period in looked_at:
                wanted = replace(s, held_reasons="\n".join(f"closed: {reason}" for reason in refused.get(period, ())))
                changed += [wanted] if wanted != s else []
        with state.begin() as connection:
            save_states(connection, changed)
        return bool(changed)

    return state.change(note)


def set_period_state(state: State, period: dt.date, status: PeriodStatus, approved_by: str = "") -> None:
    """Record the state of a period (for approval, closing, reopening); its version stays.

    Readers see it after `rebuild_published`.
    """
    with state.begin() as connection:
        version = connection.execute(
            sa.select(PERIOD_STATES.c.version).where(PERIOD_STATES.c.period == period)
        ).scalar()
        save_states(connection, [PeriodState(period, int(version or 0), status, "", approved_by)])


def manifest_path(home: Path, period: dt.date, version: int) -> Path:
    return home / "manifests" / period.isoformat() / f"{version}.json"


def read_manifest(home: Path, period: dt.date, version: int) -> dict[str, Any]:
    """The manifest of a published version; UserError when there is none, or what is there is damaged."""
    path = manifest_path(home, period, version)
    if not path.exists() and not path.is_symlink():
        raise UserError(f"{period} has no version {version}", advice="`duizhang status` lists what is published.")
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found["tables"], dict):
            raise TypeError("tables")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the manifest of {period} version {version} is damaged ({path})", advice="`duizhang run` writes it again."
        ) from error
    return found


def manifest_text(manifest: dict[str, Any]) -> str:
    """A manifest as it is written."""
    return json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write_manifest(home: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest atomically."""
    put_manifest(home, dt.date.fromisoformat(manifest["period"]), manifest["version"], manifest_text(manifest))


def put_manifest(home: Path, period: dt.date, version: int, text: str) -> None:
    """Write the text of a manifest, whatever is in its place."""
    path = manifest_path(home, period, version)
    make_folder(path.parent)
    with written(path, mode=READ_ONLY) as partial:
        partial.write_text(text, encoding="utf-8")


def keep_manifest(connection: sa.Connection, manifest: dict[str, Any]) -> None:
    """Keep the text of a manifest in the state database, inside the caller's transaction."""
    period, version = dt.date.fromisoformat(manifest["period"]), manifest["version"]
    connection.execute(MANIFESTS.delete().where(MANIFESTS.c.period == period, MANIFESTS.c.version == version))
    connection.execute(MANIFESTS.insert().values(period=period, version=version, text=manifest_text(manifest)))


def kept_manifests(state: State) -> dict[tuple[dt.date, int], str]:
    """The texts of all manifests that are kept, by period and version."""
    with state.read() as connection:
        rows = connection.execute(sa.select(MANIFESTS).order_by(MANIFESTS.c.period, MANIFESTS.c.version)).all()
    return {(row.period, row.version): row.text for row in rows}

"""Two different people sign the digest that they saw; a signature is void as soon as the digest changes."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from duizhang.close.events import append_event
from duizhang.errors import UserError
from duizhang.publish import period_states, read_manifest, rebuild_published, set_period_state
from duizhang.state import METADATA, State

MAKER, CHECKER = ROLES = ("maker", "checker")
APPROVED, CLOSED, RECONCILED = "approved", "closed", "reconciled"

APPROVALS = sa.Table(
    "approvals", METADATA,
    sa.Column("period", sa.String, primary_key=True),
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("role", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
)


def _person(name: str) -> str:
    """A name as it is compared: width, case and blanks do not make another person."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _signatures(state: State, period: dt.date, digest: str) -> dict[str, str]:
    query = sa.select(APPROVALS).where(APPROVALS.c.period == period.isoformat(), APPROVALS.c.digest == digest)
    with state.begin() as con:
        return {row.role: row.name for row in con.execute(query)}


def _digest(home: Path, state: State, period: dt.date) -> str:
    found = period_states(state).get(period)
    if found is None or not found.version:
        raise UserError(f"{period} is not published", advice="Run it first; a held period has to be mended.")
    return str(read_manifest(home, period, found.version)["digest"])


def approve(home: Path, state: State, periods: Sequence[dt.date], *, role: str, by: str) -> None:
    """Sign the published digest of every period as maker or checker; all of them or none.

    Raises UserError where a period is held, provisional or closed, where the maker has not signed yet, or where both
    would be the same person.
    """
    if role not in ROLES:
        raise UserError(f"unknown role {role!r}; expected maker or checker")
    if not _person(by):
        raise UserError("a signature needs a name")
    digests = {}
    for period in periods:
        digest = _digest(home, state, period)
        now = period_states(state)[period]
        if now.state not in (RECONCILED, APPROVED):
            raise UserError(f"{period} is {now.state}; only a reconciled period can be signed",
                            advice=now.held_reasons or "Mend the days before it first.")
        signed = _signatures(state, period, digest)
        if role == CHECKER and MAKER not in signed:
            raise UserError(f"{period}: the maker has not signed this version yet")
        other = signed.get(MAKER if role == CHECKER else CHECKER)
        if other and _person(other) == _person(by):
            raise UserError(f"{period}: {by} has signed as the other side; two different people have to")
        digests[period] = digest
    for period, digest in digests.items():
        with state.begin() as con:
            con.execute(sa.delete(APPROVALS).where(
                APPROVALS.c.period == period.isoformat(), APPROVALS.c.digest == digest, APPROVALS.c.role == role
            ))
            con.execute(sa.insert(APPROVALS).values(period=period.isoformat(), digest=digest, role=role, name=by))
        append_event(state, actor=by, kind="signed", payload={"period": period.isoformat(), "role": role, "digest": digest})
        signed = _signatures(state, period, digest)
        if set(signed) == set(ROLES):
            set_period_state(state, period, APPROVED, f"{signed[MAKER]}, {signed[CHECKER]}")
    rebuild_published(home, state)


def close_periods(home: Path, state: State, periods: Sequence[dt.date], *, by: str) -> None:
    """Close periods that both have signed in their present version; all of them or none."""
    names = {}
    for period in periods:
        signed = _signatures(state, period, _digest(home, state, period))
        missing = [role for role in ROLES if role not in signed]
        if missing or period_states(state)[period].state not in (APPROVED, CLOSED):
            raise UserError(f"{period} is not approved", advice="Maker and checker have to sign its present version.")
        names[period] = f"{signed[MAKER]}, {signed[CHECKER]}"
    for period, approved_by in names.items():
        if period_states(state)[period].state == CLOSED:
            continue
        set_period_state(state, period, CLOSED, approved_by)
        append_event(state, actor=by, kind="closed", payload={
            "period": period.isoformat(), "digest": _digest(home, state, period),
        })
    rebuild_published(home, state)


def reopen(home: Path, state: State, period: dt.date, *, by: str, reason: str) -> None:
    """Open a closed period again; its signatures are void. Raises UserError without a reason."""
    if not reason.strip():
        raise UserError("reopening needs a reason")
    found = period_states(state).get(period)
    if found is None or found.state != CLOSED:
        raise UserError(f"{period} is not closed")
    with state.begin() as con:
        con.execute(sa.delete(APPROVALS).where(APPROVALS.c.period == period.isoformat()))
    append_event(state, actor=by, kind="reopened", payload={"period": period.isoformat(), "reason": reason})
    set_period_state(state, period, RECONCILED)
    rebuild_published(home, state)

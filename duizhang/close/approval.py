"""Two different people sign the digest that they saw; a signature is void as soon as the digest changes.

Check, change and event are one transaction under the home's lock, and the published states follow from it: the same command
again changes nothing more and completes what a kill left.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from duizhang.close.authority import Actor, Key, actor
from duizhang.close.decisions import cells_not_computed, deciders, not_computed
from duizhang.close.people import same_person
from duizhang.declared.terms import EventKind, PeriodStatus
from duizhang.errors import UserError
from duizhang.home.events import append_event, last_event, newest
from duizhang.home.lock import acquire
from duizhang.home.state import METADATA, State
from duizhang.publish import PeriodState, period_states, read_manifest, refresh_published, set_period_state

T = TypeVar("T")
MAKER, CHECKER = ROLES = ("maker", "checker")
# the role and name under which the machine signs a quiet day, in the place of both
MACHINE = "machine"
APPROVED, CLOSED, RECONCILED = PeriodStatus.APPROVED, PeriodStatus.CLOSED, PeriodStatus.RECONCILED
_LEAST_DIGITS = 8
# what a run would compute again of these days, and why: `duizhang.plan.not_current`, which knows of this room and not the other way round
Stale = Callable[[Path, State, Sequence[dt.date]], Mapping[dt.date, str]] | None

APPROVALS = sa.Table(
    "approvals", METADATA,
    sa.Column("period", sa.String, primary_key=True),
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("role", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
)


def approve(
    home: Path, state: State, periods: Sequence[dt.date], *, role: str, by: str, digests: Sequence[str] = (), key: Key | None = None,
    stale: Stale = None,
) -> None:
    """Sign the published digest of every period as maker or checker; all of them or none.

    digests: what was seen, one a period or none; the first eight digits are enough. stale: what of the days is not current, which
    nobody signs. Raises UserError where another digest is published, a period is held, provisional or closed or has decisions that
    are not in its version yet, where the maker has not signed yet, both would be the same person, or the checker has decided
    something of the period.
    """
    if role not in ROLES:
        raise UserError(f"unknown role {role!r}; expected maker or checker")
    who = actor(home, state, by, {MAKER: "make", CHECKER: "check"}[role], key=key)
    seen = _seen(periods, digests)

    def sign(_found: Mapping[dt.date, str]) -> None:
        states = period_states(state)
        for period in periods:
            _sign(home, state, states, period, role, who, seen.get(period, ""))

    def looked() -> Mapping[dt.date, str]:
        _refuse_stale(found := _stale_of(home, state, periods, stale))
        return found

    with acquire(home):
        _changed_as_looked(state, looked, sign)
        refresh_published(home, state)


def _sign(
    home: Path, state: State, states: Mapping[dt.date, PeriodState], period: dt.date, role: str, who: Actor, seen: str
) -> None:
    name = who.name
    digest = _digest(home, states, period, seen)
    now = states[period]
    signed = signatures(state, period, digest)
    if (signed.get(role) == name and now.state in (APPROVED, CLOSED)) or (signed.get(role) == name and set(signed) != set(ROLES)):
        return
    if now.state not in (RECONCILED, APPROVED):
        advice = "Reopen it first, with a reason." if now.state == CLOSED else now.held_reasons or "Correct the days before it first."
        raise UserError(f"{period} is {now.state}; only a reconciled period can be signed", advice=advice)
    _all_computed(state, period)
    if signed.get(role) == name:
        # both have signed, but a check that failed since has held the period for a while
        set_period_state(state, period, APPROVED, f"{signed[MAKER]}, {signed[CHECKER]}")
        return
    if role == CHECKER and MAKER not in signed:
        raise UserError(f"{period}: the maker has not signed this version yet")
    if role in signed and (set(signed) == set(ROLES) or not same_person(signed[role], name)):
        raise UserError(f"{period}: {signed[role]} has signed as {role} already",
                        advice="A signature is void when the period gets another version, or is reopened.")
    other = signed.get(MAKER if role == CHECKER else CHECKER)
    if other and same_person(other, name):
        raise UserError(f"{period}: {name} may be {other}, who has signed as the other side; two different people have to")
    if role == CHECKER:
        _no_decider(state, period, name, "check")
    with state.begin() as con:
        con.execute(sa.delete(APPROVALS).where(
            APPROVALS.c.period == period.isoformat(), APPROVALS.c.digest == digest, APPROVALS.c.role == role
        ))
        con.execute(sa.insert(APPROVALS).values(period=period.isoformat(), digest=digest, role=role, name=name))
    told = {"period": period.isoformat(), "role": role, "digest": digest}
    append_event(state, actor=name, kind=EventKind.SIGNED, payload=told, sign=who.sign)
    signed[role] = name
    if set(signed) == set(ROLES):
        set_period_state(state, period, APPROVED, f"{signed[MAKER]}, {signed[CHECKER]}")


def close_periods(
    home: Path, state: State, periods: Sequence[dt.date], *, by: str, digests: Sequence[str] = (), reason: str = "",
    key: Key | None = None, stale: Stale = None,
) -> dict[dt.date, str]:
    """Close periods that both have signed in their present version; all of them or none. Who had closed which of them before.

    stale: as for a signature; what was closed before is not asked for again. Raises UserError where one is not approved or not current,
    where a day before them is not closed and no reason is given, or where `by` has decided something of a period.
    """
    who = actor(home, state, by, "close", key=key)
    seen = _seen(periods, digests)

    def closing() -> tuple[Mapping[dt.date, PeriodState], list[dt.date], list[dt.date]]:
        """The states, the days that are not closed yet and the open ones before them, all of it checked that the database knows."""
        states = period_states(state)
        wanted = [p for p in periods if p not in states or states[p].state != CLOSED]
        for period in periods:
            digest = _digest(home, states, period, seen.get(period, ""))
            signed = set(signatures(state, period, digest))
            if (signed != set(ROLES) and not is_certified(state, period, digest)) or states[period].state not in (APPROVED, CLOSED):
                raise UserError(f"{period} is not approved", advice="Maker and checker have to sign its present version.")
            if period in wanted:
                _all_computed(state, period)
                _no_decider(state, period, who.name, "close")
        behind = [p for p in _open_before(states, min(periods)) if wanted]
        if behind and not reason.strip():
            raise UserError(f"{behind[0]} is not closed, and days close in order",
                            advice="Close it first, or say with --reason why this cannot wait.")
        return states, wanted, behind

    def close(found: Mapping[dt.date, str]) -> dict[dt.date, str]:
        states, wanted, behind = closing()
        _refuse_stale(found)
        for period in wanted:
            digest = _digest(home, states, period, "")
            both = signatures(state, period, digest)
            set_period_state(state, period, CLOSED, ", ".join(both[role] for role in ROLES) if set(both) == set(ROLES) else MACHINE)
            told = {"reason": reason.strip(), "open_before": [p.isoformat() for p in behind]} if behind else {}
            payload = {"period": period.isoformat(), "digest": digest, **told}
            append_event(state, actor=who.name, kind=EventKind.CLOSED, payload=payload, sign=who.sign)
        before = {p: last_event(state, p, (EventKind.CLOSED,)) for p in periods if p not in wanted}
        return {p: event.actor for p, event in before.items() if event}

    with acquire(home):
        earlier = _changed_as_looked(state, lambda: _stale_of(home, state, closing()[1], stale), close)
        refresh_published(home, state)
    return earlier


def reopen(
    home: Path, state: State, period: dt.date, *, by: str, reason: str, key: Key | None = None
) -> list[dt.date]:
    """Open a closed period again, or object to one that the machine has signed; its signatures are void. The closed days behind it: they
    stay as they were closed.

    Raises UserError without a reason, or where the period is neither.
    """
    who = actor(home, state, by, "reopen", key=key)
    if not reason.strip():
        raise UserError("reopening needs a reason")

    def go() -> list[dt.date]:
        states = period_states(state)
        later = [p for p, s in states.items() if p > period and s.state == CLOSED]
        payload = {"period": period.isoformat(), "reason": reason.strip(), "closed_behind": [p.isoformat() for p in later]}
        found = states.get(period)
        objects = found is not None and found.state == APPROVED and found.approved_by == MACHINE
        if found is None or (found.state != CLOSED and not objects):
            last = last_event(state, period, (EventKind.CLOSED, EventKind.REOPENED, EventKind.SIGNED))
            # told twice is told once
            if found and last and last.kind == EventKind.REOPENED and (last.actor, last.payload.get("reason")) == (
                who.name, payload["reason"]
            ):
                return later
            raise UserError(f"{period} is not closed")
        with state.begin() as con:
            con.execute(sa.delete(APPROVALS).where(APPROVALS.c.period == period.isoformat()))
        append_event(state, actor=who.name, kind=EventKind.REOPENED, payload=payload, sign=who.sign)
        set_period_state(state, period, RECONCILED)
        return later

    with acquire(home):
        behind = state.change(go)
        refresh_published(home, state)
    return behind


def signatures(state: State, period: dt.date, digest: str) -> dict[str, str]:
    """Who has signed a version of a period, by role."""
    return {role: name for role, name in _signed(state, period, digest).items() if role in ROLES}


def signed_from(home: Path, state: State, day: dt.date) -> list[dt.date]:
    """The days from `day` on whose published version is signed, and which are not closed: another version of one voids its signatures."""
    signed: dict[str, set[str]] = {}
    for period, digest, *_ in all_signatures(state):
        signed.setdefault(period, set()).add(digest)
    states = period_states(state)
    open_days = (p for p in sorted(states) if p >= day and states[p].version and states[p].state in (RECONCILED, APPROVED))
    return [p for p in open_days if p.isoformat() in signed and _digest(home, states, p, "") in signed[p.isoformat()]]


def is_certified(state: State, period: dt.date, digest: str) -> bool:
    """Whether the machine has signed a version of a period."""
    return MACHINE in _signed(state, period, digest)


def _signed(state: State, period: dt.date, digest: str) -> dict[str, str]:
    query = sa.select(APPROVALS).where(APPROVALS.c.period == period.isoformat(), APPROVALS.c.digest == digest)
    with state.read() as con:
        return {row.role: row.name for row in con.execute(query)}


def all_signatures(state: State) -> set[tuple[str, str, str, str]]:
    """Every signature that counts: period, digest, role, name."""
    with state.read() as con:
        return {(row.period, row.digest, row.role, row.name) for row in con.execute(sa.select(APPROVALS))}


def certified(state: State, period: dt.date, digest: str) -> None:
    """Store that the machine has signed a version, as a part of a change."""
    with state.begin() as con:
        con.execute(sa.insert(APPROVALS).values(period=period.isoformat(), digest=digest, role=MACHINE, name=MACHINE))
    set_period_state(state, period, APPROVED, MACHINE)


def _seen(periods: Sequence[dt.date], digests: Sequence[str]) -> dict[dt.date, str]:
    if not digests:
        return {}
    if len(digests) != len(periods):
        raise UserError(f"{len(digests)} digests for {len(periods)} days", advice="Give --digest once a day, in order, or not at all.")
    for digest in digests:
        if len(digest) < _LEAST_DIGITS:
            raise UserError(f"the digest {digest!r} is too short", advice=f"Give at least its first {_LEAST_DIGITS} digits.")
    return dict(zip(periods, (d.lower() for d in digests), strict=True))


def _digest(home: Path, states: Mapping[dt.date, PeriodState], period: dt.date, seen: str) -> str:
    found = states.get(period)
    if found is None or not found.version:
        raise UserError(f"{period} is not published", advice="Run it first; what holds a period has to be corrected.")
    digest = str(read_manifest(home, period, found.version)["digest"])
    if seen and not digest.startswith(seen):
        raise UserError(f"{period}: version {found.version} with the digest {digest[:16]} is published, not the {seen[:16]} that was seen",
                        advice="Look at it again.")
    return digest


class _Moved(Exception):
    """Somebody did something between the look and the change."""


def _changed_as_looked(state: State, look: Callable[[], Mapping[dt.date, str]], work: Callable[[Mapping[dt.date, str]], T]) -> T:
    """Look at what takes its time (books, inbox) and then change, as one: nobody waits for the look, and where anything was recorded
    between the two, it is looked again."""
    def change() -> T:
        if newest(state) != before:
            raise _Moved
        return work(found)

    while True:
        before, found = newest(state), look()
        with contextlib.suppress(_Moved):
            return state.change(change)


def _stale_of(home: Path, state: State, periods: Sequence[dt.date], stale: Stale) -> Mapping[dt.date, str]:
    return stale(home, state, periods) if stale and periods else {}


def _refuse_stale(found: Mapping[dt.date, str]) -> None:
    for period, why in found.items():
        raise UserError(f"{period} is not current: {why}", advice="Run it first; what is signed is what its inputs give now.")


def _all_computed(state: State, period: dt.date) -> None:
    if cells := cells_not_computed(state, period):
        raise UserError(f"{period}: {len(cells)} corrections of its files are not in its published version yet: {', '.join(cells[:5])}",
                        advice="Run the period again first.")
    waiting = not_computed(state, period)
    if waiting:
        names = ", ".join(sorted({d.decided_by for d in waiting}))
        raise UserError(f"{period}: {len(waiting)} decisions of {names} are not in its published version yet",
                        advice="Run the period again first.")


def _no_decider(state: State, period: dt.date, name: str, what: str) -> None:
    """Who has decided something of a period may prepare it, but not be the one who looks at that."""
    for other in deciders(state, period):
        if same_person(other, name):
            raise UserError(f"{period}: {name} has decided items of this day and may not {what} it",
                            advice="Somebody else has to; who decided may sign as maker.")


def _open_before(states: Mapping[dt.date, PeriodState], first: dt.date) -> list[dt.date]:
    """Days before, from the first one that was ever run, that are not closed."""
    earliest = min(states)
    before = (earliest + dt.timedelta(days=n) for n in range((first - earliest).days))
    return [p for p in before if p not in states or states[p].state != CLOSED]

"""What the database says of versions, signatures, decisions and closes, held against what the event log tells of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from duizhang.close.approval import APPROVED, CHECKER, CLOSED, MACHINE, MAKER, all_signatures
from duizhang.close.deciding import decision_of, undo_of
from duizhang.close.decisions import DECIDED, TAKEN_BACK, Decision, decisions
from duizhang.declared.terms import EventKind, PeriodStatus
from duizhang.gate import acceptances
from duizhang.home.events import FILES_REMOVED, Event
from duizhang.home.state import State
from duizhang.publish import period_states, versions


@dataclass
class Told:
    """What follows from the log alone. published: period and version -> digest of content and of manifest."""

    published: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    signed: dict[tuple[str, str, str], str] = field(default_factory=dict)
    decided: dict[int, Decision] = field(default_factory=dict)
    accepted: set[tuple[str, str, str, str, str]] = field(default_factory=set)
    closed: dict[str, str] = field(default_factory=dict)
    archived: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    # raw file -> digest of what stands in its place, since people were erased from it
    erased: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    # the digest of the list of files; '' where none was told yet
    files: str = ""
    # the periods that the last computation has held, and no publication or acceptance has let go since
    held: set[str] = field(default_factory=set)
    # period -> digest of what the database remembers of its last computation
    records: dict[str, str] = field(default_factory=dict)


def told(log: Sequence[Event]) -> Told:
    """Go through the log once."""
    found = Told()
    for event in log:
        try:
            _tell(found, event)
        except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError):
            found.unreadable.append(f"event {event.seq} ({event.kind}) cannot be read")
    return found


def _tell(found: Told, event: Event) -> None:
    said = event.payload
    if event.kind == EventKind.PUBLISHED:
        found.published[said["period"], int(said["version"])] = str(said["digest"]), str(said["manifest"])
        found.held.discard(said["period"])
    elif event.kind == EventKind.FILES_TAKEN:
        found.files = str(said["digest"])
    elif event.kind == EventKind.COMPUTED:
        found.held = {p for p in found.held if not said["from"] <= p <= said["to"]} | set(said["held"])
        found.records |= {str(day): str(digest) for day, digest in said.get("records", {}).items()}
    elif event.kind == EventKind.SIGNED:
        found.signed[said["period"], said["digest"], said["role"]] = event.actor
    elif event.kind == EventKind.CERTIFIED:
        found.signed[said["period"], said["digest"], MACHINE] = event.actor
    elif event.kind == EventKind.CLOSED:
        found.closed[said["period"]] = said["digest"]
    elif event.kind == EventKind.REOPENED:
        found.closed.pop(said["period"], None)
        found.held.discard(said["period"])
        for key in [key for key in found.signed if key[0] == said["period"]]:
            del found.signed[key]
    elif event.kind == DECIDED:
        decision = decision_of(event.actor, said)
        found.decided[decision.id] = decision
    elif event.kind == TAKEN_BACK:
        number = int(said["id"])
        found.decided[number] = replace(found.decided[number], taken_back=undo_of(event.actor, said))
    elif event.kind == EventKind.ACCEPTED:
        found.accepted.add((said["period"], said["table"], said["expectation"], event.actor, said["reason"]))
        found.held.discard(said["period"])
    elif event.kind == FILES_REMOVED:
        found.removed |= {str(sha) for sha in said["files"]}
    elif event.kind == EventKind.PERSON_ERASED:
        found.erased |= {str(sha): str(file["digest"]) for sha, file in said["files"].items()}
    elif event.kind == EventKind.RUN_STARTED:
        found.archived |= {str(said["books"]), *(str(sha) for sha in said.get("sources", {}).values())}


def forgeries(state: State, found: Told) -> list[str]:
    """Where the tables say something else than the log."""
    problems = list(found.unreadable)
    problems += _versions(state, found)
    problems += _differ("signature", all_signatures(state), {(*key, name) for key, name in found.signed.items()})
    problems += _differ("acceptance", acceptances(state), found.accepted)
    stored = {d.id: d for d in decisions(state)}
    for number in sorted({*stored, *found.decided}):
        if stored.get(number) != found.decided.get(number):
            what = "is on no record" if number not in found.decided else "is gone" if number not in stored else "was changed"
            problems.append(f"decision C{number:06d} {what}")
    return problems + _states(state, found)


def _versions(state: State, found: Told) -> list[str]:
    problems = []
    stored = {(v.period.isoformat(), v.version): v.digest for v in versions(state)}
    for key in sorted({*stored, *found.published}):
        name = f"{key[0]} version {key[1]}"
        if key not in found.published:
            problems.append(f"{name}: its publication is on no record")
        elif key not in stored:
            problems.append(f"{name} was published, but the database does not have it any more")
        elif stored[key] != found.published[key][0]:
            problems.append(f"the digest of {name} is not the one that was published")
    return problems


def _differ(what: str, stored: Collection[tuple[str, ...]], recorded: Collection[tuple[str, ...]]) -> list[str]:
    return [
        *(f"{what} {_words(one)} is on no record" for one in sorted(set(stored) - set(recorded))),
        *(f"{what} {_words(one)} is on record, but the database does not have it" for one in sorted(set(recorded) - set(stored))),
    ]


def _words(one: Iterable[str]) -> str:
    return ", ".join(part[:16] if len(part) == 64 else part for part in one)


def _states(state: State, found: Told) -> list[str]:
    problems = []
    newest: dict[str, int] = {}
    for period, number in found.published:
        newest[period] = max(newest.get(period, 0), number)
    states = {p.isoformat(): s for p, s in period_states(state).items()}
    for period in sorted({*newest, *found.closed} - set(states)):
        problems.append(f"{period} was published, but the database does not know it any more")
    for period, s in states.items():
        if s.version != newest.get(period, 0):
            problems.append(f"{period} shows version {s.version}, but {newest.get(period, 0)} is the newest on record")
        if period in found.held and s.state not in (PeriodStatus.HELD, CLOSED):
            problems.append(f"{period} is {s.state}, but on record its last computation was held")
        if (s.state == CLOSED) != (period in found.closed):
            problems.append(f"{period} is {s.state}, but on record it is {'closed' if period in found.closed else 'not closed'}")
        digest = found.published.get((period, s.version), ("", ""))[0]
        if found.closed.get(period, digest) != digest:
            problems.append(f"{period} was closed with another version than the one that is shown")
        names = [found.signed.get((period, digest, role), "") for role in (MAKER, CHECKER)]
        by_machine = s.approved_by == MACHINE and found.signed.get((period, digest, MACHINE)) == MACHINE
        if s.state in (APPROVED, CLOSED) and not by_machine and (not all(names) or s.approved_by != ", ".join(names)):
            signers = " and ".join(filter(None, names)) or "nobody"
            problems.append(f"{period} is {s.state} by {s.approved_by or 'nobody'}, but on record {signers} signed it")
    return problems

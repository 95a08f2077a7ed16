"""Who acts, and what they may: people of books.yaml sign with a key of their own; where it names nobody, a name is what was typed.

What a person does is an event of the log, and the signature in it is over the event before it, what happened, and its content: it
holds for this place of this log alone. `verify` checks it against the books that were in force.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from duizhang.close.decisions import ADJUST, RECLASSIFY, WRITE_OFF, Decision
from duizhang.close.people import same_person, signed_name
from duizhang.declared.schema import PIECES
from duizhang.declared.terms import EventKind
from duizhang.errors import BooksError, UserError
from duizhang.home.events import SIGNATURE, Event, last_before, signed_text
from duizhang.home.state import State
from duizhang.yaml_reading import load_yaml

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from duizhang.books.staff import Person, Role, WriteOffLimit

KEY_VARIABLE = "DUIZHANG_KEY"
# what is held against the limit of a role: money that is given up, or booked elsewhere
LIMITED = (WRITE_OFF, RECLASSIFY, ADJUST)
# a file of one, or one that is in memory
Key: TypeAlias = "Path | Ed25519PrivateKey"
# events of what people do, which are signed where the books name people
OF_PEOPLE = (
    EventKind.DECIDED, EventKind.TAKEN_BACK, EventKind.ACCEPTED, EventKind.SIGNED, EventKind.CLOSED, EventKind.REOPENED,
    EventKind.CELL_CORRECTED, EventKind.CELL_RESTORED, EventKind.FILE_ACCEPTED, EventKind.FILE_WITHDRAWN, EventKind.FILE_RESTORED,
    EventKind.COMMENTED, EventKind.PERSON_ERASED,
)
# signed as well, but not always: an event of an older log may have no signature
SIGNED_SINCE = (EventKind.REIDENTIFIED, EventKind.FILES_REMOVED)
# of the machine, which signs with a key of its own where books.yaml names one under `certify`
OF_MACHINE = EventKind.CERTIFIED
MACHINE_KEY_VARIABLE, MACHINE_KEY_FILE = "DUIZHANG_MACHINE_KEY", "machine.key"


@dataclass(frozen=True)
class Staff:
    """The people and roles of the books. currency: that of the books, in which limits are; machine: its public key."""

    roles: dict[str, Role] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    currency: str = ""
    machine: str = ""

    def find(self, name: str) -> str:
        """The id of a person, by id or name; UserError where there is none, or more than one who may be meant."""
        if name in self.people:
            return name
        found = [who for who, person in self.people.items() if same_person(person.name, name)]
        if len(found) != 1:
            raise UserError(f"books.yaml names nobody called {name!r}", advice=f"It names {', '.join(sorted(self.people))}.")
        return found[0]


@dataclass(frozen=True)
class Actor:
    """Somebody who acts. sign: makes the signature of an event's text; None where the books name nobody."""

    name: str
    sign: Callable[[str], dict[str, str]] | None = None
    limit: WriteOffLimit | None = None
    currency: str = ""

    def beyond(self, new: Decision, before: Sequence[Decision]) -> str:
        """Why a write-off, reclassification or adjustment is more than the person may decide, after those before it; empty where it is
        not."""
        if self.limit is None or new.decision not in LIMITED:
            return ""
        # the parts of a split are decided at once
        parts = [d for d in before if new.split and d.split == new.split and d.decision in LIMITED]
        if new.currency == PIECES:
            return _over(sum((abs(d.quantity) for d in (*parts, new)), Decimal(0)), self.limit.pieces, "pieces at once")
        if new.currency != self.currency:
            return f"{self.name} may write off {self.currency} alone, and this is {new.currency}"
        at_once = self.limit.causes.get(new.cause, self.limit.event)
        own = [
            d for d in before
            if d.decision in LIMITED and not d.taken_back and d.currency == self.currency and d.decided_by == self.name
        ]
        of_day = abs(new.amount) + sum((abs(d.amount) for d in own if d.period == new.period), Decimal(0))
        of_month = abs(new.amount) + sum((abs(d.amount) for d in own if _month(d.period) == _month(new.period)), Decimal(0))
        return (
            _over(
                sum((abs(d.amount) for d in (*parts, new)), Decimal(0)), at_once,
                f"{self.currency} at once" + (f" of {new.cause}" if new.cause in self.limit.causes else ""),
            )
            or _over(of_day, self.limit.day, f"{self.currency} a day")
            or _over(of_month, self.limit.month, f"{self.currency} a month")
        )


def staff_of(home: Path, state: State, *, before: int | None = None) -> Staff:
    """The people of the books that the last run went by (the last before an event), from their archived bytes.

    Raises BooksError where two of them may be one person.
    """
    run = last_before(state, EventKind.RUN_STARTED, before)
    return _read(home, str(run.payload["books"])) if run else Staff()


def actor(home: Path, state: State, by: str, duty: str, *, key: Key | None = None) -> Actor:
    """Who acts as `by`, and may do what `duty` says; '' is what everybody may whom the books name.

    Where the books name people, the person's key is `key`, or is read from it, else from the file that DUIZHANG_KEY names. Raises
    UserError where they name nobody so, the person may not, or the key is another's.
    """
    name = signed_name(by)
    staff = staff_of(home, state)
    if not staff.people:
        return Actor(name)
    person = staff.people[staff.find(name)]
    role = staff.roles[person.role]
    if duty and duty not in role.may:
        raise UserError(f"{person.name} may not {duty}: the role {person.role} may {', '.join(role.may) or 'nothing'}")
    given = key or Path(os.environ.get(KEY_VARIABLE, ""))
    from duizhang.close.keys import public_key, read_key  # where nobody has a key nothing is loaded that knows of keys

    if given == Path():
        raise UserError(f"{person.name} has to sign with a key", advice=f"Give its file with --key, or in {KEY_VARIABLE}.")
    secret = read_key(given) if isinstance(given, Path) else given
    if public_key(secret) != person.key:
        raise UserError(f"{given if isinstance(given, Path) else 'this'} is not the key of {person.name} that books.yaml names",
                        advice="A new public key counts from the next run on.")

    def sign(text: str) -> dict[str, str]:
        return {"key": person.key, "signature": base64.urlsafe_b64encode(secret.sign(text.encode())).decode()}

    return Actor(signed_name(person.name), sign, role.write_off, staff.currency)


def machine(home: Path, public: str) -> Callable[[str], dict[str, str]]:
    """What the machine signs with: the key in the file that DUIZHANG_MACHINE_KEY names, else in HOME/machine.key. UserError where there is
    none, or it is not the one that books.yaml names."""
    from duizhang.close.keys import public_key, read_key

    secret = read_key(Path(os.environ.get(MACHINE_KEY_VARIABLE, "") or home / MACHINE_KEY_FILE))
    if public_key(secret) != public:
        raise UserError("the machine's key is not the one that books.yaml names under `certify`")
    return lambda text: {"key": public, "signature": base64.urlsafe_b64encode(secret.sign(text.encode())).decode()}


def unsigned(home: Path, log: Sequence[Event]) -> tuple[list[str], int]:
    """What is wrong with the signatures of people's events, and how many have none because the books named nobody."""
    problems, free = [], 0
    staff = Staff()
    known: dict[str, Staff] = {}
    for event in log:
        if event.kind == EventKind.RUN_STARTED:
            sha = str(event.payload.get("books", ""))
            if sha not in known:
                known[sha] = _read(home, sha)
            staff = known[sha]
        given = event.payload.get(SIGNATURE)
        if event.kind not in (*OF_PEOPLE, OF_MACHINE) and not (event.kind in SIGNED_SINCE and given):
            continue
        if not staff.people and not given and event.kind != OF_MACHINE:
            free += 1
        elif why := _wrong(event, given, staff):
            problems.append(f"event {event.seq} ({event.kind} by {event.actor}) {why}")
    return problems, free


def _wrong(event: Event, given: Any, staff: Staff) -> str:
    if not isinstance(given, dict):
        return "is not signed, though books.yaml named people"
    if event.kind == OF_MACHINE:
        keys = {event.actor: staff.machine}
    else:
        keys = {signed_name(person.name): person.key for person in staff.people.values()}
    if keys.get(event.actor) != given.get("key"):
        return "is not signed with the key that books.yaml had for its author"
    from duizhang.close.keys import is_signed

    return "" if is_signed(signed_text(event), str(given.get("key")), str(given.get("signature"))) else "has a signature that does not hold"


@lru_cache(maxsize=64)
def _read(home: Path, sha: str) -> Staff:
    # what has this SHA-256 is this for ever: a server asks for it with every page
    path = home / "archive" / sha[:2] / sha
    try:
        said = load_yaml(path.read_text(encoding="utf-8")) or {}
        staff = Staff(*_people(said), str(said.get("currency") or "CNY"), str((said.get("certify") or {}).get("key", "")))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"the books.yaml that the last run went by is not in the archive: {sha}",
                        advice="`duizhang verify` says what is damaged.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise BooksError(f"roles and people of the archived books.yaml {sha[:12]} cannot be read: {error}") from error
    for (one, first), (other, second) in combinations(staff.people.items(), 2):
        if same_person(first.name, second.name):
            raise BooksError(f"people: {one} and {other} may be one person: {first.name!r} and {second.name!r}",
                             advice="A name with one more part tells them apart.")
    return staff


def _people(said: Mapping[str, Any]) -> tuple[dict[str, Role], dict[str, Person]]:
    """The roles and people of books. Raises ValueError, TypeError or AttributeError for what is none, BooksError for what is wrong
    with them taken together."""
    if not said.get("roles") and not said.get("people"):
        return {}, {}
    from duizhang.books.staff import Person, Role, staff_problem

    roles = {name: Role(**entry) for name, entry in (said.get("roles") or {}).items()}
    people = {name: Person(**entry) for name, entry in (said.get("people") or {}).items()}
    if problem := staff_problem(roles, people):
        raise BooksError(problem)
    return roles, people


def _over(amount: Decimal, most: Decimal | None, what: str) -> str:
    if most is None or amount <= most:
        return ""
    return f"{amount.normalize():f} is more than the {most.normalize():f} {what} that this role may write off"


def _month(day: dt.date) -> tuple[int, int]:
    return day.year, day.month

"""Who may do what with the books: the parts `roles` and `people` of books.yaml. They change no result, so no day is stale by them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Duty = Literal["decide", "accept", "make", "check", "close", "reopen", "erase", "reidentify", "remove"]
_Amount = Annotated[Decimal, Field(ge=0, max_digits=24, decimal_places=4)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WriteOffLimit(_Closed):
    """How much a person may write off, in the currency of the books; what is in another one needs somebody without a limit.

    event: at once; day and month: what the person has written off of that business day or month, together; causes: at once, of that
    cause, instead of `event`; pieces: at once, of stock, where no currency is.
    """

    event: _Amount | None = None
    day: _Amount | None = None
    month: _Amount | None = None
    pieces: _Amount | None = None
    causes: dict[str, _Amount] = {}


class Role(_Closed):
    """What somebody may do: decide about differences and cells, accept (let a failed check pass, leave a file out, withdraw or restore
    one), sign as maker (make) or checker (check), close and reopen, erase people, look behind pseudonyms (reidentify), take files away
    whose time is up (remove). write_off: up to how much; without it, without limit. Who runs and who reads is left to the file system."""

    may: tuple[Duty, ...]
    write_off: WriteOffLimit | None = None


class Person(_Closed):
    """Somebody of `people`. key: the public key that `duizhang key new` shows."""

    name: str
    role: str
    key: Annotated[str, Field(pattern=r"^ed25519:[A-Za-z0-9_-]{43}$")]


def staff_problem(roles: Mapping[str, Role], people: Mapping[str, Person]) -> str:
    """What is wrong with roles and people taken together; empty where nothing is."""
    for who, person in people.items():
        if person.role not in roles:
            return f"people: {who} has the role {person.role!r}, which `roles` does not have"
    keys = [person.key for person in people.values()]
    for who, person in people.items():
        if keys.count(person.key) > 1:
            return f"people: {who} has the key of somebody else"
    return ""

"""One request of somebody who is signed in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.datastructures import FormData
from starlette.requests import Request

from duizhang.errors import UserError
from duizhang.review.sessions import Session


@dataclass
class Visit:
    """Who asks for what. language: zh or en. form: what was sent, of a request that writes."""

    request: Request
    session: Session
    language: str
    is_known: bool  # by a key, and not only by the address that the server printed
    duties: frozenset[str]  # what the books let this person do
    form: FormData = field(default_factory=FormData)

    @property
    def name(self) -> str:
        return self.session.name

    @property
    def key(self) -> Ed25519PrivateKey | None:
        return self.session.key

    def day(self) -> dt.date:
        """The day of the address. UserError where it is none."""
        return day_of(str(self.request.path_params["day"]))

    def query(self, name: str) -> str:
        """A part of the query, '' where it is not there."""
        return self.request.query_params.get(name, "").strip()

    def sent(self, name: str) -> str:
        """A field of the form, '' where it is not there."""
        value = self.form.get(name)
        return value.strip() if isinstance(value, str) else ""

    def all_sent(self, name: str) -> list[str]:
        """Every field of a name."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]


def day_of(text: str) -> dt.date:
    """The day that a text says. UserError where it is none."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"{text!r} is no day; expected such as 2026-03-31") from error

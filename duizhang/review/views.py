"""Views of the queue that a person keeps by name: the filters of its address, for any day."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa

from duizhang.errors import UserError
from duizhang.home.state import METADATA, State
from duizhang.review.asking import FILTERS

VIEWS = sa.Table(
    "saved_views", METADATA,
    sa.Column("person", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
)
MOST_NAME, MOST = 60, 50
_PARTS = (*FILTERS, "timing", "order", "words")


def views(state: State, person: str) -> dict[str, dict[str, str]]:
    """The views of a person by name: the parts of the address."""
    with state.read() as con:
        rows = con.execute(sa.select(VIEWS).where(VIEWS.c.person == person).order_by(VIEWS.c.name))
        return {row.name: dict(parse_qsl(row.address)) for row in rows}


def keep(state: State, person: str, name: str, parts: Mapping[str, str]) -> None:
    """Keep a view, in place of one of the same name. UserError for a name that is none, or too many views."""
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME:
        raise UserError(f"the name of a view has 1 to {MOST_NAME} characters")
    known = views(state, person)
    if name not in known and len(known) >= MOST:
        raise UserError(f"{MOST} views are kept already", advice="Remove one first.")
    address = urlencode({part: parts[part] for part in _PARTS if parts.get(part)})
    with state.begin() as con:
        con.execute(sa.delete(VIEWS).where(VIEWS.c.person == person, VIEWS.c.name == name))
        con.execute(sa.insert(VIEWS).values(person=person, name=name, address=address))


def forget(state: State, person: str, name: str) -> None:
    """Remove a view of a person."""
    with state.begin() as con:
        con.execute(sa.delete(VIEWS).where(VIEWS.c.person == person, VIEWS.c.name == name))

"""What people say about an open item, for those who look at it after them: events of the log, which change nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from duizhang.close.authority import Key, actor
from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.home.events import append_event, events
from duizhang.home.lock import acquire
from duizhang.home.published import open_published
from duizhang.home.state import State

MOST = 2000  # characters
Place = tuple[str, str, str, str]
PLACE = ("leg", "entity", "key", "currency")  # by which an item is named


def comment(home: Path, state: State, period: dt.date, place: Place, text: str, *, by: str, key: Key | None = None) -> int:
    """Say something about an item that is open on a day; the number of its event. Whom the books name may, whatever else they may.

    Raises UserError where it is empty or too long, or the item is not open on the day.
    """
    who, said = actor(home, state, by, "", key=key), text.strip()
    if not said or len(said) > MOST:
        raise UserError(f"a comment has 1 to {MOST} characters, and this has {len(said)}")
    with open_published(home) as con:
        [(there,)] = con.execute(
            'select count(*) from variances where period = ? and leg = ? and entity = ? and "key" = ? and currency = ?', [period, *place],
        ).fetchall()
    if not there:
        raise UserError(f"{place[0]} {place[2]} is not open on {period}", advice="Look at the day's list again.")
    payload = {"period": period.isoformat(), **dict(zip(PLACE, place, strict=True)), "text": said}
    with acquire(home):
        return append_event(state, actor=who.name, kind=EventKind.COMMENTED, payload=payload, sign=who.sign)


def comments(state: State, place: Place) -> list[dict[str, str]]:
    """What was said about an item on any day, oldest first: at, by, period, text."""
    return [
        {"at": e["at"][:16].replace("T", " "), "by": e["actor"], "period": e["payload"]["period"], "text": e["payload"]["text"]}
        for e in events(state, EventKind.COMMENTED)
        if tuple(e["payload"][name] for name in PLACE) == place
    ]

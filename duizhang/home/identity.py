"""Which home a state database belongs to. Both hold the home's id, so that neither is used with another one's."""

from __future__ import annotations

import datetime as dt
import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from duizhang.errors import StateError, UserError
from duizhang.home.connection import METADATA

FILE = "home.json"
HOMES = sa.Table(
    "homes", METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("place", sa.String, nullable=False),
    sa.Column("since", sa.String, nullable=False),
)


@dataclass(frozen=True)
class Identity:
    """What a home says of itself. own: its state is in the home, whatever the environment says."""

    id: str = ""
    own: bool = False


def identity(home: Path) -> Identity:
    """What the home says; an empty id where it says nothing yet. StateError where its file is damaged."""
    path = home / FILE
    if not path.is_file():
        return Identity()
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Identity(str(said["id"]), bool(said.get("own", False)))
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"{path} is damaged", advice="Restore it from a backup of the home.") from error


def keep_own_state(home: Path) -> None:
    """Make a home whose state is in itself, also where DUIZHANG_STATE_URL names a database: a rebuilt one, for proof."""
    _write(home, Identity(uuid.uuid4().hex, own=True))


def keep_state(home: Path, *, own: bool) -> None:
    """Say of a home that was restored whether its state is in itself now, whatever the environment says; its id stays."""
    mine = identity(home)
    if mine.id and mine.own != own and own:
        _write(home, Identity(mine.id, own=True))


def is_adopted(connection: sa.Connection, home: Path, *, shared: bool) -> bool:
    """Whether the database has the id of the home, and of a server's also the place where it is.

    Raises UserError where it has another home's id.
    """
    mine, theirs = identity(home).id, _theirs(connection)
    if mine and theirs is not None and theirs.id != mine and not shared and theirs.place == str(home.resolve()):
        raise StateError(
            f"{home / FILE} was changed: it says that this home is {mine}, its state database says {theirs.id}",
            advice="Restore whichever is not this home's from a backup.",
        )
    if mine and theirs is not None and theirs.id != mine:
        raise UserError(
            f"the state database belongs to another home ({theirs.place})",
            advice="A home has a database of its own: change DUIZHANG_STATE_URL, or --home.",
        )
    return bool(mine) and theirs is not None and (not shared or theirs.place == str(home.resolve()))


def adopt(connection: sa.Connection, home: Path, *, shared: bool) -> None:
    """Write the id of the home where it is missing, in the home first. shared: the database is a server's.

    Raises UserError where the database belongs to another home, StateError where the one that the home had is gone.
    """
    if is_adopted(connection, home, shared=shared):
        return
    mine, theirs = identity(home), _theirs(connection)
    if mine.id and theirs is not None:
        _move(connection, home, theirs)
        return
    if theirs is not None:
        if shared:
            raise UserError(
                f"the state database belongs to another home ({theirs.place})",
                advice="A home has a database of its own: change DUIZHANG_STATE_URL, or --home.",
            )
        _write(home, Identity(theirs.id))
        return
    if (mine.id or shared) and any((home / name).exists() for name in ("manifests", "published.duckdb")):
        raise StateError(
            f"{home} has results, but its state database is {'another one' if shared else 'gone'}",
            advice="Restore the database from a backup, or unset DUIZHANG_STATE_URL if it was set later; or use a new home.",
        )
    if not mine.id:
        mine = Identity(uuid.uuid4().hex)
        _write(home, mine)
    connection.execute(sa.insert(HOMES).values(
        id=mine.id, place=str(home.resolve()), since=dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    ))


def _theirs(connection: sa.Connection) -> sa.Row[tuple[str, str, str]] | None:
    return connection.execute(sa.select(HOMES)).first()


def _move(connection: sa.Connection, home: Path, theirs: sa.Row[tuple[str, str, str]]) -> None:
    """A home may move, but a copy of it may not write into the database of the original."""
    here, other = home.resolve(), Path(theirs.place)
    if other.is_dir() and not other.samefile(here) and identity(other).id == theirs.id:
        raise UserError(
            f"{home} is a copy of {other}, and the state database is that one's",
            advice="Give the copy a database of its own, or remove the original if it was moved.",
        )
    connection.execute(sa.update(HOMES).values(place=str(here)))


def _write(home: Path, mine: Identity) -> None:
    home.mkdir(parents=True, exist_ok=True)
    partial = home / f".{FILE}.{uuid.uuid4().hex}"
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"id": mine.id, **({"own": True} if mine.own else {})}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(home / FILE)

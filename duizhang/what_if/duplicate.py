"""A copy of a home to try something in: what never changes is linked, what a run writes to is copied.

Working tables, landed rows, archive and published objects are written under another name and renamed, never into, so a symbolic link
to each file does: it costs nothing, and keeps the times by which a run knows that a file is as it was. The state database is read
into one of the copy's own, whatever server it is on.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import sqlalchemy as sa

from duizhang.home.events import WITNESS
from duizhang.home.identity import HOMES, keep_own_state
from duizhang.home.state import State
from duizhang.secrecy.sealing import KEYS

_LINKED = ("archive", KEYS, "landed", "manifests", "objects", "tables")
_ROWS = 2000


def duplicate_home(home: Path, state: State, target: Path) -> State:
    """Make `target` a home like `home`, with a state of its own; that state. The caller holds the lock of the home."""
    keep_own_state(target)
    copy = State(target)  # before there are results, without which a home has no state to lose
    for name in _LINKED:
        for path in sorted((home / name).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                _link(path.resolve(), target / path.relative_to(home))
    if (home / WITNESS).is_file():
        shutil.copyfile(home / WITNESS, target / WITNESS)
    # as they are in the database: also tables of rooms that nobody has entered
    known = sa.MetaData()
    with state.read() as source, copy.begin() as into:
        known.reflect(source)
        known.create_all(into)
        for table in known.sorted_tables:
            if table.name == HOMES.name:
                continue
            into.execute(sa.delete(table))
            for part in source.execute(sa.select(table)).mappings().partitions(_ROWS):
                into.execute(sa.insert(table), [dict(row) for row in part])
    return copy


def _link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.symlink_to(path)
    except OSError:  # a system without symbolic links, or without the right to make them
        shutil.copy2(path, target)

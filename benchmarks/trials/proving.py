"""How long `verify` takes as versions become more."""

from __future__ import annotations

import time
from pathlib import Path

import sqlalchemy as sa

from duizhang.close import append_event, verify
from duizhang.digest import mapping_digest
from duizhang.publish import read_manifest, set_period_state
from duizhang.publish.pointer import rebuild_published
from duizhang.publish.versions import PERIOD_STATES, VERSIONS, keep_manifest, write_manifest
from trials.homes import FAKES, FIRST, decidable
from trials.process import apart


def seconds(folder: Path, few: int, many: int) -> tuple[list[str], float, float]:
    """Of one look at a home with few and with many versions; what was wrong."""
    folder.mkdir()
    wrong, taken = [], []
    for number in (few, many):
        home = folder / str(number) / "home"
        home.parent.mkdir()
        clock = folder / f"clock-{number}"
        if apart(decidable, home) or apart(_add, home, number) or apart(_look, home, clock):
            wrong.append(f"{number} versions: verify finds something")
        taken.append(float(clock.read_text()) if clock.exists() else 0.0)
    return wrong, taken[0], taken[1]


def _add(home: Path, number: int) -> None:
    """Further versions of the first day, each with a manifest and an event of its own, over the objects that are there."""
    state = FAKES.Fake(home).state
    manifest = read_manifest(home, FIRST, 1)

    def add() -> None:
        with state.begin() as con:
            first = dict(con.execute(sa.select(VERSIONS).where(VERSIONS.c.period == FIRST)).mappings().one())
            for version in range(2, number + 1):
                mine = {**manifest, "version": version}
                write_manifest(home, mine)
                keep_manifest(con, mine)
                con.execute(sa.insert(VERSIONS).values({**first, "version": version}))
                append_event(state, actor="pipeline", kind="published", payload={
                    "period": FIRST.isoformat(), "version": version, "digest": first["digest"], "manifest": mapping_digest(mine),
                })
            con.execute(sa.update(PERIOD_STATES).where(PERIOD_STATES.c.period == FIRST).values(version=number))

    state.change(add)
    set_period_state(state, FIRST, "reconciled")
    rebuild_published(home, state)


def _look(home: Path, clock: Path) -> None:
    began = time.process_time()
    found = verify(home).problems
    assert found == [], found[:5]
    clock.write_text(str(time.process_time() - began))

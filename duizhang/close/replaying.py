"""Replay: the archived raw files give the digest of a published version again, in a home of its own."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from duizhang.close.decisions import DECIDED, TAKEN_BACK, decisions, store_decision
from duizhang.close.laid_out import RawFile, lay_out
from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.gate import copy_acceptances
from duizhang.home.events import Event, append_event, event_log
from duizhang.home.identity import keep_own_state
from duizhang.home.state import State
from duizhang.ingest import records
from duizhang.ingest.files import DECIDED as FILE_DECIDED
from duizhang.ingest.files import OF_CELLS
from duizhang.publish import read_manifest, versions

Runner = Callable[[Path, Path, dt.date, dt.date], int]


def replay(
    home: Path, state: State, period: dt.date, version: int | None, runner: Runner, *, key: Path | None = None
) -> tuple[str, str]:
    """Rebuild a version from the archived raw files in a temporary home; (digest then, digest now).

    Inputs are those of the newest version up to each day before, decisions those that the version was computed with, and
    books.yaml the one that its run archived. key: the pseudonym key, where it is not where the books had it. The state of
    the rebuilt home is in itself, whatever the environment says. Raises UserError where something is missing.
    """
    own = [v for v in versions(state, period) if version is None or v.version == version]
    if not own:
        raise UserError(f"{period} has no version {version or ''}".strip(), advice="`duizhang status` lists them.")
    target = own[-1]
    log = event_log(state)
    told = _published(log)
    upto = told.get((period.isoformat(), target.version), len(log) + 1)
    start = next((e for e in reversed(log) if e.kind == EventKind.RUN_STARTED and e.seq < upto), None)
    if start is None:
        raise UserError("no run is on record before this version, so its books.yaml is not archived")
    first = min(v.period for v in versions(state))
    inputs: dict[str, str] = {}
    for known in versions(state):
        if known.period <= period and told.get((known.period.isoformat(), known.version), len(log) + 1) <= upto:
            for entry in read_manifest(home, known.period, known.version)["inputs"]:
                inputs[entry["file"]] = entry["sha256"]
    with tempfile.TemporaryDirectory(prefix="duizhang-replay-") as folder:
        root = Path(folder)
        arrived = {(r.path, r.sha256): r.modified for r in records(state)}
        lay_out(home, root, start.payload, [RawFile(n, sha, arrived.get((n, sha), 0)) for n, sha in inputs.items()], key)
        again = root / "home"
        keep_own_state(again)
        again_state = State(again)
        for event in log:
            # which files count, and what people read in their cells, are inputs as the files are
            if event.kind in (*FILE_DECIDED, *OF_CELLS) and event.seq < upto:
                append_event(again_state, actor=event.actor, kind=EventKind(event.kind), payload=event.payload)
        made = {e.payload.get("id") for e in log if e.kind == DECIDED and e.seq < upto}
        back = {e.payload.get("id") for e in log if e.kind == TAKEN_BACK and e.seq < upto}
        for d in decisions(state):
            if d.id in made and d.period <= period:
                store_decision(again_state, d if d.id in back else replace(d, taken_back=None))
        copy_acceptances(state, again_state, period, target.published_at)
        runner(root / "books.yaml", again, first, period)
        rebuilt = versions(again_state, period)
        return target.digest, rebuilt[-1].digest if rebuilt else "nothing was published"


def _published(log: list[Event]) -> dict[tuple[str, int], int]:
    """By day and version the number of the event that tells of it."""
    said = ((event.seq, event.payload) for event in log if event.kind == EventKind.PUBLISHED)
    return {(str(payload.get("period")), int(payload.get("version", 0))): seq for seq, payload in said}

"""Replay: the archived raw files give the digest of a published version again, in a home of its own."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from duizhang.close.decisions import DECIDED, TAKEN_BACK, decisions, store_decision
from duizhang.digest import file_digest
from duizhang.errors import UserError
from duizhang.events import Event, append_event, event_log
from duizhang.gate import copy_acceptances
from duizhang.identity import keep_own_state
from duizhang.ingest import inbox_path, records
from duizhang.ingest.files import DECIDED as FILE_DECIDED
from duizhang.publish import Version, read_manifest, versions
from duizhang.state import State
from duizhang.yaml_reading import load_yaml

Runner = Callable[[Path, Path, dt.date, dt.date], int]
_KEY_FILE = "pseudonym.key"
_KEY_VARIABLE = "DUIZHANG_PSEUDONYM_KEY"


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
    upto = _published(log, target)
    start = next((e for e in reversed(log) if e.kind == "run_started" and e.seq < upto), None)
    if start is None:
        raise UserError("no run is on record before this version, so its books.yaml is not archived")
    first = min(v.period for v in versions(state))
    inputs: dict[str, str] = {}
    for known in versions(state):
        if known.period <= period and _published(log, known) <= upto:
            for entry in read_manifest(home, known.period, known.version)["inputs"]:
                inputs[entry["file"]] = entry["sha256"]
    with tempfile.TemporaryDirectory(prefix="duizhang-replay-") as folder:
        root = Path(folder)
        _lay_out(home, state, root, start.payload, inputs, key)
        again = root / "home"
        keep_own_state(again)
        again_state = State(again)
        for event in log:
            if event.kind in FILE_DECIDED and event.seq < upto:  # which files count is an input as the files are
                append_event(again_state, actor=event.actor, kind=event.kind, payload=event.payload)
        made = {e.payload.get("id") for e in log if e.kind == DECIDED and e.seq < upto}
        back = {e.payload.get("id") for e in log if e.kind == TAKEN_BACK and e.seq < upto}
        for d in decisions(state):
            if d.id in made and d.period <= period:
                store_decision(again_state, d if d.id in back else replace(d, taken_back=None))
        copy_acceptances(state, again_state, period, target.published_at)
        runner(root / "books.yaml", again, first, period)
        rebuilt = versions(again_state, period)
        return target.digest, rebuilt[-1].digest if rebuilt else "nothing was published"


def _published(log: list[Event], version: Version) -> int:
    """The number of the event that tells of a version; beyond all where none does."""
    for event in log:
        said = event.payload if event.kind == "published" else {}
        if (said.get("period"), said.get("version")) == (version.period.isoformat(), version.version):
            return event.seq
    return len(log) + 1


def _lay_out(home: Path, state: State, root: Path, run: dict[str, Any], inputs: dict[str, str], key: Path | None) -> None:
    """Books, sources, raw files and key as they were, below `root`."""
    # the archived files are all there is: no server and no database is asked again
    settings = load_yaml(_archived(home, run["books"]).read_text(encoding="utf-8"))
    found = _pseudonym_key(settings, Path(run.get("books_path", "")), key)
    settings.update(inbox="inbox", sources="sources", databases=[])
    if found is not None:
        shutil.copyfile(found, root / _KEY_FILE)
        settings["pseudonym_key"] = {**(settings.get("pseudonym_key") or {}), "file": _KEY_FILE}
    (root / "books.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), encoding="utf-8")
    for name, sha in run.get("sources", {}).items():
        _put(_archived(home, sha), root / "sources", name)
    arrived = {(r.path, r.sha256): r.modified for r in records(state)}
    for name, sha in sorted(inputs.items()):
        place = _put(_archived(home, sha), root / "inbox", inbox_path(name))
        # where files repeat rows the one that came last wins, so their order is kept
        moment = arrived.get((name, sha), 0)
        os.utime(place, ns=(moment, moment))


def _put(archived: Path, folder: Path, name: str) -> Path:
    place = (folder / name).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise UserError(f"the input {name!r} points outside of its folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(archived, place)
    return place


def _archived(home: Path, sha: str) -> Path:
    path = home / "archive" / sha[:2] / sha
    if not path.is_file() or file_digest(path) != sha:
        raise UserError(f"the archived file {sha} is missing or changed", advice="`duizhang verify` lists what is.")
    return path


def _pseudonym_key(settings: dict[str, Any], books_path: Path, given: Path | None) -> Path | None:
    """The key file; it is never archived, so that deleting it forgets the customers. None where the environment has the key.

    Raises UserError where it cannot be found: with another key the customers, and so the digests, would be others.
    """
    if given is not None:
        if not given.is_file():
            raise UserError(f"there is no key file {given}")
        return given
    named = settings.get("pseudonym_key") or {}
    if os.environ.get(str(named.get("env", _KEY_VARIABLE))):
        return None
    path = books_path.parent / str(named.get("file", _KEY_FILE))
    if not path.is_file():
        raise UserError(f"the pseudonym key is not at {path} any more",
                        advice="Give its place with --key: with another one the customers' pseudonyms, and so the digests, differ.")
    return path

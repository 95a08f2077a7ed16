"""Proof: nothing was touched since. Nothing is written, so that it can be had of a home on read-only media."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from duizhang.close.authority import unsigned
from duizhang.close.checkpoints import Checkpoint, held_against, key_problem, read_checkpoint, verifier_key
from duizhang.close.computation import differing
from duizhang.close.derived import Told, forgeries, told
from duizhang.digest import file_digest, mapping_digest
from duizhang.errors import DuizhangError
from duizhang.home.events import GENESIS, Event, event_log, verify_chain, witness_tail, witnessed
from duizhang.home.landed_folders import broken
from duizhang.home.state import State
from duizhang.home.working_tables import differences
from duizhang.ingest import records
from duizhang.ingest.files import files_digest
from duizhang.publish import (
    is_whole,
    kept_manifests,
    manifest_path,
    manifest_text,
    object_path,
    published_differs,
    read_manifest,
    version_differs,
    versions,
    written_objects,
)
from duizhang.secrecy.sealing import Closed, Damaged, digests, is_as_sealed

# what damaged bytes make the libraries raise; each look is told as damaged, and the others go on
_DAMAGE = (
    DuizhangError, OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, pa.ArrowException,
    duckdb.Error, sa.exc.SQLAlchemyError,
)
_UNARCHIVED = ("duplicate",)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass
class Proof:
    """What was found. head: the hash of the last event, to be noted elsewhere; unauthenticated: what people did under a name that
    was typed, as the books named nobody; unopened: sealed raw files whose key is not at hand, of which the bytes were looked at and
    not the content; left_over: files among the raw files, objects and manifests that nothing on record refers to, by their path from
    the home. A kill leaves such, so they are no problem."""

    problems: list[str] = field(default_factory=list)
    events: int = 0
    head: str = GENESIS
    unauthenticated: int = 0
    unopened: int = 0
    left_over: list[str] = field(default_factory=list)


def verify(home: Path, *, head: str = "", checkpoint: str = "", key: str = "") -> Proof:
    """Everything that is not as it was written: database, events and what follows from them, raw files, what was read of them,
    manifests, objects, and what readers are shown.

    head: the hash of an event that was noted earlier; it has to be in the log still. checkpoint: a signed one that was kept: the
    log has to begin as it did then. key: its key, by default the home's own.
    """
    kept = read_checkpoint(checkpoint, key or verifier_key(home)) if checkpoint else None
    return _Look(home, head, kept).go()


class _Look:
    def __init__(self, home: Path, head: str, kept: Checkpoint | None) -> None:
        self.home, self.wanted, self.kept = home, head, kept
        self.proof = Proof()
        self.told = Told()

    def go(self) -> Proof:
        self._try("the state database", self._database)
        self._try("the archive", self._archive)
        self._add(*filter(None, [key_problem(self.home)]))
        return self.proof

    def _try(self, what: str, look: Callable[[], None]) -> None:
        try:
            look()
        except _DAMAGE as error:
            text = next(iter(str(error).strip().splitlines()), type(error).__name__)
            self._add(text if isinstance(error, DuizhangError) else f"{what} is damaged: {text}")

    def _add(self, *problems: str) -> None:
        self.proof.problems += problems

    def _database(self) -> None:
        state = State(self.home, read_only=True)
        if state.is_sqlite:
            with state.read() as con:
                said = [str(row[0]) for row in con.execute(sa.text("pragma integrity_check")).all()]
            self._add(*(f"the state database is damaged: {text}" for text in said if text != "ok"))
        self._try("the event log", lambda: self._events(event_log(state)))
        self._try("the state database", lambda: self._add(*forgeries(state, self.told)))
        self._try("the list of published versions", lambda: self._versions(state))
        self._try("the list of files", lambda: self._files(state))
        self._try("the record of computations", lambda: self._add(*differing(state, self.told.records)))
        self._try("one of the working tables", lambda: self._add(*differences(self.home, state)))
        self._try("published.duckdb", lambda: self._add(*published_differs(self.home, state)))

    def _events(self, log: Sequence[Event]) -> None:
        self._add(*verify_chain(log, witnessed(self.home)), *witness_tail(self.home, log))
        if log:
            self.proof.events, self.proof.head = len(log), log[-1].hash
        if self.wanted and self.wanted.lower() not in {event.hash for event in log}:
            self._add(f"no event has the hash {self.wanted}: the log was rewritten or cut off since it was noted")
        if self.kept:
            self._add(*held_against(self.kept, list(log)))
        self.told = told(log)
        wrong, self.proof.unauthenticated = unsigned(self.home, log)
        self._add(*wrong)

    def _versions(self, state: State) -> None:
        seen: set[str] = set()
        manifests: set[Path] = set()
        kept, written_as = kept_manifests(state), written_objects(state)
        for version in versions(state):
            period, number, digest = version.period, version.version, version.digest
            manifests.add(manifest_path(self.home, period, number))
            name, text = f"{period} version {number}", kept.pop((period, number), "")
            try:
                manifest = read_manifest(self.home, period, number)
            except _DAMAGE:
                self._add(f"the manifest of {name} is missing or unreadable")
                if not text:
                    continue
                manifest = json.loads(text)  # as the database keeps it: its objects are looked at all the same
            self._add(*version_differs(self.home, version, manifest))
            tables = {str(table): str(entry["digest"]) for table, entry in manifest["tables"].items()}
            inputs = [(str(entry["file"]), str(entry["sha256"])) for entry in manifest["inputs"]]
            recorded = self.told.published.get((period.isoformat(), number))
            if manifest.get("digest") != digest:
                self._add(f"the digest of {name} is not the one in its manifest")
            if recorded and mapping_digest(manifest) != recorded[1]:
                self._add(f"the manifest of {name} was changed")
            if text != manifest_text(manifest):
                self._add(f"the manifest of {name} is not the one that the database keeps")
            for table, content in sorted(tables.items()):
                if content not in seen and not is_whole(self.home, content, written_as):
                    self._add(f"object {content} ({table} of {name}) was changed or is missing")
                seen.add(content)
            self.told.archived.update(sha for _, sha in inputs)
        self._add(*(f"the database keeps a manifest of {period} version {number}, which is on no record" for period, number in kept))
        self._left("manifests", manifests)
        self._left("objects", {object_path(self.home, digest) for digest in seen})

    def _files(self, state: State) -> None:
        folders: set[Path] = set()
        if self.told.files and files_digest(state) != self.told.files:
            self._add("the list of files is not the one that was taken in: a row of it was changed, added or is gone")
        for record in records(state):
            if record.landed:
                folders.add(self.home.joinpath(*Path(record.landed).parts[:3]))
            if record.sha256 and record.status not in _UNARCHIVED:
                self.told.archived.add(record.sha256)
            for name, digest in _contents(record.detail).items():
                path = self.home / record.landed / name
                if not path.is_file():
                    self._add(f"{name}, what was read of {record.path}, is missing")
                elif file_digest(path) != digest:
                    self._add(f"{name}, what was read of {record.path}, was changed")
        for folder in sorted(folders):
            self._add(*(f"{name} of what was read into {folder.name} was changed or is missing; the next run makes it again"
                        for name in broken(folder) if not name.endswith(".parquet")))

    def _archive(self) -> None:
        there = set()
        for path in sorted((self.home / "archive").glob("*/*")):
            if not _SHA256.fullmatch(path.name):
                continue  # of a copy that was killed, or somebody's: nothing refers to it
            there.add(path.name)
            if not path.is_file() or not self._is_as_archived(path):
                self._add(f"archived file {path.name} was changed")
        self._left("archive", {self.home / "archive" / sha[:2] / sha for sha in self.told.archived})
        for sha in sorted(self.told.archived - there - self.told.removed):
            self._add(f"archived file {sha} is missing")

    def _left(self, folder: str, known: set[Path]) -> None:
        """Tell the files below a folder of the home that are none of those known."""
        found = (path for path in (self.home / folder).rglob("*") if path not in known and (path.is_symlink() or not path.is_dir()))
        self.proof.left_over += sorted(str(path.relative_to(self.home)) for path in found)

    def _is_as_archived(self, path: Path) -> bool:
        """By its content; where the key is not at hand, whether its sealed bytes are those that were written."""
        try:
            holds, instead = digests(path)
            is_whole = holds == path.name
            if is_whole and instead and instead != self.told.erased.get(path.name):
                self._add(f"archived file {path.name} is another one than it was, and no event says that somebody was erased from it")
            if is_whole and not instead and path.name in self.told.erased:
                self._add(f"archived file {path.name} still names who was erased from it; `duizhang erase` of the same person ends that")
            return is_whole
        except Damaged:
            return False
        except Closed:
            self.proof.unopened += 1
            return is_as_sealed(path)


def _contents(detail: dict[str, object]) -> dict[str, str]:
    """The SHA-256 of the files that reading one has left, by name."""
    found = detail.get("contents")
    return {str(name): str(digest) for name, digest in found.items()} if isinstance(found, dict) else {}

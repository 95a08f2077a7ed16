"""Restoring a backup into a new home: every byte is held against its digest before the home gets its name."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from duizhang.backup.catalogue import KEYS, Snapshot, Stored, blob_path, damage_of, names_of, read_snapshot
from duizhang.backup.taking import BLOCK
from duizhang.close import verify
from duizhang.errors import UserError
from duizhang.home.disk import told_when_full
from duizhang.home.identity import keep_state
from duizhang.home.state import State
from duizhang.publish import rebuild_published

_SHOWN = 5


@dataclass(frozen=True)
class Restored:
    """A home that was restored. problems: what `verify` finds in it, as it did when the backup was taken; lost_keys: keys of
    archived files that were destroyed since."""

    snapshot: Snapshot
    problems: list[str] = field(default_factory=list)
    lost_keys: list[str] = field(default_factory=list)


def restore(source: Path, home: Path, *, at: str = "") -> Restored:
    """Make a home of a backup, the newest or the one that is named, and prove it with `verify`.

    Raises UserError where the home is there already, or where anything of the backup is not as it was written; then there is no
    home.
    """
    if home.is_symlink() or (home.exists() and (not home.is_dir() or any(home.iterdir()))):
        raise UserError(f"{home} is there already", advice="Restore into a new folder, and move that to its place.")
    known = names_of(source)
    if not known:
        raise UserError(f"there is no backup in {source}", advice="`duizhang backup FOLDER` makes one.")
    snapshot = read_snapshot(source, at or known[-1])
    working = home.resolve().with_name(f".{home.name}.{uuid.uuid4().hex}")
    working.mkdir(mode=0o700, parents=True)
    try:
        with told_when_full(home):
            damaged = [name for name, stored in snapshot.files.items() if not _brought(source, working, name, stored)]
            _refuse_damaged(snapshot, damaged)
            lost = _bring_keys(source, working, snapshot)
        keep_state(working, own=snapshot.in_server)
        if home.is_dir():
            home.rmdir()
        working.rename(home.resolve())
    finally:
        shutil.rmtree(working, ignore_errors=True)
    if (home / "manifests").is_dir():
        rebuild_published(home, State(home))
    return Restored(snapshot, verify(home).problems, lost)


def check(source: Path, *, at: str = "") -> Snapshot:
    """Read every byte of a backup. Raises UserError where one is not as it was written."""
    known = names_of(source)
    if not known:
        raise UserError(f"there is no backup in {source}", advice="`duizhang backup FOLDER` makes one.")
    snapshot = read_snapshot(source, at or known[-1])
    _refuse_damaged(snapshot, damage_of(source, snapshot))
    return snapshot


def _refuse_damaged(snapshot: Snapshot, damaged: Iterable[str]) -> None:
    names = sorted(damaged)
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise UserError(
            f"the backup {snapshot.name} is damaged: {', '.join(names[:_SHOWN])}{more} changed or missing since it was written",
            advice="Restore an older one (--at NAME), or another copy of the backups. Nothing was restored.",
        )


def _brought(source: Path, working: Path, name: str, stored: Stored) -> bool:
    """Copy one file; False where its bytes are not those that were kept."""
    place, digest = working / name, hashlib.sha256()
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with blob_path(source, stored.sha256).open("rb") as blob, place.open("xb") as copy:
            while data := blob.read(BLOCK):
                digest.update(data)
                copy.write(data)
            copy.flush()
            os.fsync(copy.fileno())
    except FileNotFoundError:
        return False
    place.chmod(stored.mode)
    os.utime(place, ns=(stored.modified, stored.modified))
    return digest.hexdigest() == stored.sha256


def _bring_keys(source: Path, working: Path, snapshot: Snapshot) -> list[str]:
    """Copy the keys that are still there; the names of those that are not."""
    lost = []
    for name, sha in snapshot.keys.items():
        path, place = source / KEYS / name, working / KEYS / name
        if not path.is_file():
            lost.append(name)
            continue
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(path, place)
        if hashlib.sha256(place.read_bytes()).hexdigest() != sha:
            _refuse_damaged(snapshot, [f"{KEYS}/{name}"])
    return lost

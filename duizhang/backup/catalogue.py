"""The folder of a home's backups.

    blobs/ab/abcd...    the bytes of a file, by their SHA-256; what several backups share is there once
    snapshots/TIME.json a backup: every file of the home with its digest, and a digest over all of that
    keys/               wrapped keys of archived files as they are in the home now: one that was destroyed there goes here too
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from duizhang.digest import file_digest, mapping_digest
from duizhang.errors import UserError
from duizhang.home.disk import written

BLOBS, SNAPSHOTS, KEYS = "blobs", "snapshots", "keys"
FORMAT = 1
_SHA = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Stored:
    """A file of the home. size in bytes; modified, changed: nanoseconds since 1970, of its content and of its entry; changed is
    0 where it was copied from a database and not from a file."""

    sha256: str
    size: int
    mode: int
    modified: int
    changed: int = 0


@dataclass(frozen=True)
class Snapshot:
    """A backup. events, head: of the event log at that time; checkpoint_key: the public half of the key that checkpoints of the
    home are signed with, '' where there is none; in_server: the state was in a database server's and is a file here."""

    name: str
    taken: str
    home: str
    program: str
    events: int
    head: str
    checkpoint_key: str
    in_server: bool
    files: Mapping[str, Stored] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the home."""
        return sum(stored.size for stored in self.files.values())


def blob_path(target: Path, sha: str) -> Path:
    """Where the bytes with this SHA-256 are kept."""
    return target / BLOBS / sha[:2] / sha


def write_snapshot(target: Path, snapshot: Snapshot) -> None:
    """Put a backup on record; everything that it names is there already."""
    said = {"format": FORMAT, **asdict(snapshot)}
    said["digest"] = mapping_digest(said)
    with written(target / SNAPSHOTS / f"{snapshot.name}.json", mode=0o600) as partial:
        partial.write_text(json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1), encoding="utf-8")


def names_of(target: Path) -> list[str]:
    """The names of the backups in a folder, the oldest first."""
    return sorted(path.stem for path in (target / SNAPSHOTS).glob("*.json") if not path.name.startswith("."))


def read_snapshot(target: Path, name: str) -> Snapshot:
    """A backup as it was put on record. Raises UserError where there is none of the name, or where its record was changed."""
    path = target / SNAPSHOTS / f"{name}.json"
    if name not in names_of(target):
        known = ", ".join(names_of(target)[-5:]) or "none"
        raise UserError(f"{target} has no backup {name!r}", advice=f"The newest: {known}.")
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        digest = said.pop("digest")
        if digest != mapping_digest(said):
            raise UserError(f"the record of the backup {name} was changed: {path}", advice=_OLDER)
        if said.pop("format") > FORMAT:
            raise UserError(f"the backup {name} was made by a newer duizhang", advice="Restore it with that one.")
        files = {str(file): Stored(**stored) for file, stored in said.pop("files").items()}
        found = Snapshot(**said, files=files)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise UserError(f"the record of the backup {name} is damaged: {path}", advice=_OLDER) from error
    for file, stored in files.items():
        parts = Path(file).parts
        if not parts or Path(file).is_absolute() or ".." in parts or not _SHA.fullmatch(stored.sha256):
            raise UserError(f"the record of the backup {name} names a file outside of the home: {file!r}")
    return found


_OLDER = "Restore an older one (--at NAME), or another copy of the backups."


def snapshots(target: Path) -> Iterator[Snapshot]:
    """The backups of a folder, the oldest first; a damaged record raises UserError."""
    for name in names_of(target):
        yield read_snapshot(target, name)


def damage_of(target: Path, snapshot: Snapshot) -> list[str]:
    """What is not as it was written; every byte of the backup is read."""
    found = []
    whole: dict[str, bool] = {}
    for file, stored in snapshot.files.items():
        if stored.sha256 not in whole:
            path = blob_path(target, stored.sha256)
            whole[stored.sha256] = path.is_file() and file_digest(path) == stored.sha256
        if not whole[stored.sha256]:
            found.append(file)
    for name, sha in snapshot.keys.items():
        path = target / KEYS / name
        # a key that is gone was destroyed in the home since: that is not damage
        if path.is_file() and file_digest(path) != sha:
            found.append(f"{KEYS}/{name}")
    return found

"""What a file was when it was written, and whether it is so still: by its size and times, and by its bytes where those differ.

Working tables and landed rows are caches. They are not synced: what a loss of power, a kill or a person did to them is recognised
when they are read again, and they are made again from what they came from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from duizhang.digest import file_digest

_READERS = max(2, os.cpu_count() or 1)
_FEW = 8


@dataclass(frozen=True)
class Fingerprint:
    """sha256: of the bytes. size in bytes; modified, changed: nanoseconds since 1970, of the content and of the file's entry."""

    sha256: str
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> Fingerprint:
        """The fingerprint of a file as it is now. Raises OSError where there is none."""
        seen = path.stat()
        return cls(file_digest(path), seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)

    def renewed(self, path: str | Path) -> Fingerprint | None:
        """This fingerprint where the file has the content that it had, with the times that it has now; None where it has not.

        A file of the same size and times is not read: the time of its entry is set by the system alone, whatever was written.
        """
        try:
            seen = os.stat(path)  # noqa: PTH116 - tens of thousands a run, and a Path takes as long as the look
            if (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns) == (self.size, self.modified, self.changed):
                return self
            if seen.st_size != self.size or file_digest(Path(path)) != self.sha256:
                return None
        except OSError:
            return None
        return Fingerprint(self.sha256, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)

    def row(self) -> list[str | int]:
        """As it is kept in JSON; `Fingerprint(*row)` reads it."""
        return [self.sha256, self.size, self.modified, self.changed]


def fingerprints(paths: Mapping[str, Path]) -> dict[str, Fingerprint]:
    """The fingerprints of several files, by name."""
    if len(paths) < _FEW:  # threads would take longer to start
        return {name: Fingerprint.of(path) for name, path in paths.items()}
    with ThreadPoolExecutor(_READERS) as pool:
        return dict(zip(paths, pool.map(Fingerprint.of, paths.values()), strict=True))


def differing(folder: Path, known: Mapping[str, Fingerprint]) -> tuple[list[str], dict[str, Fingerprint]]:
    """The files below a folder that are not as they were, and the fingerprints of the others whose times are new."""
    damaged, renewed = [], {}
    for name, before in known.items():
        now = before.renewed(f"{folder}/{name}")
        if now is None:
            damaged.append(name)
        elif now is not before:
            renewed[name] = now
    return damaged, renewed


def read_rows(rows: Mapping[str, Sequence[str | int]]) -> dict[str, Fingerprint]:
    """Fingerprints as they are kept in JSON. Raises ValueError or TypeError where they are none."""
    return {name: Fingerprint(str(sha), int(size), int(modified), int(changed)) for name, (sha, size, modified, changed) in rows.items()}


def names_below(folder: Path) -> Iterable[str]:
    """The files below a folder, by their path from it."""
    return (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())

"""The archive: every raw file by the SHA-256 of its bytes, below HOME/archive, for its owner's eyes alone; sealed where the home says so.

A file is read once: what is hashed is what is kept. What is half written stands in HOME/incoming, never in the archive.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from duizhang.errors import RefusedFile
from duizhang.home.disk import make_folder, put, told_when_full
from duizhang.secrecy.sealing import Damaged, clear_digest, is_sealing, kept_blocks, period_of, seal

BLOCK = 1 << 20
INCOMING = "incoming"
STAND_INS = "stand-ins.json"


def archived_path(home: Path, sha: str) -> Path:
    """Where the bytes with this SHA-256 are kept."""
    return home / "archive" / sha[:2] / sha


def archived_whole(home: Path, sha: str) -> bool:
    """Whether the archive has exactly these bytes; every one of them is read."""
    try:
        return clear_digest(archived_path(home, sha)) == sha
    except (OSError, Damaged):
        return False


def archive(home: Path, path: Path, *, durable: bool = True, day: dt.date | None = None, is_raw: bool = True) -> str:
    """Keep a file's bytes; their SHA-256. Raises RefusedFile where it cannot be read, or changes while it is, Closed where it is to
    be sealed and there is no key.

    durable: on the disk at the end; False for what is synced later, with others. day: what its name says, for the key that seals it;
    by default that of its time. is_raw: False for books.yaml and specifications, which are never sealed: who signs reads them.
    """
    incoming = home / INCOMING
    incoming.mkdir(mode=0o700, exist_ok=True)
    partial = incoming / uuid.uuid4().hex
    try:
        with told_when_full(partial):
            sha = _copied(path, partial, home if is_raw and is_sealing(home) else None, day)
        if (known := home / STAND_INS).is_file():  # of a replay: what people were erased from has the name of what it was
            sha = json.loads(known.read_text(encoding="utf-8")).get(sha, sha)
        target = archived_path(home, sha)
        if not archived_whole(home, sha):
            make_folder(target.parent, mode=0o700)
            with told_when_full(target):
                put(partial, target, durable=durable)
        return sha
    finally:
        partial.unlink(missing_ok=True)


def clear_incoming(home: Path) -> None:
    """Take away what a run that was killed left half written."""
    shutil.rmtree(home / INCOMING, ignore_errors=True)


def seal_archived(home: Path, shas: Iterable[str]) -> int:
    """Seal raw files that were archived in clear; how many there were."""
    count = 0
    for sha in sorted(set(shas)):
        path = archived_path(home, sha)
        if not path.is_file() or period_of(path) is not None:
            continue
        (home / INCOMING).mkdir(mode=0o700, exist_ok=True)
        partial = home / INCOMING / uuid.uuid4().hex
        day, is_whole = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date(), archived_whole(home, sha)
        try:
            with told_when_full(partial):
                with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
                    seal(kept_blocks(path), target, home, f"{day:%Y-%m}")
                if is_whole:  # a damaged one is left for `verify` to tell
                    put(partial, path)
                    count += 1
        finally:
            partial.unlink(missing_ok=True)
    return count


def _copied(path: Path, partial: Path, sealed_in: Path | None, day: dt.date | None) -> str:
    """Copy a file, sealed where a home is given; the SHA-256 of what it holds."""
    try:
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RefusedFile(f"it cannot be opened: {error.strerror}", advice="Let this account read it.") from error
    with os.fdopen(source, "rb", buffering=0) as raw:
        before = os.fstat(source)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
            blocks = _blocks(raw, before.st_size + 1)  # one that grows as fast as it is read has no end
            if sealed_in is None:
                digest = hashlib.sha256()
                for data in blocks:
                    digest.update(data)
                    copy.write(data)
                sha = digest.hexdigest()
            else:
                day = day or dt.datetime.fromtimestamp(before.st_mtime, dt.UTC).date()
                sha = seal(blocks, copy, sealed_in, f"{day:%Y-%m}")
        after = os.fstat(source)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise RefusedFile("it changed while it was read", advice="Run again when it is written to its end.")
    return sha


def _blocks(raw: io.FileIO, left: int) -> Iterator[bytes]:
    while left > 0 and (data := _read(raw)):
        left -= len(data)
        yield data


def _read(raw: io.FileIO) -> bytes:
    try:
        return raw.read(BLOCK) or b""
    except OSError as error:
        raise RefusedFile(f"it cannot be read: {error.strerror}", advice="Copy it into the inbox again.") from error


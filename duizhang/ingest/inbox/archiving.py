"""The archive: every raw file by the SHA-256 of its bytes, below HOME/archive, for its owner's eyes alone.

A file is read once: what is hashed is what is kept. What is half written stands in HOME/incoming, never in the archive.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import uuid
from pathlib import Path

from duizhang.digest import file_digest
from duizhang.disk import make_folder, put, told_when_full
from duizhang.errors import RefusedFile

BLOCK = 1 << 20
INCOMING = "incoming"


def archived_path(home: Path, sha: str) -> Path:
    """Where the bytes with this SHA-256 are kept."""
    return home / "archive" / sha[:2] / sha


def archived_whole(home: Path, sha: str) -> bool:
    """Whether the archive has exactly these bytes; every one of them is read."""
    try:
        return file_digest(archived_path(home, sha)) == sha
    except OSError:
        return False


def archive(home: Path, path: Path, *, durable: bool = True) -> str:
    """Keep a file's bytes; their SHA-256. Raises RefusedFile where it cannot be read, or changes while it is.

    durable: on the disk at the end; False for what is synced later, with others.
    """
    incoming = home / INCOMING
    incoming.mkdir(mode=0o700, exist_ok=True)
    partial = incoming / uuid.uuid4().hex
    try:
        with told_when_full(partial):
            sha = _copied(path, partial)
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


def _copied(path: Path, partial: Path) -> str:
    """Copy a file; the SHA-256 of the bytes that were copied."""
    try:
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RefusedFile(f"it cannot be opened: {error.strerror}", advice="Let this account read it.") from error
    digest = hashlib.sha256()
    with os.fdopen(source, "rb", buffering=0) as raw:
        before = os.fstat(source)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
            left = before.st_size + 1  # one that grows as fast as it is read has no end
            while left > 0 and (data := _read(raw)):
                digest.update(data)
                copy.write(data)
                left -= len(data)
        after = os.fstat(source)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise RefusedFile("it changed while it was read", advice="Run again when it is written to its end.")
    return digest.hexdigest()


def _read(raw: io.FileIO) -> bytes:
    try:
        return raw.read(BLOCK) or b""
    except OSError as error:
        raise RefusedFile(f"it cannot be read: {error.strerror}", advice="Copy it into the inbox again.") from error


"""Files that outlast a kill and a loss of power: on the disk whole before they get the name by which others find them."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from duizhang.errors import Retryable

# of what is never changed once it is there
READ_ONLY = 0o444
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# the device takes several at once
_SYNCS = 8


def sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_all(paths: Iterable[Path]) -> None:
    """`sync` of many files, and of the folders that they are in."""
    listed = list(paths)
    with ThreadPoolExecutor(_SYNCS) as pool:
        for _ in pool.map(sync, [*listed, *{folder for path in listed for folder in (path.parent, path.parent.parent)}]):
            pass


@contextmanager
def written(final: Path, *, mode: int | None = None, durable: bool = True) -> Iterator[Path]:
    """A path to write to; what was written gets the name `final` at the end of the block, or nothing is changed.

    mode: permissions of the file. durable: on the disk when the block ends; False for what is synced later, with others.
    Raises Retryable where the disk is full.
    """
    partial = final.with_name(f".{final.name}.{uuid.uuid4().hex}")
    try:
        with told_when_full(final):
            make_folder(final.parent)
            yield partial
            if mode is not None:
                partial.chmod(mode)
            put(partial, final, durable=durable)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def told_when_full(final: Path) -> Iterator[None]:
    """Turn the operating system's word that there is no room into one that people can act on."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise Retryable(
            f"{final} could not be written: {os.strerror(error.errno or 0).lower()}; what was there before is unchanged. "
            "Make room and run the same command again."
        ) from error


def put(partial: Path, final: Path, *, durable: bool = True) -> None:
    """Give a whole file or folder its name. A folder that stands where a file is to be is set aside, not deleted."""
    if durable:
        sync(partial)
    if final.is_dir() and not final.is_symlink() and not partial.is_dir():
        set_aside(final)
    partial.replace(final)
    if durable:
        sync(final.parent)


def set_aside(path: Path) -> Path:
    """Give what is in the way another name beside its own; the name that it has from now on."""
    aside = path.with_name(f".{path.name}.set-aside-{uuid.uuid4().hex[:8]}")
    path.rename(aside)
    return aside


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Make a folder; what stands in its place and is none (a file, a dangling link) is set aside."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        for part in (*reversed(folder.parents), folder):
            if (part.exists() or part.is_symlink()) and not part.is_dir():
                set_aside(part)
        folder.mkdir(mode=mode, parents=True, exist_ok=True)

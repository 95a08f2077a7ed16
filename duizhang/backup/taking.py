"""Taking a backup: under the lock of the home, so no run and no decision is half in it; readers of what is published go on."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock, Timeout

from duizhang import __version__
from duizhang.backup.catalogue import (
    BLOBS,
    KEYS,
    SNAPSHOTS,
    Snapshot,
    Stored,
    blob_path,
    names_of,
    read_snapshot,
    write_snapshot,
)
from duizhang.close import verifier_key
from duizhang.close.checkpoints import KEY_FILE
from duizhang.digest import file_digest
from duizhang.errors import Retryable, UserError
from duizhang.home.connection import DATABASE
from duizhang.home.disk import put, sync_all, told_when_full
from duizhang.home.events import EVENTS, GENESIS
from duizhang.home.identity import identity
from duizhang.home.lock import acquire
from duizhang.home.state import State

BLOCK = 1 << 20
_COPIES = 4
# what is made again, or is half written. Of a remote inbox the archive has what was read.
LEFT_OUT = frozenset({"spill", "incoming", "inbox-cache", KEY_FILE})
_DATABASES = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Taken:
    """A backup that was taken: how many files it has, and what of it was new. dropped: older backups that were taken away."""

    snapshot: Snapshot
    new_files: int
    new_bytes: int
    dropped: int


def back_up(home: Path, target: Path, *, keep: int = 0) -> Taken:
    """Copy a home into the folder of its backups; only content that no earlier backup has is written.

    keep: older backups beyond so many are taken away, with what only they have; 0 keeps all. Raises UserError where the folder
    is another home's or in the home, Retryable where another backup goes into it or the disk is full.
    """
    target = target.resolve()
    if target == home.resolve() or target.is_relative_to(home.resolve()):
        raise UserError(f"{target} is in the home", advice="A backup belongs on another disk.")
    _make(target)
    try:
        with FileLock(target / ".backup.lock", timeout=0), acquire(home):
            return _take(home.resolve(), target, keep)
    except Timeout as error:
        raise Retryable(f"another backup is being written to {target}") from error


def _make(target: Path) -> None:
    if target.exists() and not (target / SNAPSHOTS).is_dir() and any(target.iterdir()):
        raise UserError(f"{target} is neither empty nor a folder of backups", advice="Give a new folder.")
    for folder in (BLOBS, SNAPSHOTS):
        (target / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    target.chmod(0o700)


def _take(home: Path, target: Path, keep: int) -> Taken:
    before = _last(target)
    mine = identity(home).id
    if before and before.home != mine:
        raise UserError(f"{target} has the backups of another home", advice="Every home has a folder of its own.")
    now = dt.datetime.now(dt.UTC)
    name = _free_name(target, now)
    with _state_copy(home, target) as (database, in_server, events, head):
        sources = {**dict(_files_below(home)), DATABASE: database}
        files, new = _copy_all(sources, target, before)
    keys = _mirror_keys(home, target)
    public = verifier_key(home) if (home / KEY_FILE).exists() else ""
    snapshot = Snapshot(
        name, now.isoformat(timespec="seconds"), mine, __version__, events, head, public, in_server, dict(sorted(files.items())), keys
    )
    write_snapshot(target, snapshot)
    return Taken(snapshot, len(new), sum(blob_path(target, sha).stat().st_size for sha in new), _drop(target, keep))


def _last(target: Path) -> Snapshot | None:
    """The newest backup whose record is whole; files are held against it to see what is new."""
    for name in reversed(names_of(target)):
        try:
            return read_snapshot(target, name)
        except UserError:
            continue
    return None


def _free_name(target: Path, now: dt.datetime) -> str:
    name, number = f"{now:%Y%m%dT%H%M%SZ}", 1
    taken = set(names_of(target))
    while (f"{name}-{number}" if number > 1 else name) in taken:
        number += 1
    return f"{name}-{number}" if number > 1 else name


def _files_below(home: Path) -> Iterator[tuple[str, Path]]:
    """The files of a home by their path from it, also behind links to other disks; without what `LEFT_OUT` and hidden names say."""
    seen = set()
    for folder, folders, names in os.walk(home, followlinks=True):
        here = Path(folder)
        if here == home:
            folders[:] = [name for name in folders if name not in LEFT_OUT and name != KEYS]
            names = [n for n in names if n not in LEFT_OUT and n not in {DATABASE + end for end in _DATABASES}]
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        place = here.resolve()
        if place in seen:
            raise UserError(f"{here} is linked to itself, so the home has no end", advice="Take the link away.")
        seen.add(place)
        for name in sorted(names):
            if not name.startswith(".") and (here / name).is_file() and not name.endswith((".duckdb.wal", ".partial")):
                yield (here / name).relative_to(home).as_posix(), here / name


@contextmanager
def _state_copy(home: Path, target: Path) -> Iterator[tuple[Path, bool, int, str]]:
    """A copy of the state database as one file, whether it was elsewhere than in the home, and number and hash of its last event."""
    copy = target / f".{DATABASE}.{uuid.uuid4().hex}"
    try:
        state = State(home)
        with state.read() as con:
            last = con.execute(sa.select(EVENTS.c.seq, EVENTS.c.hash).order_by(EVENTS.c.seq.desc()).limit(1)).first()
        with told_when_full(copy):
            _from_server(state, copy) if state.is_shared else _from_file(home / DATABASE, copy)
        copy.chmod(0o600)
        yield copy, state.is_shared, int(last.seq) if last else 0, str(last.hash) if last else GENESIS
    finally:
        for end in _DATABASES:
            Path(f"{copy}{end}").unlink(missing_ok=True)


def _from_file(database: Path, copy: Path) -> None:
    """SQLite's own copy of a database that is in use, with what is only in its log yet."""
    source, made = sqlite3.connect(database), sqlite3.connect(copy)
    try:
        source.backup(made)
        made.execute("pragma journal_mode = delete")
    finally:
        made.close()
        source.close()


def _from_server(state: State, copy: Path) -> None:
    """The tables of a database that is elsewhere, as one look at them, in a file of their own."""
    made = sa.create_engine(f"sqlite:///{copy}", poolclass=sa.NullPool)
    tables = sa.MetaData()
    look = {} if state.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    with state.engine.connect().execution_options(**look) as source, made.begin() as target:
        tables.reflect(source)
        tables.create_all(target)
        for table in tables.sorted_tables:
            for rows in source.execute(sa.select(table)).mappings().partitions(1000):
                target.execute(sa.insert(table), [dict(row) for row in rows])


def _copy_all(sources: dict[str, Path], target: Path, before: Snapshot | None) -> tuple[dict[str, Stored], list[str]]:
    """Every file's entry, and the digests of what was written now."""
    with ThreadPoolExecutor(_COPIES) as pool:
        done = list(pool.map(lambda one: _copied(one[1], target, before.files.get(one[0]) if before else None), sources.items()))
    new = sorted({stored.sha256 for stored, is_new in done if is_new})
    sync_all([blob_path(target, sha) for sha in new])
    return {name: stored for name, (stored, _) in zip(sources, done, strict=True)}, new


def _copied(path: Path, target: Path, known: Stored | None) -> tuple[Stored, bool]:
    """Keep a file's content; its entry, and whether no backup had the content."""
    seen = path.stat()
    if known and known.changed and _same(seen, known) and _is_kept(target, known.sha256, known.size):
        return known, False
    partial = target / BLOBS / f".{uuid.uuid4().hex}"
    try:
        with told_when_full(partial):
            sha, size = _hashed_copy(path, partial)
            stored = Stored(sha, size, seen.st_mode & 0o777, seen.st_mtime_ns, seen.st_ctime_ns)
            if _is_kept(target, sha, size):
                return stored, False
            place = blob_path(target, sha)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            partial.chmod(0o400)
            put(partial, place, durable=False)
        return stored, True
    finally:
        partial.unlink(missing_ok=True)


def _same(seen: os.stat_result, known: Stored) -> bool:
    return (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns) == (known.size, known.modified, known.changed)


def _is_kept(target: Path, sha: str, size: int) -> bool:
    place = blob_path(target, sha)
    return place.is_file() and place.stat().st_size == size


def _hashed_copy(path: Path, partial: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, partial.open("xb") as copy:
        while data := source.read(BLOCK):
            digest.update(data)
            copy.write(data)
            size += len(data)
    return digest.hexdigest(), size


def _mirror_keys(home: Path, target: Path) -> dict[str, str]:
    """Make the wrapped keys of the archive those of the home: one that was destroyed there is destroyed here."""
    source, mirror = home / KEYS, target / KEYS
    names = sorted(p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file() and not p.name.startswith("."))
    for path in [p for p in mirror.rglob("*") if p.is_file() and p.relative_to(mirror).as_posix() not in names]:
        path.unlink()
    for name in names:
        place = mirror / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
        shutil.copy2(source / name, partial)
        put(partial, place)
    return {name: file_digest(mirror / name) for name in names}


def _drop(target: Path, keep: int) -> int:
    """Take away the oldest backups but so many, and content that no other has."""
    old = names_of(target)[:-keep] if keep else []
    if not old:
        return 0
    # whoever cannot be read may need any of the content, so its error ends this before anything is taken away
    needed = {stored.sha256 for name in names_of(target)[-keep:] for stored in read_snapshot(target, name).files.values()}
    for name in old:
        (target / SNAPSHOTS / f"{name}.json").unlink()
    for path in (target / BLOBS).glob("*/*"):
        if path.name not in needed:
            path.unlink()
    return len(old)

"""The published objects: written once, looked at again before every run, and made again from the working tables where damaged."""

from __future__ import annotations

import datetime as dt
import json
import logging
import shutil
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from duizhang.digest import file_digest, table_digest
from duizhang.errors import UserError
from duizhang.gate import quality_table, recorded_results
from duizhang.home.disk import READ_ONLY, sync_all, written
from duizhang.home.integrity import Fingerprint
from duizhang.home.state import METADATA, State
from duizhang.home.store import Store, write_parquet
from duizhang.publish.pointer import object_path
from duizhang.publish.versions import Version, kept_manifests, manifest_path, period_states, put_manifest, read_manifest

OBJECT_FILES = sa.Table(
    "object_files",
    METADATA,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("file", sa.Text, nullable=False),
)
log = logging.getLogger(__name__)

_DAMAGE = (OSError, ValueError, pa.ArrowException)


def is_whole(home: Path, digest: str, written_as: Mapping[str, Fingerprint] | None = None) -> bool:
    """Whether an object's rows are those that its name says; every one of them is read.

    written_as: what the files of objects were when they were written. Of one that is among them the bytes count too: whoever asks for
    some of the rows goes by what the file says of its parts, and that is no row.
    """
    before = (written_as or {}).get(digest)
    path = object_path(home, digest)
    try:
        return table_digest(pq.ParquetFile(path).read()) == digest and (before is None or before.sha256 == file_digest(path))
    except _DAMAGE:
        return False


def written_objects(state: State, digests: Collection[str] | None = None) -> dict[str, Fingerprint]:
    """What the files of these objects (of all by default) were when they were written, by digest; of old ones nothing is known."""
    query = sa.select(OBJECT_FILES)
    with state.read() as connection:
        rows = connection.execute(query if digests is None else query.where(OBJECT_FILES.c.digest.in_(list(digests)))).all()
    return {row.digest: Fingerprint(*json.loads(row.file)) for row in rows}


def amounts_digest(summary: pa.Table, side: str) -> str:
    """Digest of the amounts other than zero of one column by leg, entity and currency."""
    import pyarrow.compute as pc

    kept = summary.filter(pc.not_equal(summary[side], pa.scalar(Decimal(0), summary[side].type)))
    return table_digest(kept.select(["leg", "entity", "currency", side]).rename_columns(
        ["leg", "entity", "currency", "amount"]
    ))


def version_differs(home: Path, version: Version, manifest: Mapping[str, Any]) -> list[str]:
    """What the database says of a version that its manifest, or the table it was taken from, says otherwise."""
    name = f"{version.period} version {version.version}"
    problems = []
    if manifest.get("data_digest") != version.data_digest:
        problems.append(f"the digest of the tables of {name} is not the one in its manifest")
    try:
        summary = pq.ParquetFile(object_path(home, manifest["tables"]["recon_summary"]["digest"])).read()
    except _DAMAGE:
        return problems  # the object is told as damaged
    for side, said in (("opening", version.opening_digest), ("closing", version.closing_digest)):
        if amounts_digest(summary, side) != said:
            problems.append(f"the digest of what {name} has as its {side} is not that of its table recon_summary")
    return problems


def write_object(home: Path, digest: str, content: pa.Table | Path, written_as: Mapping[str, Fingerprint]) -> Path | None:
    """Write an object that is not there whole; its path, to be synced before anything refers to it, None where it was there.

    content: its rows, or the file of a working table that holds them, whose bytes it takes as they are. written_as: as of `is_whole`.
    """
    path = object_path(home, digest)
    if path.exists() and is_whole(home, digest, written_as):
        return None
    if isinstance(content, Path):
        with written(path, mode=READ_ONLY, durable=False) as partial:
            shutil.copyfile(content, partial)
    else:
        write_parquet(content, path, mode=READ_ONLY)
    return path


def keep_objects(connection: sa.Connection, found: Mapping[str, Fingerprint]) -> None:
    """Remember what the files of objects are like, inside the caller's transaction."""
    if found:
        connection.execute(OBJECT_FILES.delete().where(OBJECT_FILES.c.digest.in_(list(found))))
        connection.execute(OBJECT_FILES.insert(), [{"digest": d, "file": json.dumps(f.row())} for d, f in found.items()])


def restore_published(home: Path, store: Store, state: State) -> dict[dt.date, list[str]]:
    """Look at the manifests and at the objects that readers see, and write again what is damaged, from the state database and the
    working tables. What cannot be had from these, by period: its day has to be computed again."""
    for (period, version), text in kept_manifests(state).items():
        if not _reads(manifest_path(home, period, version), text):
            put_manifest(home, period, version, text)
            log.warning("the manifest of %s version %s was damaged or missing, and is written again", period, version)
    known = written_objects(state)
    lost: dict[dt.date, list[str]] = {}
    found: dict[str, Fingerprint] = {}
    for period, name, digest in _visible(home, state, lost):
        before = found.get(digest) or known.get(digest)
        path = object_path(home, digest)
        now = before.renewed(path) if before else None
        if now is None and is_whole(home, digest, known):
            now = Fingerprint.of(path)
        if now is None:
            rows = _rows(store, state, name, period)
            if (rows is None or table_digest(rows) != digest) and is_whole(home, digest):
                rows = pq.ParquetFile(path).read()  # only what the file says of its parts was damaged
            if rows is None or table_digest(rows) != digest:
                lost.setdefault(period, []).append(name)
                continue
            write_parquet(rows, path, mode=READ_ONLY)
            sync_all([path])
            now = Fingerprint.of(path)
            log.warning("%s of %s was damaged or missing among the published objects, and is written again", name, period)
        if now is not before:
            found[digest] = now
    if found:
        with state.begin() as connection:
            keep_objects(connection, found)
    return lost


def restore_tables(home: Path, store: Store, state: State, damaged: Mapping[dt.date, list[str]]) -> None:
    """Write damaged working tables again where the published version has them."""
    states = period_states(state)
    for period, tables in damaged.items():
        try:
            entries = read_manifest(home, period, states[period].version)["tables"]
        except (UserError, KeyError):
            continue
        for name in tables:
            digest = entries.get(name, {}).get("digest")
            if digest and is_whole(home, digest):
                store.write(name, period, pq.ParquetFile(object_path(home, digest)).read())
                log.warning(
                    "%s of %s was damaged or missing among the working tables, and is written again as it was published", name, period
                )


def _visible(home: Path, state: State, lost: dict[dt.date, list[str]]) -> Iterator[tuple[dt.date, str, str]]:
    """Period, table and digest of every object that readers see."""
    for period, seen in period_states(state).items():
        if not seen.version:
            continue
        try:
            entries = read_manifest(home, period, seen.version)["tables"]
        except UserError:
            lost.setdefault(period, []).append("manifest")
            continue
        for name, entry in entries.items():
            yield period, name, entry["digest"]


def _rows(store: Store, state: State, name: str, period: dt.date) -> pa.Table | None:
    if name == "quality_results":
        return quality_table(recorded_results(state, [period]))
    try:
        return store.read(name, period)
    except _DAMAGE:
        return None


def _reads(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except (OSError, ValueError):
        return False

"""Proof: nothing was touched since, and the raw files give the same digest again."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from duizhang.close.decisions import decisions, record_decisions
from duizhang.close.events import append_event, events, verify_chain
from duizhang.digest import file_digest, mapping_digest, table_digest
from duizhang.errors import UserError
from duizhang.ingest import inbox_path, records
from duizhang.ingest.files import DECIDED
from duizhang.publish import object_path, read_manifest, versions
from duizhang.state import State

Runner = Callable[[Path, Path, dt.date, dt.date], int]


def verify(home: Path, state: State) -> list[str]:
    """Everything that is not as it was written: events, archived raw files, manifests, published objects."""
    problems = verify_chain(state)
    for path in sorted((home / "archive").glob("*/*")):
        # a copy that a kill left half written, by an earlier version, stands for nothing
        if path.suffix != ".partial" and file_digest(path) != path.name:
            problems.append(f"archived file {path.name} was changed")
    announced = {
        (e["payload"]["period"], e["payload"]["version"]): e["payload"]["digest"] for e in events(state, "published")
    }
    seen: set[str] = set()
    for version in versions(state):
        name = f"{version.period} version {version.version}"
        try:
            manifest = read_manifest(home, version.period, version.version)
            tables = manifest["tables"]
        except (UserError, ValueError, KeyError, TypeError):
            problems.append(f"the manifest of {name} is missing or unreadable")
            continue
        said = announced.get((version.period.isoformat(), version.version))
        if manifest.get("digest") != version.digest or said not in (None, version.digest):
            problems.append(f"the digest of {name} is not the one that was published")
        if said is not None and _manifest_digest(manifest) != _announced_manifest(state, version.period, version.version):
            problems.append(f"the manifest of {name} was changed")
        for table, entry in sorted(tables.items()):
            if entry["digest"] in seen:
                continue
            seen.add(entry["digest"])
            if not _object_is_whole(object_path(home, entry["digest"]), entry["digest"]):
                problems.append(f"object {entry['digest']} ({table} of {name}) was changed or is missing")
    return problems


def _manifest_digest(manifest: dict[str, object]) -> str:
    return mapping_digest(manifest)


def _announced_manifest(state: State, period: dt.date, version: int) -> str:
    for event in events(state, "published"):
        if (event["payload"]["period"], event["payload"]["version"]) == (period.isoformat(), version):
            return str(event["payload"]["manifest"])
    return ""


def manifest_digest(home: Path, period: dt.date, version: int) -> str:
    """The digest of a manifest as `published` events record it."""
    return _manifest_digest(read_manifest(home, period, version))


def announce(home: Path, state: State) -> None:
    """Record every published version that is not on record yet, with the digests of its content and manifest."""
    known = {(e["payload"]["period"], e["payload"]["version"]) for e in events(state, "published")}
    for version in versions(state):
        period = version.period.isoformat()
        if (period, version.version) not in known:
            append_event(state, actor="pipeline", kind="published", payload={
                "period": period, "version": version.version, "digest": version.digest,
                "manifest": manifest_digest(home, version.period, version.version),
            })


def _object_is_whole(path: Path, digest: str) -> bool:
    try:
        return table_digest(pq.ParquetFile(path).read()) == digest
    except (OSError, ValueError, pa.ArrowException):
        return False


def replay(home: Path, state: State, period: dt.date, version: int | None, runner: Runner) -> tuple[str, str]:
    """Rebuild a version from the archived raw files in a temporary home; (digest then, digest now).

    Inputs are those of the newest version up to each day before; books.yaml is the one that the run archived. Raises
    UserError where something that it needs is missing.
    """
    own = [v for v in versions(state, period) if version is None or v.version == version]
    if not own:
        raise UserError(f"{period} has no version {version or ''}".strip(), advice="`duizhang status` lists them.")
    target = own[-1]
    first = min(v.period for v in versions(state))
    inputs: dict[str, str] = {}
    for known in versions(state):
        if known.period <= period and known.published_at <= target.published_at:
            for entry in read_manifest(home, known.period, known.version)["inputs"]:
                inputs[entry["file"]] = entry["sha256"]
    runs = events(state, "run_started")
    if not runs:
        raise UserError("no run is on record, so books.yaml is not archived")
    books_sha = runs[-1]["payload"]["books"]
    with tempfile.TemporaryDirectory(prefix="duizhang-replay-") as folder:
        root = Path(folder)
        # the archived files are all there is: no server and no database is asked again
        settings = yaml.safe_load(_archived(home, books_sha).read_text(encoding="utf-8"))
        settings.update(inbox="inbox", sources="sources", databases=[])
        (root / "books.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), encoding="utf-8")
        for name, sha in runs[-1]["payload"].get("sources", {}).items():
            _put(_archived(home, sha), root / "sources", name)
        arrived = {(r.path, r.sha256): r.modified for r in records(state)}
        for name, sha in sorted(inputs.items()):
            place = _put(_archived(home, sha), root / "inbox", inbox_path(name))
            # where files repeat rows the one that came last wins, so their order is kept
            moment = arrived.get((name, sha), 0)
            os.utime(place, ns=(moment, moment))
        key = _pseudonym_key(runs[-1]["payload"].get("books_path", ""))
        if key is not None:
            shutil.copyfile(key, root / key.name)
        again = root / "home"
        again_state = State(again)
        for event in events(state):
            if event["kind"] in DECIDED:  # which files count is an input as the files are
                append_event(again_state, actor=event["actor"], kind=event["kind"], payload=event["payload"])
        record_decisions(again_state, [d for d in decisions(state) if d.period <= period])
        runner(root / "books.yaml", again, first, period)
        rebuilt = versions(again_state, period)
        return target.digest, rebuilt[-1].digest if rebuilt else "nothing was published"


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


def _pseudonym_key(books_path: str) -> Path | None:
    """The key file beside the original books.yaml; it is never archived, so that deleting it forgets the customers."""
    path = Path(books_path).parent / "pseudonym.key"
    return path if books_path and path.is_file() else None

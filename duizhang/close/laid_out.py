"""What was archived, laid out again as a company has it: books.yaml, own sources, raw files and key in a folder of their own."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from duizhang.digest import blocks_digest
from duizhang.errors import UserError
from duizhang.ingest import inbox_path
from duizhang.ingest.archiving import STAND_INS, archived_path, archived_whole
from duizhang.secrecy.sealing import erased_digest, kept_blocks
from duizhang.yaml_reading import load_yaml

KEY_FILE = "pseudonym.key"
KEY_VARIABLE = "DUIZHANG_PSEUDONYM_KEY"


@dataclass(frozen=True, order=True)
class RawFile:
    """An archived file: its name in the inbox, and when it came there (nanoseconds since 1970)."""

    name: str
    sha256: str
    modified: int


def lay_out(home: Path, root: Path, run: dict[str, Any], files: Iterable[RawFile], key: Path | None) -> dict[str, Any]:
    """Put what a run had below `root`; what its books.yaml says there, where the inbox is `inbox` and nothing outside is asked.
    A home below it knows what files stand for others there, since people were erased from them.

    run: the payload of its event `run_started`. key: the pseudonym key, where it is not where the books had it. Raises UserError
    where something is missing.
    """
    settings = archived_settings(home, run)
    found = _pseudonym_key(settings, Path(run.get("books_path", "")), key)
    # the archived files are all there is: no server and no database is asked again
    settings.update(inbox="inbox", sources="sources", databases=[])
    if found is not None:
        shutil.copyfile(found, root / KEY_FILE)
        settings["pseudonym_key"] = {**(settings.get("pseudonym_key") or {}), "file": KEY_FILE}
    write_books(root / "books.yaml", settings)
    for name, sha in run.get("sources", {}).items():
        _put(archived_file(home, sha), root / "sources", name)
    (root / "inbox").mkdir(exist_ok=True)
    stand_ins = {}
    for file in sorted(files):
        if erased_digest(archived_file(home, file.sha256)):
            stand_ins[blocks_digest(kept_blocks(archived_path(home, file.sha256)))] = file.sha256
        place = _put(archived_file(home, file.sha256), root / "inbox", inbox_path(file.name))
        # where files repeat rows the one that came last wins, so their order is kept
        os.utime(place, ns=(file.modified, file.modified))
    if stand_ins:
        (root / "home").mkdir(mode=0o700, exist_ok=True)
        (root / "home" / STAND_INS).write_text(json.dumps(stand_ins), encoding="utf-8")
    return settings


def archived_settings(home: Path, run: dict[str, Any]) -> dict[str, Any]:
    """What books.yaml said to a run, from the archive; run as above. Raises UserError where it is missing."""
    found: dict[str, Any] = load_yaml(archived_file(home, run["books"]).read_text(encoding="utf-8"))
    return found


def write_books(path: Path, settings: dict[str, Any]) -> None:
    """A books.yaml of these settings."""
    path.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), encoding="utf-8")


def archived_file(home: Path, sha: str) -> Path:
    """The archived file with this SHA-256, perhaps sealed. Raises UserError where it is missing or changed, or its key not at hand."""
    path = archived_path(home, sha)
    if not archived_whole(home, sha):
        raise UserError(f"the archived file {sha} is missing or changed", advice="`duizhang verify` lists what is.")
    return path


def _put(archived: Path, folder: Path, name: str) -> Path:
    place = (folder / name).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise UserError(f"the input {name!r} points outside of its folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as copy:
        copy.writelines(kept_blocks(archived))
    return place


def _pseudonym_key(settings: dict[str, Any], books_path: Path, given: Path | None) -> Path | None:
    """The key file; it is never archived, so that deleting it forgets the customers. None where the environment has the key.

    Raises UserError where it cannot be found: with another key the customers, and so the digests, would be others.
    """
    if given is not None:
        if not given.is_file():
            raise UserError(f"there is no key file {given}")
        return given
    named = settings.get("pseudonym_key") or {}
    if os.environ.get(str(named.get("env", KEY_VARIABLE))):
        return None
    path = books_path.parent / str(named.get("file", KEY_FILE))
    if not path.is_file():
        raise UserError(f"the pseudonym key is not at {path} any more",
                        advice="Give its place with --key: with another one the customers' pseudonyms, and so the digests, differ.")
    return path

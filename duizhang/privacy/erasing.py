"""Erasing a person: out of the archived raw files, and out of the pseudonym key, so that nothing leads from the person to the rows.

A raw file is replaced only by bytes of which every row is read as before: a cell that was the person has a token instead, which
stands for the same pseudonym. So results, digests and `replay` stay what they are. The event that says so comes first, and the key is
changed last: a kill in between leaves what the same call ends.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from duizhang.books import Books
from duizhang.close.authority import Key, actor
from duizhang.declared.terms import EventKind
from duizhang.digest import mapping_digest
from duizhang.errors import RefusedFile, UserError
from duizhang.home.disk import written
from duizhang.home.events import Event, append_event, event_log
from duizhang.home.lock import acquire
from duizhang.home.state import State
from duizhang.ingest import FileRecord, Setting, SourceSpec, load_specs, records
from duizhang.ingest.files import by_content, cell_corrections, inbox_path
from duizhang.ingest.inbox import land, placed
from duizhang.privacy import cutting
from duizhang.privacy.cutting import How, TooLarge, cut, is_closed, is_named
from duizhang.publish import read_manifest, versions
from duizhang.secrecy.pseudonym_key import PersonKey, person_key, pseudonym
from duizhang.secrecy.sealing import clear_blocks, is_sealing, laid_open, opened, period_of, renew_key, reseal, stand_in

SHORTEST = 2  # characters: what is shorter stands in too many cells that are nobody's name


@dataclass(frozen=True)
class Found:
    """A raw file that names the person. name: under which it came; cells, longer, how: see `duizhang.privacy.cutting`."""

    sha256: str
    name: str
    cells: int
    longer: int
    how: How
    body: bytes = field(repr=False, default=b"")


@dataclass
class Erasure:
    """What was found of a person and done about it. refused: files that name the person and cannot be changed, with the reason; left:
    what stays and is told; before: whether all of it was done before."""

    pseudonyms: list[str] = field(default_factory=list)
    files: list[Found] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    before: bool = False


def erase(
    home: Path, state: State, books: Books, values: Sequence[str], *, by: str, reason: str, key: Key | None = None,
    dry_run: bool = False, unseen: bool = False, progress: Callable[[int, int], None] = lambda done, of: None,
) -> Erasure:
    """Erase a person of whom these values (names, numbers, as they stand in the files) are.

    dry_run: only tell. unseen: also where no archived file names the person any more. progress: is told how many of how many files were
    searched. Raises UserError where the books' key is one of before, the author may not, a file cannot be changed, or nothing names the
    person; then nothing was done.
    """
    who = actor(home, state, by, "erase", key=key)
    wanted = list(dict.fromkeys(value.strip() for value in values))
    if not wanted or any(len(value) < SHORTEST for value in wanted):
        raise UserError(f"a person is needed, by a name or number of at least {SHORTEST} characters")
    persons = _persons(books)
    with acquire(home):
        found = _look(home, state, books, persons, wanted, progress)
        times = [persons.times_erased(value) for value in wanted]
        if not found.files and not found.refused:
            found.before = all(times)
            if found.before or dry_run:
                return found
            if not unseen:
                raise UserError("no archived file names this person",
                                advice="Write it as it stands in the files; --unseen erases whoever is in files that are gone.")
        if dry_run:
            return found
        if found.refused:
            raise UserError(f"files that name this person cannot be changed: {'; '.join(found.refused)}",
                            advice="Nothing was erased; it can be when `duizhang retention remove` may take them away.")
        bodies = {file.sha256: stand_in(file.sha256, file.body) for file in found.files}
        append_event(state, actor=who.name, kind=EventKind.PERSON_ERASED, sign=who.sign, payload={
            "reason": reason, "pseudonyms": found.pseudonyms,
            "files": {file.sha256: {"name": file.name, "cells": file.cells, "digest": hashlib.sha256(file.body).hexdigest()}
                      for file in found.files},
        })
        months = set()
        for sha, body in bodies.items():
            path = home / "archive" / sha[:2] / sha
            period = period_of(path)
            months |= {period} if period else set()
            reseal(path, [body], period)
        # copies of the files in older backups are sealed with the keys that go here
        for month in sorted({period.partition(".")[0] for period in months}):
            found.keys += renew_key(home, month)
        with written(books.key_path, mode=0o600) as partial:
            partial.write_text(persons.without(wanted).text(), encoding="ascii")
    if found.files and not is_sealing(home):
        found.left.append("the archive is in clear: older backups of it have these files as they were")
    return found


def _persons(books: Books) -> PersonKey:
    if os.environ.get(books.pseudonym_key.env, ""):
        raise UserError(f"the pseudonym key is in {books.pseudonym_key.env}, where nothing can be taken out of it",
                        advice=f"Put it into {books.key_path}, for its owner's eyes alone, and take it out of the environment.")
    found = person_key(books.key())
    if found is None:
        raise UserError(
            f"the pseudonym key of these books ({books.key_path}) is one for all people, from which nobody can be taken",
            advice="Where it is moved away the next run makes one of the other kind: everybody has another pseudonym then, and all days "
                   "are computed again.")
    return found


def _look(
    home: Path, state: State, books: Books, persons: PersonKey, values: Sequence[str], progress: Callable[[int, int], None]
) -> Erasure:
    text = persons.text().strip().encode()
    found = Erasure([pseudonym(text, value) for value in values])
    tokens = {value: persons.token(name) for value, name in zip(values, found.pseudonyms, strict=True)}
    log = event_log(state)
    known = _known(home, state)
    look = _Files(home, books, load_specs(books.sources_path), by_content(cell_corrections(state)))
    own = _of_the_books(log)
    paths = sorted(path for path in (home / "archive").glob("*/*") if path.is_file() and len(path.name) == 64)
    named = 0
    for number, path in enumerate(paths):
        progress(number, len(paths))
        record = known.get(path.name)
        name = inbox_path(record.path) if record else path.name
        try:
            body = _whole(path)
            seen = cut(body, tokens, How.EVERYWHERE)
        except TooLarge as error:
            try:
                if _names(home, path, record, values, found.pseudonyms):
                    found.refused.append(f"{name} ({error})")
            except RefusedFile as why:
                found.left.append(f"{path.name[:16]} could not be searched: {why}")
            continue
        except RefusedFile as error:
            found.left.append(f"{path.name[:16]} could not be searched: {error}")
            continue
        if path.name in own:
            named += bool(seen.cells or seen.longer)
            continue
        if is_closed(body):
            if (record and _tells(home, record, found.pseudonyms)) or seen.cells or seen.longer:
                found.refused.append(f"{name} (of a kind in which nothing can be replaced)")
        elif seen.cells or seen.longer:
            taken = look.taken(path.name, record, name, body, tokens)
            if taken is None:
                found.refused.append(f"{name} (its rows would be others)")
            elif taken.cells:
                found.files.append(taken)
            if taken and taken.longer:
                found.left.append(f"{name}: the words are left in {taken.longer} longer texts, which may be about others")
    in_inbox = sorted(file.name for file in found.files if not books.remote_inbox and (books.inbox_path / file.name).is_file())
    if in_inbox:
        found.left.append(f"the inbox has {len(in_inbox)} of these files as they came, which is yours to end: {', '.join(in_inbox[:5])}")
    elif found.files and books.remote_inbox:
        found.left.append("the inbox is elsewhere, and has its files as they came; so has HOME/inbox-cache until they are gone there")
    if named:
        found.left.append(f"{named} books.yaml or specifications that runs went by have the words in them")
    if said := sum(any(value in json.dumps(event.payload, ensure_ascii=False) for value in values) for event in log):
        found.left.append(f"{said} events of the log have the words in them: names of files, reasons, corrections; the log forgets nothing")
    return found


def _whole(path: Path) -> bytes:
    if path.stat().st_size > cutting.LARGEST:
        raise TooLarge(f"{path.stat().st_size:,} bytes are too many to be changed")
    return b"".join(clear_blocks(path))


def _names(home: Path, path: Path, record: FileRecord | None, values: Sequence[str], pseudonyms: Sequence[str]) -> bool:
    """Whether a file that is too large to be held has the person."""
    if record and _tells(home, record, pseudonyms):
        return True
    with opened(path) as clear:
        return is_named(clear, values)


def _of_the_books(log: Sequence[Event]) -> set[str]:
    runs = [event.payload for event in log if event.kind == EventKind.RUN_STARTED]
    return {str(sha) for run in runs for sha in (run.get("books", ""), *run.get("sources", {}).values())}


def _known(home: Path, state: State) -> dict[str, FileRecord]:
    """By content the record of a file, and of those that a later one of their name has replaced what their version knew."""
    found: dict[str, FileRecord] = {}
    for version in versions(state):
        for entry in read_manifest(home, version.period, version.version)["inputs"]:
            found.setdefault(str(entry["sha256"]), FileRecord(str(entry["file"]), str(entry["sha256"]), 0, 0, "", "", "", "", {}))
    for record in records(state):
        if record.sha256 and (record.landed or record.sha256 not in found):
            found[record.sha256] = record
    return found


def _tells(home: Path, record: FileRecord, names: Sequence[str]) -> bool:
    """Whether what was read of a file has one of the pseudonyms."""
    for path in (home / record.landed).rglob("*.parquet") if record.landed else ():
        rows = pq.ParquetFile(path).read()
        for column in rows.columns:
            kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
            if pa.types.is_string(kind) and pc.any(pc.is_in(column.cast(pa.string()), pa.array(names))).as_py():
                return True
    return False


@dataclass(frozen=True)
class _Files:
    """How files are read by the books now."""

    home: Path
    books: Books
    specs: dict[str, SourceSpec]
    corrections: dict  # type: ignore[type-arg]

    def taken(self, sha: str, record: FileRecord | None, name: str, body: bytes, tokens: dict[str, bytes]) -> Found | None:
        """The file without the person, of which every row is what it was; None where there is no such."""
        shop = (record.shop if record else "") or placed(name, self.books).shop
        setting = replace(Setting.of(self.books, shop), corrections=self.corrections.get(sha, ()))
        before = self._rows(sha, name, body, setting)
        for how in How:
            made = cut(body, tokens, how)
            if made.body == body or self._rows(sha, name, made.body, setting) == before:
                return Found(sha, name, made.cells, made.longer, how, made.body)
        return None

    def _rows(self, sha: str, name: str, body: bytes, setting: Setting) -> str:
        """A digest of everything that is read of some bytes."""
        with laid_open(self.home, sha, [body], len(body)) as path, _folder(self.home) as landed:
            land(path, name, setting, landed, self.specs)
            return mapping_digest({"meta": (landed / "meta.json").read_text(encoding="utf-8")})


@contextmanager
def _folder(home: Path) -> Iterator[Path]:
    folder = home / "incoming" / uuid.uuid4().hex
    try:
        yield folder / "rows"
    finally:
        shutil.rmtree(folder, ignore_errors=True)

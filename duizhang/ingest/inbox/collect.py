"""The inbox: every file archived by its content, recognised, read once, and remembered.

The same bytes add nothing under another path, and keep the name under which they first came. New bytes at a known path, or
a newer file of the same source, shop and stated coverage, replace the old one. A file that fails is listed as refused and
stops no other.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from duizhang.books import Books
from duizhang.digest import mapping_digest
from duizhang.errors import RefusedFile
from duizhang.home.disk import sync_all
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest.archiving import archive, archived_path, archived_whole, clear_incoming, seal_archived
from duizhang.ingest.files import (
    DUPLICATE,
    READ,
    REFUSED,
    SUPERSEDED,
    FileRecord,
    Kept,
    by_content,
    cell_corrections,
    decided,
    digest_of_corrections,
    file_decisions,
    inbox_path,
    known_files,
    name_of_record,
    path_day,
    remember,
    restated_days,
    superseded,
    told,
    undecided,
)
from duizhang.ingest.inbox.ahead import each
from duizhang.ingest.inbox.placing import misplaced, placed
from duizhang.ingest.inbox.reading_in import details_of, is_locked, land, needs_own_process, refused_detail
from duizhang.ingest.inbox.remote import open_inbox
from duizhang.ingest.landing import QUARANTINED, Setting, is_whole
from duizhang.ingest.opening import MEMBER, passwords
from duizhang.ingest.specification import SourceSpec, load_specs
from duizhang.ingest.typing import QUARANTINE
from duizhang.logs import Pace
from duizhang.secrecy.pseudonym_key import name_of
from duizhang.secrecy.sealing import begin_sealing, is_sealing, need_key

LOST = "the process that reads it ended twice, perhaps for want of memory (Split it, or export it as CSV.)"


def collect(
    books: Books, store: Store, state: State, *, progress: Callable[[str], None] | None = None
) -> list[FileRecord]:
    """Take in the inbox; every file's record, in the order of their paths. The inbox itself is never changed."""
    return _Collection(books, store, state, progress or (lambda _: None)).go()


class _Collection:
    """One look at the inbox."""

    def __init__(self, books: Books, store: Store, state: State, say: Callable[[str], None]) -> None:
        self.books, self.store, self.state, self.say = books, store, state, say
        self.known = known_files(state)
        self._seal()
        self.files = open_inbox(books, store.home, progress=say)
        self.rules = Rules(load_specs(books.sources_path))
        self.settings = {shop: Setting.of(books, shop) for shop in ("", *books.shops, *books.shared_accounts)}
        self.basis = {
            shop: mapping_digest({"zone": s.zone, "cut_off": s.cut_off_minutes, "currency": s.currency, "shop": s.shop,
                                  "entities": {**s.entities, "": s.entity}, "key": name_of(s.key),
                                  **({"readings": dict(s.readings)} if s.readings else {}),
                                  **({"names": dict(s.shops)} if s.shops else {}),
                                  **({"currencies": said} if any(said := [s.shop_currency, s.of_accounts, s.of_sources]) else {}),
                                  **({"of_shops": s.of_shops} if s.of_shops else {}),
                                  **({"warehouses": s.warehouses} if s.warehouses else {})})
            for shop, s in self.settings.items()
        }
        # what people corrected in a content is read in the place of its cells
        self.cells = by_content(cell_corrections(state))
        self.lost: set[str] = set()  # contents on which two processes ended
        self.stats: dict[str, os.stat_result] = {}
        self.fresh: set[str] = set()  # what was archived now
        self.records: dict[str, FileRecord] = {}
        for name, reason in self.files.refused.items():
            self._refuse(name, reason)
        # a file that only its place spoke against means something else at another place
        self.earlier: dict[str, list[FileRecord]] = {}
        for record in self.known.values():
            if record.status != DUPLICATE and record.sha256 and not record.detail.get("misplaced"):
                self.earlier.setdefault(record.sha256, []).append(record)

    def go(self) -> list[FileRecord]:
        clear_incoming(self.store.home)
        names = self._contents()
        first = {sha: self._kept(sha, same) for sha, same in names.items()}
        self._land_new(first)
        for sha, same in names.items():
            one = first[sha]
            empty = self._take_in(sha, one)
            for name in same:
                if name == one.file:
                    continue
                # two empty days have the same bytes, and each is an explicit zero of its own day; so are two broken ones
                if empty or (self._is_refused(one) and self._meaning(name) != self._meaning(one.name)):
                    self._take_in(sha, self._kept(sha, [name]))
                else:
                    self._is_duplicate(sha, name, one.name)
        # what was taken in earlier and is no longer in the inbox stays in the books until somebody withdraws it
        for name, known in self.known.items():
            old = undecided(known)
            if name not in self.records and old.status in (READ, SUPERSEDED) and (old.sha256 not in names or old.is_empty):
                self.records[name] = self._read_again(replace(old, status=READ))
        decisions = file_decisions(self.state)
        judged = {name: decided(self._judged(record), decisions) for name, record in self.records.items()}
        settled = self._restating(superseded(judged))
        remember(self.state, settled)
        found = [settled[name] for name in sorted(settled)]
        for line in told(found, hidden=self.files.hidden):
            self.say(line)
        return found

    def _seal(self) -> None:
        """Where the books ask for it, seal what is archived now and from now on; it is not asked for again once it is so."""
        need_key(self.store.home)
        if self.books.encrypt_archive and not is_sealing(self.store.home):
            begin_sealing(self.store.home)
            count = seal_archived(self.store.home, (r.sha256 for r in self.known.values() if r.sha256))
            self.say(f"the archive is encrypted from now on; {count} raw files that were in clear are as well")

    def _is_refused(self, kept: Kept) -> bool:
        return kept.name in self.records and self.records[kept.name].status == REFUSED

    def _meaning(self, name: str) -> tuple[str, dt.date | None]:
        """What a place says of a file that does not say it itself."""
        return placed(name, self.books).shop, path_day(name)

    def _refuse(self, name: str, reason: str, size: int = 0, modified: int = 0) -> None:
        """An entry of the inbox that is not read at all; the day is that of its name, where it has one."""
        day = path_day(name)
        self.records[name] = FileRecord(
            name, "", size, modified, REFUSED, "", "", "", {"problem": f"{name}: {reason}", "days": [day.isoformat()] if day else []})

    def _judged(self, record: FileRecord) -> FileRecord:
        """A file that was read, or not recognised, where its place does not say whose it is: refused, with its days."""
        if record.status not in (READ, REFUSED):
            return record
        name = inbox_path(record.path)
        at = placed(name, self.books)
        problem = misplaced(at, self.rules.specs.get(record.source), has_shops=bool(self.books.shops))
        if not problem or (record.status == REFUSED and (at.in_root or not record.sha256)):
            return record
        also = f" Also: {record.problem}" if record.status == REFUSED and record.problem else ""
        detail = {**record.detail, "problem": f"{name}: {problem}{also}", "misplaced": True}
        return replace(record, status=REFUSED, detail=detail)

    def _read_again(self, record: FileRecord) -> FileRecord:
        """A file that is no longer in the inbox: what was read of it; again from the archive where that is damaged, or was read by
        another specification, version or books."""
        landed, name = self.store.home.joinpath(*Path(record.landed).parts[:3]), inbox_path(record.path)
        is_other = record.detail.get("corrected", "") != digest_of_corrections(self.cells.get(record.sha256, ()))
        is_former = record.detail.get("reading") != self._reading(self._shop_of(name), record.source)
        if is_whole(landed) and not is_other and not is_former:
            return record
        archived = archived_path(self.store.home, record.sha256)
        if not archived_whole(self.store.home, record.sha256):
            if is_whole(landed) and not is_other:
                return record  # its raw file is gone by now, as the law lets it
            return replace(record, status=REFUSED, detail={**record.detail, "problem": (
                f"{record.path}: what was read of it is damaged, and so is its archived copy; put the file into the inbox again"
            )})
        if is_other or is_former:
            landed = self._landed(record.sha256, Kept(name, name))
            if not is_whole(landed):
                land(archived, name, self._setting(record.shop, record.sha256), landed, self.rules.specs)
            for own in self._records_of(record.sha256, Kept(name, name), landed, record.size, record.modified):
                if own.path == record.path:
                    return own
            problem = f"{record.path}: it is not in {name} any more as that is read now"
            return replace(record, status=REFUSED, detail={**record.detail, "problem": problem})
        self.say(f"{name}: what was read of it is damaged, so it is read again from the archive")
        land(archived, name, self._setting(record.shop, record.sha256), landed, self.rules.specs)
        return record

    def _restating(self, records: Mapping[str, FileRecord]) -> dict[str, FileRecord]:
        """The records, each with the days from which it takes rows of older files away."""
        active = sorted((r for r in records.values() if r.status == READ), key=lambda r: r.recency)
        found = restated_days(self.rules.specs, self.settings, self.store.home, active, self.known)
        settled = {}
        for name, record in records.items():
            detail = {k: v for k, v in record.detail.items() if k != "restates"}
            if name in found:
                detail["restates"] = sorted(day.isoformat() for day in found[name])
            settled[name] = replace(record, detail=detail)
        return settled

    def _contents(self) -> dict[str, list[str]]:
        """The names of the inbox by content, all of it archived; what has the size and time that it had is not read again."""
        shas = {(inbox_path(r.path), r.size, r.modified): r.sha256 for r in self.known.values() if r.sha256}
        names: dict[str, list[str]] = {}
        new = []
        for name, path in sorted(self.files.files.items()):
            try:
                stat = self.stats[name] = path.stat()
                sha = shas.get((name, stat.st_size, stat.st_mtime_ns))
                if sha is None or not archived_path(self.store.home, sha).is_file():
                    sha = archive(self.store.home, path, durable=False, day=path_day(name))
                    new.append(archived_path(self.store.home, sha))
                    self.fresh.add(sha)
            except FileNotFoundError:
                self._refuse(name, "it was taken away while the inbox was read (Run again.)")
            except RefusedFile as error:
                self._refuse(name, f"{error} ({error.advice})", stat.st_size, stat.st_mtime_ns)
            else:
                names.setdefault(sha, []).append(name)
        sync_all(new)
        return names

    def _kept(self, sha: str, names: Sequence[str]) -> Kept:
        return name_of_record(
            sorted(names, key=self._misplacement), self.earlier.get(sha, ()), shop_of=self._shop_of,
            is_gone=lambda name: name not in self.files.files and name not in self.files.refused,
        )

    def _misplacement(self, name: str) -> int:
        """How far a place is from saying whose a file is, so that of copies the one that stands right counts."""
        at = placed(name, self.books)
        return 2 if at.problem else int(at.in_root)

    def _shop_of(self, name: str) -> str:
        return placed(name, self.books).shop

    def _landed(self, sha: str, kept: Kept) -> Path:
        basis = self.basis[self._shop_of(kept.file)]
        corrected = digest_of_corrections(self.cells.get(sha, ()))
        reading = mapping_digest({"b": basis, "r": self.rules.digest, "n": kept.name, **({"c": corrected} if corrected else {})})
        return self.store.home / "landed" / sha[:2] / f"{sha[:32]}-{reading[:16]}"

    def _setting(self, shop: str, sha: str) -> Setting:
        """What the rows of a content depend on: its shop, and what people corrected in it."""
        return replace(self.settings.get(shop, self.settings[""]), corrections=self.cells.get(sha, ()))

    def _land_new(self, contents: Mapping[str, Kept]) -> None:
        """Archive and read every content that was not read before, several at a time."""
        tasks = []
        for sha, kept in contents.items():
            landed = self._landed(sha, kept)
            if passwords() and is_whole(landed) and is_locked(landed):
                shutil.rmtree(landed)  # perhaps one opens it now
            if not is_whole(landed):
                if sha not in self.fresh and not archived_whole(self.store.home, sha):
                    archive(self.store.home, self.files.files[kept.file], day=path_day(kept.file))
                tasks.append((archived_path(self.store.home, sha), kept.name, self._setting(self._shop_of(kept.file), sha), landed))
        done = each(land, tasks, self.rules.specs, apart=lambda task: needs_own_process(task[0]))
        pace = Pace(len(tasks))
        for number, lost in enumerate(done, 1):
            if lost is not None:
                self.lost.add(lost[0].name)
            if number % 200 == 0 or number == len(tasks):
                self.say(f"files: {number} of {len(tasks)} new ones read{pace.after(number)}")

    def _take_in(self, sha: str, kept: Kept) -> bool:
        """One record, or one for every bill that the file holds (then `file::member`). True where there are no rows."""
        stat, shop, landed = self.stats[kept.file], self._shop_of(kept.file), self._landed(sha, kept)
        archived, is_empty = archived_path(self.store.home, sha), False
        if not is_whole(landed) and sha not in self.lost:
            land(archived, kept.name, self._setting(shop, sha), landed, self.rules.specs)
        for record in self._records_of(sha, kept, landed, stat.st_size, kept.modified or stat.st_mtime_ns):
            self.records[record.path], is_empty = record, record.is_empty
        if kept.file != kept.name:
            self._is_duplicate(sha, kept.file, kept.name)
        return is_empty

    def _reading(self, shop: str, source: str) -> str:
        """What the rows of a file of this shop and source depend on besides its bytes."""
        return mapping_digest({"b": self.basis[shop], "r": self.rules.digests.get(source, self.rules.digest)})

    def _records_of(self, sha: str, kept: Kept, landed: Path, size: int, modified: int) -> list[FileRecord]:
        """The records of a content that was read, one a bill in it."""
        meta, shop, found = landed / "meta.json", self._shop_of(kept.file), []
        for detail in details_of(meta) if is_whole(landed) else [refused_detail(kept.name, LOST)]:
            status, source, member, folder = (detail.pop(key) for key in ("status", "source", "member", "folder"))
            own = f"{kept.name}{MEMBER}{member}" if member else kept.name
            # a specification that it was not read by does not make its days stale
            detail["reading"] = self._reading(shop, source)
            if corrected := digest_of_corrections(self.cells.get(sha, ())):
                detail["corrected"] = corrected
            if status == READ:
                detail["days"] = self._days_stood_for(source, shop, detail["days"])
            found.append(FileRecord(
                own, sha, size, modified, status, source, shop, (landed / folder).relative_to(self.store.home).as_posix(), detail))
        return found

    def _days_stood_for(self, source: str, shop: str, days: Sequence[str]) -> list[str]:
        """The days of a file, with those that one which comes by week or month stands for without a row of them."""
        found = {dt.date.fromisoformat(day) for day in days}
        for expected in self.books.expected:
            if (expected.source, expected.shop) == (source, shop):
                found |= expected.stands_for(found)
        if source in self.rules.specs and self.rules.specs[source].is_reference:
            found = {max(day, self.books.start) for day in found}  # what held before the books began holds when they do
        return sorted(day.isoformat() for day in found)

    def _is_duplicate(self, sha: str, name: str, original: str) -> None:
        stat = self.stats[name]
        self.records[name] = FileRecord(name, sha, stat.st_size, stat.st_mtime_ns, DUPLICATE, "", "", "",
                                        {"problem": f"same content as {original}"})


class Rules:
    """The specifications that files are read by. digests: of each, with the engine's version; digest: of all."""

    def __init__(self, specs: Mapping[str, SourceSpec]) -> None:
        self.specs = specs
        self.digests = {name: spec.digest() for name, spec in specs.items()}
        self.digest = mapping_digest(self.digests)


def landed_quarantine(store: Store, record: FileRecord) -> pa.Table:
    """The quarantined cells of a file."""
    path = store.home / record.landed / QUARANTINED
    return pq.ParquetFile(path).read() if path.is_file() else QUARANTINE.empty_table()

"""The inbox: every file archived by its content, recognised, read once, and remembered.

The same bytes add nothing under another path, and keep the name under which they first came. New bytes at a known path, or
a newer file of the same source, shop and stated coverage, replace the old one. A file that fails is listed as refused and
stops no other.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from duizhang.books import Books
from duizhang.digest import file_digest, mapping_digest
from duizhang.errors import RefusedFile
from duizhang.ingest.ahead import each
from duizhang.ingest.cells import QUARANTINE
from duizhang.ingest.extract import MEMBER, Extraction, extract
from duizhang.ingest.landed import QUARANTINED, LandedFiles, Setting
from duizhang.ingest.names import Kept, inbox_path, name_of_record, path_day
from duizhang.ingest.remote import open_inbox
from duizhang.ingest.restated import restated_days
from duizhang.ingest.spec import SourceSpec, load_specs
from duizhang.state import METADATA, State
from duizhang.store import Store

FILES = sa.Table(
    "files", METADATA,
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("modified", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("source", sa.String, nullable=False, default=""),
    sa.Column("shop", sa.String, nullable=False, default=""),
    sa.Column("landed", sa.String, nullable=False, default=""),
    sa.Column("detail", sa.Text, nullable=False, default="{}"),
)

READ, REFUSED, DUPLICATE, SUPERSEDED = "read", "refused", "duplicate", "superseded"


@dataclass(frozen=True)
class FileRecord:
    """What is known of one file of the inbox. detail: counts, control totals, days, problem."""

    path: str
    sha256: str
    size: int
    modified: int
    status: str
    source: str
    shop: str
    landed: str
    detail: dict[str, object]

    @property
    def problem(self) -> str:
        """Why it was not read, or which control total does not tie; '' where all is well."""
        return str(self.detail.get("problem", ""))

    @property
    def recency(self) -> tuple[int, str]:
        """Greater the newer a file is; of several that say the same, the newest counts."""
        return self.modified, self.sha256

    @property
    def is_empty(self) -> bool:
        """Whether it was read and has no rows: an explicit zero of its days."""
        return self.detail.get("rows_read") == 0

    @property
    def dates_itself(self) -> bool:
        """Whether its days follow from its content, not from its path."""
        return bool(self.detail.get("rows_parsed") or self.detail.get("coverage"))

    def days(self) -> list[dt.date]:
        """The days that it belongs to: those of its rows and its stated coverage, else the day in its path."""
        listed = self.detail.get("days") or []
        assert isinstance(listed, list)  # noqa: S101 - written below
        return [dt.date.fromisoformat(str(day)) for day in listed]

    def touched(self) -> list[dt.date]:
        """The days whose rows depend on it: its own, and those from which it takes a record away (`duizhang.ingest.restated`)."""
        listed = self.detail.get("restates") or []
        assert isinstance(listed, list)  # noqa: S101 - written below
        return sorted({*self.days(), *(dt.date.fromisoformat(str(day)) for day in listed)})


def collect(
    books: Books, store: Store, state: State, *, progress: Callable[[str], None] | None = None
) -> list[FileRecord]:
    """Take in the inbox; every file's record, in the order of their paths. The inbox itself is never changed."""
    return _Collection(books, store, state, progress or (lambda _: None)).go()


class _Collection:
    """One look at the inbox."""

    def __init__(self, books: Books, store: Store, state: State, say: Callable[[str], None]) -> None:
        self.books, self.store, self.state, self.say = books, store, state, say
        self.files = open_inbox(books, store.home, progress=say)
        self.known = _known(state)
        self.rules = Rules(load_specs(books.sources_path))
        self.settings = {shop: Setting.of(books, shop) for shop in ("", *books.shops)}
        self.basis = {
            shop: mapping_digest({"zone": s.zone, "cut_off": s.cut_off_minutes, "currency": s.currency, "shop": s.shop,
                                  "entities": {**s.entities, "": s.entity}, "key": s.key.hex()})
            for shop, s in self.settings.items()
        }
        self.stats = {name: path.stat() for name, path in self.files.files.items()}
        self.records = {
            name: FileRecord(name, "", 0, 0, REFUSED, "", "", "", {"problem": reason})
            for name, reason in self.files.refused.items()
        }
        self.earlier: dict[str, list[FileRecord]] = {}
        for record in self.known.values():
            if record.status != DUPLICATE:
                self.earlier.setdefault(record.sha256, []).append(record)

    def go(self) -> list[FileRecord]:
        names = self._contents()
        first = {sha: self._kept(sha, same) for sha, same in names.items()}
        self._land_new(first)
        for sha, same in names.items():
            one = first[sha]
            empty = self._take_in(sha, one)
            for name in same:
                if name == one.file:
                    continue
                # two empty days have the same bytes, and each is an explicit zero of its own day
                if empty:
                    self._take_in(sha, self._kept(sha, [name]))
                else:
                    self._is_duplicate(sha, name, one.name)
        # what was taken in earlier and is no longer in the inbox stays in the books
        for name, old in self.known.items():
            if name not in self.records and old.status in (READ, SUPERSEDED) and (old.sha256 not in names or old.is_empty):
                self.records[name] = FileRecord(**{**old.__dict__, "status": READ})
        settled = self._restating(_supersede(self.records))
        _remember(self.state, settled)
        return [settled[name] for name in sorted(settled)]

    def _restating(self, records: Mapping[str, FileRecord]) -> dict[str, FileRecord]:
        """The records, each with the days from which it takes rows of older files away."""
        active = sorted((r for r in records.values() if r.status == READ), key=lambda r: r.recency)
        files = ((r.source, r.shop, self.store.home / r.landed) for r in active if r.source in self.rules.specs)
        found = restated_days(LandedFiles(self.rules.specs, self.settings, files), [r.path for r in active])
        settled = {}
        for name, record in records.items():
            detail = {k: v for k, v in record.detail.items() if k != "restates"}
            if name in found:
                detail["restates"] = sorted(day.isoformat() for day in found[name])
            settled[name] = replace(record, detail=detail)
        return settled

    def _contents(self) -> dict[str, list[str]]:
        """The names of the inbox by content; what has the size and time that it had is not read again."""
        shas = {(inbox_path(r.path), r.size, r.modified): r.sha256 for r in self.known.values()}
        names: dict[str, list[str]] = {}
        for name, path in sorted(self.files.files.items()):
            stat = self.stats[name]
            names.setdefault(shas.get((name, stat.st_size, stat.st_mtime_ns)) or file_digest(path), []).append(name)
        return names

    def _kept(self, sha: str, names: Sequence[str]) -> Kept:
        return name_of_record(
            names, self.earlier.get(sha, ()), shop_of=self._shop_of,
            is_gone=lambda name: name not in self.files.files and name not in self.records,
        )

    def _shop_of(self, name: str) -> str:
        folder = name.split("/")[0]
        return folder if folder in self.books.shops else ""

    def _landed(self, sha: str, kept: Kept) -> Path:
        basis = self.basis[self._shop_of(kept.file)]
        reading = mapping_digest({"b": basis, "r": self.rules.digest, "n": kept.name})
        return self.store.home / "landed" / sha[:2] / f"{sha[:32]}-{reading[:16]}"

    def _land_new(self, contents: Mapping[str, Kept]) -> None:
        """Archive and read every content that was not read before, several at a time."""
        tasks = []
        for sha, kept in contents.items():
            landed = self._landed(sha, kept)
            if not (landed / "meta.json").is_file():
                archived = _archive(self.store, self.files.files[kept.file], sha)
                tasks.append((archived, kept.name, self.settings[self._shop_of(kept.file)], landed))
        for number, _ in enumerate(each(_land, tasks, self.rules.specs), 1):
            if number % 200 == 0 or number == len(tasks):
                self.say(f"files: {number} of {len(tasks)} new ones read")

    def _take_in(self, sha: str, kept: Kept) -> bool:
        """One record, or one for every bill that the file holds (then `file::member`). True where there are no rows."""
        stat, shop, landed = self.stats[kept.file], self._shop_of(kept.file), self._landed(sha, kept)
        archived = _archive(self.store, self.files.files[kept.file], sha)
        meta, is_empty = landed / "meta.json", False
        if not meta.is_file():
            _land(archived, kept.name, self.settings[shop], landed, self.rules.specs)
        for detail in json.loads(meta.read_text(encoding="utf-8")):
            status, source, member, folder = (detail.pop(key) for key in ("status", "source", "member", "folder"))
            own = f"{kept.name}{MEMBER}{member}" if member else kept.name
            # a specification that it was not read by does not make its days stale
            detail["reading"] = mapping_digest(
                {"b": self.basis[shop], "r": self.rules.digests.get(source, self.rules.digest)}
            )
            record = FileRecord(
                own, sha, stat.st_size, kept.modified or stat.st_mtime_ns, status, source, shop,
                (landed / folder).relative_to(self.store.home).as_posix(), detail,
            )
            self.records[own], is_empty = record, record.is_empty
        if kept.file != kept.name:
            self._is_duplicate(sha, kept.file, kept.name)
        return is_empty

    def _is_duplicate(self, sha: str, name: str, original: str) -> None:
        stat = self.stats[name]
        self.records[name] = FileRecord(name, sha, stat.st_size, stat.st_mtime_ns, DUPLICATE, "", "", "",
                                        {"problem": f"same content as {original}"})


def _archive(store: Store, path: Path, sha: str) -> Path:
    """Where the bytes are kept, from now on if not already."""
    archived = store.home / "archive" / sha[:2] / sha
    if not archived.is_file():
        archived.parent.mkdir(parents=True, exist_ok=True)
        partial = archived.with_suffix(".partial")
        shutil.copyfile(path, partial)
        partial.replace(archived)
    return archived


class Rules:
    """The specifications that files are read by. digests: of each, with the engine's version; digest: of all."""

    def __init__(self, specs: Mapping[str, SourceSpec]) -> None:
        self.specs = specs
        self.digests = {name: spec.digest() for name, spec in specs.items()}
        self.digest = mapping_digest(self.digests)


def _land(archived: Path, name: str, setting: Setting, landed: Path, specs: Mapping[str, SourceSpec]) -> None:
    """Read one archived file into `landed`; there whole, with its meta.json, or not at all."""
    landed.parent.mkdir(parents=True, exist_ok=True)
    working = Path(tempfile.mkdtemp(prefix=".landing-", dir=landed.parent))
    try:
        bills = extract(archived, specs, setting, file=name, into=working)
        for bill in bills:
            if bill.undated:
                raise RefusedFile(f"{bill.undated} rows of {bill.spec.name} have no date, so they belong to no period",
                                  advice="Give them their date; what the source's page in docs/ says of it may help.")
        details = [
            {**_describe(found, f"{name}{MEMBER}{found.member}" if found.member else name), "member": found.member,
             "folder": found.folder.relative_to(working).as_posix()}
            for found in bills
        ]
    except RefusedFile as error:
        day = path_day(name)
        details = [{
            "status": REFUSED, "source": "", "problem": f"{name}: {error}" + (f" ({error.advice})" if error.advice else ""),
            "days": [day.isoformat()] if day else [], "member": "", "folder": ".",
        }]
    (working / "meta.json").write_text(json.dumps(details, ensure_ascii=False, sort_keys=True), encoding="utf-8")
    if landed.exists():
        shutil.rmtree(working)
    else:
        working.replace(landed)


def _describe(found: Extraction, name: str) -> dict[str, object]:
    days = set(found.days)
    if found.coverage:
        start, end = found.coverage
        days |= {start + dt.timedelta(days=n) for n in range(min((end - start).days, 400) + 1)}
    if not days and (day := path_day(name)):
        days = {day}
    bad = [t for t in found.totals if not t.ok]
    problem = "; ".join(
        f"{name}: control total {t.name} states {t.stated if t.stated is not None else 'nothing'}, its rows give {t.computed}"
        for t in bad
    )
    return {
        "status": READ, "source": found.spec.name, "problem": problem, "days": sorted(d.isoformat() for d in days),
        "rows_read": found.rows_read, "rows_parsed": found.rows_parsed, "rows_quarantined": found.rows_quarantined,
        "rows_ignored": found.rows_ignored, "control_totals_ok": not bad,
        "coverage": [d.isoformat() for d in found.coverage] if found.coverage else None,
        "totals": [t.__dict__ for t in found.totals], "tables": sorted(found.tables),
    }


def _supersede(records: dict[str, FileRecord]) -> dict[str, FileRecord]:
    """Of several files of one source and shop that state the same days, the newest counts."""
    newest: dict[tuple[str, str, str], FileRecord] = {}
    for record in records.values():
        if record.status == READ and record.detail.get("coverage"):
            slot = (record.source, record.shop, str(record.detail["coverage"]))
            old = newest.get(slot)
            if old is None or record.recency > old.recency:
                newest[slot] = record
    settled = dict(records)
    for name, record in records.items():
        if record.status == READ and record.detail.get("coverage"):
            kept = newest[(record.source, record.shop, str(record.detail["coverage"]))]
            if kept.path != name:
                settled[name] = FileRecord(**{
                    **record.__dict__, "status": SUPERSEDED, "detail": {**record.detail, "problem": f"replaced by {kept.path}"},
                })
    return settled


def _known(state: State) -> dict[str, FileRecord]:
    with state.begin() as con:
        rows = con.execute(sa.select(FILES)).mappings().all()
    return {r["path"]: FileRecord(**{**r, "detail": json.loads(r["detail"])}) for r in rows}


def _remember(state: State, records: dict[str, FileRecord]) -> None:
    rows = [{**r.__dict__, "detail": json.dumps(r.detail, ensure_ascii=False, sort_keys=True)} for r in records.values()]
    with state.begin() as con:
        con.execute(sa.delete(FILES))
        if rows:
            con.execute(sa.insert(FILES), rows)


def records(state: State) -> list[FileRecord]:
    """Every file that is known, in the order of paths."""
    known = _known(state)
    return [known[name] for name in sorted(known)]


def landed_quarantine(store: Store, record: FileRecord) -> pa.Table:
    """The quarantined cells of a file."""
    path = store.home / record.landed / QUARANTINED
    return pq.ParquetFile(path).read() if path.is_file() else QUARANTINE.empty_table()

"""The inbox: every file archived by its content, recognised, read once, and remembered.

The same bytes add nothing under another path. New bytes at a known path, or a newer file of the same source, shop and
stated coverage, replace the old one. A file that fails is listed as refused and stops no other.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from duizhang.books import Books
from duizhang.digest import file_digest, mapping_digest
from duizhang.errors import RefusedFile
from duizhang.ingest.cells import QUARANTINE
from duizhang.ingest.extract import MEMBER, Extraction, Setting, extract
from duizhang.ingest.remote import open_inbox
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

    def days(self) -> list[dt.date]:
        """The days that it belongs to: those of its rows and its stated coverage, else the day in its path."""
        listed = self.detail.get("days") or []
        assert isinstance(listed, list)  # noqa: S101 - written below
        return [dt.date.fromisoformat(str(day)) for day in listed]


def collect(
    books: Books, store: Store, state: State, *, progress: Callable[[str], None] | None = None
) -> list[FileRecord]:
    """Take in the inbox; every file's record, in the order of their paths. The inbox itself is never changed."""
    inbox = open_inbox(books, store.home, progress=progress)
    known = _known(state)
    shas: dict[tuple[str, int, int], str] = {(r.path, r.size, r.modified): r.sha256 for r in known.values()}
    settings = {shop: Setting.of(books, shop) for shop in ("", *books.shops)}
    rules = Rules(load_specs(books.sources_path))
    basis = {
        shop: mapping_digest({"zone": s.zone, "cut_off": s.cut_off_minutes, "currency": s.currency, "shop": s.shop,
                              "entities": {**s.entities, "": s.entity}, "key": s.key.hex()})
        for shop, s in settings.items()
    }
    first_of: dict[str, str] = {}
    empty: dict[str, bool] = {}
    records = {
        name: FileRecord(name, "", 0, 0, REFUSED, "", "", "", {"problem": reason}) for name, reason in inbox.refused.items()
    }
    for number, (name, path) in enumerate(sorted(inbox.files.items()), 1):
        stat = path.stat()
        sha = shas.get((name, stat.st_size, stat.st_mtime_ns)) or file_digest(path)
        # two empty days have the same bytes, and each is an explicit zero of its own day
        if sha in first_of and not empty[sha]:
            records[name] = FileRecord(name, sha, stat.st_size, stat.st_mtime_ns, DUPLICATE, "", "", "",
                                       {"problem": f"same content as {first_of[sha]}"})
            continue
        first_of.setdefault(sha, name)
        shop = name.split("/")[0] if name.split("/")[0] in books.shops else ""
        for record in _take_in(store, path, name, sha, shop, settings[shop], basis[shop], rules):
            records[record.path] = record
            empty[sha] = record.detail.get("rows_read") == 0
        if progress and (number % 200 == 0 or number == len(inbox.files)):
            progress(f"files: {number} of {len(inbox.files)}")
    # what was taken in earlier and is no longer in the inbox stays in the books
    for name, old in known.items():
        if name not in records and old.status in (READ, SUPERSEDED) and old.sha256 not in first_of:
            records[name] = FileRecord(**{**old.__dict__, "status": READ})
    settled = _supersede(records)
    _remember(state, settled)
    return [settled[name] for name in sorted(settled)]


class Rules:
    """The specifications that files are read by. digests: of each, with the engine's version; digest: of all."""

    def __init__(self, specs: Mapping[str, SourceSpec]) -> None:
        self.specs = specs
        self.digests = {name: spec.digest() for name, spec in specs.items()}
        self.digest = mapping_digest(self.digests)


def _take_in(
    store: Store, path: Path, name: str, sha: str, shop: str, setting: Setting, basis: str, rules: Rules
) -> list[FileRecord]:
    """The records of one file: one, or one for every bill that it holds (then `file::member`)."""
    stat = path.stat()
    archived = store.home / "archive" / sha[:2] / sha
    if not archived.is_file():
        archived.parent.mkdir(parents=True, exist_ok=True)
        partial = archived.with_suffix(".partial")
        shutil.copyfile(path, partial)
        partial.replace(archived)
    landed = store.home / "landed" / sha[:2] / f"{sha[:32]}-{mapping_digest({'b': basis, 'r': rules.digest, 'n': name})[:16]}"
    meta = landed / "meta.json"
    if not meta.is_file():
        _land(archived, name, rules.specs, setting, landed)
    found = []
    for detail in json.loads(meta.read_text(encoding="utf-8")):
        status, source, member, folder = (detail.pop(key) for key in ("status", "source", "member", "folder"))
        place = (landed / folder).relative_to(store.home).as_posix()
        own = f"{name}{MEMBER}{member}" if member else name
        # a specification that it was not read by does not make its days stale
        detail["reading"] = mapping_digest({"b": basis, "r": rules.digests.get(source, rules.digest)})
        found.append(FileRecord(own, sha, stat.st_size, stat.st_mtime_ns, status, source, shop, place, detail))
    return found


def _land(archived: Path, name: str, specs: Mapping[str, SourceSpec], setting: Setting, landed: Path) -> None:
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
        day = _path_day(name)
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
    if not days and (day := _path_day(name)):
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


def inbox_path(name: str) -> str:
    """The file of the inbox that a record is about: a record of one of several bills is `file::member`."""
    return name.partition(MEMBER)[0]


def _path_day(name: str) -> dt.date | None:
    for match in re.finditer(r"(20\d\d)-?([01]\d)-?([0-3]\d)", name):
        try:
            return dt.date(*(int(part) for part in match.groups()))
        except ValueError:
            continue
    return None


def _supersede(records: dict[str, FileRecord]) -> dict[str, FileRecord]:
    """Of several files of one source and shop that state the same days, the newest counts."""
    newest: dict[tuple[str, str, str], FileRecord] = {}
    for record in records.values():
        if record.status == READ and record.detail.get("coverage"):
            slot = (record.source, record.shop, str(record.detail["coverage"]))
            old = newest.get(slot)
            if old is None or (record.modified, record.sha256) > (old.modified, old.sha256):
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
    path = store.home / record.landed / "quarantine.parquet"
    return pq.ParquetFile(path).read() if path.is_file() else QUARANTINE.empty_table()

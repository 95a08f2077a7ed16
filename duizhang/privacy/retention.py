"""How long raw files are kept, by what they are evidence of; what is over may go, and an event says what went.

books.yaml, specifications, results and the event log are not raw files: they are the books and are never removed here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from duizhang.books import Books, Retention
from duizhang.close.authority import Key, actor
from duizhang.errors import UserError
from duizhang.home.events import FILES_REMOVED, append_event
from duizhang.home.lock import acquire
from duizhang.home.state import State
from duizhang.ingest import FileRecord, SourceSpec, load_specs, records
from duizhang.ingest.archiving import archived_path
from duizhang.ingest.files import DUPLICATE, READ, SUPERSEDED, inbox_path
from duizhang.secrecy.sealing import destroy_key, key_path, period_of

VOUCHER, BANK_STATEMENT, UNUSED = "voucher", "bank_statement", "unused"


@dataclass(frozen=True)
class Kept:
    """A raw file of the archive. names: under which it came; until: the last day on which it is kept."""

    sha256: str
    names: tuple[str, ...]
    kind: str
    until: dt.date

    def is_over(self, today: dt.date) -> bool:
        """Whether it may go."""
        return today > self.until


def kept_files(home: Path, state: State, books: Books) -> list[Kept]:
    """Every raw file that the archive has, those that may go first. A content that came as several files is kept for the longest."""
    specs = load_specs(books.sources_path)
    found: dict[str, Kept] = {}
    for record in records(state):
        if not record.sha256 or not archived_path(home, record.sha256).is_file():
            continue
        kind, until = _kind(record, specs), _until(record, specs, books.retention)
        known = found.get(record.sha256)
        names = {inbox_path(record.path), *(known.names if known else ())}
        if (record.status == DUPLICATE and known) or (known and known.until > until):
            kind, until = known.kind, known.until
        found[record.sha256] = Kept(record.sha256, tuple(sorted(names)), kind, until)
    return sorted(found.values(), key=lambda kept: (kept.until, kept.names))


def _kind(record: FileRecord, specs: Mapping[str, SourceSpec]) -> str:
    spec = specs.get(record.source)
    if record.status not in (READ, SUPERSEDED) or spec is None or not spec.tables:
        return UNUSED
    return BANK_STATEMENT if {table.table for table in spec.tables} == {"bank_entries"} else VOUCHER


def _until(record: FileRecord, specs: Mapping[str, SourceSpec], retention: Retention) -> dt.date:
    """The end of the year of its last day, and the years of its class."""
    days = record.detail.get("days")
    year = max(map(str, days))[:4] if isinstance(days, list) and days else f"{_arrived(record):%Y}"
    years = {VOUCHER: retention.voucher, BANK_STATEMENT: retention.bank_statement, UNUSED: retention.unused}[_kind(record, specs)]
    return dt.date(min(int(year) + years, dt.MAXYEAR), 12, 31)


def _arrived(record: FileRecord) -> dt.datetime:
    return dt.datetime.fromtimestamp(record.modified / 1e9, dt.UTC)


def remove(
    home: Path, state: State, books: Books, *, by: str, reason: str, names: Sequence[str] = (), today: dt.date | None = None,
    key: Key | None = None,
) -> tuple[list[Kept], list[str]]:
    """Take the files whose time is up out of the archive, or those of them that are named; what went, and the periods whose keys
    went with the last of their files.

    The event comes first: a kill in between leaves files that are on record as removed, and the same call takes them away. Raises
    UserError where a named file is unknown or must still be kept.
    """
    who, now = actor(home, state, by, "remove", key=key), today or dt.datetime.now(dt.UTC).date()
    with acquire(home):
        known = kept_files(home, state, books)
        over = [kept for kept in known if kept.is_over(now)]
        if names:
            over = [_named(name, known, now) for name in names]
        if over:
            append_event(state, actor=who.name, kind=FILES_REMOVED, sign=who.sign, payload={"reason": reason, "files": {
                kept.sha256: {"names": list(kept.names), "class": kept.kind, "until": kept.until.isoformat()} for kept in over
            }})
        periods = {found for kept in over if (found := period_of(archived_path(home, kept.sha256)))}
        for kept in over:
            archived_path(home, kept.sha256).unlink(missing_ok=True)
        left = {period_of(path) for path in (home / "archive").glob("*/*") if path.is_file()} if periods else set()
        gone = sorted(period for period in periods - left if period and key_path(home, period).is_file())
        for period in gone:
            destroy_key(home, period)
    return over, gone


def _named(name: str, known: Sequence[Kept], today: dt.date) -> Kept:
    found = next((kept for kept in known if name == kept.sha256 or name in kept.names), None)
    if found is None:
        raise UserError(f"the archive has no file {name!r}", advice="`duizhang retention list` names them.")
    if not found.is_over(today):
        raise UserError(f"{name} is kept until {found.until} ({found.kind})", advice="`retention` of books.yaml says for how many years.")
    return found

"""What is remembered of every file of the inbox: the table `files` of the state database, and what people decided.

A file that was refused, or read but must not count, is told until somebody accepts by name that it is left out, or
withdraws it. Both are events of the log; the latest one about a file's name and content counts.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import sqlalchemy as sa

from duizhang.declared.terms import EventKind, FileStatus
from duizhang.digest import mapping_digest
from duizhang.home.events import append_event, events, last_before
from duizhang.home.state import METADATA, State
from duizhang.ingest.files.names import inbox_path
from duizhang.ingest.rows import Statement

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

READ, REFUSED, DUPLICATE, SUPERSEDED = FileStatus.READ, FileStatus.REFUSED, FileStatus.DUPLICATE, FileStatus.SUPERSEDED
_TOLD = 20  # refused files on lines of their own
ACCEPTED, WITHDRAWN = FileStatus.ACCEPTED, FileStatus.WITHDRAWN  # refused, and somebody said so be it; taken out of the books
FILES_TAKEN = EventKind.FILES_TAKEN
# kind of event -> status
DECIDED: dict[str, str] = {EventKind.FILE_ACCEPTED: ACCEPTED, EventKind.FILE_WITHDRAWN: WITHDRAWN, EventKind.FILE_RESTORED: ""}


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
        return bool(self.detail.get("rows_parsed") or self.detail.get("coverage") or self.detail.get("statements"))

    def days(self) -> list[dt.date]:
        """The days that it belongs to: those of its rows and its stated coverage, else the day in its path."""
        listed = self.detail.get("days") or []
        assert isinstance(listed, list)  # noqa: S101 - written below
        return [dt.date.fromisoformat(str(day)) for day in listed]

    def statements(self) -> list[Statement]:
        """The balances that a bank states in it, with their days."""
        listed = self.detail.get("statements") or []
        assert isinstance(listed, list)  # noqa: S101 - written by duizhang.ingest.inbox.reading_in
        return [
            Statement(account, currency, dt.date.fromisoformat(opened), Decimal(opening), dt.date.fromisoformat(closed), Decimal(closing))
            for account, currency, opened, opening, closed, closing in listed
        ]

    def bank_accounts(self) -> list[str]:
        """The accounts of a bank that its rows are of."""
        listed = self.detail.get("bank_accounts") or []
        assert isinstance(listed, list)  # noqa: S101 - written by duizhang.ingest.inbox.reading_in
        return [str(account) for account in listed]

    def touched(self) -> list[dt.date]:
        """The days whose rows depend on it: its own, and those from which it takes a record away (`duizhang.ingest.files.restated`)."""
        return sorted({*self.days(), *self.restates()})

    def restates(self) -> frozenset[dt.date]:
        """The days from which it takes a record away, as it states it on another."""
        listed = self.detail.get("restates") or []
        assert isinstance(listed, list)  # noqa: S101 - written below
        return frozenset(dt.date.fromisoformat(str(day)) for day in listed)


def known_files(state: State) -> dict[str, FileRecord]:
    with state.read() as con:
        rows = con.execute(sa.select(FILES)).mappings().all()
    return {r["path"]: FileRecord(**{**r, "detail": json.loads(r["detail"])}) for r in rows}


def remember(state: State, records: dict[str, FileRecord]) -> None:
    rows = [{**r.__dict__, "detail": json.dumps(r.detail, ensure_ascii=False, sort_keys=True)} for r in records.values()]

    def write() -> None:
        with state.begin() as con:
            con.execute(sa.delete(FILES))
            if rows:
                con.execute(sa.insert(FILES), rows)
        digest, last = _digest(rows), last_before(state, FILES_TAKEN)
        if last is None or last.payload.get("digest") != digest:
            # the list decides what the next run computes with, also of files that are in the inbox no longer
            append_event(state, actor="pipeline", kind=FILES_TAKEN, payload={"files": len(rows), "digest": digest})

    state.change(write)


def files_digest(state: State) -> str:
    """The digest of the list of files, which the last event `files_taken` has as well."""
    with state.read() as con:
        return _digest([dict(row) for row in con.execute(sa.select(FILES)).mappings()])


def _digest(rows: Iterable[Mapping[str, object]]) -> str:
    return mapping_digest({str(row["path"]): mapping_digest(dict(row)) for row in rows})


def records(state: State) -> list[FileRecord]:
    """Every file that is known, in the order of paths."""
    known = known_files(state)
    return [known[name] for name in sorted(known)]


def sources_seen(state: State) -> list[str]:
    """The kinds of the files that were read, in order."""
    with state.read() as con:
        return list(con.execute(sa.select(FILES.c.source).where(FILES.c.status == READ).distinct().order_by(FILES.c.source)).scalars())


def files_by_age(state: State) -> list[str]:
    """The files that were read, from the oldest to the newest."""
    return [r.path for r in sorted((r for r in records(state) if r.status == READ), key=lambda r: r.recency)]


@dataclass(frozen=True)
class FileDecision:
    """What was last decided about a file. status: accepted | withdrawn | '' (restored)."""

    status: str
    by: str
    reason: str


def file_decisions(state: State) -> dict[tuple[str, str], FileDecision]:
    """The decisions that hold, by name and SHA-256 of the file."""
    return {
        (str(e["payload"]["file"]), str(e["payload"]["sha256"])): FileDecision(
            DECIDED[e["kind"]], str(e["actor"]), str(e["payload"]["reason"]))
        for e in events(state) if e["kind"] in DECIDED
    }


def decided(record: FileRecord, decisions: Mapping[tuple[str, str], FileDecision]) -> FileRecord:
    """The record as people want it: one that was read may be withdrawn, one that was refused accepted or withdrawn."""
    found = decisions.get((inbox_path(record.path), record.sha256))
    if found is None or not found.status or record.status not in (READ, REFUSED):
        return record
    if found.status == ACCEPTED and record.status != REFUSED:
        return record
    said = f"{found.status} by {found.by}: {found.reason}"
    problem = f"{record.problem} [{said}]" if record.problem else said
    before = {"status": record.status, "problem": record.problem}
    return replace(record, status=found.status, detail={**record.detail, "problem": problem, "undecided": before})


def undecided(record: FileRecord) -> FileRecord:
    """The record as it was before people decided about it."""
    before = record.detail.get("undecided")
    if not isinstance(before, dict):
        return record
    detail = {k: v for k, v in record.detail.items() if k != "undecided"}
    return replace(record, status=str(before["status"]), detail={**detail, "problem": before["problem"]})


def unresolved(records: Iterable[FileRecord], first: dt.date) -> list[FileRecord]:
    """Refused files that hold no day, because none of theirs is known or all are before the books' first one."""
    return [r for r in records if r.status == REFUSED and all(day < first for day in r.days())]


def told(records: Iterable[FileRecord], *, hidden: int = 0) -> list[str]:
    """What became of the files, in a line, and why each that was refused was, or what is to be known of one that was read, in a line
    each."""
    counts: dict[str, int] = {}
    refused, noted = [], []
    for record in records:
        counts[record.status] = counts.get(record.status, 0) + 1
        if record.status == REFUSED:
            refused.append(record)
        elif record.status == READ and record.problem:
            noted.append(record)
    total = sum(counts.values())
    said = ", ".join(f"{number} {status}" for status, number in sorted(counts.items(), key=lambda e: (e[0] != READ, e[0])))
    lines = [f"files: {total} known: {said}" + (f"; {hidden} hidden ones left out" if hidden else "")] if total or hidden else []
    for word, some in (("refused", refused), ("read, but", noted)):
        lines += [f"{word}: {r.problem}" for r in some[:_TOLD]]
        if len(some) > _TOLD:
            lines.append(f"{word}: and {len(some) - _TOLD} more (`duizhang status` lists them)")
    return lines

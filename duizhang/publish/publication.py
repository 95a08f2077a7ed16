"""Publishing: check again, write what is new, then move the pointer.

Order of the steps, so that a crash between any two leaves readers with the old or the new, never a mix: immutable
objects, manifest, one transaction in the state database, the pointer. What a crash leaves behind is not referred to and
is written again, equal, by the next run.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from duizhang.books import Books
from duizhang.declared.terms import EventKind, Outcome
from duizhang.digest import mapping_digest, table_digest
from duizhang.errors import Retryable
from duizhang.gate import Result, load_suites, quality_table, recorded_results
from duizhang.home.disk import sync_all
from duizhang.home.events import append_event
from duizhang.home.integrity import fingerprints
from duizhang.home.published import TABLES
from duizhang.home.state import State
from duizhang.home.store import WORKERS, Store
from duizhang.logs import Pace
from duizhang.publish.objects import amounts_digest, keep_objects, restore_published, write_object, written_objects
from duizhang.publish.pointer import object_path, publication_lock, rebuild_published
from duizhang.publish.versions import (
    APPROVED,
    CLOSED,
    HELD,
    OPEN,
    PROVISIONAL,
    RECONCILED,
    VERSIONS,
    PeriodState,
    Version,
    keep_manifest,
    period_states,
    save_states,
    versions,
    write_manifest,
)
from duizhang.reconcile import STATE_TABLES

log = logging.getLogger(__name__)

# Not for analysts, but part of a version: what the next period opens with.
CLOSING_TABLES: tuple[str, ...] = tuple(STATE_TABLES)
CLOSED_REASON = "closed: reopen first"
UNCHANGED = Outcome.UNCHANGED
_GATE_TABLE = "quality_results"
# one line of progress for so many days
_TOLD = 31


@dataclass(frozen=True)
class PeriodOutcome:
    """What became of a period. state: published | provisional | held | unchanged; version: the one readers see."""

    period: dt.date
    state: Outcome
    version: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    """What is about to be published of a period, and why it may not be. rows: how many each table has; summary and files are
    its `recon_summary` and `source_files`, quality what the gate recorded."""

    digests: dict[str, str]
    rows: dict[str, int]
    summary: pa.Table
    files: pa.Table
    quality: pa.Table
    reasons: tuple[str, ...]


def publish(
    books: Books, store: Store, state: State, home: Path, periods: Sequence[dt.date], *, rules_digest: str = "", engine: str = ""
) -> list[PeriodOutcome]:
    """Publish what the store holds of the periods, in order of time; one outcome a period.

    A period is held, its last good version staying in sight, when a table is missing, when no recorded result of the
    gate covers exactly the content that is to be published, or when one failed and nobody accepted it. Content, rules
    and books that are already published stay the version they are. A period is provisional when the day before it
    (from `books.start` on) is held, provisional or was never published, or does not close with what it opens with.
    engine: what computed them, which is told with a version and part of no digest of its content.
    """
    required = {name: suite.optional for name, suite in load_suites().items()}
    with publication_lock(home):
        outcomes = []
        wanted = sorted(set(periods))
        pace = Pace(len(wanted))
        for period, candidate in _candidates(store, state, wanted, required):
            outcomes.append(_publish_one(books, store, state, home, period, rules_digest, engine, candidate))
            if len(outcomes) % _TOLD == 0 and len(outcomes) < len(wanted):
                log.info("publishing: %d of %d days%s", len(outcomes), len(wanted), pace.after(len(outcomes)))
        settled = _settle(books, state)
        # a day that is unchanged may have been computed because its objects were damaged
        lost = restore_published(home, store, state)
        if not lost:
            rebuild_published(home, state)
        else:
            log.warning("readers see what they saw before, until %s is computed again", ", ".join(str(day) for day in lost))
    return [
        replace(o, state=Outcome.PROVISIONAL) if o.state == Outcome.PUBLISHED and settled[o.period].state == PROVISIONAL else o
        for o in outcomes
    ]


def _publish_one(
    books: Books, store: Store, state: State, home: Path, period: dt.date, rules_digest: str, engine: str, candidate: _Candidate
) -> PeriodOutcome:
    now = period_states(state).get(period) or PeriodState(period, 0, OPEN)
    known = versions(state, period)
    current = next((v for v in known if v.version == now.version), None)
    # what the gate says of the numbers is not a number
    data_digest = mapping_digest({k: v for k, v in candidate.digests.items() if k != _GATE_TABLE})
    if now.state == CLOSED:
        if current is not None and data_digest == current.data_digest:
            return PeriodOutcome(period, UNCHANGED, now.version)
        return PeriodOutcome(period, Outcome.HELD, now.version, (CLOSED_REASON,))
    if candidate.reasons:
        held = PeriodState(period, now.version, HELD, "\n".join(candidate.reasons))
        with state.begin() as connection:
            save_states(connection, [held])
        return PeriodOutcome(period, Outcome.HELD, now.version, candidate.reasons)
    books_digest = books.digest(period)
    digest = mapping_digest({"tables": candidate.digests, "rules": rules_digest, "books": books_digest})
    if current is not None and current.digest == digest:
        if now.state in (HELD, OPEN):
            with state.begin() as connection:
                save_states(connection, [PeriodState(period, now.version, RECONCILED)])
        return PeriodOutcome(period, UNCHANGED, now.version)
    number = max((v.version for v in known), default=0) + 1
    contents = {n: candidate.quality if n == _GATE_TABLE else store.path(n, period) for n in candidate.digests}
    written_as = written_objects(state, set(candidate.digests.values()))
    written = {d: path for n, d in candidate.digests.items() if (path := write_object(home, d, contents[n], written_as))}
    sync_all(written.values())
    kept = fingerprints(written)
    for name, of_table in candidate.digests.items():
        if name != _GATE_TABLE and of_table in kept and store.of_bytes(kept[of_table].sha256) != of_table:
            raise Retryable(f"{name} of {period} was changed while it was published: run again")
    opening, closing = (amounts_digest(candidate.summary, side) for side in ("opening", "closing"))
    before = period_states(state).get(period - dt.timedelta(days=1))
    manifest = {
        "period": period.isoformat(), "version": number, "digest": digest, "data_digest": data_digest,
        "tables": {
            name: {"digest": of_table, "rows": candidate.rows[name], "object": object_path(Path(), of_table).as_posix()}
            for name, of_table in candidate.digests.items()
        },
        "rules_digest": rules_digest, "books_digest": books_digest, "engine": engine,
        "inputs": _inputs(candidate.files),
        "opening": {
            "version": before.version if before else 0,
            "digest": _digest_of(state, before) if before else "",
        },
    }
    write_manifest(home, manifest)
    version = Version(
        period, number, digest, data_digest, opening, closing, dt.datetime.now(dt.UTC).replace(tzinfo=None)
    )

    def put_on_record() -> None:
        with state.begin() as connection:
            connection.execute(VERSIONS.insert().values(**vars(version)))
            keep_manifest(connection, manifest)
            keep_objects(connection, kept)
            save_states(connection, [PeriodState(period, number, RECONCILED)])
        append_event(state, actor="pipeline", kind=EventKind.PUBLISHED, payload={
            "period": period.isoformat(), "version": number, "digest": digest, "manifest": mapping_digest(manifest),
        })

    state.change(put_on_record)
    return PeriodOutcome(period, Outcome.PUBLISHED, number)


def _candidates(
    store: Store, state: State, periods: Sequence[dt.date], suites: dict[str, bool]
) -> Iterator[tuple[dt.date, _Candidate]]:
    """The candidates in order, a few read ahead: all of a year would not fit into memory."""
    with ThreadPoolExecutor(WORKERS) as pool:
        ahead: deque[tuple[dt.date, Future[_Candidate]]] = deque()
        for period in periods:
            ahead.append((period, pool.submit(_candidate, store, state, period, suites)))
            if len(ahead) > 2 * WORKERS:
                day, found = ahead.popleft()
                yield day, found.result()
        for day, found in ahead:
            yield day, found.result()


def _candidate(store: Store, state: State, period: dt.date, suites: dict[str, bool]) -> _Candidate:
    """Hold every table that is to be published against what the gate recorded."""
    reasons: list[str] = []
    digests: dict[str, str] = {}
    for name in (*TABLES, *CLOSING_TABLES):
        if name == _GATE_TABLE:
            continue
        if store.has(name, period):
            digests[name] = store.digest(name, period)
        else:
            reasons.append(f"{name}: the table was not written")
    rows = {name: store.rows(name, period) for name in digests}
    results = recorded_results(state, [period])
    reasons += _objections(digests, results, suites)
    # from the record itself, not from what stands in the store
    quality = quality_table(results)
    digests[_GATE_TABLE], rows[_GATE_TABLE] = table_digest(quality), quality.num_rows
    summary, files = (
        store.read(name, period) if name in digests else TABLES[name].empty_table() for name in ("recon_summary", "source_files")
    )
    return _Candidate(digests, rows, summary, files, quality, tuple(dict.fromkeys(reasons)))


def _objections(digests: dict[str, str], results: Sequence[Result], suites: dict[str, bool]) -> list[str]:
    """Why the gate's record does not let exactly these digests pass. suites: table -> whether it may be absent."""
    checked: dict[str, set[str]] = {}
    for result in results:
        checked.setdefault(result.table, set()).add(result.digest)
    found = []
    for table, optional in suites.items():
        if table not in checked:
            if table in digests or not optional:
                found.append(f"{table}: no recorded result of the gate")
        elif table in digests and checked[table] != {digests[table]}:
            found.append(f"{table}: the gate checked other content than is to be published")
    for r in results:
        if r.holds:
            found.append(f"{r.table}: {r.message}" + (f" - {r.detail}" if r.detail else ""))
    return found


def _digest_of(state: State, at: PeriodState) -> str:
    return next((v.digest for v in versions(state, at.period) if v.version == at.version), "")


def _inputs(source_files: pa.Table) -> list[dict[str, Any]]:
    """Every file that the day's `source_files` has, also one that was refused and let pass: a replay lists the same."""
    rows = source_files.select(["source", "shop", "file", "sha256"]).to_pylist()
    return sorted((row for row in rows if row["sha256"]), key=lambda r: (r["source"], r["shop"], r["file"], r["sha256"]))


def _settle(books: Books, state: State) -> dict[dt.date, PeriodState]:
    """Say of every published period that is not signed whether it stands on firm ground; the states after that."""
    states = period_states(state)
    shown = {(v.period, v.version): v for v in versions(state)}
    changed = []
    for period, s in states.items():
        if s.state not in (RECONCILED, PROVISIONAL) or not s.version:
            continue
        before = states.get(period - dt.timedelta(days=1))
        firm = period <= books.start or (
            before is not None
            and before.state in (RECONCILED, APPROVED, CLOSED)
            and before.version > 0
            and shown[before.period, before.version].closing_digest == shown[period, s.version].opening_digest
        )
        wanted = replace(s, state=RECONCILED if firm else PROVISIONAL)
        if wanted != s:
            states[period] = wanted
            changed.append(wanted)
    if changed:
        with state.begin() as connection:
            save_states(connection, changed)
    return states

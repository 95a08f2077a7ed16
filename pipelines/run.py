"""Runs a range of periods through Dagster in this process; the command line finds it by its entry point."""

import datetime as dt
from pathlib import Path

from dagster import DagsterInstance
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from filelock import FileLock, Timeout

from assets.partitions import daily
from assets.workspace import Workspace
from duizhang.books import load_books
from duizhang.close import append_event, archive_books
from duizhang.errors import UserError
from duizhang.publish import PeriodOutcome, publish
from duizhang.reconcile import rules_digest
from duizhang.store import days
from pipelines.definitions import JOB, build_defs

HELD = "held"


def run_range(books_path: Path, home: Path, start: dt.date, end: dt.date, *, progress: bool = False) -> int:
    """Collect, reconcile, check and publish every day from `start` to `end`; later days whose opening changed follow.

    Returns the exit code: 0 everything published, 2 something is held. Raises UserError where the range or the books
    are impossible, or where another run holds this home.
    """
    return 2 if any(o.state == HELD for o in run_periods(books_path, home, start, end, progress=progress)) else 0


def run_periods(
    books_path: Path, home: Path, start: dt.date, end: dt.date, *, progress: bool = False
) -> list[PeriodOutcome]:
    """As `run_range`, but gives what became of every period that was run, in order."""
    books = load_books(books_path)
    if end < start:
        raise UserError(f"the range ends ({end}) before it begins ({start})")
    if start < books.start:
        raise UserError(
            f"{start} is before the books' first day {books.start}", advice="Begin at the books' start, or move it."
        )
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / ".run.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(
            f"another run is using {home}", advice="Wait for it to end, or give another --home."
        ) from error
    with lock:
        return _locked(books_path.resolve(), home.resolve(), start, end, progress=progress)


def _locked(books_path: Path, home: Path, start: dt.date, end: dt.date, *, progress: bool) -> list[PeriodOutcome]:
    workspace = Workspace(books_path=str(books_path), home_path=str(home), progress=progress)
    books, store, state = workspace.books(), workspace.store(), workspace.state()
    append_event(
        state, actor="pipeline", kind="run_started",
        payload={
            "from": start.isoformat(), "to": end.isoformat(), "books": archive_books(home, books_path),
            "rules": rules_digest(), "books_path": str(books_path),
        },
    )
    known = store.periods("open_claims")
    first = start
    # a day can only open with what the day before left: days never run between the last known one and the range
    # are run as well
    earlier = [p for p in known if p < start]
    if start > books.start and (not earlier or earlier[-1] < start - dt.timedelta(days=1)):
        first = earlier[-1] + dt.timedelta(days=1) if earlier else books.start
        workspace.say(f"{first} to {start - dt.timedelta(days=1)} were never run: they come first")
    later = [p for p in known if p > end]
    before = _closing(workspace, end) if later else None
    _execute(workspace, first, end)
    outcomes = publish(books, store, state, home, days(first, end), rules_digest=rules_digest())
    if later and _closing(workspace, end) != before:
        workspace.say(f"the closing of {end} changed: {later[0]} to {later[-1]} follow")
        follow = days(end + dt.timedelta(days=1), later[-1])
        _execute(workspace, follow[0], follow[-1])
        outcomes += publish(books, store, state, home, follow, rules_digest=rules_digest())
    return outcomes


def _closing(workspace: Workspace, period: dt.date) -> tuple[str, ...]:
    from duizhang.digest import table_digest
    from duizhang.reconcile import STATE_TABLES

    store = workspace.store()
    return tuple(table_digest(store.read(t, period)) for t in STATE_TABLES if store.has(t, period))


def _execute(workspace: Workspace, start: dt.date, end: dt.date) -> None:
    books = workspace.books()
    defs = build_defs(resources={"workspace": workspace}, partitions=daily(books.start.isoformat(), books.time_zone))
    with DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def(JOB).execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={
                ASSET_PARTITION_RANGE_START_TAG: start.isoformat(),
                ASSET_PARTITION_RANGE_END_TAG: end.isoformat(),
            },
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.error and "AssetCheck" not in (data.error.cls_name or ""):
                raise_step_error(event.step_key or "", data.error)


def raise_step_error(step: str, error: object) -> None:
    """Turn a failed step into the engine's own error, with its message and not the orchestrator's traceback."""
    cause = getattr(error, "cause", None) or error
    message = str(getattr(cause, "message", cause)).strip()
    raise UserError(f"step {step} failed: {message}")

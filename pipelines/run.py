"""Runs a range of periods through Dagster in this process; the command line finds it by its entry point."""

import datetime as dt
import time
from pathlib import Path

from dagster import DagsterEventType, DagsterInstance, EventLogEntry
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.partitions import daily
from assets.workspace import Workspace
from duizhang.books import load_books
from duizhang.close import append_event, archive_books, archive_sources
from duizhang.digest import file_digest
from duizhang.errors import Retryable, UserError
from duizhang.ingest import FileRecord, collect, records, unresolved
from duizhang.plan import OPENING, Plan, Reason, acquire, make_plan, opens_differently, recorded, restore
from duizhang.publish import CLOSED_REASON, PeriodOutcome, note_refused, period_states, rebuild_published
from duizhang.published import TABLES
from duizhang.reconcile import rules_digest
from duizhang.state import State
from duizhang.store import connect, days
from duizhang.verdict import not_run, not_run_lines, verdicts
from pipelines.definitions import TABLES_JOB, build_defs

HELD, UNCHANGED, PROVISIONAL = "held", "unchanged", "provisional"


def run_range(
    books_path: Path, home: Path, start: dt.date, end: dt.date, *, progress: bool = False, force: bool = False
) -> int:
    """Collect, then compute, check and publish what is not current from `start` to `end`, and what follows from that.

    Returns the exit code: 0 everything is published, 2 something is held, or a file was refused of which no day is known
    and about which nobody decided. Raises UserError where the range or the books
    are impossible. Where another run uses this home, it waits for it to end.
    """
    outcomes = run_periods(books_path, home, start, end, progress=progress, force=force)
    if any(o.state == HELD for o in outcomes):
        return 2
    # money may be in a file that holds no day because nobody knows which one
    return 2 if unresolved(records(State(home.resolve())), load_books(books_path).start) else 0


def run_periods(
    books_path: Path, home: Path, start: dt.date, end: dt.date, *, progress: bool = False, force: bool = False
) -> list[PeriodOutcome]:
    """As `run_range`, but gives what became of every period of the range and every other that was run, in order.

    A period whose inputs are as they were when it was computed is not run again, unless `force` asks for it. A period
    behind it follows while the one before it closes differently; a closed one refuses and stops that.
    """
    books = load_books(books_path)
    if end < start:
        raise UserError(f"the range ends ({end}) before it begins ({start})")
    if start < books.start:
        raise UserError(
            f"{start} is before the books' first day {books.start}", advice="Begin at the books' start, or move it."
        )
    workspace = Workspace(books_path=str(books_path.resolve()), home_path=str(home.resolve()), progress=progress)
    with acquire(home, say=workspace.say):
        archived = archive_books(workspace.home, books_path)
        try:
            with workspace.pinned():
                if file_digest(books_path) != archived:
                    raise Retryable(f"{books_path} was changed while it was read: run again")
                return _Run(workspace, books_path.resolve(), archived, start, end, force=force).go()
        except KeyboardInterrupt:
            workspace.say("what is published stands; the same command goes on from here")
            raise


class _Run:
    """One run over a range, the lock of the home being held."""

    def __init__(
        self, workspace: Workspace, books_path: Path, archived: str, start: dt.date, end: dt.date, *, force: bool
    ) -> None:
        self.workspace, self.books_path, self.archived, self.force = workspace, books_path, archived, force
        self.books, self.store, self.state = workspace.books(), workspace.store(), workspace.state()
        self.start, self.end = start, end
        self.closed = {p for p, s in period_states(self.state).items() if s.state == "closed"}
        self.outcomes: dict[dt.date, PeriodOutcome] = {}
        self.pending: list[FileRecord] = []

    def go(self) -> list[PeriodOutcome]:
        workspace = self.workspace
        append_event(
            self.state, actor="pipeline", kind="run_started",
            payload={
                "from": self.start.isoformat(), "to": self.end.isoformat(),
                "books": self.archived, "rules": rules_digest(),
                "books_path": str(self.books_path), "sources": archive_sources(workspace.home, self.books.sources_path),
            },
        )
        self.pending = unresolved(
            collect(self.books, self.store, self.state, progress=workspace.say), self.books.start)
        self._restore()
        first = self._first()
        last = max([self.end, *recorded(self.state)])
        plan = make_plan(self.books, self.store, self.state, first, last)
        direct = {p: r for p, r in plan.stale.items() if p <= self.end}
        if self.force:
            asked = (p for p in days(self.start, self.end) if p not in self.closed)
            direct = {**{p: (Reason("asked"),) for p in asked}, **direct}
        if note_refused(self.state, {p: [str(r) for r in reasons] for p, reasons in plan.refused.items()}, plan.periods):
            rebuild_published(workspace.home, self.state)
        self._announce(plan, direct)
        self._compute(plan, direct, first, last)
        if not self.outcomes:
            # even where nothing is computed, what readers see is whole
            rebuild_published(workspace.home, self.state)
        outside = [p for p in plan.stale if p > self.end and p not in self.outcomes and plan.stale[p] != (Reason(OPENING),)]
        if outside:
            workspace.say(f"{_spans(outside)} behind the range: not current either, see `duizhang plan`")
        found = self._all(plan)
        self._close(found)
        return found

    def _restore(self) -> None:
        """What was damaged since the last run, from what is left; the days that this does not give are computed again."""
        for period in restore(self.books, self.store, self.state, self.workspace.say):
            self._execute(period, period)

    def _close(self, found: list[PeriodOutcome]) -> None:
        """What became of it, on a line; what is held, on a line each."""
        counts: dict[str, int] = {}
        for o in found:
            counts[o.state] = counts.get(o.state, 0) + 1
        self.workspace.say(f"{len(found)} days: " + ", ".join(f"{n} {state}" for state, n in sorted(counts.items())))
        for line in self._of_one_side([o.period for o in found]):
            self.workspace.say(line)
        held = [o for o in found if o.state == HELD]
        for o in held[:10]:
            reason = o.reasons[0] if o.reasons else ""
            more = f" (+{len(o.reasons) - 1} more)" if len(o.reasons) > 1 else ""
            self.workspace.say(f"{o.period} is held: {reason[:120]}{'…' if len(reason) > 120 else ''}{more}")
        if len(held) > 10:
            self.workspace.say(f"and {len(held) - 10} more days are held")
        if self.pending:
            self.workspace.say(
                f"{len(self.pending)} refused files name no day, so they hold none: correct them, or `duizhang source accept` "
                "or `source withdraw` them")

    def _of_one_side(self, periods: list[dt.date]) -> list[str]:
        """The legs that were not run, and those of which nothing agrees, a line each."""
        with connect() as con:
            for name in ("legs_not_run", "recon_summary", "variances"):
                self.store.view(con, name, periods, TABLES[name])
            lines, judged = not_run_lines(not_run(con)), verdicts(con)
        empty = sorted({leg for verdict in judged.values() for leg in verdict.nothing_agrees})
        number = sum(1 for verdict in judged.values() if verdict.nothing_agrees)
        return [*lines, *([f"nothing agrees in {', '.join(empty)} on {number} days: a match rate of 0%"] if empty else [])]

    def _first(self) -> dt.date:
        """A day can only open with what the day before left: days never run between the last known one and the range
        are run as well."""
        earlier = [p for p, inputs in recorded(self.state).items() if p < self.start and inputs.is_whole]
        if self.start == self.books.start or (earlier and earlier[-1] == self.start - dt.timedelta(days=1)):
            return self.start
        first = earlier[-1] + dt.timedelta(days=1) if earlier else self.books.start
        self.workspace.say(f"{_spans(days(first, self.start - dt.timedelta(days=1)))}: never run, so first")
        return first

    def _announce(self, plan: Plan, direct: dict[dt.date, tuple[Reason, ...]]) -> None:
        say = self.workspace.say
        asked = [p for p in plan.periods if self.start <= p <= self.end]
        current = [p for p in asked if p not in direct and p not in plan.refused]
        if current:
            say(f"{_spans(current)}: current, not run again")
        for period, reasons in plan.refused.items():
            say(f"{period}: closed, and {reasons[0]}: reopen it to take that in")
        if direct and len(direct) < len(asked):
            for period, reasons in list(direct.items())[:10]:
                say(f"{period}: {reasons[0]}" + (f" (+{len(reasons) - 1} more)" if len(reasons) > 1 else ""))

    def _compute(self, plan: Plan, direct: dict[dt.date, tuple[Reason, ...]], first: dt.date, last: dt.date) -> None:
        """Stretches of stale days, each in one pass; what follows a changed closing in stretches that double, so that
        a cascade that stops soon costs little and one that goes on for months few passes."""
        period, width = first, 1
        while period <= last:
            # an opening can only have changed since the plan where the day before was computed since
            moved = period - dt.timedelta(days=1) in self.outcomes and opens_differently(self.store, self.state, period)
            follows = moved and period not in direct and period not in self.closed
            if not follows and period not in direct:
                if moved and period in self.closed:
                    self._refuse(period)
                period, width = period + dt.timedelta(days=1), 1
                continue
            end = period
            while (after := end + dt.timedelta(days=1)) <= last and after not in self.closed and (
                after in direct or (follows and (after - period).days < width)
            ):
                end = after
            if follows:
                self.workspace.say(f"{period - dt.timedelta(days=1)} closes differently: {_spans(days(period, end))} again")
            self._execute(period, end)
            period, width = end + dt.timedelta(days=1), width * 2 if follows else 1

    def _refuse(self, period: dt.date) -> None:
        version = period_states(self.state)[period].version
        self.outcomes[period] = PeriodOutcome(period, HELD, version, (CLOSED_REASON,))
        self.workspace.say(f"{period} is closed: it does not take the new closing of the day before, and stops it")

    def _execute(self, start: dt.date, end: dt.date) -> None:
        began = time.monotonic()
        self.workspace.say(f"{_spans(days(start, end))}:")
        execute(self.workspace, start, end)
        states = period_states(self.state)
        for period in days(start, end):
            s = states[period]
            shown = {HELD: HELD, PROVISIONAL: PROVISIONAL}.get(s.state, "published")
            self.outcomes[period] = PeriodOutcome(period, shown, s.version, tuple(s.held_reasons.splitlines()))
        self.workspace.say(f"{_spans(days(start, end))}: done in {time.monotonic() - began:.0f} s")

    def _all(self, plan: Plan) -> list[PeriodOutcome]:
        """What was run, and the state of what was current."""
        states = period_states(self.state)
        for period in days(self.start, self.end):
            if period in self.outcomes or period not in states:
                continue
            s = states[period]
            if period in plan.refused:
                self.outcomes[period] = PeriodOutcome(period, HELD, s.version, (CLOSED_REASON,))
            else:
                reasons = tuple(s.held_reasons.splitlines())
                shown = s.state if s.state in (HELD, PROVISIONAL) else UNCHANGED
                self.outcomes[period] = PeriodOutcome(period, shown, s.version, reasons)
        return [self.outcomes[p] for p in sorted(self.outcomes)]


def execute(workspace: Workspace, start: dt.date, end: dt.date) -> None:
    """Compute, check and publish a range in one pass, the inbox being collected. UserError where a step fails."""
    books = workspace.books()
    partitions = daily(books.start.isoformat(), books.time_zone, last=end)
    defs = build_defs(resources={"workspace": workspace}, partitions=partitions)
    with DagsterInstance.ephemeral() as instance:
        _forget_materializations(instance)
        result = defs.resolve_job_def(TABLES_JOB).execute_in_process(
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
            if data.error and data.error.cls_name == "DagsterExecutionInterruptedError":
                raise KeyboardInterrupt
            if data.error and "AssetCheck" not in (data.error.cls_name or ""):
                raise_step_error(event.step_key or "", data.error)


def _forget_materializations(instance: DagsterInstance) -> None:
    """The instance ends with the run. It would keep an event a table and day, which for a year takes a minute and is read
    by nobody: what was made from what is in the state database and the manifests."""
    storage = instance.event_log_storage
    keep = storage.store_event
    unread = (DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED)

    def store_event(event: EventLogEntry) -> None:
        if event.dagster_event is None or event.dagster_event.event_type not in unread:
            keep(event)

    storage.store_event = store_event  # type: ignore[method-assign]


def raise_step_error(step: str, error: object) -> None:
    """Turn a failed step into the engine's own error, with its message and not the orchestrator's traceback."""
    cause = getattr(error, "cause", None) or error
    message = str(getattr(cause, "message", cause)).strip()
    raise UserError(f"step {step} failed: {message}")


def _spans(periods: list[dt.date]) -> str:
    """Days as text, stretches of them as `first to last`."""
    found: list[list[dt.date]] = []
    for period in sorted(periods):
        if found and period - found[-1][-1] == dt.timedelta(days=1):
            found[-1].append(period)
        else:
            found.append([period])
    shown = [f"{s[0]}" if len(s) == 1 else f"{s[0]} to {s[-1]}" for s in found]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")

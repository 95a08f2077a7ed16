"""One run over a home, from the inbox to what readers see. Its stages may be steps of an orchestrator, or one call."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from duizhang.books import load_books
from duizhang.close import (
    announce,
    append_event,
    archive_books,
    archive_sources,
    correction_claims,
    item_decisions,
    journal_proposals,
)
from duizhang.close.approval import MACHINE
from duizhang.close.certifying import certify
from duizhang.declared.terms import EventKind, Outcome, PeriodStatus
from duizhang.digest import file_digest
from duizhang.errors import ClosedPeriodError, Retryable, UserError
from duizhang.gate import Failure, run_gate
from duizhang.home.published import TABLES
from duizhang.home.state import State
from duizhang.home.store import Store, connect, days
from duizhang.ingest import FileRecord, build_canonical, collect, files_by_age, unresolved
from duizhang.logs import fields
from duizhang.memory import parsed, told_when_short
from duizhang.plan import OPENING, Plan, Reason, begin, make_plan, opens_differently, record, recorded, restore
from duizhang.publish import CLOSED_REASON, PeriodOutcome, note_refused, period_states, publish, rebuild_published
from duizhang.reconcile import Backend, Session, Uncomputed, compute, rules_digest
from duizhang.runner import check_range
from duizhang.runs.engines import engine_of
from duizhang.runs.notifying import news, send
from duizhang.runs.passes import DAY, passes, spans
from duizhang.speech.phrases import in_language
from duizhang.standing.verdict import not_run, not_run_lines, told_of, verdicts

log = logging.getLogger(__name__)

HELD = Outcome.HELD
CANONICAL, RECONCILE, GATE, PUBLISH = STAGES = ("canonical", "reconcile", "gate", "publish")


class Run:
    """One run; whoever makes it holds the lock of the home until it is over.

    `begin` takes in the inbox and plans; then `periods` is the first stretch of days to compute. `to` takes it through the
    stages, and `advance` goes on to the next stretch, until there is none. `end` says what became of every day.
    """

    def __init__(
        self, books_path: Path, home: Path, *, force: bool = False, memory: str = "", engine: str = "", backend: Backend | None = None
    ) -> None:
        """memory, engine: what it may take, such as 2GB, and what computes the models, such as spark://HOST:7077; what books.yaml
        says where they are empty. backend: what computes them, in the place of an engine by name; no digest depends on it."""
        self.books_path, self.home, self.force = books_path.resolve(), home.resolve(), force
        seen = file_digest(self.books_path)
        self.books = load_books(self.books_path)
        # before anything is written: what is missing for the engine, and a database that is another home's, refuse this run
        self.backend = backend or engine_of(engine or self.books.engine)
        self.state = State(self.home)
        self.store = Store(self.home, memory=parsed(memory or self.books.memory))
        # what is archived is what the run goes by, from its start to its end
        self.archived = archive_books(self.home, self.books_path)
        if seen != self.archived:
            raise Retryable(f"{self.books_path} was changed while it was read: run again")
        self.asked: list[dt.date] = []
        self.periods: list[dt.date] = []
        self.files: list[FileRecord] = []
        # refused files of which no day is known: money may be in them, and they hold no day
        self.pending: list[FileRecord] = []
        # what was left out of a day because no model can be computed with it
        self.uncomputed: list[Uncomputed] = []
        self.failures: dict[dt.date, list[Failure]] = {}
        self.outcomes: dict[dt.date, PeriodOutcome] = {}
        self._plan: Plan | None = None
        self._ahead: Iterator[tuple[list[dt.date], bool]] = iter(())
        self._done: set[str] = set()
        self._began = 0.0
        self.number = 0  # of its event in the log, which names it in log lines

    def begin(self, asked: Sequence[dt.date]) -> None:
        """Put the run on record, archive the books, take in the inbox and plan; nothing more when it has begun already.

        A day is computed where its inputs are not as they were when it was computed last, or where `force` asks for it.
        Raises UserError for a range that the books do not have.
        """
        if self._plan is not None:
            return
        if not asked:
            raise UserError("no days are asked for")
        start, end = min(asked), max(asked)
        check_range(self.books, start, end)
        self.asked = days(start, end)
        self.number = append_event(
            self.state, actor="pipeline", kind=EventKind.RUN_STARTED,
            payload={
                "from": start.isoformat(), "to": end.isoformat(),
                "books": self.archived, "rules": rules_digest(),
                "books_path": str(self.books_path), "sources": archive_sources(self.home, self.books.sources_path),
            },
        )
        with fields(run=self.number):
            self._plan_days(start, end)

    def _plan_days(self, start: dt.date, end: dt.date) -> None:
        """Take in the inbox, restore what is damaged, plan, and go to the first stretch."""
        self.files = collect(self.books, self.store, self.state, progress=log.info)
        self.pending = unresolved(self.files, self.books.start)
        self._restore()
        first = self._first(start)
        last = max([end, *recorded(self.state)])
        plan = self._plan = make_plan(self.books, self.store, self.state, first, last)
        stale = {p: r for p, r in plan.stale.items() if p <= end}
        if self.force:
            closed = self._closed()
            stale = {**{p: (Reason("asked"),) for p in self.asked if p not in closed}, **stale}
        self._announce(plan, stale)
        self._ahead = passes(
            first, last, stale=stale, closed=lambda p: p in self._closed(), moved=self._moved, refuse=self._refuse
        )
        self.advance()

    def advance(self) -> bool:
        """Go on to the next stretch of days; False where there is none. The stretch before has to be published."""
        self.periods, follows = next(self._ahead, ([], False))
        if not self.periods:
            return False
        closed = sorted(self._closed() & set(self.periods))
        if closed:
            raise ClosedPeriodError(f"{spans(closed)}: closed", advice="Reopen it first, with a reason.")
        if follows:
            log.info("%s closes differently: %s again", self.periods[0] - DAY, spans(self.periods))
        self._enter(self.periods)
        return True

    def _enter(self, periods: list[dt.date]) -> None:
        """Begin a stretch of days."""
        self.periods, self._done, self.failures = periods, set(), {}
        log.info("%s:", spans(periods))
        self._began = time.monotonic()
        begin(self.books, self.state, periods)

    def _restore(self) -> None:
        """What was damaged since the last run, from what is left; the days that this does not give are computed again, a closed
        one to what it closed with."""
        for period in restore(self.books, self.store, self.state):
            self._enter([period])
            self.to(PUBLISH)

    def to(self, stage: str) -> None:
        """Take the stretch through all stages up to this one; what is done is not done again."""
        for name in STAGES[: STAGES.index(stage) + 1]:
            if self.periods and name not in self._done:
                step = {CANONICAL: self._canonical, RECONCILE: self._reconcile, GATE: self._gate, PUBLISH: self._publish}[name]
                short = told_when_short(f"{spans(self.periods)}: {name}", self.store.memory)
                with fields(run=self.number, period=spans(self.periods), stage=name), short:
                    step()
                self._done.add(name)

    def end(self) -> list[PeriodOutcome]:
        """What became of every day that was asked for or computed, in order; said, the days that are held by name."""
        assert self._plan is not None  # noqa: S101 - begun
        with fields(run=self.number):
            return self._end(self._plan)

    def _end(self, plan: Plan) -> list[PeriodOutcome]:
        if note_refused(self.state, {p: [str(r) for r in reasons] for p, reasons in plan.refused.items()}, plan.periods):
            rebuild_published(self.home, self.state)
        if not self.outcomes:
            # even where nothing is computed, what readers see is whole
            rebuild_published(self.home, self.state)
        outside = [
            p for p in plan.stale
            if p > self.asked[-1] and p not in self.outcomes and plan.stale[p] != (Reason(OPENING),)
        ]
        if outside:
            log.info("%s behind the range: not current either, see `duizhang plan`", spans(outside))
        computed = dict(self.outcomes)
        found = self._all(plan)
        counts: dict[str, int] = {}
        for o in found:
            counts[o.state] = counts.get(o.state, 0) + 1
        log.info("%d day%s: %s", len(found), "s"[: len(found) != 1], ", ".join(f"{n} {state}" for state, n in sorted(counts.items())))
        for line in self._of_one_side([o.period for o in found]):
            log.info(line)
        held = [o for o in found if o.state == HELD]
        for o in held[:10]:
            log.warning(held_line(o), extra={"period": o.period, "reasons": o.reasons})
        if len(held) > 10:
            log.warning("and %d more days are held", len(held) - 10)
        for line in self.pending_line():
            log.warning(line)  # the run ends with 2 by them
        if self.books.certify:
            self._certify([o.period for o in found if o.state in (Outcome.PUBLISHED, Outcome.UNCHANGED)])
        if self.books.notify and computed:
            for line in send(self.books.notify, news(self.books, self.store, self.files, computed), entity=self.books.entity):
                log.warning(line)
        return found

    def _certify(self, periods: list[dt.date]) -> None:
        try:
            reasons = certify(self.home, self.books, self.state, periods)
        except UserError as error:
            log.warning("no day was certified: %s", error)
            return
        states = period_states(self.state)
        if signed := [p for p in periods if states[p].approved_by == MACHINE]:
            log.info("certified by the machine: %s", spans(signed))
        for period, why in list(reasons.items())[:10]:
            log.info("%s is not certified: %s%s", period, why[0], f" (+{len(why) - 1} more)" if len(why) > 1 else "")

    def pending_line(self) -> list[str]:
        """What is to be done about refused files of which no day is known; empty where there are none."""
        if not self.pending:
            return []
        return [
            f"refused, of no day that is known, so that they hold none: {len(self.pending)} (correct them, or `duizhang source accept` or "
            "`source withdraw` them)"
        ]

    def _of_one_side(self, periods: list[dt.date]) -> list[str]:
        """The legs that were not run, and those of which nothing agrees, a line each."""
        with connect() as con:
            for name in ("legs_not_run", "recon_summary", "variances"):
                self.store.view(con, name, periods, TABLES[name])
            lines, judged = not_run_lines(not_run(con), until=periods[-1]), verdicts(con)
        return [*lines, *told_of(judged, periods)]

    def _canonical(self) -> None:
        log.info("canonical tables")
        build_canonical(self.books, self.store, self.state, self.periods)

    def _reconcile(self) -> None:
        log.info("reconciling")
        claims, decided = correction_claims(self.books, self.state, self.periods), item_decisions(self.state)
        files = files_by_age(self.state)

        def session(periods: Sequence[dt.date], kind: type[Session]) -> Session:
            return kind(self.books, self.store, periods, corrections=claims, decisions=decided, files=files, backend=self.backend)

        self.uncomputed = compute(session, self.periods)
        self.store.split("journal_proposals", journal_proposals(self.books, self.state, self.periods), self.periods)

    def _gate(self) -> None:
        log.info("gate")
        places = (*self.books.shops, *self.books.shared_accounts)
        self.failures = run_gate(self.store, self.state, self.periods, uncomputed=self.uncomputed, places=places)

    def _publish(self) -> None:
        log.info("publishing")
        outcomes = publish(
            self.books, self.store, self.state, self.home, self.periods, rules_digest=rules_digest(), engine=self.backend.name
        )

        def remember() -> None:
            record(self.store, self.state, self.periods)
            announce(self.state, outcomes)

        self.state.change(remember)
        states = period_states(self.state)
        for period in self.periods:
            s = states[period]
            shown = _outcome(s.state, Outcome.PUBLISHED)
            self.outcomes[period] = PeriodOutcome(period, shown, s.version, tuple(s.held_reasons.splitlines()))
        log.info("%s: done in %.0f s", spans(self.periods), time.monotonic() - self._began)

    def _closed(self) -> set[dt.date]:
        return {p for p, s in period_states(self.state).items() if s.state == PeriodStatus.CLOSED}

    def _moved(self, period: dt.date) -> bool:
        """An opening can only have changed since the plan where the day before was computed since."""
        return period - DAY in self.outcomes and opens_differently(self.store, self.state, period)

    def _refuse(self, period: dt.date) -> None:
        version = period_states(self.state)[period].version
        self.outcomes[period] = PeriodOutcome(period, HELD, version, (CLOSED_REASON,))
        log.warning("%s is closed: it does not take the new closing of the day before, and stops it", period)

    def _first(self, start: dt.date) -> dt.date:
        """A day can only open with what the day before left: days never run between the last known one and the range
        are run as well."""
        earlier = [p for p, inputs in recorded(self.state).items() if p < start and inputs.is_whole]
        if start == self.books.start or (earlier and earlier[-1] == start - DAY):
            return start
        first = earlier[-1] + DAY if earlier else self.books.start
        log.info("%s: never run, so first", spans(days(first, start - DAY)))
        return first

    def _announce(self, plan: Plan, stale: dict[dt.date, tuple[Reason, ...]]) -> None:
        asked = [p for p in plan.periods if self.asked[0] <= p <= self.asked[-1]]
        current = [p for p in asked if p not in stale and p not in plan.refused]
        if current:
            log.info("%s: current, not run again", spans(current))
        for period, reasons in plan.refused.items():
            log.warning("%s: closed, and %s: reopen it to take that in", period, reasons[0])
        if stale and len(stale) < len(asked):
            for period, reasons in list(stale.items())[:10]:
                log.info("%s: %s%s", period, reasons[0], f" (+{len(reasons) - 1} more)" if len(reasons) > 1 else "")

    def _all(self, plan: Plan) -> list[PeriodOutcome]:
        """What was run, and the state of what was current."""
        states = period_states(self.state)
        for period in self.asked:
            if period in self.outcomes or period not in states:
                continue
            s = states[period]
            if period in plan.refused:
                self.outcomes[period] = PeriodOutcome(period, HELD, s.version, (CLOSED_REASON,))
            else:
                shown = _outcome(s.state, Outcome.UNCHANGED)
                self.outcomes[period] = PeriodOutcome(period, shown, s.version, tuple(s.held_reasons.splitlines()))
        return [self.outcomes[p] for p in sorted(self.outcomes)]


def _outcome(state: PeriodStatus, otherwise: Outcome) -> Outcome:
    """What became of a period that stands so; `otherwise` where it stands firm."""
    return {PeriodStatus.HELD: Outcome.HELD, PeriodStatus.PROVISIONAL: Outcome.PROVISIONAL}.get(state, otherwise)


def held_line(outcome: PeriodOutcome) -> str:
    """A held day on a line: the first reason, and how many more there are."""
    # the reason of a check is kept in both languages
    reason = in_language(outcome.reasons[0], "en") if outcome.reasons else ""
    more = f" (+{len(outcome.reasons) - 1} more)" if len(outcome.reasons) > 1 else ""
    return f"{outcome.period} is held: {reason[:120]}{'…' if len(reason) > 120 else ''}{more}"

"""The trial: the home as it is now and as it would be, both computed in a copy of it by the run that computes the home itself."""

from __future__ import annotations

import datetime as dt
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from duizhang.books import Books, load_books
from duizhang.close.laid_out import RawFile, lay_out, write_books
from duizhang.declared.matching_passes import MATCHING_FILE, read_matching
from duizhang.declared.rule_files import trying
from duizhang.declared.terms import EventKind, FileStatus, PeriodStatus
from duizhang.errors import BooksError, UserError
from duizhang.home.events import last_before
from duizhang.home.lock import acquire
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import FileRecord, collect, inbox_path, records
from duizhang.ingest.files import READ, SUPERSEDED, undecided
from duizhang.plan import Reason, make_plan, recorded
from duizhang.publish import PeriodState, period_states, read_manifest, set_period_state, versions
from duizhang.reconcile.causes import CAUSES_FILE, read_causes
from duizhang.what_if.duplicate import duplicate_home
from duizhang.what_if.edits import Edit, differing_entries, edited
from duizhang.what_if.effect import Effect, WhatIfDay, between
from duizhang.yaml_reading import load_yaml

log = logging.getLogger(__name__)

Runner = Callable[[Path, Path, dt.date, dt.date], int]
Manifests = dict[dt.date, Mapping[str, Any]]
_SIGNED = (PeriodStatus.APPROVED, PeriodStatus.CLOSED)
# entries of books.yaml that say how files are read and whose they are: where one changes, all files are read again
_READING = ("time_zone", "cut_off", "currency", "entity", "shops", "shared_accounts", "readings", "start")
# entries that stay as the books of the home have them
_KEPT = ("inbox", "sources", "databases", "pseudonym_key")


@dataclass(frozen=True)
class Proposed:
    """A change that is tried. books: an edited copy of books.yaml; edits: `PLACE=VALUE`, put into it or into the home's own;
    causes, matching: other rules in the place of causes.yaml and matching.yaml."""

    books: Path | None = None
    edits: tuple[str, ...] = ()
    causes: Path | None = None
    matching: Path | None = None

    @property
    def rules(self) -> dict[str, Path]:
        """The rule files that are others, by their own names."""
        given = {CAUSES_FILE.name: self.causes, MATCHING_FILE.name: self.matching}
        return {name: path.resolve() for name, path in given.items() if path}


@dataclass
class _Trial:
    """The copy. before, after: the books; states: of the days of the home."""

    root: Path
    state: State
    edits: list[Edit] = field(default_factory=list)
    states: dict[dt.date, PeriodState] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def before(self) -> Path:
        return self.root / "before.yaml"

    @property
    def after(self) -> Path:
        return self.root / "books.yaml"

    def manifests(self) -> Manifests:
        """Of every day the version that readers would see."""
        return {
            day: read_manifest(self.home, day, s.version) for day, s in period_states(self.state).items() if s.version
        }


def what_if(
    home: Path, state: State, proposed: Proposed, runner: Runner, *, first: dt.date | None = None, last: dt.date | None = None,
    key: Path | None = None,
) -> Effect:
    """What a change would do to past days; nothing is written to the home.

    Without `first` and `last` every day that was run. Days that are approved or closed are computed like the others, so that it is
    known what they would refuse. Raises UserError where nothing was run, where nothing would change, or where rules or books are wrong.
    """
    known = sorted(recorded(state))
    run = last_before(state, EventKind.RUN_STARTED)
    if not known or run is None:
        raise UserError(f"nothing was run in {home} yet", advice="Run `duizhang run` first.")
    begin, end = first or known[0], last or known[-1]
    if not any(begin <= day <= end for day in known):
        raise UserError(f"no day from {begin} to {end} was ever run", advice="`duizhang status` lists the periods.")
    end = min(end, known[-1])
    with tempfile.TemporaryDirectory(prefix="duizhang-what-if-") as folder:
        trial, left_out = _prepared(home.resolve(), state, Path(folder), run.payload, proposed, key)
        log.info("what if: %d entries changed, %s to %s, in a copy of %s", len(trial.edits), begin, end, home)
        not_current = _up_to_date(trial, begin, end, runner)
        was = trial.manifests()
        with trying(proposed.rules):
            stale = _planned(trial, trial.after)
            runner(trial.after, trial.home, begin, end)
        return _effect(trial, begin, end, was, stale, not_current, left_out)


def _prepared(
    home: Path, state: State, root: Path, start: dict[str, Any], proposed: Proposed, key: Path | None
) -> tuple[_Trial, tuple[str, ...]]:
    """The copy with both books; and the entries of the inbox that it lacks, because nothing of them was archived."""
    # a home that cannot be written to is no run's either
    with acquire(home) if os.access(home, os.W_OK) else nullcontext():
        files = records(state)
        settings = lay_out(home, root, start, (), key)
        changed = _changed(settings, proposed)
        write_books(root / "before.yaml", settings)
        write_books(root / "books.yaml", changed)
        before, after = load_books(root / "before.yaml"), _checked(root / "books.yaml", root)
        edits = [*_books_edits(before, after), *_rule_edits(proposed)]
        if not edits:
            raise UserError("nothing would change: books and rules say what those of the last run say", advice="Give --books or --set.")
        wanted = _to_lay_out(files, all_of_them=any(e.entry.split(".")[0] in _READING for e in edits))
        lay_out(home, root, start, wanted, key)
        write_books(root / "books.yaml", changed)
        trial = _Trial(root, duplicate_home(home, state, root / "home"), edits)
    trial.states = period_states(trial.state)
    for day, s in trial.states.items():
        if s.state in _SIGNED:
            set_period_state(trial.state, day, PeriodStatus.RECONCILED)
    return trial, tuple(f.path for f in files if f.status == FileStatus.REFUSED and not f.sha256)


def _to_lay_out(files: list[FileRecord], *, all_of_them: bool) -> list[RawFile]:
    """What a run has to find in the inbox: what was read stays in the books without it, unless it is to be read otherwise."""
    found = {}
    for file in files:
        was_read = undecided(file).status in (READ, SUPERSEDED)
        if file.sha256 and file.status != FileStatus.DUPLICATE and (all_of_them or not was_read):
            name = inbox_path(file.path)
            found[name] = RawFile(name, file.sha256, file.modified)
    return list(found.values())


def _changed(settings: dict[str, Any], proposed: Proposed) -> dict[str, Any]:
    """The settings of the change: of a copy of the books, or the home's own, with what was set."""
    base = dict(settings)
    if proposed.books is not None:
        load_books(proposed.books)  # what is wrong in it is told by its own lines
        given = load_yaml(proposed.books.read_text(encoding="utf-8"))
        base = {**given, **{name: settings[name] for name in _KEPT if name in settings}}
    return edited(base, proposed.edits)


def _checked(path: Path, root: Path) -> Books:
    """The changed books, whose errors name no file that is soon gone."""
    try:
        return load_books(path)
    except BooksError as error:
        raise BooksError(str(error).replace(f"{path}: ", "the changed books: ").replace(str(root), ""), advice=error.advice) from error


def _books_edits(before: Books, after: Books) -> list[Edit]:
    return list(differing_entries(before.in_force(dt.date.max), after.in_force(dt.date.max)))


def _rule_edits(proposed: Proposed) -> list[Edit]:
    """The entries of rules that differ. Raises UserError where a file holds none."""
    found: list[Edit] = []
    for own in (CAUSES_FILE, MATCHING_FILE):
        path = proposed.rules.get(own.name)
        if path is None:
            continue
        try:
            if own is CAUSES_FILE:
                was, now = (
                    {name: {**asdict(c), "runner_up": [asdict(other) for other in c.runner_up]} for name, c in read_causes(p).items()}
                    for p in (own, path)
                )
            else:
                was, now = (read_matching(p).model_dump(mode="json") for p in (own, path))
        except (OSError, ValueError, TypeError, AttributeError, IndexError, yaml.YAMLError) as error:
            line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UserError(f"{path} is no {own.name}: {line}", advice=f"Change a copy of {own}.") from error
        found += differing_entries(was, now, own.stem)
        if list(was) != list(now):
            found.append(Edit(f"{own.stem}: order", list(was), list(now)))
    return found


def _up_to_date(trial: _Trial, first: dt.date, last: dt.date, runner: Runner) -> tuple[dt.date, ...]:
    """Compute in the copy what a run would compute without the change, so that the difference is the change's alone; those days."""
    stale = tuple(day for day in _planned(trial, trial.before) if first <= day <= last)
    if stale:
        log.info("%d days are not current; they are computed without the change first", len(stale))
        runner(trial.before, trial.home, first, last)
    return stale


def _said(state: PeriodState | None) -> str:
    return state.held_reasons if state else ""


def _planned(trial: _Trial, path: Path) -> dict[dt.date, tuple[Reason, ...]]:
    """The days of the copy that are not current by these books, and why."""
    books, store = load_books(path), Store(trial.home)
    collect(books, store, trial.state)
    known = sorted(recorded(trial.state))
    return make_plan(books, store, trial.state, known[0], known[-1]).stale


def _effect(
    trial: _Trial, first: dt.date, last: dt.date, was: Manifests, stale: Mapping[dt.date, tuple[Reason, ...]],
    not_current: tuple[dt.date, ...], left_out: tuple[str, ...],
) -> Effect:
    now, states = trial.manifests(), period_states(trial.state)
    digests = {(v.period, v.version): v for v in versions(trial.state)}
    computed = {day for day in now if day not in was or now[day]["version"] != was[day]["version"]}
    pairs = {day: (was.get(day) or {"tables": {}}, now[day]) for day in sorted(now)}
    changed = [day for day in computed if day not in was or was[day]["data_digest"] != now[day]["data_digest"]]
    held = [day for day, s in states.items() if s.state == PeriodStatus.HELD and s.held_reasons != _said(trial.states.get(day))]
    span = {day: pair for day, pair in pairs.items() if first <= day <= max([last, *changed])}
    items, moved, legs, profits, counted = between(trial.home, span)
    days = []
    for day in sorted({*changed, *held}):
        before = was.get(day)
        s = states[day]
        days.append(WhatIfDay(
            day, trial.states[day].state if day in trial.states else "",
            str(before["digest"]) if before else "", digests[day, s.version].digest if s.version else "",
            tuple(s.held_reasons.splitlines()) if day in held else (), stale.get(day, ()), *counted.get(day, (0, 0)),
        ))
    done = {day for day in stale if first <= day <= last}
    return Effect(
        first, last, tuple(trial.edits), tuple(days), len(computed | done) - len({*changed, *held}),
        {day: reasons for day, reasons in stale.items() if day not in done and day not in computed}, items, moved, legs, profits,
        not_current, left_out,
    )

__all__ = ["Proposed", "what_if"]

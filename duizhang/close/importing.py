"""Decisions of a workbook back in. The workbook is input from outside: every row is held against what is published."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from duizhang.close.authority import actor
from duizhang.close.deciding import MOST_TOLD, Choice, Taken, impossible, take
from duizhang.close.decisions import DECISIONS, LINK, decisions
from duizhang.close.groups import Event, events_of, linked
from duizhang.close.leg_sheets import LABEL_ROW, decision_of
from duizhang.close.workbook import DERIVED, HEADER, IDENTITY, open_differences, row_digest, safe_cell
from duizhang.digest import mapping_digest
from duizhang.errors import UserError
from duizhang.lock import acquire
from duizhang.publish import period_states, rebuild_published
from duizhang.state import State

# what a matching pass proposes: see sql/matching/proposals
_PAIR = re.compile(r"pairs with (?P<keys>.*?)(?P<more> and \d+ more)?(?: \(\w+: .*)?$")


@dataclass(frozen=True)
class Imported:
    """What a workbook brought. rows: those with a decision; events: those that they are about and that are new; days: theirs."""

    rows: int
    taken: Taken

    @property
    def days(self) -> list[dt.date]:
        return sorted({d.period for d in self.taken.stored})


def import_decisions(home: Path, state: State, path: Path, *, by: str, key: Path | None = None) -> Imported:
    """Take the decisions of a workbook, all or none. One on a line that several events make up is about each of them, and one
    event that several lines show is decided once.

    Raises UserError, naming sheet, row and reason, where one cannot be taken.
    """
    who = actor(home, state, by, "decide", key=key)
    with acquire(home):
        # what was published last is what readers and the workbook are held against, also after a kill
        rebuild_published(home, state)
        newest = max(period_states(state), default=dt.date.min)
        rows, choices = read_choices(home, path, known={d.row for d in decisions(state)}, newest=newest)
        return Imported(rows, take(state, choices, by=who, what=str(path)))


def read_choices(home: Path, path: Path, *, known: Collection[str] = (), newest: dt.date) -> tuple[int, list[Choice]]:
    """How many rows of a workbook have a decision, and what they choose, once an event. known: digests of rows that were taken
    before; their difference may be gone. newest: the last day that the books have come to.

    Raises UserError, naming sheet, row and reason, for every row that cannot be taken; then none is.
    """
    reading = _Reading(home, known, newest)
    for sheet, number, row in _rows(path):
        reading.take(f"sheet {sheet}, row {number}", row)
    problems = reading.problems
    if problems:
        more = f"\n  and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
        raise UserError(f"{path}: nothing was imported\n  " + "\n  ".join(problems[:MOST_TOLD]) + more, advice="Correct these rows.")
    return reading.rows, list(reading.choices.values())


def _rows(path: Path) -> list[tuple[str, int, dict[str, Any]]]:
    """The rows of every sheet with the columns of the workbook: sheet, number, cells by column."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = {name: [list(row) for row in book[name].iter_rows(values_only=True)] for name in book.sheetnames}
        book.close()
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError, AttributeError) as error:
        raise UserError(f"{path} is not a readable XLSX workbook: {error}") from error
    found = []
    missing: list[str] = list(HEADER)
    for sheet, rows in sheets.items():
        names = [str(cell or "").split("\n")[0] for cell in rows[0]] if rows else []
        lacking = [name for name in HEADER if name not in names]
        missing = min(missing, lacking, key=len)
        if not lacking:
            named = [(sheet, number, dict(zip(names, cells, strict=False))) for number, cells in enumerate(rows[1:], 2)]
            found += [row for row in named if row[2].get("row") != LABEL_ROW]
    if missing:
        raise UserError(f"{path}: no sheet has all columns; {', '.join(missing)} are missing",
                        advice="Import the workbook that `exceptions export` wrote.")
    return found


class _Reading:
    """What was read so far of a workbook."""

    def __init__(self, home: Path, known: Collection[str], newest: dt.date) -> None:
        self.home, self.known, self.newest = home, known, newest
        self.problems: list[str] = []
        self.choices: dict[tuple[dt.date, str], Choice] = {}
        self.rows = 0
        self._decided: dict[tuple[dt.date, str], Choice] = {}
        self._places: dict[str, str] = {}
        self._shown: dict[dt.date, dict[str, dict[str, Any]]] = {}
        self._events: dict[dt.date, dict[str, Event]] = {}

    def take(self, place: str, row: dict[str, Any]) -> None:
        """One row: what it chooses, or what is wrong with it."""
        if not _text(row["decision"]):
            filled = [name for name in ("reason", "wait_until") if _text(row[name])]
            if filled:
                self.problems.append(f"{place}: {' and '.join(filled)} without a decision; expected one of {', '.join(DECISIONS)}")
            return
        self.rows += 1
        before = self._places.setdefault(_text(row["row"]), place)
        if before != place:
            self.problems.append(f"{place}: the difference was decided in {before.rpartition(', ')[2]} already")
            return
        try:
            chosen = self._chosen(place, row)
        except UserError as error:
            self.problems.append(f"{place}: {error}")
            return
        for choice in chosen:
            if problem := impossible(choice, self.newest):
                self.problems.append(f"{place}: {problem}")
                return
            for event in choice.event.id.split():
                other = self._decided.setdefault((choice.event.period, event), choice)
                if (other.event.id, other.decision, other.until) != (choice.event.id, choice.decision, choice.until):
                    self.problems.append(
                        f"{place}: {choice.decision}, but {other.place} says {other.decision} of the same event {event} "
                        f"({choice.event.lead.leg} {choice.event.lead.key}); one event has one decision"
                    )
                    return
            self.choices.setdefault((choice.event.period, choice.event.id), choice)

    def _chosen(self, place: str, row: dict[str, Any]) -> list[Choice]:
        decision, reason = decision_of(_text(row["decision"])), _text(row["reason"])
        period = _day(row["period"], "period")
        until = _day(row["wait_until"], "wait_until") if _text(row["wait_until"]) else None
        identity = _text(row["row"])
        digest = mapping_digest({"row": identity, "decision": decision, "reason": reason, "until": str(until)})
        if digest in self.known:
            return []  # taken before; what it was about may have gone since
        if period not in self._shown:
            self._shown[period] = {row_digest(r): r for r in open_differences(self.home, period)}
            self._events[period] = events_of(self.home, period)
        shown = self._shown[period].get(identity)
        if shown is None:
            raise UserError("the difference is not open as the workbook shows it; export again")
        for name in IDENTITY:
            if name not in DERIVED and not _is_as_exported(shown[name], row[name]):
                raise UserError(f"{name} was changed from {_plain(shown[name])!r} to {_text(row[name])!r}; export again")
        events = [self._events[period][event] for event in shown["events"]]
        if decision == LINK:
            events = [linked([*events, *self._proposed(period, shown)])]
        return [Choice(event, decision, reason, until, place, digest) for event in events]

    def _proposed(self, period: dt.date, shown: dict[str, Any]) -> list[Event]:
        """The events of the items that a matching pass has put beside an item."""
        said = _PAIR.match(shown["proposal"] or "")
        if said is None:
            raise UserError("nothing is proposed to be linked with it; `duizhang exceptions decide ... --decision link` links by hand")
        if said["more"]:
            raise UserError("more items are proposed than the workbook shows; link them by hand")
        found = []
        for key in said["keys"].split(", "):
            others = [r for r in self._shown[period].values()
                      if (r["leg"], r["entity"], r["key"], r["currency"]) == (shown["leg"], shown["entity"], key, shown["currency"])]
            if not others:
                raise UserError(f"{key}, which is proposed, is not open any more; export again")
            found += [self._events[period][event] for r in others for event in r["events"]]
        return found


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _day(cell: object, column: str) -> dt.date:
    try:
        return dt.date.fromisoformat(_text(cell)[:10])
    except ValueError as error:
        raise UserError(f"{column} {_text(cell)!r} is no day; expected such as 2026-03-31") from error


def _is_as_exported(was: object, cell: object) -> bool:
    """Whether a cell says what was written into it. A spreadsheet may have made a number of a text, or the other way round."""
    if isinstance(was, Decimal):
        try:
            return Decimal(_text(cell).replace(",", "").removeprefix("'") or "0") == was
        except InvalidOperation:
            return False
    if isinstance(was, dt.date):
        return _text(cell)[:10] == was.isoformat()
    return _text(cell).removeprefix("'") == _plain(was).removeprefix("'")


def _plain(value: object) -> str:
    return _text(safe_cell(value))

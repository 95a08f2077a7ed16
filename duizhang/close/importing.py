"""Decisions of a workbook back in, and corrections of cells. It is input from outside: every row is held against what is there."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from duizhang.close.authority import Actor, actor
from duizhang.close.choosing import Choice, Ground, chosen, decision_named
from duizhang.close.decided_sheet import DECIDED_HEADER, DECIDED_INPUT, Undoing, undoing
from duizhang.close.deciding import MOST_TOLD, Taken, take
from duizhang.close.decisions import DECISIONS, LINK, SPLIT, Decision, decisions
from duizhang.close.groups import Event, events_of, linked
from duizhang.close.leg_sheets import CELL_INPUT, LABEL_ROW
from duizhang.close.rejecting import CellChoice, Corrected
from duizhang.close.workbook import CELL_HEADER, DERIVED, HEADER, IDENTITY, INPUT, LATER, open_differences, row_digest, safe_cell
from duizhang.digest import mapping_digest
from duizhang.errors import UserError
from duizhang.home.lock import acquire
from duizhang.home.state import State
from duizhang.publish import refresh_published
from duizhang.speech.labels import load_labels

if TYPE_CHECKING:
    from duizhang.close.correcting import Correcting

# what a matching pass proposes: see sql/matching/proposals
_PAIR = re.compile(r"pairs with (?P<keys>.*?)(?P<more> and \d+ more)?(?: \(\w+: .*)?$")


@dataclass(frozen=True)
class Imported:
    """What a workbook brought. rows: those with a decision, a new value or a mark; taken: decisions about events that are new; corrected:
    cells that are; undone: decisions that it takes back; days: those of the decisions."""

    rows: int
    taken: Taken
    corrected: Corrected
    undone: tuple[Decision, ...] = ()

    @property
    def days(self) -> list[dt.date]:
        return sorted({d.period for d in self.taken.stored})


def import_decisions(home: Path, state: State, path: Path, *, by: str, key: Path | None = None) -> Imported:
    """Take the decisions and corrections of a workbook, all or none. One on a line that several events make up is about each of them,
    and one event that several lines show is decided once.

    Raises UserError, naming sheet, row and reason, where one cannot be taken.
    """
    who = actor(home, state, by, "decide", key=key)
    with acquire(home):
        # what was published last is what readers and the workbook are held against, also after a kill
        refresh_published(home, state)
        sheets = _sheets(path)
        reading = _Reading(home, {d.row for d in decisions(state)}, Ground(home, state))
        for sheet, number, row in _rows(path, sheets):
            reading.take(f"sheet {sheet}, row {number}", row)
        cells, back = _cells(reading, sheets), _undoing(state, sheets)
        correcting = _correcting(home, state, cells, by=who) if cells else None
        problems = [*reading.problems, *back.problems, *(correcting.problems if correcting else ())]
        if problems:
            more = f"\n  and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
            raise UserError(f"{path}: nothing was imported\n  " + "\n  ".join(problems[:MOST_TOLD]) + more, advice="Correct these rows.")
        choices = [choice for several in reading.choices.values() for choice in several]

        def go() -> Imported:
            undone = back.do(state, who)  # first, so that the same workbook may say what is decided instead
            taken = take(state, choices, by=who, what=str(path))
            corrected = _stored(state, correcting, by=who) if correcting else Corrected(())
            return Imported(reading.rows + back.rows, taken, corrected, undone)

        return state.change(go)


def _correcting(home: Path, state: State, cells: Sequence[CellChoice], *, by: Actor) -> Correcting:
    from duizhang.close.correcting import checked  # reads files, which decisions about events do not

    return checked(home, state, cells, by=by)


def _stored(state: State, correcting: Correcting, *, by: Actor) -> Corrected:
    from duizhang.close.correcting import store

    return store(state, correcting, by=by)


def _sheets(path: Path) -> dict[str, list[list[Any]]]:
    """The cells of every sheet, row by row."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = {name: [list(row) for row in book[name].iter_rows(values_only=True)] for name in book.sheetnames}
        book.close()
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError, AttributeError) as error:
        raise UserError(f"{path} is not a readable XLSX workbook: {error}") from error
    return sheets


def _rows(path: Path, sheets: Mapping[str, list[list[Any]]]) -> list[tuple[str, int, dict[str, Any]]]:
    """The rows of every sheet with the columns of the workbook: sheet, number, cells by column."""
    found, missing = _named(sheets, HEADER)
    if missing and not any(_named(sheets, header)[0] for header in (CELL_HEADER, DECIDED_HEADER)):
        raise UserError(f"{path}: no sheet has all columns; {', '.join(missing)} are missing",
                        advice="Import the workbook that `exceptions export` wrote.")
    return found


def _named(sheets: Mapping[str, list[list[Any]]], header: Sequence[str]) -> tuple[list[tuple[str, int, dict[str, Any]]], list[str]]:
    """The rows of the sheets that have all columns, and what the likeliest sheet lacks ([] where one has all)."""
    found = []
    missing: list[str] = list(header)
    for sheet, rows in sheets.items():
        names = [str(cell or "").split("\n")[0] for cell in rows[0]] if rows else []
        lacking = [name for name in header if name not in (*names, *LATER)]
        missing = min(missing, lacking, key=len)
        if not lacking:
            named = [(sheet, number, dict(zip(names, cells, strict=False))) for number, cells in enumerate(rows[1:], 2)]
            found += [row for row in named if not _is_heading(row[2])]
    return found, missing


def _is_heading(row: Mapping[str, Any]) -> bool:
    """Whether it is the row of labels as it was written; what somebody typed over a label is read as a row, and refused as one."""
    if row.get("row") != LABEL_ROW:
        return False
    labels = load_labels()["workbook"]
    return all(_text(row[name]) in labels[f"c_{name}"].values() for name in (*INPUT, *CELL_INPUT, *DECIDED_INPUT) if row.get(name))


def _cells(reading: _Reading, sheets: Mapping[str, list[list[Any]]]) -> list[CellChoice]:
    """The corrections of cells that the workbook has; what is wrong with one goes to the problems of the reading."""
    found = []
    for sheet, number, row in _named(sheets, CELL_HEADER)[0]:
        value, reason, place = _text(row["new_value"]), _text(row["new_reason"]), f"sheet {sheet}, row {number}"
        if not value:
            if reason:
                reading.problems.append(f"{place}: a reason without a new value")
            continue
        reading.rows += 1
        line = _text(row["line"]).removesuffix(".0")
        if not line.isdigit():
            reading.problems.append(f"{place}: line {line!r} is no number; export again")
            continue
        shown = {name: _text(row[name]).removeprefix("'") for name in ("file", "column_name", "value", "sha256")}
        found.append(CellChoice(
            shown["file"], int(line), shown["column_name"], shown["value"], value.removeprefix("'"), reason, shown["sha256"], place))
    return found


def _undoing(state: State, sheets: Mapping[str, list[list[Any]]]) -> Undoing:
    """What the workbook takes back of what was decided before."""
    rows = _named(sheets, DECIDED_HEADER)[0]
    return undoing(state, [(sheet, number, {name: _text(cell) for name, cell in row.items()}) for sheet, number, row in rows])


class _Reading:
    """What was read so far of a workbook."""

    def __init__(self, home: Path, known: Collection[str], ground: Ground) -> None:
        self.home, self.known, self.ground = home, known, ground
        self.problems: list[str] = []
        self.choices: dict[tuple[dt.date, str], list[Choice]] = {}
        self.rows = 0
        self._decided: dict[tuple[dt.date, str], Choice] = {}
        self._places: dict[str, str] = {}
        self._shown: dict[dt.date, dict[str, dict[str, Any]]] = {}
        self._events: dict[dt.date, dict[str, Event]] = {}

    def take(self, place: str, row: dict[str, Any]) -> None:
        """One row: what it chooses, or what is wrong with it."""
        if not _text(row["decision"]):
            filled = [name for name in ("reason", "wait_until", "to") if _text(row[name])]
            if filled:
                self.problems.append(f"{place}: {' and '.join(filled)} without a decision; expected one of {', '.join(DECISIONS)}")
            return
        self.rows += 1
        before = self._places.setdefault(_text(row["row"]), place)
        if before != place:
            self.problems.append(f"{place}: the difference was decided in {before.rpartition(', ')[2]} already")
            return
        try:
            found = [(said, chosen(self.ground, said)) for said in self._said(place, row)]
        except UserError as error:
            self.problems.append(f"{place}: {error}")
            return
        for choice, parts in found:
            for event in choice.event.id.split():
                other = self._decided.setdefault((choice.event.period, event), choice)
                if (other.event.id, other.decision, other.until, other.to) != (
                    choice.event.id, choice.decision, choice.until, choice.to
                ):
                    self.problems.append(
                        f"{place}: {choice.decision}, but {other.place} says {other.decision} of the same event {event} "
                        f"({choice.event.lead.leg} {choice.event.lead.key}); one event has one decision"
                    )
                    return
            self.choices.setdefault((choice.event.period, choice.event.id), parts)

    def _said(self, place: str, row: dict[str, Any]) -> list[Choice]:
        decision, reason, to = decision_named(_text(row["decision"])), _text(row["reason"]), _typed(row.get("to"))
        period = _day(row["period"], "period")
        until = _day(row["wait_until"], "wait_until") if _text(row["wait_until"]) else None
        identity = _text(row["row"])
        digest = mapping_digest({"row": identity, "decision": decision, "reason": reason, "until": str(until),
                                 **({"to": to} if to else {})})
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
        elif len(events) > 1 and (decision == SPLIT or to):
            raise UserError(f"the line is made of {len(events)} events; say what becomes of each in its own line")
        return [Choice(event, decision, reason, until, place, digest, to) for event in events]

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


def _typed(cell: object) -> str:
    """What somebody typed where a spreadsheet may have made a number of an account, or a date of a part."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return _text(cell).removeprefix("'")


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

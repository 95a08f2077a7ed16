"""Cells of raw files corrected: what stood there and what is to be read instead, by somebody, for a reason.

The raw file stays as it is. The next run reads it with the value in its cell, so the row leaves the quarantine and everything
that follows from it is computed; `read = parsed + quarantined + ignored` holds as before. Whoever corrects says what he or she has
seen: where something else stands in the cell, nothing is corrected.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from duizhang.close.authority import Actor, Key, actor
from duizhang.close.deciding import CLOSED, MOST_TOLD
from duizhang.close.rejecting import CellChoice, Corrected
from duizhang.errors import RefusedFile, UserError
from duizhang.home.events import append_event
from duizhang.home.lock import acquire
from duizhang.home.state import State
from duizhang.ingest import FileRecord, load_specs, records
from duizhang.ingest.archiving import archived_path, archived_whole
from duizhang.ingest.corrected import CellCorrection
from duizhang.ingest.files import (
    ACCEPTED,
    CELL_CORRECTED,
    CELL_RESTORED,
    DUPLICATE,
    READ,
    REFUSED,
    by_content,
    cell_corrections,
    inbox_path,
    member_of,
)
from duizhang.publish import period_states
from duizhang.secrecy.sealing import opened
from duizhang.spelling import nearest

if TYPE_CHECKING:
    from duizhang.books import Books
    from duizhang.ingest import SourceSpec
    from duizhang.ingest.landing import RawRecord

_NO_KEY = b"no customer is named by this"


def record_of(home: Path, state: State, file: str, line: int) -> RawRecord:
    """One record of a file as it stands there and as it is read now. UserError where there is none."""
    books = _books(home, state)
    found = _found(records(state), file)
    rows = _look(home, books, load_specs(books.sources_path), found, by_content(cell_corrections(state)).get(found.sha256, ()), [line])
    if line not in rows:
        raise UserError(_nothing(found, line))
    return rows[line]


def correct(
    home: Path, state: State, choices: Sequence[CellChoice], *, by: str, key: Key | None = None
) -> Corrected:
    """Correct cells, all of them or none; one that was corrected so before adds nothing.

    Raises UserError with every one that may not be: its file is not known or holds something else now, there is no such record or
    column, something else than was seen stands there, it was corrected otherwise before, the new value cannot be read either, the
    cell is personal data, or a day of the file is closed.
    """
    who = actor(home, state, by, "decide", key=key)
    with acquire(home):
        correcting = checked(home, state, choices, by=who)
        if problems := correcting.problems:
            more = f"\n  and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
            raise UserError("nothing was corrected\n  " + "\n  ".join(problems[:MOST_TOLD]) + more,
                            advice="Correct these, or leave them out.")
        return store(state, correcting, by=who)


def checked(home: Path, state: State, choices: Sequence[CellChoice], *, by: Actor) -> Correcting:
    """The choices held against what stands in their files, before anything is stored: `problems`, and what would be `new`."""
    found = Correcting(home, state)
    found.take(choices, by.name)
    return found


def store(state: State, correcting: Correcting, *, by: Actor) -> Corrected:
    """Put checked corrections on record, as one change or a part of one. UserError where a day of a file is closed."""

    def go() -> Corrected:
        closed = {p for p, s in period_states(state).items() if s.state == CLOSED}
        for one, days in correcting.new:
            if shut := sorted(closed & days):
                raise UserError(f"{one.file} belongs to {shut[0]}, which is closed", advice="Reopen it first, with a reason.")
            append_event(state, actor=by.name, kind=CELL_CORRECTED, sign=by.sign, payload={
                "id": one.id, "file": one.file, "sha256": one.sha256, "member": one.member, "source": one.source, "line": one.line,
                "column": one.column, "was": one.was, "value": one.value, "reason": one.reason, "days": sorted(d.isoformat() for d in days),
            })
        touched = sorted({day for _, days in correcting.new for day in days})
        return Corrected(tuple(one for one, _ in correcting.new), correcting.still, tuple(touched))

    return state.change(go)


def take_back_cell(
    home: Path, state: State, number: int, *, by: str, reason: str, key: Key | None = None
) -> CellCorrection:
    """Take a correction of a cell back: its file is read as it stands there again. The correction, as it now is.

    Raises UserError where there is none of this number, it was taken back before, or a day of its file is closed.
    """
    who = actor(home, state, by, "decide", key=key)
    if not reason.strip():
        raise UserError("taking a correction back needs a reason")

    def go() -> CellCorrection:
        found = next((c for c in cell_corrections(state) if c.id == number), None)
        if found is None:
            raise UserError(f"there is no correction K{number:06d}", advice="`duizhang source rejected` lists them.")
        if found.taken_back:
            raise UserError(f"{found.taken_back} took {found.name} back before")
        days = {day for r in records(state) if r.sha256 == found.sha256 for day in r.touched()}
        shut = sorted(p for p, s in period_states(state).items() if s.state == CLOSED and p in days)
        if shut:
            raise UserError(f"{found.file} belongs to {shut[0]}, which is closed", advice="Reopen it first, with a reason.")
        append_event(state, actor=who.name, kind=CELL_RESTORED, sign=who.sign, payload={
            "id": number, "file": found.file, "line": found.line, "column": found.column, "reason": reason.strip(),
            "days": sorted(day.isoformat() for day in days),
        })
        return replace(found, taken_back=who.name)

    with acquire(home):
        return state.change(go)


class Correcting:
    """Choices held against what stands in the files. new: what may be stored, with the days that it touches; still: by number, what
    else is wrong with its record; problems: what may not be, each with its place."""

    def __init__(self, home: Path, state: State) -> None:
        self.home, self.state = home, state
        self.known = cell_corrections(state)
        self.records = records(state)
        self.next = 1 + max((c.id for c in self.known), default=0)
        self.problems: list[str] = []
        self.new: list[tuple[CellCorrection, set[dt.date]]] = []
        self.still: dict[str, str] = {}

    @cached_property
    def books(self) -> Books:
        return _books(self.home, self.state)

    @cached_property
    def specs(self) -> Mapping[str, SourceSpec]:
        return load_specs(self.books.sources_path)

    def take(self, choices: Sequence[CellChoice], by: str) -> None:
        """Look at choices, those of one file together."""
        wanted = []
        for choice in choices:
            try:
                record = _found(self.records, choice.file)
                wanted.append((choice, record))
            except UserError as error:
                self.problems.append(_said(choice, error))
        by_record: dict[str, list[CellChoice]] = {}
        for choice, record in wanted:
            by_record.setdefault(record.path, []).append(choice)
        for name, own in by_record.items():
            record = next(r for r in self.records if r.path == name)
            self.problems += self._of_file(record, own, by)

    def _of_file(self, record: FileRecord, choices: Sequence[CellChoice], by: str) -> list[str]:
        problems: list[str] = []
        before = by_content(self.known).get(record.sha256, ())
        lines = {choice.line for choice in choices}
        try:
            rows = _look(self.home, self.books, self.specs, record, before, lines)
        except UserError as error:
            return [_said(choice, error) for choice in choices]
        found: list[tuple[CellChoice, CellCorrection]] = []
        for choice in choices:
            try:
                one = self._one(record, choice, rows.get(choice.line), [*before, *(c for _, c in found)], by)
            except UserError as error:
                problems.append(_said(choice, error))
                continue
            if one is not None:
                found.append((choice, one))
        if problems or not found:
            return problems
        after = _look(self.home, self.books, self.specs, record, [*before, *(c for _, c in found)], lines)
        for choice, one in found:
            wrong = after[one.line].wrong
            if one.column in wrong:
                value, why = wrong[one.column]
                problems.append(_said(choice, UserError(f"{one.column} {value!r} cannot be read either: it {why}")))
            elif wrong:
                self.still[one.name] = "; ".join(f"{column or 'the record'} {why}" for column, (_, why) in sorted(wrong.items()))
            self.new.append((one, {*record.touched(), *after[one.line].days}))
        return problems

    def _one(
        self, record: FileRecord, choice: CellChoice, row: RawRecord | None, before: Sequence[CellCorrection], by: str
    ) -> CellCorrection | None:
        """The correction that a choice is; None where it was made before."""
        if choice.sha256 and choice.sha256 != record.sha256:
            raise UserError("the file holds another content than the one that was seen; look at it again")
        if not choice.reason.strip():
            raise UserError("the reason is empty; expected why this is corrected")
        if row is None:
            raise UserError(_nothing(record, choice.line))
        from duizhang.ingest.landing import as_shown
        from duizhang.ingest.typing import shape

        column = _column(self.specs[record.source], row, choice.column)
        cell = row.cells[column]
        if cell.is_personal:
            raise UserError(f"{column} is personal data, which is kept nowhere in clear; have it corrected at its source")
        place = (record.sha256, member_of(record.path), choice.line, column)
        old = next((c for c in before if c.place == place), None)
        if old is not None:
            if (old.value, old.by) == (choice.value.strip(), by):
                return None
            raise UserError(f"{old.by or 'another line'} corrected it to {old.value!r} ({old.name}); take that back first")
        seen = as_shown(cell.raw) | (as_shown(row.wrong[column][0]) if column in row.wrong else frozenset())
        if choice.was.strip() not in seen:
            raise UserError(f"something else than {choice.was.strip()!r} stands in {column}: {shape(cell.raw)!r} in its shape")
        if choice.value.strip() == cell.raw:
            raise UserError(f"{column} is {choice.value.strip()!r} already")
        number, self.next = self.next, self.next + 1
        # what stood there is kept in its shape: the log is readable to more people than the archive is
        return CellCorrection(
            number, *place, shape(cell.raw), choice.value.strip(), record.path, record.source, by, choice.reason.strip())


def _look(
    home: Path, books: Books, specs: Mapping[str, SourceSpec], record: FileRecord, corrections: Sequence[CellCorrection],
    lines: Collection[int],
) -> dict[int, RawRecord]:
    if record.status not in (READ, REFUSED, ACCEPTED) or record.source not in specs:
        raise UserError(f"{record.path} is {record.status}{'' if record.source else ', and of no known kind'}, so no cell of it is read")
    if not archived_whole(home, record.sha256):
        raise UserError(f"the archived bytes of {record.path} are damaged", advice="`duizhang doctor --fix` restores what can be restored.")
    from duizhang.ingest.landing import Setting, look  # which what is taken back does not need

    setting = replace(Setting.of(books, record.shop, key=_NO_KEY), corrections=tuple(corrections))
    try:
        with opened(archived_path(home, record.sha256)) as path:
            return look(path, specs, setting, member=member_of(record.path), lines=lines)
    except RefusedFile as error:
        raise UserError(f"{record.path}: {error}", advice=error.advice) from error


def _books(home: Path, state: State) -> Books:
    from duizhang.close.books_of_run import last_books

    books = last_books(home, state)
    if books is None:
        raise UserError("no file was ever read here", advice="`duizhang run` reads the inbox.")
    return books


def _column(spec: SourceSpec, row: RawRecord, name: str) -> str:
    """The column of the specification that a name means: its own, another that it has had, or that of its field."""
    names = {column.column: column.column for column in spec.fields.values()}
    names |= {other: column.column for column in spec.fields.values() for other in column.also if other not in names}
    names |= {field_: column.column for field_, column in spec.fields.items() if field_ not in names}
    column = names.get(name.strip(), "")
    if column not in row.cells:
        close = nearest(name, list(row.cells))
        raise UserError(f"{name!r} is no column that is read of it" + (f"; did you mean {close!r}?" if close else ""))
    return column


def _found(known: Sequence[FileRecord], file: str) -> FileRecord:
    """The record that a name means: the whole name, or the end of one where that is unique."""
    names = {r.path: r for r in known if r.status != DUPLICATE}
    if file in names:
        return names[file]
    ends = [name for name in names if name.endswith(f"/{file}")] or [name for name in names if inbox_path(name) == file]
    if len(ends) == 1:
        return names[ends[0]]
    close = nearest(file, list(names))
    raise UserError(
        f"{file!r} may be several: {', '.join(ends[:5])}" if ends else f"no file is known as {file!r}"
        + (f"; did you mean {close!r}?" if close else ""), advice="`duizhang status` lists names.")


def _nothing(record: FileRecord, line: int) -> str:
    return f"no record that can be read cell by cell stands in line {line} of {record.path}"


def _said(choice: CellChoice, error: UserError) -> str:
    return f"{choice.place or f'{choice.file}, line {choice.line}'}: {error}" + (f" ({error.advice})" if error.advice else "")

"""Single records of a raw file looked at: their cells as they stand there, and what is wrong with them as they are read now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from duizhang.errors import RefusedFile
from duizhang.ingest.landing.extract import bills
from duizhang.ingest.landing.first_rows import overlay_of, settle, typer_of
from duizhang.ingest.landing.landed import Setting
from duizhang.ingest.landing.overlay import raw_cell
from duizhang.ingest.landing.tally import Counter, counting
from duizhang.ingest.reading import read
from duizhang.ingest.rows import Batch
from duizhang.ingest.specification import SourceSpec
from duizhang.ingest.typing import HIDDEN, ColumnTyper, shape


@dataclass(frozen=True)
class RawCell:
    """One cell of a record. raw: as it stands in the file, `***` where it is personal data; kind: of the field that is read from it."""

    column: str
    raw: str
    kind: str
    is_personal: bool


@dataclass(frozen=True)
class RawRecord:
    """One record of a file, read with the corrections of the setting.

    cells: by column of the specification, those of before any correction. wrong: by column ('' of the record as a whole), the value
    that is not read and why. days: business days of the rows that it gives.
    """

    line: int
    cells: Mapping[str, RawCell]
    wrong: Mapping[str, tuple[str, str]]
    days: frozenset[dt.date]


def look(path: Path, specs: Mapping[str, SourceSpec], setting: Setting, *, member: str, lines: Collection[int]) -> dict[int, RawRecord]:
    """The records at these lines of one bill of a file, as far as there are any; the file is read up to the last of them.

    Raises RefusedFile where the file, or one of the corrections, cannot be read.
    """
    for document, place, name in bills(path, specs):
        if name == member:
            reading, spec, found = read(document, place), place.spec, {}
            typer, overlay = None, None
            with counting(spec) as counter:
                for raw in reading.batches:
                    if typer is None or overlay is None:
                        typer = typer_of(reading, spec, setting)
                        overlay = overlay_of(typer, setting, member)
                    batch = overlay.over(raw)
                    settle(typer, batch)
                    numbers = raw.lines.to_numpy(zero_copy_only=False)
                    for at in np.flatnonzero(np.isin(numbers, list(lines))).tolist():
                        line = int(numbers[at])
                        if line in found:
                            raise RefusedFile(f"more than one record stands in line {line}, so nobody can tell which is meant",
                                              advice="Have it corrected at its source.")
                        found[line] = _record(line, raw, batch, at, typer, counter, setting)
                    if len(found) == len(set(lines)):
                        break
            return found
    raise RefusedFile(f"there is no bill {member!r} in it")


def _record(line: int, raw: Batch, batch: Batch, at: int, typer: ColumnTyper, counter: Counter, setting: Setting) -> RawRecord:
    kinds = {column.column: column for column in typer.spec.fields.values()}
    cells = {}
    for column, positions in typer.places().items():
        personal = any(c.personal for c in typer.spec.fields.values() if c.column == column)
        cells[column] = RawCell(column, HIDDEN if personal else raw_cell(raw, positions[0], at), kinds[column].type, personal)
    one = Batch(pa.array([line], pa.int64()), [column.slice(at, 1) for column in batch.columns])
    typed, wrong = typer.type(one)
    said = {row["column_name"]: (row["value"], row["reason"]) for row in wrong.to_pylist()}
    if typed.num_rows and counter.unlisted(typed):
        said[""] = ("", "is of a kind that its specification does not list")
    elif typed.num_rows and (unfit := counter.unfit(typed, setting)):
        said[""] = ("", f"does not fit its table: {next(iter(unfit.values()))}")
    days = counter.count(typed).days if typed.num_rows and not said else frozenset()
    return RawRecord(line, cells, said, days)


def as_shown(raw: str) -> frozenset[str]:
    """The ways in which a cell may have been seen: as it stands there, or in its shape."""
    return frozenset({raw, shape(raw)})

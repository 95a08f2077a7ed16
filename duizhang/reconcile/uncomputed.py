"""Values with which a model cannot be computed: which day they are in, and which rows of which files they are.

A range that fails is computed in halves, down to the day that fails by itself. Of that day the rows are looked for without which it
can be computed; it is computed without them and held, so that the other days go on. Failing is rare, since what a file may state is
bounded and the linter proves that the models have room for it, so the search is plain: each step computes the day again.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from duizhang.declared import schema
from duizhang.errors import ModelFault
from duizhang.home.store import quoted
from duizhang.logs import hushed
from duizhang.reconcile.engine import reconcile
from duizhang.reconcile.models import ROOMS
from duizhang.reconcile.session import LEFT_OUT, OPENING, Session

log = logging.getLogger(__name__)

# Rows that are looked for one by one; where there are more, whole files are left out.
_SINGLE_ROWS = 8
_REFERENCE = {"fx_rates": "fx_filed", "skus": "skus_known", "sku_map": "sku_map_filed", "bundles": "bundles_filed"}  # and their views
# A model that is run once for a day and after which a search need not go on.
_ONCE = tuple(f"sql/{room}/" for room in ROOMS if room != "sides")

# a session of the given class for some days
Make = Callable[[Sequence[dt.date], type[Session]], Session]


@dataclass(frozen=True)
class Uncomputed:
    """A row that was left out of a day because `model` cannot be computed with it. line: None for all rows of the file."""

    period: dt.date
    model: str
    problem: str
    table: str
    file: str
    line: int | None
    column: str
    value: str

    def __str__(self) -> str:
        where = f"{self.file} line {self.line}" if self.line is not None else f"{self.file}, all lines"
        value = f", {self.column} {self.value}" if self.column else ""
        return f"{where}{value} ({self.table}): {self.model} cannot be computed with it: {self.problem}"


@dataclass(frozen=True)
class _Row:
    table: str
    file: str
    line: int


class _Reached(Exception):
    """The model that failed was computed."""


class _Search(Session):
    """A session that goes no further than the model that failed."""

    until = ""

    def run(self, path: str) -> None:
        super().run(path)
        if self.until == f"sql/{path}":
            raise _Reached


def compute(make: Make, periods: Sequence[dt.date]) -> list[Uncomputed]:
    """Reconcile the days; what was left out of which of them because models cannot be computed with it, often nothing.

    make: a session for some days, of the given class. Raises ModelFault where a day fails without any row of its files.
    """
    try:
        with make(periods, Session) as session:
            reconcile(session)
    except ModelFault as fault:
        if len(periods) > 1:
            middle = len(periods) // 2
            return [*compute(make, periods[:middle]), *compute(make, periods[middle:])]
        return _without(make, periods[0], fault)
    return []


def _without(make: Make, period: dt.date, fault: ModelFault) -> list[Uncomputed]:
    """Compute a day without the rows that it cannot be computed with."""
    with make([period], Session) as session:
        log.warning("%s: %s; looking for the rows", period, fault, extra={"period": period})
        rows = _rows_of(session)
    gone: list[_Row] = []
    found: list[Uncomputed] = []
    while True:
        out = set(gone)
        kept = [row for row in rows if row not in out]
        if _fault(make, period, gone + kept, fault):
            raise fault
        # the rows before `low` can be computed, those before `high` can not
        low, high = 0, len(kept)
        while high - low > 1:
            middle = (low + high) // 2
            if _fault(make, period, gone + kept[middle:], fault):
                high = middle
            else:
                low = middle
        row = kept[high - 1]
        if len(found) < _SINGLE_ROWS:
            column, value = _value(make, period, row, gone + kept[high:], fault)
            found.append(Uncomputed(period, fault.model, fault.problem, row.table, row.file, row.line, column, value))
            gone.append(row)
        else:
            found.append(Uncomputed(period, fault.model, fault.problem, row.table, row.file, None, "", ""))
            gone += [other for other in kept if other.file == row.file]
        try:
            with _session(make, period, Session, gone) as session:
                reconcile(session)
            return found
        except ModelFault as next_fault:
            fault = next_fault


def _rows_of(session: Session) -> list[_Row]:
    """Every row that the day is made of, reference data and what was open first: the row that is found is the last of those that
    fail together, and so one of the day's own where there is one."""
    tables = [*((view, table) for table, view in _REFERENCE.items()), (OPENING, OPENING)]
    tables += [(name, name) for name in schema.TABLES if name not in _REFERENCE]
    return [
        _Row(table, file, line)
        for view, table in tables
        for file, line in session.con.execute(f'select distinct file, line from "{view}" order by file, line').fetchall()
    ]


def _session(
    make: Make, period: dt.date, kind: type[Session], gone: Sequence[_Row]
) -> Session:
    session = make([period], kind)
    session.left_out = pa.Table.from_pylist(
        [{"table_name": row.table, "file": row.file, "line": row.line} for row in gone], schema=LEFT_OUT
    )
    return session


def _fault(
    make: Make, period: dt.date, gone: Sequence[_Row], fault: ModelFault,
    blank: tuple[_Row, str] | None = None,
) -> ModelFault | None:
    """What the day fails with when some rows are left out, up to the model that the search is about."""
    session = _session(make, period, _Search, gone)
    assert isinstance(session, _Search)  # noqa: S101 - as asked for
    session.until = fault.model if fault.model.startswith(_ONCE) else ""
    try:
        with hushed(), session, suppress(_Reached):
            if blank:
                _blank(session, *blank)
            reconcile(session)
    except ModelFault as found:
        return found
    return None


def _views(table: str) -> tuple[str, ...]:
    return (table, _REFERENCE[table]) if table in _REFERENCE else (table,)


def _blank(session: Session, row: _Row, column: str) -> None:
    """Take one value out of a row."""
    for view in _views(row.table):
        session.con.execute(f'alter view "{view}" rename to "{view}_filled"')
        session.con.execute(
            f'create view "{view}" as select * replace (case when file = {quoted(row.file)} and line = {row.line} '
            f'then null else "{column}" end as "{column}") from "{view}_filled"'
        )


def _value(
    make: Make, period: dt.date, row: _Row, gone: Sequence[_Row], fault: ModelFault
) -> tuple[str, str]:
    """The column and value without which the row can be computed; empty where it takes more than one."""
    with make([period], Session) as session:
        given = session.con.sql(
            f'select * from "{_views(row.table)[-1]}" where file = ? and line = ?', params=[row.file, row.line]
        ).to_arrow_table()
    record: dict[str, Any] = given.to_pylist()[0]
    numbers = [c.name for c in given.schema if pa.types.is_decimal(c.type) and record[c.name]]
    texts = [c.name for c in given.schema if pa.types.is_string(c.type) and record[c.name] and c.name not in ("file", "source")]
    for column in (*sorted(numbers, key=lambda name: -abs(record[name])), *texts):
        if not _fault(make, period, gone, fault, (row, column)):
            return column, f"{record[column]:f}" if column in numbers else str(record[column])
    return "", ""


__all__ = ["Uncomputed", "compute"]

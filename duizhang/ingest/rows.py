"""What a reader gives: column names, and the rows as batches of text cells with their true line numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, islice
from typing import TypeVar

import pyarrow as pa

HEAD_LINES = 60
_T = TypeVar("_T")
_LONGEST = 400  # days of a statement that are looked at
BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Broken:
    """A row that is no row: a wrong number of cells, or bytes that are no text."""

    line: int
    reason: str


@dataclass(frozen=True)
class Batch:
    """Some rows in their order: `columns` as the reading's names, `lines` (int64) their lines, counted from 1."""

    lines: pa.Array
    columns: list[pa.Array]
    broken: Sequence[Broken] = ()


@dataclass(frozen=True)
class Statement:
    """What a bank states of an account in one currency: its balance at `opened`, the day on which the statement before it ended or its own
    first one, and at the end of `closed`."""

    account: str
    currency: str
    opened: dt.date
    opening: Decimal
    closed: dt.date
    closing: Decimal

    @classmethod
    def of(
        cls, account: str, currency: str, opening: Decimal | None, closing: Decimal | None, days: Callable[[], Iterable[dt.date]],
    ) -> Statement | None:
        """What is stated, where both balances, their days (the opening's first; ValueError where one is none) and the account are there."""
        if not account or opening is None or closing is None or not (opening.is_finite() and closing.is_finite()):
            return None
        try:
            opened, closed = days()
        except ValueError:
            return None
        return cls(account, currency, opened, opening, closed, closing) if opened <= closed else None

    def days(self) -> set[dt.date]:
        """The days that it tells of, whether they have rows or not: those behind the opening balance, of which the first may be."""
        return {self.closed - dt.timedelta(days=n) for n in range(min(max((self.closed - self.opened).days, 1), _LONGEST))}


@dataclass
class Reading:
    """A document being read. What stands around the rows is complete once `batches` is exhausted.

    around: lines that are no rows. summary: normalised column name -> cell of the line or table that carries the
    file's totals; totals_line: that line (0: none was met). stated: (name, stated, computed) of totals that the reader
    itself checks, both as decimal text. headers: lines that repeat the header, as where exports were joined. total_lines: lines that
    state what the columns add up to, with the cells of the columns `names`;
    part_lines: those of some of the rows. header: the names of all columns, also of those that are not read.
    statements: the balances that a bank states with their days.
    """

    names: list[str]
    encoding: str
    batches: Iterator[Batch] = field(default_factory=lambda: iter(()))
    around: list[str] = field(default_factory=list)
    summary: dict[str, str] = field(default_factory=dict)
    totals_line: int = 0
    stated: list[tuple[str, str, str]] = field(default_factory=list)
    headers: list[int] = field(default_factory=list)
    total_lines: list[tuple[int, list[str]]] = field(default_factory=list)
    part_lines: list[tuple[int, list[str]]] = field(default_factory=list)
    header: Sequence[str] = ()
    statements: list[Statement] = field(default_factory=list)


def batches_of(rows: Iterator[tuple[int, Sequence[str]]], width: int, broken: Sequence[Broken] = ()) -> Iterator[Batch]:
    """Batches out of (line, cells) tuples, for readers that meet rows one by one."""
    lines: list[int] = []
    cells: list[Sequence[str]] = []

    def packed(left: Sequence[Broken]) -> Batch:
        columns = [pa.array([row[n] for row in cells], pa.string()) for n in range(width)]
        return Batch(pa.array(lines, pa.int64()), columns, left)

    for line, row in rows:
        lines.append(line)
        cells.append(row)
        if len(lines) == BATCH_ROWS:
            yield packed(())
            lines, cells = [], []
    # `broken` may still be filled while the rows are read, so it goes with the last batch
    yield packed(tuple(broken))


def several(items: Iterator[_T]) -> tuple[bool, Iterator[_T]]:
    """Whether there is more than one, and all of them: a small file is one piece, and no thread is started for it."""
    first = list(islice(items, 2))
    return len(first) > 1, chain(first, items)

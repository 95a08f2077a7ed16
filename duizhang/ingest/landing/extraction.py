"""What came of a bill: its rows counted and summed up, its totals held against them, what is to be known of it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from duizhang.declared import schema
from duizhang.ingest.corrected import QUARANTINED
from duizhang.ingest.landing.assumed import Assumed
from duizhang.ingest.landing.landed import ROWS, LandedFiles, Setting, database_for
from duizhang.ingest.rows import Statement
from duizhang.ingest.specification import SourceSpec

MOST_LINES = 1000  # that are named of rows of one kind
SPANS = 12


@dataclass(frozen=True)
class ControlTotal:
    """A total that the file states, and what its rows give. stated is None where the file should state it but does not."""

    name: str
    stated: str | None
    computed: str
    ok: bool


@dataclass(frozen=True)
class Unseen:
    """What a workbook does not show of a bill in it. sheet: its name where all of it is hidden; lines: hidden ones below the header."""

    sheet: str = ""
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Extraction:
    """What a bill gave; its typed rows are Parquet files in `folder`. read = parsed + quarantined + ignored, always.

    tables: the canonical tables that its rows feed. member: the name inside a ZIP or workbook that holds several bills, else
    ''. days: business days of its rows; undated: rows without one. totals_line: the line that carries the file's totals, which
    may feed tables and is no row (0: none). unread: columns of money that the specification does not know, by name the cells that are
    not 0 and their sum. left_out: members of
    the archive and sheets of the workbook that were not read. unseen: what a workbook does not show of what was read: its lines, and
    the sheet itself. ignored: the first lines that no table takes; without_amount: those of them that have none. assumed: rows that
    are taken to be in the currency of the books, as neither they nor the books say theirs. told: how it is
    read where its names alone do not say. statements: the balances that a bank states with their days.
    """

    spec: SourceSpec
    setting: Setting
    member: str
    encoding: str
    rows_read: int
    rows_parsed: int
    rows_quarantined: int
    rows_ignored: int
    folder: Path
    tables: tuple[str, ...]
    days: frozenset[dt.date]
    totals: list[ControlTotal]
    captures: dict[str, str]
    undated: int = 0
    totals_line: int = 0
    unread: Mapping[str, tuple[int, Decimal]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    unseen: Unseen = Unseen()
    ignored: tuple[int, ...] = ()
    without_amount: tuple[int, ...] = ()
    assumed: Assumed = field(default_factory=Assumed)
    doubt: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What a reader should know although every row was read."""
        columns = (f"{name} ({total.normalize():f} in {count} rows)" for name, (count, total) in self.unread.items())
        told = [f"columns of money that are not read: {', '.join(columns)}"] if self.unread else []
        told += [f"left out: {', '.join(self.left_out)}"] if self.left_out else []
        told += [f"the workbook hides its sheet {self.unseen.sheet}, which is read all the same"] if self.unseen.sheet else []
        if self.unseen.lines:
            told.append(f"the workbook hides rows that are read all the same: {lines_of(self.unseen.lines)}")
        names = [total.name for total in self.spec.totals if total.optional == "told"]
        if names and {total.name for total in self.totals if total.stated is None and total.ok} >= set(names):
            told.append(f"it states none of its totals, so that nothing tells whether it is whole: {', '.join(names)}")
        told += self.told
        if self.doubt:
            others = ", ".join(self.doubt)
            told.append(f"its letters are read as {self.encoding} and may be {others}: names in it may be wrong, amounts not")
        still = self.rows_ignored - len(self.without_amount)
        if still and not self.rows_parsed and self.tables:
            told.append(f"no row of it counts: {still} of kinds that move nothing")
        if self.assumed.rows:
            told.append(f"rows that name no currency count as {self.setting.currency}, that of the books: {self.assumed.rows}")
            told += [f"of them {why}" for why in self.assumed.against if not self.setting.is_of_books]
        if self.without_amount:
            told.append(f"rows without an amount that is read are ignored: {lines_of(self.without_amount)}")
        return told

    def table(self, name: str) -> pa.Table:
        """The rows that it gives to a canonical table."""
        return self._ask(name, "select * from canonical").cast(schema.TABLES[name])

    def head(self, name: str, rows: int) -> pa.Table:
        """The first rows that it gives to a canonical table."""
        return self._ask(name, f"select * from canonical limit {rows}").cast(schema.TABLES[name])

    def summary(self, name: str) -> tuple[int, dict[str, Decimal]]:
        """(rows that it gives to a canonical table, currency -> sum of their amounts); every cell of them is computed."""
        columns = schema.TABLES[name].names
        every = f"bit_xor(hash({', '.join(columns)}))"
        currency, amount = ("currency", "coalesce(sum(amount), 0)") if {"amount", "currency"} <= set(columns) else ("''", "0")
        rows = self._ask(
            name, f"select {currency} as currency, count(*) as n, {amount}::decimal(38, 4) as amount, {every} as x "
            "from canonical group by 1 order by 1").to_pylist()
        return sum(row["n"] for row in rows), {row["currency"]: row["amount"] for row in rows if row["currency"]}

    def distinct(self, name: str, columns: Sequence[str], *, most: int = 100_000) -> list[tuple[object, ...]]:
        """What stands in these columns of the rows that it gives to a canonical table, each once, at most so many, in order."""
        listed = ", ".join(f'"{column}"' for column in columns)
        found = self._ask(name, f"select distinct {listed} from canonical order by all limit {most}")
        return [tuple(row[column] for column in columns) for row in found.to_pylist()]

    def values(self, field: str, *, most: int = 100_000) -> frozenset[str]:
        """The texts of a field of its typed rows, also of those that feed no table; at most so many."""
        rows = pq.ParquetFile(self.folder / ROWS)
        found: set[str] = set()
        for batch in rows.iter_batches(columns=[field]):
            found.update(value for value in batch.column(0).to_pylist() if value)
        return frozenset(sorted(found)[:most])

    def _ask(self, name: str, select: str) -> pa.Table:
        spec, shop = self.spec, self.setting.shop
        landed = LandedFiles({spec.name: spec}, {shop: self.setting}, [(spec.name, shop, self.folder)])
        with database_for(self.rows_read) as con:
            return landed.ask(con, name, spec.name, select)

    def quarantine(self) -> pa.Table:
        """The cells that were rejected, by line."""
        return pq.ParquetFile(self.folder / QUARANTINED).read()

    @property
    def coverage(self) -> tuple[dt.date, dt.date] | None:
        """The days that the file says it covers, both included."""
        start, end = (_day(self.captures.get(name, "")) for name in ("coverage_from", "coverage_to"))
        if start is None:
            return None
        # an end of `next day 00:00` is exclusive, one of 23:59:59 is not
        inclusive = re.search(r"(?:[1-9]\d?|0[1-9]):|:(?:[1-9]|0[1-9])", self.captures.get("coverage_to", ""))
        last = end - dt.timedelta(days=1) if end and end > start and not inclusive else end or start
        return start, last


def lines_of(numbers: Sequence[int]) -> str:
    """Line numbers as people write them: 3, 5-9; of many the first."""
    parts: list[list[int]] = []
    for number in sorted(numbers)[:MOST_LINES]:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    listed = ", ".join("-".join(map(str, part)) for part in parts[:SPANS])
    more = len(numbers) >= MOST_LINES or len(parts) > SPANS
    word = "line" if len(numbers) == 1 else "lines"
    return f"{word} {listed}{' and more' if more else ''}"


def _day(text: str) -> dt.date | None:
    digits = re.findall(r"\d+", text)
    if len(digits) == 1 and len(digits[0]) == 8:
        digits = [digits[0][:4], digits[0][4:6], digits[0][6:]]
    try:
        return dt.date(*(int(d) for d in digits[:3])) if len(digits) >= 3 else None
    except (ValueError, TypeError):
        return None

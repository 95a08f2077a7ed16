"""From text cells to typed fields, a batch at a time.

Every field is one Polars expression from the raw text to the text of the field, and a `Reading` of that from text to value.
What repeats itself is worked on once a distinct value.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.errors import RefusedFile
from duizhang.ingest.rows import Batch
from duizhang.ingest.specification import FIELD_TYPES, NUMBERS, TIME_FORMATS, Column, SourceSpec, normalised
from duizhang.ingest.texts import FEW, Cells, X, applied, arrow, bare, coded, distinct, series, whole
from duizhang.ingest.typing.clock import business_day, by_zone, to_utc, utc_and_day
from duizhang.ingest.typing.debits import Way, turned
from duizhang.ingest.typing.field_texts import IDS, found_apart, listed, steps
from duizhang.ingest.typing.marks import Marks, currencies_at, dollars_at, has_no_cents
from duizhang.ingest.typing.masks import shape
from duizhang.ingest.typing.money import BEFORE, MINUS, SIDE, amounts
from duizhang.ingest.typing.pseudonyms import pseudonyms
from duizhang.ingest.typing.reading import Reading
from duizhang.ingest.typing.resaved import has_bare_days, resaved_formats, resaved_mark
from duizhang.ingest.typing.times import CELL_FORMATS, EASTERN, Evidence, by, is_absolute, possible, times
from duizhang.ingest.typing.written_dates import ISO, is_spelled, respelled

QUARANTINE = pa.schema(
    [("line", pa.int64()), ("column_name", pa.string()), ("value", pa.string()), ("reason", pa.string()),
     ("is_money", pa.bool_())]
)
HIDDEN = "***"
MIDNIGHT = dt.time()
SAVED_AGAIN = "its dates are written as spreadsheets write them: numbers such as ids have lost the zeros that they began with"
# names of columns that say where a row led, or what may be spent
_BALANCES = re.compile(
    r"(?i)bal|sald|sold|zůstat|zustat|zostat|stanje|stan\b|bakiye|baki\b|dispon|avail|kontost|остат|баланс|салдо|залиш"
    "|余额|結餘|餘額|残高|잔액|ยอด")
_SIGNED = rf"(?i)[-+{MINUS}()（）＋]|{SIDE}|{BEFORE}"
_NUMBER = r"^(-?[^0-9.,]{0,2}[0-9]+)[.]([0-9]{1,2}|[0-9]{4,})((?: [A-Z]{3})?)$"  # of a workbook, not a text with thousands
_OFFSET = r":[0-9]{2}(\.[0-9]+)?\s*([+-][0-9]{2}:?[0-9]{2}|Z)$|^[0-9]{9,11}$"


@dataclass(frozen=True)
class Said:
    """What the books say of files that do not tell it themselves. dates: day or month first; decimal: the mark before cents; fees: whether
    amounts have the fees in them (`included`) or not (`apart`); amounts: whether they are signed (`signed`) or what a card was charged
    (`charges`); sides: whether debits are money out (`bank`) or in (`ledger`)."""

    dates: str = ""
    decimal: str = ""
    fees: str = ""
    amounts: str = ""
    sides: str = ""


@dataclass(frozen=True)
class Found:
    """What stands in the cells of a field, row by row, or with `places` of each once a distinct text. days: business days of times;
    reasons: what is wrong; empty: what is wrong with a required one that says nothing."""

    values: pa.Array
    days: pa.Array | None = None
    reasons: pa.Array | None = None
    empty: pa.Array | None = None
    places: pa.Array | None = None

    def rows(self, what: pa.Array | None, *, coded: bool = False) -> pa.Array | None:
        """One of them a row. coded: dictionary-encoded (every value once) where there are places."""
        if what is None or self.places is None:
            return what
        return (what.dictionary_encode() if coded else what).take(self.places)

    def of(self, at: pa.Array, places: pa.Array) -> Found:
        """The same of the texts at these places, which stand in rows as `places` has it."""
        days, reasons, empty = (what if what is None else what.take(at) for what in (self.days, self.reasons, self.empty))
        return Found(self.values.take(at), days, reasons, empty, places)


@dataclass(frozen=True)
class Problem:
    """Cells of one field that have no value, and the reason of each row (null where all is well)."""

    column: Column
    texts: Cells
    reasons: pa.Array


@dataclass
class Unread:
    """Columns of money that no field reads. sums: name -> (cells that are not 0, their sum). alone: rows with an amount in one of them
    and none in any column that is read."""

    sums: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    alone: int = 0

    def add(self, other: Unread) -> None:
        """Take what other rows have."""
        for name, (count, total) in other.sums.items():
            counted, summed = self.sums.get(name, (0, Decimal(0)))
            self.sums[name] = counted + count, summed + total
        self.alone += other.alone


class ColumnTyper:
    """Types the batches of one reading by its specification."""

    def __init__(
        self, names: Sequence[str], spec: SourceSpec, captures: Mapping[str, str], zone: str, cut_off_minutes: int, key: bytes,
        said: Said | None = None, *, above: str = "", header: Sequence[str] = (), sheet: bool = False, currency: str = "",
    ) -> None:
        """above: the lines above the rows. header: the names of all columns. said: what the books say of files of this kind. sheet:
        whether this is a workbook. currency: that which the books give to rows that name none."""
        self.spec, self.captures, self.zone, self.cut_off, self.key = spec, captures, zone, cut_off_minutes, key
        index: dict[str, int] = {}
        for position, name in enumerate(names):
            index.setdefault(normalised(name), position)
        self.positions: dict[str, int | None] = {}
        self.joined: dict[str, list[int]] = {}
        for name, column in spec.fields.items():
            # what is made of other columns has none of its own, also where one of the file has no name
            hits = [index[n] for n in (normalised(c) for c in (column.column, *column.also)) if n in index and (n or not column.join)]
            if not hits and not column.optional_column:
                raise RefusedFile(
                    f"{spec.name}: the column {column.column!r} is missing", advice="Export the file with all its columns.")
            self.positions[name] = hits[0] if hits else None
            self.joined[name] = [index[n] for n in (normalised(c) for c in column.join) if n in index]
        self.formats: dict[str, tuple[str, ...]] = {}
        self.names = tuple(names)  # of the columns that are read
        self.index, self.said, self.above, self.header, self.sheet = index, said or Said(), above, header, sheet
        self.currency = currency
        self.steps = {name: steps(column, spec, captures) for name, column in spec.fields.items()}
        self.spelled: dict[str, pl.Expr] = {}  # of times that no pattern reads: the text of each in digits
        self.readings: dict[str, Reading | None] = {}
        self.factors: dict[str, int] = {}  # of a charge beside an amount: 0 where the amount has it in it, -1, or 1 where it is signed
        self.dated: set[str] = set()  # times that are days of a calendar, which no zone moves
        self.marked: set[str] = set()  # currencies that stand at amounts, where no field of the specification reads them
        self.dollars: set[str] = set()  # the sign of several currencies, where all amounts of a column have it
        self.decimal: str = spec.decimal if spec.decimal != "auto" else "."
        self.is_settled = False  # whether rows have told what is asked of them
        self.is_whole = False  # whether the first batch has all rows of the file
        # of amounts without signs in such a file: 1 of each row that is money in, -1 of one that is money out
        self.directions: dict[str, pa.Array] = {}
        self.charged: set[str] = set()  # amounts that are money out where they are positive
        self.told: list[str] = []  # what readers should know of how it is read
        self.way = Way()  # which of debit and credit is money in
        self.turned = 0  # rows of one-way columns of which the balance does not tell whether they are reversals
        # fields of columns that the file does not have: one value in all rows, made once for the longest batch
        self.fixed: dict[str, pa.Array] = {}
        self.known: dict[str, tuple[pa.Array, Found]] = {}  # of fields whose cells repeat themselves: raw texts, what they are

    def places(self) -> dict[str, list[int]]:
        """By column of the specification, where its cells stand in the file; none of columns that only the rows tell apart."""
        found: dict[str, list[int]] = {}
        for name, column in self.spec.fields.items():
            position = self.positions[name]
            if position is not None and not column.constant and not column.unlike and position not in found.setdefault(column.column, []):
                found[column.column].append(position)
        return found

    def settle(self, batch: Batch) -> None:
        """Find out from the first batch what the specification leaves to the file: decimal mark, order of day and month, and
        whether a column is what its name says. Raises RefusedFile where a mark or a date can be read in two ways."""
        raw = _Raw(batch)
        for name, column in self.spec.fields.items():
            if column.constant:
                self.positions[name] = self._constant(column, raw)
            elif column.unlike:
                self.positions[name] = self._alike(column, raw)
        for name, column in self.spec.fields.items():
            if column.type != "time":
                continue
            formats = column.formats or TIME_FORMATS
            if self.sheet and not any(is_absolute(f) for f in formats):
                formats = tuple(dict.fromkeys((*formats, *CELL_FORMATS)))  # a cell that is midnight is written as a day
            formats = self._with_spelled(name, column, formats, raw)
            wider = resaved_formats(self._text(name, column, raw), formats)
            # a spreadsheet writes dates as people do where it stands, whatever the money and the words of a file are
            evidence = self._evidence(column, raw, name) if wider == formats else Evidence(above=self.above, said=self.said.dates)
            self.formats[name] = possible(self._text(name, column, raw), wider, evidence) if len(wider) > 1 else wider
            if wider != formats and SAVED_AGAIN not in self.told:
                self.told.append(SAVED_AGAIN)
            self.dated -= {name}
            if self._moves_days(name) and self._has_no_clock(name, raw):
                self.dated.add(name)
        self._write_alike(raw)
        if "marked_currency" not in self.spec.fields:
            self.marked = set().union(*map(currencies_at, self._numbers(raw, ("money",))))
        self.dollars = set().union(*map(dollars_at, self._numbers(raw, ("money",))))
        if self.spec.decimal == "auto":
            self.decimal = self._decimal_mark(raw)
        elif not self.sheet:
            self.decimal = resaved_mark(self._numbers(raw, NUMBERS), self.spec.decimal)
        if self.sheet and self.decimal == ",":
            for name in (name for name, column in self.spec.fields.items() if column.type in NUMBERS):
                self.steps[name] = (X if (steps := self.steps[name]) is None else steps).str.replace(_NUMBER, "${1},${2}${3}")
        for name, column in self.spec.fields.items():
            self.readings[name] = (
                amounts(self.decimal, FIELD_TYPES[column.type]) if column.type in NUMBERS
                else times(self.formats[name]) if column.type == "time"
                else IDS if column.type == "id"
                else None if column.values is None else listed(column))

    def _write_alike(self, raw: _Raw) -> None:
        """Take times of which no row has any, such as those of the line of the totals, to be written as others of the same patterns are."""
        times = {name: column for name, column in self.spec.fields.items() if column.type == "time"}
        filled = [name for name, column in times.items() if (self._text(name, column, raw).values != "").any()]
        for name, column in times.items():
            like = next((other for other in filled if times[other].formats == column.formats), None)
            if name not in filled and like is not None:
                self.formats[name] = self.formats[like]

    def _moves_days(self, name: str) -> bool:
        """Whether the midnight of a time's own zone may lie on another day of the books."""
        column = self.spec.fields[name]
        own = column.zone or self.spec.zone or self.zone
        return bool(self.cut_off or own != self.zone or column.zone_field or any(map(is_absolute, self.formats[name])))

    def _has_no_clock(self, name: str, raw: _Raw) -> bool:
        """Whether all cells of a time are midnight: what says no hour is a day, wherever it is read."""
        texts = self._text(name, self.spec.fields[name], raw).values
        if name in self.spelled:
            texts = applied(self.spelled[name], texts)
        walls = applied(pl.coalesce([by(pattern) for pattern in self.formats[name]]), texts).drop_nulls()
        return bool((walls.dt.time() == MIDNIGHT).all())

    def _days_of(self, name: str, walls: pl.Series, days: pa.Array | None) -> pa.Array | None:
        """The business days of times, of which those that are days of a calendar stay what they are."""
        if name not in self.dated or days is None:
            return days
        is_day = pc.fill_null((walls.dt.time() == MIDNIGHT).to_arrow(), False)
        return pc.if_else(is_day, walls.dt.date().to_arrow(), days)

    def _with_spelled(self, name: str, column: Column, formats: tuple[str, ...], raw: _Raw) -> tuple[str, ...]:
        """The formats of a time, with those of texts that are read once their words, digits or calendar are written as ours."""
        self.spelled.pop(name, None)
        texts = self._text(name, column, raw).values
        if not is_spelled(texts):
            return formats
        read = pl.coalesce([by(pattern) for pattern in formats])
        unread = texts.filter((texts != "") & applied(read, texts).is_null())
        if unread.is_empty():
            return formats
        found = respelled(unread, self.index, self.above, self._evidence(column, raw).words)
        if all(found(text) == text for text in unread.head(FEW)):
            return formats

        def spelled(cells: pl.Series) -> pl.Series:
            left = cells.filter(applied(read, cells).is_null()).unique()
            return cells.replace(left, pl.Series([found(text) for text in left], dtype=pl.String))

        self.spelled[name] = X.map_batches(spelled, return_dtype=pl.String)
        return tuple(dict.fromkeys((*formats, *ISO)))

    def _numbers(self, raw: _Raw, types: Collection[str]) -> list[Cells]:
        """The cells of the columns of some types as they stand in the file."""
        places = [self.positions[name] for name, column in self.spec.fields.items() if column.type in types]
        return [raw.cells(at) for at in dict.fromkeys(places) if at is not None]

    def _constant(self, column: Column, raw: _Raw) -> int | None:
        """The position of a column, leaving out names that only count while all rows agree where they do not."""
        doubtful = {normalised(name) for name in column.constant}
        beside = any(normalised(name) in self.index for name in column.unless)
        for name in map(normalised, (column.column, *column.also)):
            if name not in self.index:
                continue
            agree = name not in doubtful or len(pc.unique(raw.cells(self.index[name]).rows())) == 1
            if agree and not (name in doubtful and beside):
                return self.index[name]
        return None

    def _alike(self, column: Column, raw: _Raw) -> int | None:
        """The position of the first name of a column whose cells are not all of another kind."""
        for name in map(normalised, (column.column, *column.also)):
            cells = raw.cells(self.index[name]).values if name in self.index else None
            if cells is not None and not (filled := cells.filter(cells != "")).is_empty() and not filled.str.contains(column.unlike).all():
                return self.index[name]
        return None

    def says(self, name: str, batch: Batch) -> bool:
        """Whether any cell of a field says something: more than nothing or 0."""
        return bool(self._text(name, self.spec.fields[name], _Raw(batch)).values.str.contains(r"[^0.,\s-]").any())

    def pays_card(self, name: str, batch: Batch) -> bool:
        """Whether a row of which its field says that it pays a card off has a negative amount."""
        by, raw = self.spec.fields[name].pays_card, _Raw(batch)
        if not by:
            return False
        paid = pc.not_equal(self._text(by, self.spec.fields[by], raw).rows(), "")
        below = pc.less(self._amounts(name, raw), 0)
        return bool(pc.any(pc.and_(paid, pc.fill_null(below, False)), min_count=0).as_py())

    def signs(self, name: str, batch: Batch) -> tuple[pl.Series, bool]:
        """(the amounts of a settled field that are not 0, whether its cells tell money in from money out by a sign, a bracket or a side
        such as CR: where only some have a plus and the others nothing, these may well be money out)."""
        raw = _Raw(batch)
        found = pl.Series(self._amounts(name, raw))
        texts = self._text(name, self.spec.fields[name], raw).values
        texts = texts.filter(texts.str.contains(r"[1-9]|[\p{Nd}&&[^\x00-\x7F]]"))  # digits of any script
        signed, plus = texts.str.contains(_SIGNED), texts.str.contains("[+＋]")
        return found.filter(found != 0), bool(signed.any() and (signed.all() or (signed & ~plus).any()))

    def unreadable(self, names: Sequence[str], batch: Batch) -> tuple[str, str, int] | None:
        """(column, cell, line) of the first cell of settled fields that holds something and no number; None where there is none."""
        raw = _Raw(batch)
        for name in names:
            column, reading = self.spec.fields[name], self.readings[name]
            texts = self._text(name, column, raw)
            reasons = reading.of(texts.values)[1] if reading is not None and self.positions[name] is not None else None
            if reasons is None:
                continue
            wrong = Cells(pl.Series(reasons), texts.places).rows().to_pylist()
            for text, reason, line in zip(texts.rows().to_pylist(), wrong, batch.lines.to_pylist(), strict=True):
                if reason and text:
                    return column.column, text if re.fullmatch(r"[\d.,eE+-]+", text) else shape(text), line
        return None

    def amounts(self, name: str, batch: Batch) -> pl.Series:
        """The amounts of a settled field, as it moves money."""
        found = pl.Series(self._amounts(name, _Raw(batch)))
        return -found if name in self.charged else found

    def _amounts(self, name: str, raw: _Raw) -> pa.Array:
        texts, reading = self._text(name, self.spec.fields[name], raw), self.readings[name]
        return Cells(reading.of(texts.values)[0], texts.places).rows() if reading is not None else []

    def unread(self, names: Sequence[str], batch: Batch, typed: pa.Table) -> Unread:
        """What stands in columns of money that no field reads. typed: the batch's rows."""
        found = Unread()
        somewhere = np.zeros(len(batch.lines), np.bool_)
        for name in names:
            cells = coded(batch.columns[self.index[normalised(name)]])
            values = Cells(amounts(self.decimal).of(cells.values)[0], cells.places).rows()
            filled = pc.fill_null(pc.not_equal(values, 0), False).to_numpy(zero_copy_only=False)
            found.sums[name] = (int(filled.sum()), pc.sum(values).as_py() or Decimal(0))
            if not _BALANCES.search(name):
                somewhere |= filled
        after = self.spec.balance.after if self.spec.balance else ""  # which says where a row led, not what it moves
        read = [name for name, column in self.spec.fields.items() if column.type == "money" and name != after]
        if read and somewhere.any():
            nothing = functools.reduce(pc.and_, (pc.fill_null(pc.equal(typed[name], 0), True) for name in read))
            found.alone = int(np.isin(typed["line"].filter(nothing), batch.lines.filter(pa.array(somewhere))).sum())
        return found

    def _evidence(self, column: Column, raw: _Raw, name_of_time: str = "") -> Evidence:
        """What else a file says of the order of its days and months."""
        zone = self.spec.fields.get(column.zone_field or "")
        words: set[str] = set()
        for name, other in self.spec.fields.items():
            if (other is zone or name == "currency") and self.positions[name] is not None:
                words |= raw.words(self.positions[name])
                words |= {str(text).upper() for text in self._text(name, other, raw).values.unique() if text} if other.extract else set()
            elif name == "marked_currency":
                words |= {str(text) for text in self._text(name, other, raw).values.unique() if text}
        words |= {self.captures.get("header_currency", "")}
        coverage = tuple(self.captures.get(name, "") for name in ("coverage_from", "coverage_to"))
        above = [self.above, *coverage, *(self.captures.get(name, "") for name in ("stated_from", "stated_to"))]
        return Evidence(
            frozenset(words), coverage, "\n".join(filter(None, above)), self.said.dates,
            frozenset(self.index), bool(name_of_time) and has_bare_days(self._text(name_of_time, column, raw).values))

    def _decimal_mark(self, raw: _Raw) -> str:
        """The mark before the cents, by what the cells of amounts show, else by what else the file tells."""
        marks, written = Marks(), Marks()
        days: list[pl.Series] = []
        for name, column in self.spec.fields.items():
            if column.type == "money":
                marks.look_at(texts := self._text(name, column, raw))
                if self.sheet:
                    written.look_at(Cells(texts.values.filter(~texts.values.str.contains(_NUMBER))))
            elif column.type == "time":
                days.append(self._text(name, column, raw).values)
        if written.counts[","] > written.counts["."]:
            return ","  # what a workbook has as numbers has a point whatever its texts have
        position, named = self.positions.get("currency"), self.captures.get("header_currency", "")
        currencies = ({named} if named else set()) | (raw.words(position) if position is not None else set())
        return marks.decimal(
            self.said.decimal, currencies or ({self.currency} if has_no_cents(self.currency) else set()), days,
            eastern=any(EASTERN.search(name) for name in self.index))

    def type(self, batch: Batch, *, required: bool = True) -> tuple[pa.Table, pa.Table]:
        """(typed rows, quarantined cells). Typed: `line`, every field, and the business day `x_day` of every time `x`.

        required: required fields must be filled; the line of a file's totals has few of them.
        """
        raw = _Raw(batch)
        values: dict[str, pa.Array] = {"line": batch.lines}
        days: dict[str, pa.Array] = {}
        problems: list[Problem] = []
        fields, fixed = self._found(raw)
        for name, column in self.spec.fields.items():
            if name in fixed:
                values[name] = fixed[name]
                continue
            found = fields[name]
            values[name], reasons = found.rows(found.values, coded=column.type in ("id", "text")), found.rows(found.reasons)
            days[name] = found.rows(found.days)
            if column.beside:
                values[name] = self._moved_beside(name, values[name])
            if name in self.charged:
                values[name] = pc.negate(values[name])
            if name in self.directions and required:
                way = pc.equal(self.directions[name], 1)
                values[name] = pc.if_else(way, values[name], pc.negate(values[name]))
            if required and (empty := found.rows(found.empty)) is not None:
                if column.required_with:
                    beside = (pc.not_equal(self._text(n, self.spec.fields[n], raw).rows(), "") for n in column.required_with)
                    empty = pc.if_else(functools.reduce(pc.or_, beside), empty, None)
                for name_of_reason in column.excused_by:
                    why = self._text(name_of_reason, self.spec.fields[name_of_reason], raw).rows()
                    empty = pc.if_else(pc.not_equal(why, ""), None, empty)
                reasons = empty if reasons is None else pc.coalesce(reasons, empty)
            if reasons is not None:
                problems.append(self._shown(name, column, raw, reasons))
        for name, column in self.spec.fields.items():
            if column.type == "time" and column.zone_field and name in days:
                texts = series(self._text(name, column, raw).rows()) if self._is_mixed(name) else None
                walls = pl.Series(values[name])
                values[name], moved = self._utc_and_day(name, values[name], texts, values[column.zone_field])
                days[name] = self._days_of(name, walls, moved)
            if column.type == "time":
                values[f"{name}_day"] = days[name] if name in days else pa.nulls(len(batch.lines), pa.date32())
        typed = pa.table(values)
        wrong = QUARANTINE.empty_table()
        if problems:
            bad = functools.reduce(pc.or_, (pc.is_valid(problem.reasons) for problem in problems))
            typed = typed.filter(pc.invert(bad))
            wrong = pa.concat_tables([_cells(batch.lines, problem) for problem in problems])
            wrong = wrong.sort_by([("line", "ascending"), ("column_name", "ascending")])
        if self.spec.sides is not None and self.way != Way():
            typed = turned(typed, self.spec.sides, self.way)
        return self._hide(typed), wrong

    def _found(self, raw: _Raw) -> tuple[dict[str, Found], dict[str, pa.Array]]:
        """(what stands in the cells of fields, the values of those of which the file has no column).

        All that is asked is asked at once, as one question costs more than the cells of a small file. Of cells that repeat
        themselves, what was found of the same texts before is known.
        """
        found: dict[str, Found] = {}
        asked: dict[str, tuple[Cells, pl.Expr | None]] = {}
        rows = len(raw.batch.lines)
        fixed = {name: values.slice(0, rows) for name, values in self.fixed.items() if len(values) >= rows}
        for name, column in self.spec.fields.items():
            if name not in fixed and (known := self._known(name, raw)) is not None:
                found[name] = known
            elif name not in fixed:
                asked[name] = self._given(name, column, raw)
        lazy = {name: self._begun(name, *given) for name, given in asked.items()}
        begun = dict(zip(lazy, pl.collect_all(list(lazy.values())), strict=True))
        for name, (cells, _) in asked.items():
            column = self.spec.fields[name]
            one = self._finished(name, begun[name], cells.places)
            if self._lacks(name) and one.reasons is None and (column.type != "time" or one.values.null_count):
                self.fixed[name] = fixed[name] = one.rows(one.values, coded=column.type in ("id", "text"))
                continue
            found[name] = one
            position = self.positions[name]
            if position is not None and not self.joined[name] and cells.places is not None and len(cells.values) <= FEW:
                self.known[name] = raw.distinct(position)[0], one
        return found, fixed

    def _known(self, name: str, raw: _Raw) -> Found | None:
        """What was found of a field in a batch before, where its cells hold nothing else now."""
        known, position = self.known.get(name), self.positions[name]
        if known is None or position is None:
            return None
        texts, places = raw.distinct(position)
        at = pc.index_in(texts, known[0]) if places is not None and len(texts) <= FEW else None
        return known[1].of(at, places) if at is not None and not at.null_count else None

    def _lacks(self, name: str) -> bool:
        """Whether the file has no column for a field, and need not have one."""
        column = self.spec.fields[name]
        return self.positions[name] is None and not (self.joined[name] or column.required or column.required_with or column.beside)

    def _begun(self, name: str, cells: Cells, steps: pl.Expr | None) -> pl.LazyFrame:
        """The texts `x` of a field, the values that are plain to see, and the days of times."""
        column, reading = self.spec.fields[name], self.readings[name]
        lazy = cells.values.alias("x").to_frame().lazy()
        if steps is not None:
            lazy = lazy.with_columns(x=steps)
        if name in self.spelled:
            lazy = lazy.with_columns(x=self.spelled[name])
        if reading is not None:
            lazy = reading.begun(lazy)
        if self._is_plain_time(name):
            utc, day = utc_and_day(pl.col("value"), column.zone or self.spec.zone or self.zone, self.zone, self.cut_off)
            lazy = lazy.with_columns(utc=utc, day=day)
        return lazy.with_columns(nothing=X == "") if column.required or column.required_with else lazy

    def _finished(self, name: str, begun: pl.DataFrame, places: pa.Array | None) -> Found:
        column, reading = self.spec.fields[name], self.readings[name]
        read, reasons = reading.finished(begun) if reading is not None else (begun["x"], None)
        values, days, empty = None, None, None
        if self._is_plain_time(name) and not begun["left"].any() and begun["utc"].null_count() == read.null_count():
            values, days = arrow(begun["utc"]), arrow(begun["day"])
        elif column.type == "time" and not column.zone_field:
            values, days = self._utc_and_day(name, arrow(read), begun["x"])
        if days is not None:
            days = self._days_of(name, read, days)
        if "nothing" in begun.columns and begun["nothing"].any():
            empty = pc.if_else(begun["nothing"].to_arrow(), "is empty; expected a value", None)
        return Found(arrow(read) if values is None else values, days, reasons, empty, places)

    def _is_plain_time(self, name: str) -> bool:
        """Whether a field is times of one zone."""
        column = self.spec.fields[name]
        return column.type == "time" and not column.zone_field and not any(is_absolute(f) for f in self.formats[name])

    def _utc_and_day(self, name: str, times: pa.Array, texts: pl.Series | None, zones: pa.Array | None = None) -> tuple[pa.Array, pa.Array]:
        """Times in naive UTC and their business days. texts: that they stand in; zones: of each, where its row names it."""
        absolute, own = [is_absolute(f) for f in self.formats[name]], self.spec.zone or self.zone
        utc = times
        if not all(absolute):
            utc = to_utc(times, self.spec.fields[name].zone or own) if zones is None else by_zone(times, zones, own)
            if any(absolute) and texts is not None:
                utc = pc.if_else(texts.str.contains(_OFFSET).to_arrow(), times, utc)
        return utc, business_day(utc, self.zone, self.cut_off)

    def constants(self) -> dict[str, pa.Scalar]:
        """Fields of columns that the file does not have, each with the value of all rows."""
        found = {name: values[0] for name, values in self.fixed.items() if len(values)}
        return found | {f"{name}_day": pa.scalar(None, pa.date32()) for name in found if self.spec.fields[name].type == "time"}

    def _moved_beside(self, name: str, charges: pa.Array) -> pa.Array:
        """What charges move besides the amounts. Raises RefusedFile where there are some and nothing tells."""
        factor = self.factors.get(name)
        if factor is None and pc.any(pc.not_equal(charges, 0), min_count=0).as_py():
            raise undecided_fees(self.spec.fields[name].column)
        if factor == -1:
            return pc.negate(charges)
        return charges if factor else pc.if_else(charges.is_valid(), pa.scalar(0, charges.type), charges)

    def _text(self, name: str, column: Column, raw: _Raw) -> Cells:
        """A field's cells without the marks that platforms and spreadsheets put around them, made ready for typing."""
        cells, steps = self._given(name, column, raw)
        cells = cells if steps is None else cells.map(steps)
        return cells.map(self.spelled[name]) if name in self.spelled else cells

    def _given(self, name: str, column: Column, raw: _Raw) -> tuple[Cells, pl.Expr | None]:
        """(the bare cells that a field is read from, what makes its text of them; None where they are it)."""
        steps = self.steps[name]
        given = (self.positions[name], *self.joined[name])
        places: list[int | None] = [place for place in given if place is not None] or [None]
        if len(places) > 1 and steps is not None and found_apart(column):
            found = [raw.cells(place).map(steps) for place in places]
            said = [cells for cells in found if (cells.values != "").any()]
            if len(said) < 2:
                return said[0] if said else found[0], None
        cells = raw.cells(places[0])
        for other in places[1:]:
            # a blank stands around it where one of both is empty
            both = pl.DataFrame({"x": cells.rows(), "y": raw.cells(other).rows()})
            cells = Cells(both.select(x=pl.concat_str("x", "y", separator=" ").str.strip_chars(" ")).to_series())
        return cells, steps

    def _shown(self, name: str, column: Column, raw: _Raw, reasons: pa.Array) -> Problem:
        """The problem with the cells as they stand in the file: what was taken out of one does not name it."""
        if not column.extract or column.template or self.positions[name] is None:
            return Problem(column, self._text(name, column, raw), reasons)
        given = raw.cells(self.positions[name])
        unread = pc.and_(pc.not_equal(given.rows(), ""), pc.fill_null(pc.starts_with(reasons, "is empty"), False))
        return Problem(column, given, pc.if_else(unread, "is not known: there is nothing in it that is expected here", reasons))

    def _is_mixed(self, name: str) -> bool:
        """Whether some cells of a time may name their offset and others not."""
        return len({is_absolute(f) for f in self.formats.get(name, ())}) > 1

    def _hide(self, typed: pa.Table) -> pa.Table:
        """Replace personal values by keyed pseudonyms, once a distinct value where the cells are coded."""
        for name, column in self.spec.fields.items():
            if column.personal:
                cells = whole(typed[name])
                coded = pa.types.is_dictionary(cells.type)
                texts = pc.fill_null(cells.dictionary if coded else cells, "")
                hidden = Found(pseudonyms(texts, self.key), places=cells.indices if coded else None)
                typed = typed.set_column(typed.schema.get_field_index(name), name, hidden.rows(hidden.values, coded=True))
        return typed


def undecided_fees(column: str) -> RefusedFile:
    """The refusal of a file with charges of which nothing tells whether its amounts have them in them."""
    return RefusedFile(
        f"amounts can be read in two ways: with the column {column!r} in them, or beside it, and no running balance tells",
        advice="Say in books.yaml, readings: {SOURCE: {fees: included}} or {fees: apart}, or export the balance with it.")


def undecided_signs(column: str, example: str, unreadable: tuple[str, str, int] | None = None) -> RefusedFile:
    """The refusal of a file of which nothing tells whether its positive amounts are money in or money out. unreadable: column, cell and
    line of what may have told it, had it been a number."""
    if unreadable is not None:
        at, cell, line = unreadable
        return RefusedFile(
            f"line {line} has {cell!r} in the column {at!r}, which is no readable amount, and no other cell tells whether {example} in the "
            f"column {column!r} is money in, or what was charged",
            advice="Correct that cell, or export again without a spreadsheet; else say in books.yaml, readings: {SOURCE: {amounts: "
            "signed}} where it is money in, or {amounts: charges} where it is money out.")
    return RefusedFile(
        f"amounts can be read in two ways: {example} in the column {column!r} is money in, or what was charged, and neither a sign nor "
        "a running balance nor a debit/credit column tells",
        advice="Say in books.yaml, readings: {SOURCE: {amounts: signed}} where it is money in, or {amounts: charges} where it is "
        "money out, or export the balance with it.")


def undecided_earliest(column: str, example: str) -> RefusedFile:
    """The refusal of a file without signs whose balance tells of every row but the earliest what it moves."""
    return RefusedFile(
        f"amounts can be read in two ways: none in the column {column!r} has a sign, and the balance behind its earliest row does not tell "
        f"whether that is money in or money out, such as {example}",
        advice="Say in books.yaml, readings: {SOURCE: {amounts: signed}} where amounts without a sign are money in, or export some days "
        "before it as well.")


class _Raw:
    """The bare cells of a batch by position: every column is cleaned once, however many fields read it."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.found: dict[int, Cells] = {}
        self.texts: dict[int, tuple[pa.Array, pa.Array | None]] = {}

    def distinct(self, position: int) -> tuple[pa.Array, pa.Array | None]:
        """(texts as they stand in the file, places in them of a column that repeats itself)."""
        if position not in self.texts:
            self.texts[position] = distinct(self.batch.columns[position])
        return self.texts[position]

    def cells(self, position: int | None) -> Cells:
        """The cells of a column; empty ones where the file does not have it."""
        if position is None:
            return Cells(pl.Series("x", [""]), pa.repeat(pa.scalar(0, pa.int32()), len(self.batch.lines)))
        if position not in self.found:
            texts, places = self.distinct(position)
            self.found[position] = Cells(series(bare(texts)), places)
        return self.found[position]

    def words(self, position: int | None) -> set[str]:
        """The distinct cells of a column that are not empty, in capitals."""
        return {str(text).strip().upper() for text in self.cells(position).values.unique() if text}


def _cells(lines: pa.Array, problem: Problem) -> pa.Table:
    bad = pc.is_valid(problem.reasons)
    texts = problem.texts.rows().filter(bad)
    count = len(texts)
    column = problem.column
    return pa.table(
        {
            "line": lines.filter(bad),
            "column_name": [column.column] * count,
            "value": pa.array([HIDDEN] * count, pa.string()) if column.personal else texts,
            "reason": problem.reasons.filter(bad),
            "is_money": [column.type in NUMBERS] * count,
        },
        schema=QUARANTINE,
    )

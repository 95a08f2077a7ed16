"""From text cells to typed fields, a batch at a time.

Every field is first tried as a whole column with casts that are exact or fail. Where a column fails, the slow way in SQL
types it cell by cell and says what is wrong with each cell that has no value. Both give the same values. What repeats
itself is worked on once a distinct value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.currency import places_by_currency
from duizhang.errors import RefusedFile
from duizhang.ingest.rows import Batch
from duizhang.ingest.specification import FIELD_TYPES, NUMBERS, TIME_FORMATS, Column, SourceSpec, normalised
from duizhang.ingest.texts import Cells, bare, coded, holds_around, may_hold, whole
from duizhang.ingest.typing.clock import TIME, business_day, by_zone, to_utc
from duizhang.ingest.typing.money import TOO_LARGE, bounded, fast_money, money_sql
from duizhang.ingest.typing.patterns import first_group, needed, without
from duizhang.ingest.typing.pseudonyms import pseudonyms
from duizhang.ingest.typing.times import CELL_FORMATS, Evidence, fast_time, is_absolute, possible, time_sql
from duizhang.store import quoted

QUARANTINE = pa.schema(
    [("line", pa.int64()), ("column_name", pa.string()), ("value", pa.string()), ("reason", pa.string()),
     ("is_money", pa.bool_())]
)
HIDDEN = "***"
ABSOLUTE = " names its offset"  # beside a time whose cells do or do not
_OFFSET = r":\d\d(\.\d+)?\s*([+-]\d\d:?\d\d|Z)$|^\d{9,11}$"
_LOST_DIGITS = r"^\d(\.\d+)?[eE]\+?\d+$"


@dataclass(frozen=True)
class Said:
    """What the books say of files that do not tell it themselves. dates: day or month first; decimal: the mark before cents."""

    dates: str = ""
    decimal: str = ""


@dataclass(frozen=True)
class Problem:
    """Cells of one field that have no value, and the reason of each row (null where all is well)."""

    column: Column
    texts: Cells
    reasons: pa.Array


class Typist:
    """Types the batches of one reading by its specification."""

    def __init__(
        self, names: Sequence[str], spec: SourceSpec, captures: Mapping[str, str], zone: str, cut_off_minutes: int, key: bytes,
        said: Said | None = None, *, above: str = "", sheet: bool = False,
    ) -> None:
        """above: the lines above the rows. said: what the books say of files of this kind. sheet: whether this is a workbook."""
        self.spec, self.captures, self.zone, self.cut_off, self.key = spec, captures, zone, cut_off_minutes, key
        index: dict[str, int] = {}
        for position, name in enumerate(names):
            index.setdefault(normalised(name), position)
        self.positions: dict[str, int | None] = {}
        self.joined: dict[str, list[int]] = {}
        for name, column in spec.fields.items():
            hits = [index[n] for n in (normalised(c) for c in (column.column, *column.also)) if n in index]
            if not hits and not column.optional_column:
                raise RefusedFile(
                    f"{spec.name}: the column {column.column!r} is missing", advice="Export the file with all its columns.")
            self.positions[name] = hits[0] if hits else None
            self.joined[name] = [index[n] for n in (normalised(c) for c in column.join) if n in index]
        self.decimal: str | None = None if spec.decimal == "auto" else spec.decimal
        self.formats: dict[str, tuple[str, ...]] = {}
        self.index, self.said, self.above, self.sheet = index, said or Said(), above, sheet

    def settle(self, batch: Batch) -> None:
        """Find out from the first batch what the specification leaves to the file: decimal mark, order of day and month, and
        whether a column is what its name says. Raises RefusedFile where a mark or a date can be read in two ways."""
        raw = _Raw(batch)
        for name, column in self.spec.fields.items():
            if column.constant:
                self.positions[name] = self._constant(column, raw)
        for name, column in self.spec.fields.items():
            if column.type != "time":
                continue
            formats = column.formats or TIME_FORMATS
            if self.sheet and not any(is_absolute(f) for f in formats):
                formats = tuple(dict.fromkeys((*formats, *CELL_FORMATS)))  # a cell that is midnight is written as a day
                self.formats[name] = formats
            if len(column.formats) > 1:
                self.formats[name] = possible(self._text(name, column, raw), formats, self._evidence(column, raw))
        if self.decimal is None:
            self.decimal = self._decimal_mark(raw)

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

    def _evidence(self, column: Column, raw: _Raw) -> Evidence:
        """What else a file says of the order of its days and months."""
        zone = self.spec.fields.get(column.zone_field or "")
        words = []
        for name, other in self.spec.fields.items():
            if other is zone or name == "currency":
                at = self.positions[name]
                words.append({str(v).upper() for v in pc.unique(raw.cells(at).values).to_pylist() if v} if at is not None else set())
        return Evidence(
            frozenset().union(*words), tuple(self.captures.get(name, "") for name in ("coverage_from", "coverage_to")),
            self.above, self.said.dates)

    def type(
        self, con: duckdb.DuckDBPyConnection, batch: Batch, *, required: bool = True
    ) -> tuple[pa.Table, pa.Table]:
        """(typed rows, quarantined cells). Typed: `line`, every field, and the business day `x_day` of every time `x`.

        required: required fields must be filled; the line of a file's totals has few of them.
        """
        raw = _Raw(batch)
        values: dict[str, pa.Array] = {"line": batch.lines}
        problems: list[Problem] = []
        for name, column in self.spec.fields.items():
            texts = self._text(name, column, raw)
            values[name], reasons = self._value(con, name, column, texts)
            if self._is_mixed(name, column):
                values[f"{name}{ABSOLUTE}"] = texts.map(lambda cells: pc.match_substring_regex(cells, _OFFSET)).rows()
            if column.required and required:
                reasons = _add_reason(reasons, texts, "is empty; expected a value")
            if reasons is not None:
                problems.append(self._shown(name, column, raw, texts, reasons))
        typed = pa.table(values)
        wrong = QUARANTINE.empty_table()
        if problems:
            bad = pc.is_valid(problems[0].reasons)
            for problem in problems[1:]:
                bad = pc.or_(bad, pc.is_valid(problem.reasons))
            typed = typed.filter(pc.invert(bad))
            wrong = pa.concat_tables([_cells(batch.lines, problem) for problem in problems])
            wrong = wrong.sort_by([("line", "ascending"), ("column_name", "ascending")])
        return self._hide(self._localise(typed)), wrong

    def _text(self, name: str, column: Column, raw: _Raw) -> Cells:
        """A field's cells without the marks that platforms and spreadsheets put around them, made ready for typing."""
        position = self.positions[name]
        cells = raw.cells(position)
        for other in self.joined[name]:
            joined = pc.binary_join_element_wise(cells.rows(), raw.cells(other).rows(), " ")
            # a blank stands around it where one of both is empty
            cells = Cells(pc.ascii_trim(joined, characters=" ") if holds_around(joined, " ") else joined)
        if self.spec.nulls:
            cells = cells.map(lambda text: pc.if_else(pc.is_in(text, pa.array(self.spec.nulls)), "", text))
        if column.strip:
            cells = cells.map(lambda text: without(text, column.strip or ""))
        for old, new in needed(column.replace, cells.values).items():
            cells = cells.map(lambda text, old=old, new=new: pc.replace_substring(text, old, new))  # type: ignore[misc]
        if column.extract:
            found = first_group(cells.values, column.extract)
            cells = found if cells.places is None else Cells(found.rows(), cells.places)
        if column.template:
            before, mark, after = column.template.partition("{value}")  # without it the text stands in the value's place
            head, tail = (re.sub(r"\{(\w+)\}", lambda m: self.captures.get(m.group(1), ""), part) for part in (before, after))
            cells = cells.map(
                lambda text: pc.if_else(pc.equal(text, ""), "", pc.binary_join_element_wise(head, text if mark else "", tail, "")))
        if column.default is not None:
            cells = cells.map(lambda text: pc.if_else(pc.equal(text, ""), column.default, text))
        return cells

    def _value(
        self, con: duckdb.DuckDBPyConnection, name: str, column: Column, texts: Cells
    ) -> tuple[pa.Array, pa.Array | None]:
        """(values, reasons or None): the typed column, null where a cell is empty or wrong."""
        if column.type in NUMBERS:
            decimal, kind = self.decimal or ".", FIELD_TYPES[column.type]
            fast = fast_money(texts.values, decimal, kind)
            found = (Cells(fast, texts.places).rows(), None) if fast is not None else _slow(con, texts, *money_sql(decimal, kind), kind)
            return _bounded(*found)
        if column.type == "time":
            formats = self.formats.get(name) or column.formats or TIME_FORMATS
            fast = fast_time(texts.values, formats)
            return (Cells(fast, texts.places).rows(), None) if fast is not None else _slow(con, texts, *time_sql(formats), TIME)
        if column.type == "id":
            if not may_hold(texts.values, "e", "E"):
                return texts.column(), None
            lost = pc.match_substring_regex(texts.values, _LOST_DIGITS)
            if not pc.any(lost, min_count=0).as_py():
                return texts.column(), None
            reason = "is a number in scientific notation, its digits are lost; export again without a spreadsheet"
            reasons = Cells(pc.if_else(lost, reason, pa.scalar(None, pa.string())), texts.places).rows()
            return texts.map(lambda cells: pc.if_else(lost, None, cells)).column(), reasons
        if column.values is not None:
            return _mapped(column, texts)
        return texts.column(), None

    def _shown(self, name: str, column: Column, raw: _Raw, texts: Cells, reasons: pa.Array) -> Problem:
        """The problem with the cells as they stand in the file: what was taken out of one does not name it."""
        if not column.extract or column.template or self.positions[name] is None:
            return Problem(column, texts, reasons)
        given = raw.cells(self.positions[name])
        unread = pc.and_(pc.not_equal(given.rows(), ""), pc.fill_null(pc.starts_with(reasons, "is empty"), False))
        return Problem(column, given, pc.if_else(unread, "is not known: there is nothing in it that is expected here", reasons))

    def _is_mixed(self, name: str, column: Column) -> bool:
        """Whether some cells of a time may name their offset and others not."""
        formats = self.formats.get(name) or column.formats
        return column.type == "time" and len({is_absolute(f) for f in formats}) > 1

    def _localise(self, typed: pa.Table) -> pa.Table:
        """Times to naive UTC, and beside every time its business day in the books' zone and cut-off."""
        for name, column in self.spec.fields.items():
            if column.type != "time":
                continue
            times = whole(typed[name])
            formats = self.formats.get(name) or column.formats
            if formats and all(is_absolute(f) for f in formats):
                utc = times
            elif column.zone_field:
                utc = by_zone(times, whole(typed[column.zone_field]), self.spec.zone or self.zone)
            else:
                utc = to_utc(times, column.zone or self.spec.zone or self.zone)
            if self._is_mixed(name, column):
                utc = pc.if_else(whole(typed[f"{name}{ABSOLUTE}"]), times, utc)
                typed = typed.drop_columns([f"{name}{ABSOLUTE}"])
            typed = typed.set_column(typed.schema.get_field_index(name), name, utc)
            typed = typed.append_column(f"{name}_day", business_day(utc, self.zone, self.cut_off))
        return typed

    def _hide(self, typed: pa.Table) -> pa.Table:
        """Replace personal values by keyed pseudonyms, once a distinct value where the cells are coded."""
        for name, column in self.spec.fields.items():
            if column.personal:
                cells = whole(typed[name])
                coded = pa.types.is_dictionary(cells.type)
                texts = pc.fill_null(cells.dictionary if coded else cells, "")
                hidden = Cells(pseudonyms(texts, self.key), cells.indices if coded else None)
                typed = typed.set_column(typed.schema.get_field_index(name), name, hidden.column())
        return typed

    def _decimal_mark(self, raw: _Raw) -> str:
        """The mark behind which amounts have one or two digits; where none has any and there are marks before three digits only,
        what else the file tells. Raises RefusedFile where 1.234 may be a thousand or not."""
        counts, groups = {",": 0, ".": 0}, {",": "", ".": ""}
        for name, column in self.spec.fields.items():
            if column.type == "money":
                places = (self.positions[name], *self.joined[name])
                if not any(may_hold(raw.cells(at).values, ",", ".") for at in places):
                    continue  # none of its cells has a mark
                texts = self._text(name, column, raw).rows()
                for mark in counts:
                    counts[mark] += pc.match_substring_regex(texts, rf"\d{re.escape(mark)}\d{{1,2}}\D*$").true_count
                    point = re.escape(mark)
                    surely = rf"\d{re.escape(_OTHER[mark])}\d{{3}}{point}|^\D*0{point}\d"  # behind thousands, or behind a 0
                    counts[mark] += pc.match_substring_regex(texts, surely).true_count
                    found = texts.filter(pc.match_substring_regex(texts, rf"^\D*[1-9]\d{{0,2}}({re.escape(mark)}\d{{3}})+\D*$"))
                    groups[mark] = groups[mark] or (found[0].as_py() if len(found) else "")
                    if any(text.count(mark) > 1 for text in pc.unique(found).to_pylist()):
                        counts[_OTHER[mark]] += 1
        if any(counts.values()) or not any(groups.values()):
            return "," if counts[","] > counts["."] else "."
        return self.said.decimal or self._mark_by_currency(raw, groups) or self._mark_by_dates(raw) or _undecided_mark(groups)

    def _mark_by_currency(self, raw: _Raw, groups: Mapping[str, str]) -> str:
        """The mark that does not part the thousands of 50,000, where every currency that the file names has no decimals (yen, won)."""
        position = self.positions.get("currency")
        named = self.captures.get("header_currency", "")
        found = {named} if named else set()
        if position is not None:
            found |= {str(text).strip().upper() for text in pc.unique(raw.cells(position).values).to_pylist()}
        known = places_by_currency()
        marks = [mark for mark, text in groups.items() if text]
        if len(marks) != 1 or not found or any(known.get(currency) != 0 for currency in found):
            return ""
        return _OTHER[marks[0]]

    def _mark_by_dates(self, raw: _Raw) -> str:
        """`,` where days are written 31.12.2026, which no country does that writes 1,234.50."""
        for name, column in self.spec.fields.items():
            if column.type == "time":
                texts = pc.unique(self._text(name, column, raw).values)
                texts = texts.filter(pc.not_equal(texts, ""))
                if len(texts) and pc.all(pc.match_substring_regex(texts, r"^\d{1,2}\.\d{1,2}\.\d{2,4}")).as_py():
                    return ","
        return ""


_OTHER = {",": ".", ".": ","}


def _undecided_mark(groups: Mapping[str, str]) -> str:
    text = next(found for found in groups.values() if found)
    digits = re.sub(r"[^\d.,]", "", text)
    raise RefusedFile(
        f"amounts can be read in two ways: {text!r} is {re.sub('[.,]', '', digits)} where the mark parts thousands, "
        f"{re.sub('[.,]', '.', digits)} where it is the decimal mark, and nothing in the file tells",
        advice="Say in books.yaml, readings: {SOURCE: {decimal: ','}} or {decimal: '.'}, or export amounts with their cents.")


class _Raw:
    """The bare cells of a batch by position: every column is cleaned once, however many fields read it."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.found: dict[int | None, Cells] = {}

    def cells(self, position: int | None) -> Cells:
        """The cells of a column; empty ones where the file does not have it."""
        if position not in self.found:
            count = len(self.batch.lines)
            self.found[position] = (
                Cells(pa.array([""], pa.string()), pa.repeat(pa.scalar(0, pa.int32()), count)) if position is None
                else coded(self.batch.columns[position]).map(bare))
        return self.found[position]


def _slow(
    con: duckdb.DuckDBPyConnection, texts: Cells, value: str, wrong: str, kind: pa.DataType
) -> tuple[pa.Array, pa.Array | None]:
    """Type cell by cell in SQL: every distinct text once."""
    if texts.places is None:
        distinct = texts.values.dictionary_encode()
        texts = Cells(distinct.dictionary, distinct.indices)
    con.register("cells", pa.table({"x": texts.values}))
    # DuckDB keeps the order of an Arrow table
    rows = con.sql(
        f"with typed as (select x, {value} as found from cells) "
        f"select found, case when x <> '' and found is null then {quoted(wrong)} end as reason from typed"
    ).to_arrow_table()
    con.unregister("cells")
    found, reasons = whole(rows["found"].cast(kind)), whole(rows["reason"].cast(pa.string()))
    return Cells(found, texts.places).rows(), (Cells(reasons, texts.places).rows() if reasons.null_count < len(reasons) else None)


def _bounded(values: pa.Array, reasons: pa.Array | None) -> tuple[pa.Array, pa.Array | None]:
    """Amounts and reasons; one that is too large to be added up has no value."""
    large = bounded(values)
    if large is None:
        return values, reasons
    nothing = pa.scalar(None, pa.string())
    wrong = pc.if_else(large, TOO_LARGE, nothing)
    return pc.if_else(large, pa.scalar(None, values.type), values), wrong if reasons is None else pc.coalesce(reasons, wrong)


def _mapped(column: Column, texts: Cells) -> tuple[pa.Array, pa.Array | None]:
    listed = column.values or {}
    given = texts
    if column.fold:
        texts = texts.map(lambda cells: pc.utf8_trim_whitespace(pc.utf8_lower(cells)))
    keys, mapped = pa.array(list(listed), pa.string()), pa.array(list(listed.values()), pa.string())
    values = texts.map(lambda cells: mapped.take(pc.index_in(cells, keys)))
    if column.otherwise is not None:
        return values.map(lambda cells: pc.fill_null(cells, column.otherwise)).column(), None
    if not values.values.null_count:
        return values.column(), None
    wrong = f"is not known; expected one of {', '.join(k for k in listed if k)}"
    reasons = given.map(lambda cells: pc.if_else(
        pc.is_null(values.values), pc.if_else(pc.equal(cells, ""), "is empty; expected a value", wrong), pa.scalar(None, pa.string())))
    return values.column(), reasons.rows()


def _add_reason(reasons: pa.Array | None, texts: Cells, reason: str) -> pa.Array | None:
    """The reasons, with one more for empty cells that have none yet."""
    where = pc.equal(texts.values, "")
    if not pc.any(where, min_count=0).as_py():
        return reasons
    added = Cells(pc.if_else(where, reason, pa.scalar(None, pa.string())), texts.places).rows()
    return added if reasons is None else pc.coalesce(reasons, added)


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

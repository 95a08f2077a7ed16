"""From text cells to typed fields, a batch at a time.

Every field is first tried as a whole column with Arrow's own casts, which are exact or fail. Where a column fails, the
slow way in SQL types it cell by cell and says what is wrong with each cell that has no value. Both give the same values.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.errors import RefusedFile
from duizhang.ingest.reading import Batch
from duizhang.ingest.spec import TIME_FORMATS, Column, SourceSpec, normalised
from duizhang.store import quoted

QUARANTINE = pa.schema(
    [("line", pa.int64()), ("column_name", pa.string()), ("value", pa.string()), ("reason", pa.string()),
     ("is_money", pa.bool_())]
)
HIDDEN = "***"
MONEY = pa.decimal128(18, 4)
TIME = pa.timestamp("us")
MAX_DIGITS = 30
YEARS = (1900, 2200)  # a time outside them is a slip of the pen
ISO = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}
_EDGE = " \t\r\n"
ABSOLUTE = " names its offset"  # beside a time whose cells do or do not
_OFFSET = r":\d\d(\.\d+)?\s*([+-]\d\d:?\d\d|Z)$|^\d{9,11}$"
_LOST_DIGITS = r"^\d(\.\d+)?[eE]\+?\d+$"


@dataclass(frozen=True)
class Problem:
    """Cells of one field that have no value: a mask over the batch and the reason of each (null where all is well)."""

    column: Column
    texts: pa.Array
    reasons: pa.Array


class Typist:
    """Types the batches of one reading by its specification."""

    def __init__(
        self, names: Sequence[str], spec: SourceSpec, captures: Mapping[str, str], zone: str, cut_off_minutes: int, key: bytes
    ) -> None:
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

    def settle(self, batch: Batch) -> None:
        """Find out from the first batch what the specification leaves to the file: decimal mark, order of day and month."""
        if self.decimal is None:
            self.decimal = self._decimal_mark(batch)
        for name, column in self.spec.fields.items():
            if column.type == "time" and len(column.formats) > 1:
                self.formats[name] = _possible(self._text(name, column, batch), column.formats)

    def type(
        self, con: duckdb.DuckDBPyConnection, batch: Batch, *, whole: bool = True
    ) -> tuple[pa.Table, pa.Table]:
        """(typed rows, quarantined cells). Typed: `line`, every field, and the business day `x_day` of every time `x`.

        whole: required fields must be filled; the line of a file's totals has few of them.
        """
        values: dict[str, pa.Array] = {"line": batch.lines}
        problems: list[Problem] = []
        for name, column in self.spec.fields.items():
            texts = self._text(name, column, batch)
            values[name], reasons = self._value(con, name, column, texts)
            if self._is_mixed(name, column):
                values[f"{name}{ABSOLUTE}"] = pc.match_substring_regex(texts, _OFFSET)
            if column.required and whole:
                reasons = _add_reason(reasons, pc.equal(texts, ""), "is empty; expected a value")
            if reasons is not None:
                problems.append(Problem(column, texts, reasons))
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

    def _text(self, name: str, column: Column, batch: Batch) -> pa.Array:
        """A field's cells without the marks that platforms and spreadsheets put around them, made ready for typing."""
        position = self.positions[name]
        text = pa.array([""] * len(batch.lines), pa.string()) if position is None else _bare(batch.columns[position])
        for other in self.joined[name]:
            text = pc.utf8_trim(pc.binary_join_element_wise(text, _bare(batch.columns[other]), " "), characters=" ")
        if self.spec.nulls:
            text = pc.if_else(pc.is_in(text, pa.array(self.spec.nulls)), "", text)
        if column.strip:
            text = pc.replace_substring_regex(text, column.strip, "")
        for old, new in column.replace.items():
            text = pc.replace_substring(text, old, new)
        if column.extract:
            text = _extracted(text, column.extract)
        if column.template:
            before, _, after = column.template.partition("{value}")
            head, tail = (re.sub(r"\{(\w+)\}", lambda m: self.captures.get(m.group(1), ""), part) for part in (before, after))
            text = pc.if_else(pc.equal(text, ""), "", pc.binary_join_element_wise(head, text, tail, ""))
        if column.default is not None:
            text = pc.if_else(pc.equal(text, ""), column.default, text)
        return text

    def _value(
        self, con: duckdb.DuckDBPyConnection, name: str, column: Column, texts: pa.Array
    ) -> tuple[pa.Array, pa.Array | None]:
        """(values, reasons or None): the typed column, null where a cell is empty or wrong."""
        if column.type in ("money", "number"):
            fast = _fast_money(texts) if self.decimal == "." else None
            return (fast, None) if fast is not None else _slow(con, texts, *money_sql(self.decimal or "."), MONEY)
        if column.type == "time":
            formats = self.formats.get(name) or column.formats or TIME_FORMATS
            fast = _fast_time(texts, formats)
            return (fast, None) if fast is not None else _slow(con, texts, *time_sql(formats), TIME)
        if column.type == "id":
            if not _any(texts, "e", "E"):
                return texts, None
            lost = pc.match_substring_regex(texts, _LOST_DIGITS)
            if not pc.any(lost).as_py():
                return texts, None
            reason = "is a number in scientific notation, its digits are lost; export again without a spreadsheet"
            return pc.if_else(lost, None, texts), pc.if_else(lost, reason, pa.scalar(None, pa.string()))
        if column.values is not None:
            return _mapped(column, texts)
        return texts, None

    def _is_mixed(self, name: str, column: Column) -> bool:
        """Whether some cells of a time may name their offset and others not."""
        formats = self.formats.get(name) or column.formats
        return column.type == "time" and len({_is_absolute(f) for f in formats}) > 1

    def _localise(self, typed: pa.Table) -> pa.Table:
        """Times to naive UTC, and beside every time its business day in the books' zone and cut-off."""
        for name, column in self.spec.fields.items():
            if column.type != "time":
                continue
            times = _whole(typed[name])
            formats = self.formats.get(name) or column.formats
            if formats and all(_is_absolute(f) for f in formats):
                utc = times
            elif column.zone_field:
                utc = _by_zone(times, _whole(typed[column.zone_field]), self.spec.zone or self.zone)
            else:
                utc = _to_utc(times, column.zone or self.spec.zone or self.zone)
            if self._is_mixed(name, column):
                utc = pc.if_else(_whole(typed[f"{name}{ABSOLUTE}"]), times, utc)
                typed = typed.drop_columns([f"{name}{ABSOLUTE}"])
            local = pc.local_timestamp(pc.cast(utc.cast(pa.timestamp("us", "UTC")), pa.timestamp("us", self.zone)))
            if self.cut_off:
                local = pc.subtract(local, pa.scalar(self.cut_off * 60_000_000, pa.duration("us")))
            typed = typed.set_column(typed.schema.get_field_index(name), name, utc)
            typed = typed.append_column(f"{name}_day", pc.cast(local, pa.date32(), safe=False))
        return typed

    def _hide(self, typed: pa.Table) -> pa.Table:
        """Replace personal values by keyed pseudonyms; every distinct value of a batch is hashed once."""
        for name, column in self.spec.fields.items():
            if column.personal:
                coded = _whole(typed[name]).dictionary_encode()
                hidden = pa.array([_pseudonym(self.key, value or "") for value in coded.dictionary.to_pylist()], pa.string())
                typed = typed.set_column(typed.schema.get_field_index(name), name, hidden.take(coded.indices))
        return typed

    def _decimal_mark(self, batch: Batch) -> str:
        """`,` where amounts end with a comma and one or two digits and none with a point and as many; else `.`."""
        counts = {",": 0, ".": 0}
        for name, column in self.spec.fields.items():
            if column.type == "money":
                texts = self._text(name, column, batch)
                for mark in counts:
                    counts[mark] += pc.match_substring_regex(texts, rf"\d{re.escape(mark)}\d{{1,2}}\D*$").true_count
        return "," if counts[","] > counts["."] else "."


@lru_cache(maxsize=1 << 16)
def _pseudonym(key: bytes, value: str) -> str:
    # the same as duizhang.books.pseudonym, by the quick one-shot function
    return "p" + hmac.digest(key, value.encode(), hashlib.sha256().name).hex()[:20] if value else ""


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _bare(cells: pa.Array) -> pa.Array:
    text = pc.ascii_trim(cells, characters=_EDGE)
    wrapped = pc.starts_with(text, '="')
    if pc.any(wrapped).as_py():
        text = pc.replace_substring_regex(text, '^="(.*)"$', r"\1")
    return pc.ascii_trim(pc.ascii_ltrim(text, characters="`'" + _EDGE), characters=_EDGE)


def _extracted(text: pa.Array, pattern: str) -> pa.Array:
    """The first group of a regex in every cell, '' where it does not match."""
    coded = text.dictionary_encode() if len(text) else None
    if coded is None:
        return text
    if len(coded.dictionary) * 2 > len(text):
        return _first_group(text, pattern)
    return _first_group(coded.dictionary, pattern).take(coded.indices)


def _first_group(text: pa.Array, pattern: str) -> pa.Array:
    named = re.sub(r"(?<!\\)\((?!\?)", "(?P<found>", pattern, count=1)
    found = pc.extract_regex(text, named)
    return pc.fill_null(pc.struct_field(found, "found"), "")


def _any(texts: pa.Array, *parts: str) -> bool:
    return any(pc.any(pc.match_substring(texts, part)).as_py() for part in parts)


def _fast_money(texts: pa.Array) -> pa.Array | None:
    """All cells as plain decimals, or None where one is anything else."""
    if (pc.max(pc.binary_length(texts)).as_py() or 0) > MAX_DIGITS:
        return None  # Arrow's cast overflows without a word: five hundred nines become -1
    try:
        values = pc.cast(pc.if_else(pc.equal(texts, ""), None, texts), MONEY)
    except pa.ArrowInvalid:
        return None
    # Arrow also takes 1e3, which a spreadsheet makes of an id
    return None if _any(texts, "e", "E") else values


def _fast_time(texts: pa.Array, formats: Sequence[str]) -> pa.Array | None:
    """All cells as ISO times (with an offset where the formats have one), or None where one is anything else."""
    absolute = all(_is_absolute(f) for f in formats)
    if not absolute and not ISO & set(formats):
        return None
    if any(f in ("epoch", "excel") for f in formats):
        return None
    try:
        filled = pc.if_else(pc.equal(texts, ""), None, texts)
        if not absolute and pc.any(pc.equal(pc.binary_length(filled), 13)).as_py():
            return None  # Arrow takes an hour alone
        times = pc.cast(pc.cast(filled, pa.timestamp("us", "UTC")), TIME) if absolute else pc.cast(filled, TIME)
    except pa.ArrowInvalid:
        return None
    first, last = pc.min_max(times).values()
    sane = not first.is_valid or (first.as_py().year >= YEARS[0] and last.as_py().year <= YEARS[1])
    return times if sane else None


def _is_absolute(pattern: str) -> bool:
    return "%z" in pattern or pattern == "epoch"


def money_sql(decimal: str) -> tuple[str, str]:
    """(value, reason) in SQL over the text `x`: signs, currency marks, brackets and separators of thousands allowed."""
    thousands, mark = (",", r"\.") if decimal == "." else (r"\.", ",")
    number = rf"(\d{{1,14}}|\d{{1,3}}({thousands}\d{{3}})+)?({mark}\d{{0,4}}0*)?"
    # the marks that stand around an amount: a currency sign or code before or behind, 元
    bare = r"regexp_replace(x, '^([-+(]?)\s*([¥￥$€£]|[A-Z]{2,3}\$?)\s*', '\1')"
    bare = rf"trim(regexp_replace({bare}, '\s*([¥￥$€£元]|[A-Z]{{3}})(\)?)$', '\2'))"
    bare = f"replace(replace({bare}, '−', '-'), '－', '-')"
    good = rf"regexp_full_match({bare}, '([+-]?{number}|\({number}\)|{number}-)') and regexp_matches({bare}, '\d')"
    plain = rf"regexp_replace({bare}, '[+()-]', '', 'g')"
    plain = f"replace({plain}, '{thousands[-1]}', '')"
    if decimal == ",":
        plain = f"replace({plain}, ',', '.')"
    sign = rf"case when regexp_matches({bare}, '^[-(]|-$') then -1 else 1 end"
    value = f"case when {good} then {sign} * try_cast({plain} as decimal(18, 4)) end"
    example = "1234.50" if decimal == "." else "1234,50"
    return value, f"is no amount; expected digits with at most four decimals, such as {example}"


def time_sql(formats: Sequence[str]) -> tuple[str, str]:
    tries = []
    for pattern in formats:
        if pattern == "epoch":
            tries.append(r"case when regexp_full_match(x, '\d{9,11}') then make_timestamp(try_cast(x as bigint) * 1000000) end")
        elif pattern == "excel":
            # day 1 is 1900-01-01 and there is a 1900-02-29, so days count from 1899-12-30
            tries.append(
                r"case when regexp_full_match(x, '\d{5}(\.\d+)?') then timestamp '1899-12-30' "
                "+ to_microseconds((round(try_cast(x as double) * 86400) * 1000000)::bigint) end"
            )
        else:
            # %Y takes two digits for the year 20: that is no year of anybody's books
            text = "regexp_replace(x, 'Z$', '+00:00')" if "%z" in pattern else "x"
            tried = f"try_cast(try_strptime({text}, {quoted(pattern)}) as timestamp)"
            tries.append(f"case when year({tried}) between {YEARS[0]} and {YEARS[1]} then {tried} end" if "%Y" in pattern else tried)
    example = next((f for f in formats if f.startswith("%")), formats[0])
    return f"coalesce({', '.join(tries)})", f"is no time; expected such as {example}"


def _slow(
    con: duckdb.DuckDBPyConnection, texts: pa.Array, value: str, wrong: str, kind: pa.DataType
) -> tuple[pa.Array, pa.Array | None]:
    """Type cell by cell in SQL: every distinct text once."""
    coded = texts.dictionary_encode()
    con.register("cells", pa.table({"x": coded.dictionary}))
    # DuckDB keeps the order of an Arrow table
    rows = con.sql(
        f"with typed as (select x, {value} as found from cells) "
        f"select found, case when x <> '' and found is null then {quoted(wrong)} end as reason from typed"
    ).to_arrow_table()
    con.unregister("cells")
    found = rows["found"].cast(kind).combine_chunks()
    reasons = rows["reason"].combine_chunks()
    values = found.take(coded.indices)
    return values, (reasons.take(coded.indices) if reasons.null_count < len(reasons) else None)


def _mapped(column: Column, texts: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    listed = column.values or {}
    places = pc.index_in(texts, pa.array(list(listed), pa.string()))
    values = pa.array(list(listed.values()), pa.string()).take(places)
    if column.otherwise is not None:
        return pc.fill_null(values, column.otherwise), None
    if not values.null_count:
        return values, None
    wrong = f"is not known; expected one of {', '.join(k for k in listed if k)}"
    reasons = pc.if_else(pc.equal(texts, ""), "is empty; expected a value", wrong)
    return values, pc.if_else(pc.is_null(values), reasons, pa.scalar(None, pa.string()))


def _add_reason(reasons: pa.Array | None, where: pa.Array, reason: str) -> pa.Array | None:
    if not pc.any(where).as_py():
        return reasons
    added = pc.if_else(where, reason, pa.scalar(None, pa.string()))
    return added if reasons is None else pc.coalesce(reasons, added)


def _cells(lines: pa.Array, problem: Problem) -> pa.Table:
    bad = pc.is_valid(problem.reasons)
    texts = problem.texts.filter(bad)
    count = len(texts)
    column = problem.column
    return pa.table(
        {
            "line": lines.filter(bad),
            "column_name": [column.column] * count,
            "value": pa.array([HIDDEN] * count, pa.string()) if column.personal else texts,
            "reason": problem.reasons.filter(bad),
            "is_money": [column.type in ("money", "number")] * count,
        },
        schema=QUARANTINE,
    )


def _to_utc(times: pa.Array, zone: str) -> pa.Array:
    """Wall-clock times of a zone in UTC. A time that the clock shows twice is the first; one that it skips, the last before."""
    return pc.cast(pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="earliest"), pa.timestamp("us", "UTC")).cast(TIME)


def _by_zone(times: pa.Array, zones: pa.Array, fallback: str) -> pa.Array:
    found = pa.nulls(len(times), TIME)
    for zone in pc.unique(zones).to_pylist():
        mask = pc.fill_null(pc.equal(zones, zone), False) if zone is not None else pc.is_null(zones)
        found = pc.if_else(mask, _to_utc(times, zone or fallback), found)
    return found


def _possible(texts: pa.Array, formats: Sequence[str]) -> tuple[str, ...]:
    """Of formats that read the same text differently (day and month), those to use for this file.

    The one that reads every cell leads; where several do, one under which the times go steadily up or down, as rows of
    a statement do; else the first of the specification. A format that reads a cell otherwise than the leading one is out.
    """
    kept = texts.filter(pc.not_equal(texts, ""))
    if not len(kept):
        return tuple(formats)
    found: dict[str, pa.Array] = {}
    with duckdb.connect(":memory:") as con:
        con.register("cells", pa.table({"x": kept}))
        for pattern in formats:
            value, _ = time_sql([pattern])
            found[pattern] = con.sql(f"select {value} as t from cells").to_arrow_table()["t"].cast(TIME).combine_chunks()
    whole = [pattern for pattern, times in found.items() if not times.null_count]
    if not whole:
        return tuple(formats)
    lead = next((pattern for pattern in whole if _is_steady(found[pattern])), whole[0])
    same = [p for p in formats if not pc.any(pc.not_equal(found[p], found[lead]), min_count=0).as_py()]
    return (lead, *(p for p in same if p != lead))


def _is_steady(times: pa.Array) -> bool:
    numbers = times.cast(pa.int64())
    steps = pc.subtract(numbers[1:], numbers[:-1])
    return any(pc.all(rule(steps, 0), min_count=0).as_py() for rule in (pc.greater_equal, pc.less_equal))

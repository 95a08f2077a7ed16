"""One side of a comparison as claims: a key and an exact amount per row, bad rows set apart.

Numbers that a file holds as text or as a float are read through their decimal text (of a float the shortest that gives
the same float back, so 58.9 is 58.9 and not 58.899999999999999), with as many places as the column really has:
nothing is rounded. A blank is no number: its row is bad unless the expression says what a blank means (`coalesce`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from duizhang.compare.expression import Compiled, literal, quote
from duizhang.compare.sources import SHOWN, Source
from duizhang.errors import UserError

_SPACE = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(12288)"
_NUMBER = "'[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?'"
PLACES = 18  # most digits before and after the decimal point
BLANK = ""  # the one group of all rows whose key is null or blank


@dataclass(frozen=True)
class Claims:
    """Claims of one side: `relation` is SQL with `k0..` (text, never null) and `amount` (decimal, never null)."""

    relation: str
    width: int  # digits of the amounts: 18 or 38
    scale: int  # decimal places of the amounts
    rows: int  # rows of the file, also those that do not take part
    source: Source
    compiled: Compiled
    option: str
    everything: str  # SQL of all rows: `row`, `k0..`, `bad`, `amount`


def stage(
    con: duckdb.DuckDBPyConnection, source: Source, keys: list[int], compiled: Compiled, scratch: Path, option: str
) -> Claims:
    """Make the claims of `source`; numbers held as text are read once and written to `scratch`."""
    texts = {i for i in compiled.numbers if _needs_text(source.types[i])}
    sizes, unreadable = _measure(con, source, sorted(texts))
    inner = ["file_row_number as row"]
    inner += [f"{_key(source, index)} as k{n}" for n, index in enumerate(keys)]
    bad = []
    for i in sorted(compiled.numbers):
        if i not in texts:
            inner.append(f"{quote(source.columns[i])} as n{i}")
            continue
        whole, places = sizes[i]
        cast = f"cast({_text(source, i)} as decimal({whole + places},{places}))"
        if i in unreadable:
            inner.append(f"case when {_readable(source, i)} then {cast} end as n{i}")
            bad.append(f"coalesce(not {_readable(source, i)}, false)")
        else:
            inner.append(f"{cast} as n{i}")
    inner += [f"{_text(source, i)} as t{i}" for i in sorted(compiled.texts)]
    inner.append(f"({' or '.join(bad) or 'false'}) as bad")
    names = ", ".join(f"k{n}" for n in range(len(keys)))
    query = f"select row, {names}, bad, {compiled.sql} as amount from (select {', '.join(inner)} from {source.relation})"
    width, scale = _decimal(con, query, source, option)
    everything = f"(select row, {names}, bad, cast(amount as decimal({width},{scale})) as amount from ({query}))"
    if texts or compiled.texts:
        target = literal(str(scratch / "claims.parquet"))
        con.execute(f"copy {everything} to {target} (format parquet, compression snappy)")
        everything = f"read_parquet({target})"
    good = f"(select {names}, amount from {everything} where not bad and amount is not null)"
    rows = pq.read_metadata(source.parquet).num_rows + source.ragged_rows
    return Claims(good, width, scale, rows, source, compiled, option, everything)


def _needs_text(type_: pa.DataType) -> bool:
    if pa.types.is_integer(type_) or pa.types.is_decimal(type_):
        return False
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    if pa.types.is_floating(type_) or pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return True
    return bool(pa.types.is_string_view(type_)) or pa.types.is_null(type_) or _no_number(type_)


def _no_number(type_: pa.DataType) -> bool:
    return True  # a date or a flag used as an amount: every row of it is reported as no number


def _text(source: Source, index: int) -> str:
    """The cell as text, null where it is blank."""
    column = quote(source.columns[index])
    if source.encoding != "parquet":
        return f"nullif({column}, '')"
    return f"nullif(trim(cast({column} as varchar), {_SPACE}), '')"


def _key(source: Source, index: int) -> str:
    text = f"coalesce(cast({quote(source.columns[index])} as varchar), {literal(BLANK)})"
    # A whole number that a file holds as a float (usual when a column has blanks) is the text of the whole number.
    return f"regexp_replace({text}, '[.]0$', '')" if pa.types.is_floating(source.types[index]) else text


def _exponent(text: str) -> str:
    return f"coalesce(try_cast(nullif(regexp_extract({text}, '[eE]([+-]?[0-9]+)', 1), '') as integer), 0)"


def _places(text: str) -> str:
    return f"greatest(0, length(rtrim(regexp_extract({text}, '[.]([0-9]*)', 1), '0')) - {_exponent(text)})"


def _whole(text: str) -> str:
    return f"greatest(1, length(ltrim(regexp_extract({text}, '^[+-]?([0-9]*)', 1), '0')) + {_exponent(text)})"


def _readable(source: Source, index: int) -> str:
    text = _text(source, index)
    return (
        f"(regexp_full_match({text}, {_NUMBER}) and {_places(text)} <= {PLACES} and {_whole(text)} <= {PLACES})"
    )


def _measure(
    con: duckdb.DuckDBPyConnection, source: Source, indexes: list[int]
) -> tuple[dict[int, tuple[int, int]], set[int]]:
    """Digits (before, after the point) that each column needs, and the columns with values that are no number."""
    if not indexes:
        return {}, set()
    parts = []
    for i in indexes:
        text, ok = _text(source, i), _readable(source, i)
        parts.append(
            f"coalesce(max({_whole(text)}) filter (where {ok}), 1), coalesce(max({_places(text)}) filter (where {ok}), 0), "
            f"count(*) filter (where not {ok})"
        )
    row = con.execute(f"select {', '.join(parts)} from {source.relation}").fetchall()[0]
    sizes = {i: (int(row[3 * n]), int(row[3 * n + 1])) for n, i in enumerate(indexes)}
    return sizes, {i for n, i in enumerate(indexes) if row[3 * n + 2]}


def _decimal(con: duckdb.DuckDBPyConnection, query: str, source: Source, option: str) -> tuple[int, int]:
    """Digits (18, which is fast, or 38) and places of the expression; raises `UserError` when it is no exact number."""
    try:
        described = con.execute(f"describe {query}").fetchall()
    except duckdb.Error as error:
        raise UserError(f"{option} does not work on {source.path}: {str(error).splitlines()[0]}") from error
    type_ = next(str(row[1]) for row in described if row[0] == "amount").upper()
    if type_.startswith("DECIMAL"):
        digits, places = (int(n) for n in type_.removeprefix("DECIMAL(").rstrip(")").split(","))
        return (18 if digits <= 18 else 38), places
    if type_.endswith("INT") or type_ in ("INTEGER", "UINTEGER"):
        return 38, 0
    raise UserError(f"{option} gives {type_.lower()}, not an exact number",
                    advice="Use decimal columns, constants, + - * and round(x, 2).")


def refusal(con: duckdb.DuckDBPyConnection, claims: Claims, count: int) -> UserError:
    """An error that names file, line, column and value of the first of the `count` rows that do not take part."""
    source, compiled = claims.source, claims.compiled
    texts = {i for i in compiled.numbers if _needs_text(source.types[i])}
    lines = [f"{source.path}: line {line}: {reason}" for line, reason in source.ragged]
    rows = con.execute(
        f"select row, bad from {claims.everything} where bad or amount is null order by row limit {SHOWN}"
    ).fetchall()
    where = source.lines([row for row, _ in rows])
    used = sorted(compiled.numbers | compiled.texts)
    values: dict[int, tuple[object, ...]] = {}
    if rows and used:
        columns = ", ".join(f"cast({quote(source.columns[i])} as varchar), "
                            f"{f'coalesce(not {_readable(source, i)}, false)' if i in texts else 'false'}"
                            for i in used)
        wanted = ", ".join(str(row) for row, _ in rows)
        found = con.execute(
            f"select file_row_number, {columns} from {source.relation} where file_row_number in ({wanted})"
        ).fetchall()
        values = {int(row[0]): row[1:] for row in found}
    for row, bad in rows:
        shown = values.get(row, ())
        cells = [(source.columns[i], shown[2 * n], shown[2 * n + 1]) for n, i in enumerate(used)] if shown else []
        if bad:
            reason = "; ".join(f"column {name!r}: {value!r} is not a number" for name, value, no in cells if no)
        else:
            blank = [name for name, value, _ in cells if value is None or not str(value).strip()]
            reason = "; ".join(f"column {name!r}: blank" for name in blank) or f"{claims.option} gives no amount"
        lines.append(f"{source.path}: line {where.get(row, row + 1)}: {reason}")
    shown_lines = lines[:SHOWN]
    more = [f"... and {count - len(shown_lines)} more"] if count > len(shown_lines) else []
    unit = "row has" if count == 1 else "rows have"
    return UserError("\n".join([f"{source.path}: {count} {unit} no readable amount", *shown_lines, *more]),
                     advice="Mend the file, say what a blank means with coalesce(column, 0), or leave them out with --skip-bad.")

"""From the bare cell to the text of a field, and from that to an id or to what a specification lists for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import polars as pl

from duizhang.ingest.specification import NUMBERS, Column, SourceSpec
from duizhang.ingest.texts import X
from duizhang.ingest.typing.reading import KEPT, Reading

# what stands where there is no id or person: rows that have nothing to do with each other would share one key
NAMELESS = r"(?i)^(?:[\W_]+|#?n/a|null|none|nan|nil|undefined|无|暂无|没有)$"
_ZEROS = "^0+$"  # nothing where systems count their orders and payments; the first line of an order may be number 0
_NUMBERED = {"order_id", "transaction_id", "refund_id", "payout_id", "tracking_number", "return_id"}
_NAMED = 30  # of the values that are known, those that a message names
_LOST = r"^[0-9]([.,][0-9]+)?[eE]\+?[0-9]+$"
_SOUND = pl.when(~X.str.contains(_LOST)).then(X)
IDS = Reading(
    _SOUND, _SOUND, pl.lit("is a number in scientific notation, its digits are lost; export again without a spreadsheet"))


def steps(column: Column, spec: SourceSpec, captures: Mapping[str, str]) -> pl.Expr | None:
    """From the bare cell to the text of the field; None where they are the same."""
    before, mark, after = (column.template or "").partition("{value}")  # without it the text stands in the value's place
    head, tail = (re.sub(r"\{(\w+)\}", lambda m: captures.get(m.group(1), ""), part) for part in (before, after))
    return _steps(column, spec.nulls, bool(_fed_to(column, spec) & _NUMBERED and not column.required), head, mark, tail)


@lru_cache(4096)
def _steps(column: Column, nulls: tuple[str, ...], is_number: bool, before: str, mark: str, after: str) -> pl.Expr | None:  # noqa: FBT001
    """The same with the parts of its template. is_number: of orders or payments, which 0 is not."""
    text = X
    if column.type in NUMBERS and not column.required:
        nulls = (*nulls, "-")  # nothing, as people and platforms write it, and as spreadsheets show 0 in accounts
    nulls = tuple(null for null in nulls if null not in (column.values or {}))  # a dash may be a minus
    if nulls:
        text = pl.when(text.is_in(list(nulls))).then(pl.lit("")).otherwise(text)
    if column.strip:
        text = text.str.replace_all(column.strip, "")
    if column.replace:
        text = text.str.replace_many(list(column.replace), list(column.replace.values()), leftmost=True)
    if column.extract:
        text = text.str.extract(column.extract).fill_null("")
    if column.type == "id" or column.personal:
        text = pl.when(text.str.contains(rf"{NAMELESS}|{_ZEROS}" if is_number else NAMELESS)).then(pl.lit("")).otherwise(text)
    if column.template:
        whole = pl.concat_str(pl.lit(before), text if mark else pl.lit(""), pl.lit(after))
        text = pl.when(text == "").then(pl.lit("")).otherwise(whole)
    if column.default is not None:
        text = pl.when(text == "").then(pl.lit(column.default)).otherwise(text)
    if text is X:
        return None
    # what a spreadsheet has cut names nothing, whatever is taken out of it
    is_taken_apart = column.type == "id" and (column.extract or column.template or column.strip or column.replace)
    return pl.when(X.str.contains(_LOST)).then(X).otherwise(text) if is_taken_apart else text


def _fed_to(column: Column, spec: SourceSpec) -> set[str]:
    """The columns of canonical tables that take a field as it is."""
    names = {name for name, other in spec.fields.items() if other is column}
    return {target for table in spec.tables for target, expression in table.columns.items() if expression in names}


def found_apart(column: Column) -> bool:
    """Whether what is extracted of joined cells can be sought in each by itself: it is found in one of them, wherever that stands."""
    plain = not (column.template or column.strip or column.default)
    return plain and column.extract is not None and not re.search(r"[\^$ ]|\\s|\.[*+]", column.extract)


@lru_cache(KEPT)
def listed(column: Column) -> Reading:
    """The value that the specification lists for a text."""
    values = column.values or {}
    key = X.str.to_lowercase().str.strip_chars() if column.fold else X
    value = key.replace_strict(list(values), list(values.values()), default=column.otherwise, return_dtype=pl.String)
    known = [k for k in values if k]
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED + 1 else ""
    wrong = f"is not known; expected one of {', '.join(known[:_NAMED] if more else known)}{more}"
    return Reading(value, value, pl.when(X == "").then(pl.lit("is empty; expected a value")).otherwise(pl.lit(wrong)), empty=True)

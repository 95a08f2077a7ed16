"""Rows as DuckDB gives them, from Arrow: names of columns, and whole numbers of any size."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlglot import exp

from duizhang.spark.untranslatable import Untranslatable

# whole numbers for which Arrow would take a DOUBLE, and Python a decimal
HUGE = re.compile(r"\b(HUGEINT|UBIGINT)\b")


class Result:
    """What a statement gave."""

    def __init__(self, rows: Sequence[tuple[Any, ...]] = (), table: pa.Table | None = None) -> None:
        self._rows, self._table = list(rows), table

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows

    def to_arrow_table(self) -> pa.Table:
        return self._table


def result_of(table: pa.Table, columns: Mapping[str, str]) -> Result:
    """Rows as DuckDB gives them: whole numbers that are none to Spark or Arrow are whole numbers."""
    huge = {name: exp.DataType.build(kind, dialect="duckdb") for name, kind in columns.items() if HUGE.search(kind)}
    return Result([tuple(_whole(v, huge[c]) if c in huge else v for c, v in row.items()) for row in table.to_pylist()], table)


def _whole(value: Any, kind: exp.DataType) -> Any:
    """A value with the whole numbers in it as such, also in lists and structs."""
    if value is None:
        return None
    if kind.this in (exp.DataType.Type.ARRAY, exp.DataType.Type.LIST):
        return [_whole(one, kind.expressions[0]) for one in value]
    if kind.this == exp.DataType.Type.STRUCT:
        return {one.name: _whole(value[one.name], one.args["kind"]) for one in kind.expressions}
    return int(value) if kind.this in (exp.DataType.Type.INT128, exp.DataType.Type.UBIGINT) else value


def called(frame: Any, columns: Iterable[str]) -> Any:
    """The rows with their columns named as DuckDB names them, also those that have no name of their own."""
    names = list(columns)
    if set(frame.columns) == set(names):
        return frame
    if len(frame.columns) != len(names):
        raise Untranslatable(f"columns {', '.join(frame.columns)} instead of {', '.join(names)}")
    return frame.toDF(*names)

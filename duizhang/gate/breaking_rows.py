"""The rows that break an expectation, as text: the first of them in total order."""

from __future__ import annotations

from typing import Any

import duckdb

from duizhang.gate.suites import Expectation, batch_of

SHOWN = 10


def query_of(table: str, expectation: Expectation) -> str:
    """The query of an expectation that has one, over the view of the rows that are being checked."""
    return str(expectation.kwargs["unexpected_rows_query"]).rstrip().rstrip(";").format(batch=f'"{batch_of(table)}"')


def first_rows(con: duckdb.DuckDBPyConnection, query: str) -> str:
    """The first rows of a query in total order: the column `detail` where there is one, else name=value pairs."""
    found = con.execute(f"select * from ({query}) order by all limit {SHOWN}")
    names = [str(column[0]) for column in found.description or []]
    rows = found.fetchall()
    if "detail" in names:
        place = names.index("detail")
        return "; ".join(str(row[place]) for row in rows)
    return "; ".join(" ".join(f"{name}={in_text(value)}" for name, value in zip(names, row, strict=True)) for row in rows)


def in_text(value: Any) -> str:
    """A value as it is shown."""
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name}={in_text(part)}" for name, part in value.items()) + ")"
    return "null" if value is None else str(value)

"""What can be said of the expectations of a table by one query: that no row breaks them, and which rows a query of a suite finds. All else
is asked of Great Expectations, which is then loaded.

On most days nothing breaks, and to load the library takes as long as to reconcile a small day. Which rows break an expectation that is
the library's own, and why one cannot be evaluated, the library says alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import duckdb

from duizhang.gate.breaking_rows import first_rows, query_of
from duizhang.gate.suites import ROWS_QUERY, Expectation, Outcome, Suite, batch_of
from duizhang.home.store import named, quoted


class Checks(Protocol):
    """Evaluates expectations on the rows of a select that `con` can read; what there is to close is closed."""

    con: duckdb.DuckDBPyConnection

    def check(self, select: str, suite: Suite, expectations: Sequence[Expectation]) -> list[Outcome]: ...

    def close(self) -> None: ...


class FirstLook:
    """Answers where nothing breaks, and asks Great Expectations for the rest.

    parameters: what suites name as {"$PARAMETER": name}.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, parameters: Mapping[str, Sequence[str]]) -> None:
        self.con, self.parameters = con, parameters
        self._library: Checks | None = None

    def check(self, select: str, suite: Suite, expectations: Sequence[Expectation]) -> list[Outcome]:
        """The outcome of each expectation of a suite on the rows of a select, in order."""
        found = seen(self.con, select, suite.table, expectations, self.parameters)
        rest = [e for e in expectations if e.name not in found]
        if rest:
            found |= zip((e.name for e in rest), self._asked().check(select, suite, rest), strict=True)
        return [found[e.name] for e in expectations]

    def _asked(self) -> Checks:
        if self._library is None:
            from duizhang.gate.validation import Validation  # seconds to load

            self._library = Validation(self.con, self.parameters)
        return self._library

    def close(self) -> None:
        if self._library is not None:
            self._library.close()


def seen(
    con: duckdb.DuckDBPyConnection, select: str, table: str, expectations: Sequence[Expectation], parameters: Mapping[str, Sequence[str]]
) -> dict[str, Outcome]:
    """The outcomes, by name, of those expectations that no row of a select breaks, and of queries. The select is left as the view that
    queries read."""
    batch = named(batch_of(table))
    con.execute(f"create or replace view {batch} as {select}")
    of_rows = {e.name: told for e in expectations if (told := _of_rows(e, parameters))}
    queries = {e.name: query_of(table, e) for e in expectations if e.type == ROWS_QUERY and [*e.kwargs] == ["unexpected_rows_query"]}
    try:
        # the rows are read once for all that is asked of a row
        breaking = _numbers(con, of_rows, f" from {batch}")
        found = {name: Outcome(success=True) for name, number in breaking.items() if not number}
        for name, number in _numbers(con, {name: f"(select count(*) from ({query}))" for name, query in queries.items()}, "").items():
            found[name] = Outcome(False, number, first_rows(con, queries[name])) if number else Outcome(success=True)
    except duckdb.Error:
        return {}
    return found


def _numbers(con: duckdb.DuckDBPyConnection, asked: Mapping[str, str], source: str) -> dict[str, int]:
    """What a query of these numbers finds, by name."""
    if not asked:
        return {}
    row = con.execute(f"select {', '.join(asked.values())}{source}").fetchone()
    return dict(zip(asked, row or (), strict=True))


def _of_rows(e: Expectation, parameters: Mapping[str, Sequence[str]]) -> str:
    """An aggregate that is 0 where no row breaks an expectation; empty where it is not known how to ask. As the library has it, an
    empty value breaks nothing but that it is not to be empty."""
    said = dict(e.kwargs)
    if e.type == "expect_compound_columns_to_be_unique":
        columns = said.pop("column_list", None)
        # the library passes over some rows with empty values, and is asked where two are alike
        return f"count(*) - count(distinct row({', '.join(map(named, columns))}))" if columns and not said else ""
    if not isinstance(column := said.pop("column", None), str):
        return ""
    broken = _broken(e.type, named(column), said, parameters)
    return f"count(*) filter (where {broken})" if broken else ""


def _broken(kind: str, column: str, said: Mapping[str, Any], parameters: Mapping[str, Sequence[str]]) -> str:
    """What is true of a row that breaks an expectation about one column; empty where it is not known how to ask."""
    if kind == "expect_column_values_to_not_be_null":
        return "" if said else f"{column} is null"
    if kind == "expect_column_values_to_be_in_set":
        listed = said.get("value_set")
        if isinstance(listed, dict) and [*listed] == ["$PARAMETER"]:
            listed = parameters.get(listed["$PARAMETER"])
        if [*said] != ["value_set"] or not listed or not all(isinstance(value, str) for value in listed):
            return ""
        return f"{column} not in ({', '.join(map(quoted, listed))})"
    value = {"expect_column_values_to_be_between": column, "expect_column_value_lengths_to_be_between": f"length({column})"}.get(kind)
    least, most = said.get("min_value"), said.get("max_value")
    known = {"min_value", "max_value", "strict_min", "strict_max"}
    if value is None or not said.keys() <= known or not all(bound is None or type(bound) is int for bound in (least, most)):
        return ""
    parts = [] if least is None else [f"{value} {'<=' if said.get('strict_min') else '<'} {least}"]
    parts += [] if most is None else [f"{value} {'>=' if said.get('strict_max') else '>'} {most}"]
    return " or ".join(parts)

"""Macros and session variables, which Spark's SQL does not have: put into the text of a query."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlglot import exp, parse_one

from duizhang.spark.untranslatable import Untranslatable


@dataclass(frozen=True)
class Macro:
    """A macro of DuckDB. is_table: its body is a query, and its one parameter the name of a relation."""

    parameters: tuple[str, ...]
    body: str
    is_table: bool = False


_CREATED = re.compile(r"create macro (\w+)\(([^)]*)\) as\s+(table\s)?(.*?)(?:;\s*\n|;?\s*\Z)", re.DOTALL)


def created(text: str) -> dict[str, Macro]:
    """The macros that a text of `create macro` statements makes, by name."""
    plain = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--")) + "\n"
    return {
        name: Macro(tuple(one.strip().strip('"') for one in listed.split(",")), body, is_table=bool(table))
        for name, listed, table, body in _CREATED.findall(plain)
    }


def inlined(tree: exp.Expr, macros: Mapping[str, Macro], variables: Mapping[str, Any]) -> exp.Expr:
    """The tree with every macro replaced by its body and every `getvariable` by its value."""
    while calls := [call for call in tree.find_all(exp.Anonymous) if call.name.lower() in {*macros, "getvariable"}]:
        # the inner ones first, so that an argument is as complete as this round makes it when it is put in
        for call in sorted(calls, key=lambda node: -node.depth):
            name = call.name.lower()
            if name == "getvariable":
                call.replace(literal(variables[call.expressions[0].name]))
            elif macros[name].is_table:
                _table_call(call, macros[name])
            else:
                call.replace(exp.Paren(this=_body(macros[name], call.expressions)))
    return tree


def _body(macro: Macro, arguments: list[exp.Expr]) -> exp.Expr:
    given = dict(zip(macro.parameters, arguments, strict=True))
    body = parse_one(macro.body, dialect="duckdb")
    for column in list(body.find_all(exp.Column)):
        if not column.table and column.name in given:
            value = given[column.name].copy()
            column.replace(value if isinstance(value, (exp.Column, exp.Literal, exp.Cast)) else exp.Paren(this=value))
    return body


def _table_call(call: exp.Anonymous, macro: Macro) -> None:
    body = parse_one(macro.body, dialect="duckdb")
    relation = call.expressions[0].name
    for inner in list(body.find_all(exp.Anonymous)):
        if inner.name.lower() == "query_table" and isinstance(inner.parent, exp.Table):
            inner.parent.replace(exp.to_table(relation, dialect="duckdb"))
    table = call.parent
    if not isinstance(table, exp.Table):
        raise Untranslatable(f"{call.name}: a table macro stands where no relation does")
    table.replace(exp.Subquery(this=body, alias=table.args.get("alias")))


def literal(value: Any) -> exp.Expr:
    """A value of a session variable as it is written in SQL."""
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, (int, Decimal)):
        return exp.Literal.number(str(value)) if value >= 0 else exp.Neg(this=exp.Literal.number(str(-value)))
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return exp.Cast(this=exp.Literal.string(value.isoformat()), to=exp.DataType.build("date"))
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, list):
        return exp.Array(expressions=[literal(one) for one in value])
    raise Untranslatable(f"a variable of type {type(value).__name__}")

"""Queries of DuckDB in Spark's SQL: macros and variables put in, columns and types found, constructs rewritten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from duizhang.spark.constructs import RULES
from duizhang.spark.macros import Macro, inlined
from duizhang.spark.shapes import (
    hidden_sides,
    levels,
    named_windows,
    pairs_of_generators,
    prior_rows,
    qualified,
    unions_by_name,
    whole_rows,
)
from duizhang.spark.types import annotators
from duizhang.spark.untranslatable import Untranslatable


@dataclass(frozen=True)
class Translation:
    """A query in Spark's SQL. steps: relations to make before it, in order, that the later ones and `final` read by name; `final`
    reads besides them only what the query itself reads."""

    steps: tuple[tuple[str, str], ...]
    final: str
    reads: frozenset[str] = field(default_factory=frozenset)

    @property
    def whole(self) -> str:
        """The query as one statement."""
        with_ = ", ".join(f"`{name}` as ({sql})" for name, sql in self.steps)
        return f"with {with_} {self.final}" if with_ else self.final


def transpile(
    sql: str, known: Mapping[str, Mapping[str, str]], *, macros: Mapping[str, Macro] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Translation:
    """A query of DuckDB in Spark's SQL. known: relation -> column -> DuckDB's type, of all that it reads.

    Raises Untranslatable for a construct that has no translation.
    """
    schema: dict[str, object] = {table: dict(columns) for table, columns in known.items()}
    try:
        tree = inlined(parse_one(sql, dialect="duckdb"), macros or {}, {} if variables is None else variables)
        named_windows(tree)
        tree = qualify(tree, schema=schema, dialect="duckdb", validate_qualify_columns=False, identify=False, quote_identifiers=False)
        tree = annotate_types(tree, schema=schema, dialect="duckdb", expression_metadata=annotators())
        hidden_sides(tree)
        whole_rows(tree)
        pairs_of_generators(tree)
        tree = qualified(_rewritten(tree))
        tree = unions_by_name(tree)
        prior_rows(tree)
        forced = levels(tree)
        return _in_steps(tree, frozenset(known), forced)
    except SqlglotError as error:
        raise Untranslatable(str(error).splitlines()[0]) from error


def _rewritten(tree: exp.Expr) -> exp.Expr:
    """Every node by the rule of its kind, the inner ones first; a node keeps the type that it had."""
    for node in reversed(list(tree.bfs())):
        rule = RULES.get(type(node))
        if rule is None:
            continue
        kind, turned = node.type, rule(node)
        if turned is not node:
            turned.type = kind
            if node is tree:
                tree = turned
            else:
                node.replace(turned)
    return tree


def _in_steps(tree: exp.Expr, known: frozenset[str], forced: frozenset[str]) -> Translation:
    """Common table expressions that are read more than once become steps: Spark computes them anew for each that reads them. So do
    those that are `forced`."""
    reads = frozenset(table.name for table in tree.find_all(exp.Table)) & known
    with_ = tree.args.get("with_")
    if with_ is None:
        return Translation((), _spark(tree), reads)
    tree.set("with_", None)
    expressions = list(with_.expressions)
    asked = [{table.name for table in query.find_all(exp.Table)} for query in (*expressions, tree)]
    steps: list[tuple[str, str]] = []
    renamed: dict[str, str] = {}
    kept: list[exp.CTE] = []
    for at, cte in enumerate(expressions):
        name = cte.alias
        _rename(cte.this, {k: v for k, v in renamed.items() if k != name})
        if name in forced or (_times(name, [*expressions[at + 1 :], tree], asked[at + 1 :]) > 1 and not _is_import(cte.this)):
            steps.append((f"{name}__step", _spark(_with(cte.this, kept))))
            renamed[name] = f"{name}__step"
        else:
            kept.append(cte)
    _rename(tree, renamed)
    return Translation(tuple(steps), _spark(_with(tree, kept)), reads)


def _times(name: str, queries: list[exp.Expr], asked: list[set[str]]) -> int:
    """How often the queries read a relation; asked: the relations that each of them reads."""
    return sum(1 for query, names in zip(queries, asked, strict=True) if name in names for t in query.find_all(exp.Table) if t.name == name)


def _rename(tree: exp.Expr, renamed: Mapping[str, str]) -> None:
    for table in tree.find_all(exp.Table):
        if table.name in renamed and isinstance(table.this, exp.Identifier):
            alias = table.alias or table.name
            table.set("this", exp.to_identifier(renamed[table.name]))
            table.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))


def _with(body: exp.Expr, ctes: list[exp.CTE]) -> exp.Expr:
    """The query with those of the expressions that it needs, and that these need."""
    needed: list[exp.CTE] = []
    wanted = {table.name for table in body.find_all(exp.Table)}
    for cte in reversed(ctes):
        if cte.alias in wanted:
            needed.insert(0, cte.copy())
            wanted |= {table.name for table in cte.find_all(exp.Table)}
    if needed:
        body.set("with_", exp.With(expressions=needed))
    return body


def _is_import(query: exp.Expr) -> bool:
    """Whether it only picks rows of one relation."""
    if not isinstance(query, exp.Select):
        return False
    busy = any(query.args.get(part) for part in ("joins", "group", "distinct", "laterals", "qualify", "having"))
    return not busy and query.find(exp.Window, exp.AggFunc, exp.Subquery) is None and len(list(query.find_all(exp.Table))) == 1


def _spark(tree: exp.Expr) -> str:
    return tree.sql("spark", identify=True, unsupported_level=ErrorLevel.RAISE)

"""Runs the rules over the models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from duizhang.layout import SQL
from duizhang.lint.emptiness import of_models
from duizhang.lint.relations import relations, relations_of_files
from duizhang.lint.room import metadata
from duizhang.lint.rules import RULES, Model, Rule
from duizhang.reconcile.causes import cause_expression
from duizhang.reconcile.nothing import load_nothing
from duizhang.reconcile.parts import parts_query

_ALLOW = re.compile(r"--\s*lint:\s*allow\s+(\w+)\s*(?::\s*(\S.*))?$", re.MULTILINE)

_MACRO = re.compile(r"create macro (\w+)\([^)]*\) as\s+(.*?);\n", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """What breaks a rule, and where."""

    model: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.model}: {self.rule}: {self.text}"


def lint() -> list[Finding]:
    """Everything in sql/, causes.yaml and parts.yaml that breaks a rule."""
    known, of_files = relations(), relations_of_files()
    found = [f for name, sql in _models() for f in lint_model(name, sql, of_files if name.startswith("sql/overlaps/") else known)]
    said, true = load_nothing(), of_models()
    return found + [
        Finding(f"sql/{name}.sql", "nothing", "nothing.yaml does not say when it has no rows: `python -m duizhang.lint --write`")
        for name in sorted(said.keys() | true.keys()) if said.get(name) != true.get(name)
    ]


def _models() -> Iterator[tuple[str, str]]:
    for path in sorted(SQL.rglob("*.sql")):
        name, text = f"sql/{path.relative_to(SQL).as_posix()}", path.read_text(encoding="utf-8")
        if path.parent.name == "macros":
            yield from ((f"{name}, {macro}", f"select {body} as value") for macro, body in _MACRO.findall(text))
        else:
            yield name, text
    yield "causes.yaml", f"select {cause_expression()} as cause from paired"
    yield "parts.yaml", parts_query("with_cause")


def lint_model(name: str, sql: str, known: Mapping[str, Mapping[str, str]], rules: Sequence[Rule] = RULES) -> list[Finding]:
    """What breaks a rule in one model. known: relation -> column -> type."""
    try:
        tree = parse_one(sql, dialect="duckdb")
        typed = typed_tree(sql, known)
    except SqlglotError as error:
        return [Finding(name, "unread", f"sqlglot does not understand it: {str(error).splitlines()[0]}")]
    model = Model(name, tree, typed, known)
    allowed = {word: (why or "").strip() for word, why in _ALLOW.findall(sql)}
    findings = [Finding(name, "allow", f"{word}: an exemption says why") for word, why in allowed.items() if not why]
    used = set()
    for rule in rules:
        for word, text in rule.check(model):
            if word in allowed:
                used.add(word)
            else:
                findings.append(Finding(name, rule.name, text))
    return [*findings, *(Finding(name, "allow", f"{word} lets nothing pass") for word in sorted(set(allowed) - used))]


def typed_tree(sql: str, known: Mapping[str, Mapping[str, str]]) -> exp.Expr:
    """The tree of a model with the table of every column and DuckDB's type of every expression."""
    words = {*re.findall(r"\w+", sql)}  # to know the columns of all others takes longer than to read most models
    schema: dict[str, object] = {table: dict(columns) for table, columns in known.items() if table in words}
    tree = qualify(
        parse_one(sql, dialect="duckdb"), schema=schema, dialect="duckdb", validate_qualify_columns=False, identify=False,
    )
    return annotate_types(tree, schema=schema, dialect="duckdb", expression_metadata=metadata())

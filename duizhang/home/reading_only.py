"""Which SQL reads and does no more: what others ask of the published tables is let through here."""

from __future__ import annotations

import json
import re

import duckdb

# parts of a query's syntax tree that read and do no more; a WITH may hold a COPY or an INSERT and still be a select
_READING = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_EXPLAIN = re.compile(r"explain( analyze)?( \( ?(analyze|format \w+)( ?, ?(analyze|format \w+))* ?\))?( analyze)? ?", re.IGNORECASE)
# A pivot whose columns are not listed is several statements in one, of which DuckDB shows no tree. Whatever writes or reaches out begins
# with one of these words, and a keyword has no other spelling: looked for everywhere, in texts and comments too.
_DOING = re.compile(
    r"(?<![a-z_])(copy|insert|update|delete|merge|truncate|create|drop|alter|comment|attach|detach|use|export|import|install|uninstall|"
    r"load|set|reset|call|pragma|prepare|execute|deallocate|vacuum|checkpoint|begin|commit|rollback|abort|grant|revoke)(?!\w)",
    re.IGNORECASE,
)
_PIVOT = re.compile(r"(?<![a-z_])pivot(_wider)?(?!\w)", re.IGNORECASE)


def only_reads(con: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> bool:
    """Whether DuckDB's own parser sees a select, the explanation of one, or a pivot, with nothing in it that writes."""
    text = statement.query
    if statement.type == duckdb.StatementType.EXPLAIN:
        inner = _explained(text)
        parts = con.extract_statements(inner) if inner else []
        return len(parts) == 1 and parts[0].type == duckdb.StatementType.SELECT and only_reads(con, parts[0])
    if statement.type == duckdb.StatementType.MULTI:
        return bool(_PIVOT.search(text)) and not _DOING.search(text)
    if statement.type != duckdb.StatementType.SELECT:
        return False
    (tree,) = con.execute("select json_serialize_sql(?)", [text]).fetchall()[0]
    parsed = json.loads(tree)
    return not parsed["error"] and _nodes(parsed) <= _READING


def _explained(text: str) -> str:
    """What an explain is about; empty where it says more than `analyze` and a format before it."""
    tokens = [(at, kind) for at, kind in duckdb.tokenize(text) if kind != duckdb.token_type.comment]
    said = ""
    for number, (at, _) in enumerate(tokens):
        end = tokens[number + 1][0] if number + 1 < len(tokens) else len(text)
        word = re.sub(r"/\*.*?\*/|--[^\n]*", " ", text[at:end], flags=re.DOTALL).strip()
        if said and _EXPLAIN.fullmatch(said + " ") and word.casefold() not in ("analyze", "("):
            return text[at:]
        said = f"{said} {word}".strip()
    return ""


def _nodes(tree: object) -> set[str]:
    """The kinds of query nodes in a syntax tree."""
    found, waiting = set(), [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            kind = part.get("type")
            if isinstance(kind, str) and kind.endswith("_NODE"):
                found.add(kind)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return found

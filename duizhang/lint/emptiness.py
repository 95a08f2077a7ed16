"""When a query has no rows, whatever the values are: read from its tree, for models that need not be computed then.

What is found holds for certain; where the tree does not tell, nothing is. A condition is a set of relations that are all empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from sqlglot import exp, parse_one

from duizhang.home.store import scratch
from duizhang.layout import SQL
from duizhang.reconcile.models import ROOMS, SO_FAR
from duizhang.reconcile.nothing import NOTHING_FILE

# any of these sets of relations: where all of one are empty, so is the query
When = frozenset[frozenset[str]]

NEVER: When = frozenset()
# macros whose rows are those of the relation that they are given, with more columns
_OF_RELATION = ("name_causes", "name_candidates", "take_parts", "query_table")


def of_models() -> dict[str, list[list[str]]]:
    """What nothing.yaml is to say: of every model whose SQL tells it. A view of what is there so far grows behind the back of who asks."""
    paths = [path for room in (*ROOMS, "legs") for path in sorted((SQL / room).glob("*.sql")) if path.stem not in SO_FAR]
    found = {f"{path.parent.name}/{path.stem}": empty_when(path.read_text(encoding="utf-8")) for path in paths}
    return {name: sorted(map(sorted, when)) for name, when in found.items() if when}


def write() -> None:
    """Write nothing.yaml anew."""
    lines = ["# Written by `python -m duizhang.lint --write`: see nothing.py.\n"]
    lines += [f"{name}: [{', '.join('[' + ', '.join(one) + ']' for one in when)}]\n" for name, when in of_models().items()]
    NOTHING_FILE.write_text("".join(lines), encoding="utf-8")


def empty_when(sql: str) -> When:
    """The smallest sets of relations outside of a query such that it has no row where all relations of a set are empty."""
    return _of_query(parse_one(sql, dialect="duckdb"), {})


def _of_query(node: exp.Expr, known: Mapping[str, When]) -> When:
    tables = dict(known)
    with_ = node.args.get("with_") or node.args.get("with")
    if with_ is not None:
        for named in with_.expressions:  # an import has the name of what it imports, and is looked up before it is there
            tables[named.alias] = NEVER if with_.args.get("recursive") else _of_query(named.this, tables)
    if isinstance(node, exp.Subquery):
        return NEVER if node.args.get("pivots") else _joined(_of_query(node.this, tables), node, tables)
    if isinstance(node, exp.Union):
        return _both(_of_query(node.this, tables), _of_query(node.expression, tables))
    if isinstance(node, (exp.Except, exp.Intersect)):
        return _of_query(node.this, tables)
    if not isinstance(node, exp.Select) or _is_of_all_rows(node):
        return NEVER
    source = node.args.get("from_") or node.args.get("from")
    return NEVER if source is None else _joined(_of_source(source.this, tables), node, tables)


def _of_source(node: exp.Expr, known: Mapping[str, When]) -> When:
    if isinstance(node, exp.Subquery):
        return _of_query(node, known)
    if not isinstance(node, exp.Table) or node.args.get("pivots"):
        return NEVER
    name = node.name
    if isinstance(node.this, exp.Func):
        given = node.this.expressions
        if node.this.name.lower() not in _OF_RELATION or len(given) != 1 or not given[0].is_string:
            return NEVER
        name = given[0].name
    return _joined(known.get(name, frozenset({frozenset({name})})), node, known)


def _joined(left: When, node: exp.Expr, known: Mapping[str, When]) -> When:
    """What comes of rows that are empty `left`, behind the joins of this node."""
    found = left
    for join in node.args.get("joins") or ():
        right = _of_source(join.this, known)
        side, kind, method = (str(part or "").upper() for part in (join.side, join.kind, join.method))
        if side == "FULL" or "POSITIONAL" in (kind, method):
            found = _both(found, right)
        elif side == "RIGHT":
            found = right
        elif side != "LEFT" and kind != "ANTI":
            found = _smallest(found | right)
    return found


def _is_of_all_rows(node: exp.Select) -> bool:
    """Whether a query gives a row that stands for all rows, and also for none."""
    group = node.args.get("group")
    if group is None:
        return node.args.get("having") is not None or any(map(_adds_up, node.expressions))
    if any(group.args.get(name) for name in ("grouping_sets", "cube", "rollup", "totals")):
        return True
    if group.args.get("all"):
        return all(map(_adds_up, node.expressions))
    plain = [one for one in group.expressions if not isinstance(one, (exp.Rollup, exp.Cube, exp.GroupingSets))]
    return len(plain) < len(group.expressions) or all(isinstance(one, exp.Tuple) and not one.expressions for one in plain)


def _adds_up(column: exp.Expr) -> bool:
    """Whether an expression is of several rows, other than by a window."""
    stack = [column]
    while stack:
        node = stack.pop()
        if isinstance(node, (exp.Window, exp.Subquery, exp.Select)):
            continue
        if isinstance(node, exp.AggFunc) or (isinstance(node, exp.Anonymous) and node.name.lower() in _aggregates()):
            return True
        stack.extend(node.iter_expressions())
    return False


@cache
def _aggregates() -> frozenset[str]:
    """The functions of DuckDB that are of several rows."""
    with scratch() as con:
        asked = con.execute("select function_name from duckdb_functions() where function_type = 'aggregate'")
        return frozenset(str(name) for (name,) in asked.fetchall())


def _both(one: When, other: When) -> When:
    return _smallest(a | b for a in one for b in other)


def _smallest(sets: Iterable[frozenset[str]]) -> When:
    listed = frozenset(sets)
    return frozenset(one for one in listed if not any(other < one for other in listed))

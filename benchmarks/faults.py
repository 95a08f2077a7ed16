"""The faults that can be planted: one changed node of a syntax tree, of SQL (sqlglot) or of a module (ast)."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import sqlglot
from sqlglot import exp


@dataclass(frozen=True)
class Fault:
    """One planted fault: where, what stood there and what stands there now, and the changed file."""

    path: str
    place: str
    change: str
    text: str


_SWAPS: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.GT: exp.GTE, exp.GTE: exp.GT, exp.LT: exp.LTE, exp.LTE: exp.LT, exp.EQ: exp.NEQ, exp.NEQ: exp.EQ, exp.Add: exp.Sub,
    exp.Sub: exp.Add, exp.And: exp.Or, exp.Or: exp.And, exp.Max: exp.Min, exp.Min: exp.Max, exp.Sum: exp.Max,
}


def sql_faults(path: str, text: str, chance: random.Random) -> Iterator[Fault]:
    """Every fault that can be planted into a select, one node each, in an order by chance."""
    whole = sqlglot.parse_one(text, dialect="duckdb")
    changeable = (*_SWAPS, exp.Literal, exp.Where, exp.Distinct, exp.Join, exp.Union, exp.If, exp.Coalesce, exp.Neg, exp.Ordered)
    # an `and` is turned and cut; everything else is changed in one way
    places = [(at, kind) for at, n in enumerate(whole.walk()) if isinstance(n, changeable) for kind in range(1 + isinstance(n, exp.And))]
    chance.shuffle(places)
    for number, kind in places:
        tree = whole.copy()
        node = next(n for at, n in enumerate(tree.walk()) if at == number)
        cte = node.find_ancestor(exp.CTE)
        before = _short(node)
        after = _change(node, kind)
        if after is not None:
            yield Fault(path, cte.alias if cte else "", f"{before} -> {after}", tree.sql(dialect="duckdb", pretty=True))


def text_faults(path: str, text: str, chance: random.Random) -> Iterator[Fault]:
    """Every fault of another kind: a text constant that is another one. No pair was sharpened on these."""
    whole = sqlglot.parse_one(text, dialect="duckdb")
    places = [at for at, n in enumerate(whole.walk()) if isinstance(n, exp.Literal) and n.is_string]
    chance.shuffle(places)
    for number in places:
        tree = whole.copy()
        node = next(n for at, n in enumerate(tree.walk()) if at == number)
        if isinstance(node.parent, (exp.Cast, exp.Interval)):
            continue
        cte = node.find_ancestor(exp.CTE)
        before = f"{_short(node)} in {_short(node.parent)}"
        node.replace(exp.Literal.string(f"{node.this}?"))
        yield Fault(path, cte.alias if cte else "", f"another text than {before}", tree.sql(dialect="duckdb", pretty=True))


def plain(text: str) -> str:
    """A select as its tree prints it."""
    return sqlglot.parse_one(text, dialect="duckdb").sql(dialect="duckdb", pretty=True)


def _short(node: exp.Expression) -> str:
    return re.sub(r"\s+", " ", node.sql(dialect="duckdb"))[:160]


def _change(node: exp.Expression, kind: int) -> str | None:
    """Change the node in its tree; how it reads now, or None where there is nothing to change."""
    made: exp.Expression | None = None
    if type(node) in _SWAPS:
        swapped = _SWAPS[type(node)]
        if kind == 0:
            made = swapped(**{k: v for k, v in node.args.items() if k in ("this", "expression")})
        elif isinstance(node, exp.And):
            made = node.right.copy()  # a condition is dropped
    elif isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit() and kind == 0:
        if isinstance(node.parent, exp.DataTypeParam):
            return None
        if isinstance(node.parent, exp.Select) and isinstance(node.parent.parent, exp.Exists):
            return None  # a row that has only to be there
        made = exp.Literal.number(int(node.this) + 1)
    elif isinstance(node, exp.Where) and kind == 0:
        node.pop()
        return "no filter"
    elif isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Select) and kind == 0:
        node.pop()
        return "not distinct"
    elif isinstance(node, exp.Join) and not node.method and node.kind in ("", "INNER") and node.args.get("on"):
        if kind == 1:
            return None
        left = node.side == "LEFT"
        node.set("side", None if left else "LEFT")
        node.set("kind", "INNER" if left else None)
        return "inner join" if left else "left join"
    elif isinstance(node, exp.Union) and kind == 0 and isinstance(node.parent, (exp.CTE, exp.Union)):
        made = node.left.copy()  # the second branch is dropped
    elif isinstance(node, exp.If) and isinstance(node.parent, exp.Case) and kind == 0:
        case = node.parent
        if len(case.args["ifs"]) > 1:
            case.set("ifs", [i for i in case.args["ifs"] if i is not node])
            return "no such case"
        if case.args.get("this"):
            return None
        node.set("this", exp.Not(this=exp.Paren(this=node.this.copy())))
        return "when not"
    elif (isinstance(node, exp.Coalesce) and kind == 0) or (isinstance(node, exp.Neg) and kind == 0):
        made = node.this.copy()
    elif isinstance(node, exp.Ordered) and kind == 0 and isinstance(node.find_ancestor(exp.Window, exp.WithinGroup), exp.Window):
        node.set("desc", not node.args.get("desc"))
        return "the other way round"
    if made is None:
        return None
    if isinstance(node, (exp.And, exp.Or)):
        made = exp.Paren(this=made)
    node.replace(made)
    return _short(made)


_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}
_ADDED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr,
}
# what only declares: a fault there is one of the declaration and not of the rule
_DECLARED = {"strict", "frozen", "nullable", "index", "autoincrement", "primary_key", "unique", "extra"}


def python_faults(path: str, text: str, chance: random.Random) -> Iterator[Fault]:
    """Every fault that can be planted into a module's functions, one node each, in an order by chance."""
    places = [(number, kind) for number in range(len(list(ast.walk(ast.parse(text))))) for kind in range(2)]
    chance.shuffle(places)
    for number, kind in places:
        tree = ast.parse(text)
        nodes = list(ast.walk(tree))
        node = nodes[number]
        parents = {child: parent for parent in nodes for child in ast.iter_child_nodes(parent)}
        line = [node]
        while line[-1] in parents:
            line.append(parents[line[-1]])
        inside = [n.name for n in line if isinstance(n, ast.FunctionDef)]
        if not inside or any(isinstance(n, ast.keyword) and n.arg in _DECLARED for n in line) or _is_hint(line):
            continue
        if isinstance(node, (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop, ast.arguments)):
            continue
        before = ast.unparse(node).splitlines()[0]
        if _change_python(node, kind):
            yield Fault(path, inside[0], f"{before[:160]} -> {ast.unparse(node).splitlines()[0][:160]}", ast.unparse(tree))


def _is_hint(line: Sequence[ast.AST]) -> bool:
    """Whether a node is part of an annotation, a default or a decorator."""
    return any(
        isinstance(outer, ast.arguments)
        or (isinstance(outer, ast.FunctionDef) and (inner is outer.returns or inner in outer.decorator_list))
        or (isinstance(outer, ast.AnnAssign) and inner is outer.annotation)
        for inner, outer in pairwise(line)
    )


def _change_python(node: ast.AST, kind: int) -> bool:
    if isinstance(node, ast.Compare) and kind == 0 and type(node.ops[0]) in _COMPARED:
        node.ops[0] = _COMPARED[type(node.ops[0])]()
    elif isinstance(node, ast.BoolOp):
        if kind == 0:
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        else:
            del node.values[-1]
            if len(node.values) == 1:
                node.values.append(node.values[0])
    elif isinstance(node, ast.BinOp) and kind == 0 and type(node.op) in _ADDED:
        node.op = _ADDED[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and kind == 0 and isinstance(node.op, (ast.Not, ast.USub)):
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
        if isinstance(node.op, ast.Not):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant) and kind == 0 and type(node.value) is int:
        node.value += 1
    elif isinstance(node, ast.Constant) and kind == 0 and type(node.value) is bool:
        node.value = not node.value
    elif isinstance(node, ast.If) and kind == 0:
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.IfExp) and kind == 0:
        node.body, node.orelse = node.orelse, node.body
    elif isinstance(node, ast.Return) and kind == 0 and node.value is not None:
        if isinstance(node.value, ast.Constant) and node.value.value is None:
            return False
        node.value = ast.Constant(None)
    elif isinstance(node, ast.Expr) and kind == 0 and isinstance(node.value, ast.Call):
        node.value = ast.Constant(None)  # a step is left out
    elif isinstance(node, ast.Continue) and kind == 0:
        return False
    else:
        return False
    return True

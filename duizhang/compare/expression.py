"""Amount expressions: what the user may write, compiled to SQL that can do nothing else.

The text is parsed by DuckDB into a tree; the SQL that runs is written anew from that tree, and only from the nodes this
module knows. So there are no statements, no subqueries, no file functions and no settings to guard against: they have
no translation. A column used as a number and the same column used as text are two different things (`n0`, `t0`),
because a CSV has only text; where a column stands decides which one is meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb

from duizhang.errors import UserError

ALLOWED = "columns, numbers, + - * %, / by a constant, abs, round, floor, ceil, sign, greatest, least, coalesce, nullif, " \
    "case, comparisons, in, between, like, is null, and text functions inside conditions"
_NUMERIC_FUNCTIONS = {"abs", "round", "floor", "ceil", "ceiling", "sign", "greatest", "least"}
_TEXT_FUNCTIONS = {
    "lower", "upper", "trim", "ltrim", "rtrim", "replace", "left", "right", "substr", "substring", "concat", "||",
}
_TEXT_TESTS = {
    "~~", "!~~", "~~*", "!~~*", "starts_with", "ends_with", "contains", "prefix", "suffix", "regexp_matches",
    "regexp_full_match",
}
_COMPARISONS = {
    "COMPARE_EQUAL": "=", "COMPARE_NOTEQUAL": "<>", "COMPARE_LESSTHAN": "<", "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=", "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_DISTINCT_FROM": "is distinct from", "COMPARE_NOT_DISTINCT_FROM": "is not distinct from",
}


def quote(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _widened(sql: str) -> str:
    """A number as it is, of a type wider than 18 digits: DuckDB computes two that are not within 18 digits, and fails where
    the result has more."""
    return f"({sql} + 0::decimal(19, 0))"


@dataclass
class Compiled:
    """A safe expression: `sql` refers to `n<i>` and `t<i>`, the i-th column of the file as number and as text."""

    sql: str
    numbers: set[int] = field(default_factory=set)
    texts: set[int] = field(default_factory=set)


def compile_amount(con: duckdb.DuckDBPyConnection, text: str, columns: Sequence[str], option: str) -> Compiled:
    """Compile the amount expression `text` over a file's `columns`.

    Raises `UserError` (naming `option`) when it is not one arithmetic expression over those columns.
    """
    row = con.execute("select json_serialize_sql(?)", [f"select ({text}\n)"]).fetchall()[0]
    tree: dict[str, Any] = json.loads(row[0])
    if tree.get("error"):
        raise UserError(f"{option} {text!r} is not an expression: {tree.get('error_message', 'syntax error')}",
                        advice='Quote a column name that has spaces or signs: \'"unit price" * quantity\'.')
    statements = tree["statements"]
    node = statements[0]["node"] if len(statements) == 1 else {}
    plain = (
        node.get("type") == "SELECT_NODE" and len(node["select_list"]) == 1 and not node["modifiers"]
        and node["from_table"]["type"] == "EMPTY" and not node["cte_map"]["map"]
        and not any(node.get(part) for part in ("where_clause", "group_expressions", "having", "qualify", "sample"))
    )
    if not plain:
        raise UserError(f"{option} {text!r} must be a single expression", advice=f"Allowed: {ALLOWED}.")
    compiler = _Compiler(columns, f"{option} {text!r}")
    compiler.out.sql = compiler.number(node["select_list"][0])
    return compiler.out


class _Compiler:
    def __init__(self, columns: Sequence[str], where: str) -> None:
        self.columns = list(columns)
        self.where = where
        self.out = Compiled("")

    def refuse(self, what: str) -> UserError:
        return UserError(f"{self.where}: {what}", advice=f"Allowed: {ALLOWED}.")

    # -- leaves
    def column(self, node: dict[str, Any]) -> int:
        name = ".".join(node["column_names"])
        return find_column(self.columns, name, self.where)

    @staticmethod
    def arguments(node: dict[str, Any]) -> list[dict[str, Any]]:
        return [a["expression"] for a in node["arguments"]]

    def function(self, node: dict[str, Any]) -> str:
        if node.get("distinct") or node.get("filter") or node["order_bys"]["orders"]:
            raise self.refuse("aggregates are not allowed, the rows of a key are summed anyway")
        if node.get("schema") or node.get("catalog"):
            raise self.refuse("functions of a schema are not allowed")
        return str(node["function_name"]).lower()

    def textual(self, node: dict[str, Any]) -> bool:
        kind = node["class"]
        if kind == "CONSTANT":
            return bool(node["literal"]["kind"] == "STRING")
        if kind == "FUNCTION":
            return str(node["function_name"]).lower() in _TEXT_FUNCTIONS
        if kind == "CASE":
            return self.textual(node["else_expr"]) or any(self.textual(c["then_expr"]) for c in node["case_checks"])
        if node["type"] == "OPERATOR_COALESCE":
            return any(self.textual(child) for child in node["children"])
        return False

    # -- numbers
    def number(self, node: dict[str, Any]) -> str:
        kind, type_ = node["class"], node["type"]
        if kind == "COLUMN_REF":
            index = self.column(node)
            self.out.numbers.add(index)
            return f"n{index}"
        if kind == "CONSTANT":
            return self.constant(node)
        if kind == "CASE":
            return self.case(node, text=False)
        if type_ == "OPERATOR_COALESCE":
            return f"coalesce({', '.join(self.number(c) for c in node['children'])})"
        if kind == "CAST":
            return self.cast(node)
        if kind == "FUNCTION":
            return self.numeric_function(node)
        if type_ == "SUBQUERY" or kind == "SUBQUERY":
            raise self.refuse("a subquery is not allowed")
        raise self.refuse(f"{type_.lower().replace('_', ' ')} is not a number that can be used here")

    def constant(self, node: dict[str, Any]) -> str:
        value = node["literal"]
        if value["kind"] == "NULL":
            return "null"
        if value["kind"] in ("INTEGER", "NUMERIC"):
            number = Decimal(value["text"].replace("_", ""))
            return f"({number:f})" if number < 0 else f"{number:f}"
        raise self.refuse(f"{value.get('text', value['kind'])!r} is not a number")

    def numeric_function(self, node: dict[str, Any]) -> str:
        name, args = self.function(node), self.arguments(node)
        if name in ("+", "-") and len(args) == 1:
            return f"({name}{self.number(args[0])})"
        if name == "%" and len(args) == 2:
            return f"({self.number(args[0])} % {self.number(args[1])})"
        if name in ("+", "-", "*") and len(args) == 2:
            return f"({_widened(self.number(args[0]))} {name} {self.number(args[1])})"
        if name == "/" and len(args) == 2:
            return f"({_widened(self.number(args[0]))} * {self.reciprocal(args[1])})"
        if name == "nullif" and len(args) == 2:
            return f"nullif({self.number(args[0])}, {self.number(args[1])})"
        if name == "ifnull" and len(args) == 2:
            return f"coalesce({self.number(args[0])}, {self.number(args[1])})"
        if name == "if" and len(args) == 3:
            return f"if({self.truth(args[0])}, {self.number(args[1])}, {self.number(args[2])})"
        if name in _NUMERIC_FUNCTIONS and args:
            return f"{name}({', '.join(self.number(a) for a in args)})"
        raise self.refuse(f"the function {name} is not allowed as an amount")

    def reciprocal(self, node: dict[str, Any]) -> str:
        """1 / constant as an exact decimal: DuckDB's own division of decimals gives a float."""
        if node["class"] != "CONSTANT" or node["literal"]["kind"] not in ("INTEGER", "NUMERIC"):
            raise self.refuse("only division by a constant is exact")
        divisor = Decimal(node["literal"]["text"])
        sign, digits, exponent = divisor.as_tuple()
        number = int("".join(map(str, digits)))
        if number == 0:
            raise self.refuse("division by zero")
        twos = fives = 0
        rest = number
        while rest % 2 == 0:
            rest, twos = rest // 2, twos + 1
        while rest % 5 == 0:
            rest, fives = rest // 5, fives + 1
        places = max(twos, fives)
        if rest != 1 or not isinstance(exponent, int) or places > 12:
            raise self.refuse(f"1/{divisor} has no short exact decimal")
        exact = Decimal((1 - 2 * sign) * (10**places // number)).scaleb(-places - exponent)
        return f"({exact:f})"

    def cast(self, node: dict[str, Any]) -> str:
        type_ = node["type_expr"]
        name = str(type_.get("type_name", "")).upper()
        sizes = [int(c["literal"]["text"]) for c in type_.get("children", []) if c.get("class") == "CONSTANT"]
        if name in ("DECIMAL", "NUMERIC") and len(sizes) == 2:
            target = f"decimal({sizes[0]},{sizes[1]})"
        elif name in ("INTEGER", "INT", "BIGINT"):
            target = "bigint"
        else:
            raise self.refuse("cast is allowed to decimal(p,s) and bigint only")
        child = node["child"]
        inner = self.text(child) if self.textual(child) else self.number(child)
        return f"try_cast({inner} as {target})"

    def case(self, node: dict[str, Any], *, text: bool) -> str:
        value = self.text if text else self.number
        parts = [f"when {self.truth(c['when_expr'])} then {value(c['then_expr'])}" for c in node["case_checks"]]
        return f"(case {' '.join(parts)} else {value(node['else_expr'])} end)"

    # -- text
    def text(self, node: dict[str, Any]) -> str:
        kind = node["class"]
        if kind == "COLUMN_REF":
            index = self.column(node)
            self.out.texts.add(index)
            return f"t{index}"
        if kind == "CONSTANT":
            value = node["literal"]
            return "null" if value["kind"] == "NULL" else literal(str(value["text"]))
        if kind == "CASE":
            return self.case(node, text=True)
        if node["type"] == "OPERATOR_COALESCE":
            return f"coalesce({', '.join(self.text(c) for c in node['children'])})"
        if kind == "FUNCTION":
            name, args = self.function(node), self.arguments(node)
            if name == "||":
                return f"({' || '.join(self.text(a) for a in args)})"
            if name in _TEXT_FUNCTIONS:
                return f'"{name}"({", ".join(self.text_or_count(a) for a in args)})'
        raise self.refuse(f"{node['type'].lower()} cannot be used as text")

    def text_or_count(self, node: dict[str, Any]) -> str:
        if node["class"] == "CONSTANT" and node["literal"]["kind"] == "INTEGER":
            return self.constant(node)
        return self.text(node)

    # -- conditions
    def truth(self, node: dict[str, Any]) -> str:
        kind, type_ = node["class"], node["type"]
        if kind == "CONJUNCTION":
            word = " and " if type_ == "CONJUNCTION_AND" else " or "
            return f"({word.join(self.truth(c) for c in node['children'])})"
        if type_ == "OPERATOR_NOT":
            return f"(not {self.truth(node['children'][0])})"
        if type_ in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
            test = "is null" if type_ == "OPERATOR_IS_NULL" else "is not null"
            child = node["children"][0]
            value = self.text(child) if child["class"] == "COLUMN_REF" else self.number(child)
            return f"({value} {test})"
        if type_ in _COMPARISONS:
            left, right = self.alike([node["left"], node["right"]])
            return f"({left} {_COMPARISONS[type_]} {right})"
        if type_ in ("COMPARE_IN", "COMPARE_NOT_IN"):
            first, *rest = self.alike(node["children"])
            return f"({first} {'in' if type_ == 'COMPARE_IN' else 'not in'} ({', '.join(rest)}))"
        if type_ == "COMPARE_BETWEEN":
            value, lower, upper = self.alike([node["input"], node["lower"], node["upper"]])
            return f"({value} between {lower} and {upper})"
        if kind == "FUNCTION":
            name, args = self.function(node), [self.text(a) for a in self.arguments(node)]
            if name in ("~~", "!~~", "~~*", "!~~*") and len(args) == 2:
                word = {"~~": "like", "!~~": "not like", "~~*": "ilike", "!~~*": "not ilike"}[name]
                return f"({args[0]} {word} {args[1]})"
            if name in _TEXT_TESTS:
                return f'"{name}"({", ".join(args)})'
        raise self.refuse(f"{type_.lower().replace('_', ' ')} is not a condition")

    def alike(self, nodes: list[dict[str, Any]]) -> list[str]:
        render = self.text if any(self.textual(n) for n in nodes) else self.number
        return [render(n) for n in nodes]


def find_column(columns: Sequence[str], name: str, where: str) -> int:
    """The index of column `name` (exactly, else whatever its case); raises `UserError` listing what there is."""
    if name in columns:
        return list(columns).index(name)
    same = [i for i, column in enumerate(columns) if column.casefold() == name.casefold()]
    if len(same) == 1:
        return same[0]
    shown = ", ".join(columns[:30]) + (", ..." if len(columns) > 30 else "")
    raise UserError(f"{where}: there is no column {name!r}", advice=f"The columns are: {shown}.")


def split_keys(text: str, left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """`a,b` or `left=right` pairs as pairs of column indexes; raises `UserError` for a name that is not there."""
    pairs = []
    for part in re.split(r"[,，]", text):
        names = [n.strip() for n in part.split("=")]
        if not 1 <= len(names) <= 2 or not all(names):
            raise UserError(f"--key {text!r} is not a list of columns", advice="Write `a,b` or `left_name=right_name`.")
        # A column may carry an equals sign or a comma in its own name only if both files agree on another key.
        pairs.append((find_column(left, names[0], "--key, left file"), find_column(right, names[-1], "--key, right file")))
    return pairs

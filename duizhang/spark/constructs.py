"""What Spark writes otherwise than DuckDB, construct by construct: each rule turns one kind of node of a typed tree.

sqlglot knows most of the two dialects. Here is what it does not know, or turns into something that counts otherwise: days, whole
division, exact signs, texts put together, lists in an order, conditions on windows, regular expressions, JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from duizhang.spark.patterns import is_anchored, java_pattern, java_replacement
from duizhang.spark.types import fields_of, is_a, is_known
from duizhang.spark.untranslatable import Untranslatable

_WHOLE = ("INT", "BIGINT", "SMALLINT", "TINYINT")
_LISTS = ("ARRAY", "LIST")
_HUGE = "decimal(38, 0)"
Rule = Callable[[Any], exp.Expr]
RULES: dict[type[exp.Expr], Rule] = {}


def _rule(*kinds: type[exp.Expr]) -> Callable[[Rule], Rule]:
    def put(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(kinds, rule))
        return rule

    return put


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _cast(node: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=node.copy() if node.parent else node, to=exp.DataType.build(kind, dialect="spark"))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _when(condition: exp.Expr, then: exp.Expr, otherwise: exp.Expr | None = None) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=condition, true=then)], default=otherwise)


# days -------------------------------------------------------------------------------------------------------------------------

@_rule(exp.Sub)
def difference(node: exp.Sub) -> exp.Expr:
    """Days between two dates are a number; Spark makes an interval of them."""
    if is_a(node.left, "DATE") and is_a(node.right, "DATE"):
        return _cast(_call("datediff", node.left.copy(), node.right.copy()), "bigint")
    if is_a(node.left, "DATE"):
        return _call("date_sub", node.left.copy(), _cast(node.right, "int"))
    if is_known(node.left) or is_known(node.right):
        return node
    raise Untranslatable(f"{node.sql('duckdb')}: numbers or dates?")


@_rule(exp.Add)
def addition(node: exp.Add) -> exp.Expr:
    if is_a(node.left, "DATE"):
        return _call("date_add", node.left.copy(), _cast(node.right, "int"))
    return node


# numbers ----------------------------------------------------------------------------------------------------------------------

@_rule(exp.IntDiv)
def whole_division(node: exp.IntDiv) -> exp.Expr:
    """Towards zero and exact. Spark's `div` gives 64 bits and loses what does not fit without a word; a quotient of more than 20
    digits is an error here."""
    left, right = node.left, node.right
    if is_a(node.left, *_WHOLE) and is_a(node.right, *_WHOLE):
        return exp.IntDiv(this=left.copy(), expression=right.copy())
    huge, by = _cast(left, _HUGE), _cast(right, _HUGE)
    rest = exp.Mod(this=huge.copy(), expression=by.copy())
    return _cast(exp.Paren(this=exp.Div(this=exp.Paren(this=exp.Sub(this=huge, expression=rest)), expression=by)), _HUGE)


@_rule(exp.Sign)
def sign(node: exp.Sign) -> exp.Expr:
    """Spark's is a DOUBLE."""
    value = node.this
    return exp.Paren(this=exp.Case(ifs=[
        exp.If(this=exp.GT(this=value.copy(), expression=_number(0)), true=_number(1)),
        exp.If(this=exp.LT(this=value.copy(), expression=_number(0)), true=exp.Neg(this=_number(1))),
        exp.If(this=exp.EQ(this=value.copy(), expression=_number(0)), true=_number(0)),
    ]))


@_rule(exp.Cast, exp.TryCast)
def cast(node: exp.Cast) -> exp.Expr:
    """To whole numbers DuckDB rounds and Spark cuts off; and HUGEINT has no name in Spark."""
    to = str(getattr(node.to.this, "name", ""))
    if "JSON" in node.to.sql("duckdb").upper():  # JSON is text
        inner: exp.Expr = node.this.copy()
        return inner
    if to in ("INT128", "HUGEINT"):
        return _cast(node.this, _HUGE)
    if to in _WHOLE and not is_a(node.this, *_WHOLE, "BOOLEAN", "INT128", "TEXT", "VARCHAR", "DATE"):
        # of a count or a difference of days sqlglot may not know the type; rounding those changes nothing
        return _cast(exp.Round(this=_cast(node.this, "decimal(38, 4)"), decimals=_number(0)), node.to.sql("spark"))
    if isinstance(node, exp.TryCast) and to == "DATE":
        # Spark takes a year by itself for a date
        whole = exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string(java_pattern(r"^\d{4}-\d{2}-\d{2}$")))
        return _when(whole, exp.Var(this=f"try_cast({node.this.sql('spark', identify=True)} as date)"))
    return node


# texts ------------------------------------------------------------------------------------------------------------------------

def _text(node: exp.Expr) -> exp.Expr:
    is_text = (isinstance(node, exp.Literal) and node.is_string) or is_a(node, "TEXT", "VARCHAR")
    return node.copy() if is_text else _cast(node, "string")


@_rule(exp.Concat)
def concat(node: exp.Concat) -> exp.Expr:
    """DuckDB leaves NULL out."""
    return _call("concat_ws", exp.Literal.string(""), *(_text(part) for part in node.expressions))


@_rule(exp.ConcatWs)
def concat_ws(node: exp.ConcatWs) -> exp.Expr:
    return _call("concat_ws", *(_text(part) for part in node.expressions))


@_rule(exp.Substring)
def substring(node: exp.Substring) -> exp.Expr:
    parts = [part for part in (node.args.get("start"), node.args.get("length")) if part is not None]
    return _call("substring", node.this.copy(), *(part.copy() if isinstance(part, exp.Literal) else _cast(part, "int") for part in parts))


@_rule(exp.Left)
def left(node: exp.Left) -> exp.Expr:
    return _call("substring", node.this.copy(), _number(1), _cast(node.expression, "int"))


@_rule(exp.Pad)
def pad(node: exp.Pad) -> exp.Expr:
    return _call("lpad" if node.args.get("is_left") else "rpad", _text(node.this), node.expression.copy(), node.args["fill_pattern"].copy())


def _pattern(node: exp.Expr) -> str:
    if not isinstance(node, exp.Literal) or not node.is_string:
        raise Untranslatable(f"a regular expression that is no constant: {node.sql('duckdb')}")
    return node.name


@_rule(exp.RegexpReplace)
def regexp_replace(node: exp.RegexpReplace) -> exp.Expr:
    pattern, modifiers = _pattern(node.expression), node.args.get("modifiers")
    if not (modifiers and modifiers.name == "g") and not is_anchored(pattern):
        raise Untranslatable(f"only the first match is replaced: {node.sql('duckdb')}")
    by = java_replacement(_pattern(node.args["replacement"]))
    return _call("regexp_replace", node.this.copy(), exp.Literal.string(java_pattern(pattern)), exp.Literal.string(by))


@_rule(exp.RegexpLike)
def regexp_matches(node: exp.RegexpLike) -> exp.Expr:
    return exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string(java_pattern(_pattern(node.expression))))


@_rule(exp.RegexpFullMatch)
def regexp_full_match(node: exp.RegexpFullMatch) -> exp.Expr:
    pattern = java_pattern(f"^(?:{_pattern(node.expression)})$")
    return exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string(pattern))


@_rule(exp.RegexpExtractAll)
def regexp_extract_all(node: exp.RegexpExtractAll) -> exp.Expr:
    return _call("regexp_extract_all", node.this.copy(), exp.Literal.string(java_pattern(_pattern(node.expression))), _number(0))


# lists ------------------------------------------------------------------------------------------------------------------------

@_rule(exp.ArrayContainsAll, exp.ArrayContainedBy, exp.Glob, exp.SimilarTo)
def operator_of_its_own(node: exp.Binary) -> exp.Expr:
    """Operators that would be passed on as they are, and that Spark's parser does not know."""
    raise Untranslatable(f"{node.sql('duckdb')}: the operator of {type(node).__name__}")


@_rule(exp.ArrayOverlaps)
def something_in_common(node: exp.ArrayOverlaps) -> exp.Expr:
    """Whether two lists share an element: an operator that Spark has not, and its function does not know where an element is NULL."""
    left, right = node.left.copy(), node.right.copy()
    missing = exp.or_(exp.Is(this=left.copy(), expression=exp.Null()), exp.Is(this=right.copy(), expression=exp.Null()))
    return _when(exp.Not(this=exp.paren(missing)), exp.Coalesce(this=_call("arrays_overlap", left, right), expressions=[exp.false()]))


@_rule(exp.Length)
def length(node: exp.Length) -> exp.Expr:
    # where the type is not known Spark refuses a text, so neither is taken for the other
    if is_a(node.this, *_LISTS) or not is_known(node.this):
        return _cast(_call("size", node.this.copy()), "bigint")
    return node


@_rule(exp.Bracket)
def bracket(node: exp.Bracket) -> exp.Expr:
    """An element, a stretch or a field. Beyond the end of a list DuckDB has NULL, Spark an error."""
    at, value = node.expressions[0], node.this
    if isinstance(at, exp.Slice):
        low, high = at.this, at.args.get("expression")
        if is_a(value, "TEXT", "VARCHAR"):
            if high is not None:
                raise Untranslatable(f"a part of a text: {node.sql('duckdb')}")
            return _call("substring", value.copy(), low.copy())
        to = high.copy() if high is not None else _call("greatest", _call("size", value.copy()), _number(1))
        count = exp.Add(this=exp.Paren(this=exp.Sub(this=to, expression=low.copy())), expression=_number(1))
        return _call("slice", value.copy(), low.copy(), _call("greatest", count, _number(0)))
    if isinstance(at, exp.Literal) and at.is_string:
        return exp.Dot(this=value.copy(), expression=exp.to_identifier(at.name, quoted=True))
    return _call("get", value.copy(), at.copy())  # sqlglot counts from 0


@_rule(exp.ArrayPrepend)
def prepend(node: exp.ArrayPrepend) -> exp.Expr:
    return _call("array_prepend", node.this.copy(), node.expression.copy())


@_rule(exp.ArrayAppend)
def append(node: exp.ArrayAppend) -> exp.Expr:
    return _call("array_append", node.this.copy(), node.expression.copy())


@_rule(exp.GenerateSeries)
def series(node: exp.GenerateSeries) -> exp.Expr:
    """Up to its end, and empty where the end is before the start, where Spark counts down."""
    start, end = node.args["start"], _cast(node.args["end"], "bigint")
    if node.args.get("is_end_exclusive"):
        end = exp.Sub(this=end, expression=_number(1))
    filled = _call("sequence", _cast(start, "bigint"), end)
    empty = _cast(exp.Array(expressions=[]), "array<bigint>")
    return _when(exp.LT(this=exp.Paren(this=end.copy()), expression=start.copy()), empty, filled)


@_rule(exp.ArrayAgg)
def ordered_list(node: exp.ArrayAgg) -> exp.Expr:
    """A list in the order that is asked for. Spark collects in any: order and value are collected together, and put in order then."""
    inner, order, distinct = node.this, [], False
    if isinstance(inner, exp.Order):
        inner, order = inner.this, inner.expressions
    if isinstance(inner, exp.Distinct):
        inner, distinct = inner.expressions[0], True
    if any(one.args.get("desc") for one in order):
        raise Untranslatable(f"a list in descending order: {node.sql('duckdb')}")
    fields: list[exp.Expr] = []
    for number, one in enumerate(order):
        # NULL stands last in DuckDB
        fields += [exp.alias_(exp.Is(this=one.this.copy(), expression=exp.Null()), f"n{number}"), exp.alias_(one.this.copy(), f"o{number}")]
    collected: exp.Expr = _call("collect_list", exp.Struct(expressions=[*fields, exp.alias_(inner.copy(), "v")]))
    around = node.parent
    where = around.expression if isinstance(around, exp.Filter) else None
    if where is not None:
        collected = exp.Filter(this=collected, expression=where.copy())
    if order:
        collected = _call("array_sort", collected)
    taken: exp.Expr = exp.Transform(
        this=collected, expression=exp.Lambda(this=exp.Dot(this=exp.to_identifier("s"), expression=exp.to_identifier("v")),
                                              expressions=[exp.to_identifier("s")]))
    if distinct:
        taken = _call("array_distinct", taken)
    if where is not None:  # of no rows there is no list
        taken = _when(exp.GT(this=exp.Filter(this=exp.Count(this=exp.Star()), expression=where.copy()), expression=_number(0)), taken)
    return taken


@_rule(exp.GroupConcat)
def joined_texts(node: exp.GroupConcat) -> exp.Expr:
    inner = node.this.this if isinstance(node.this, exp.Order) else node.this
    if not isinstance(inner, exp.Distinct) or not isinstance(node.this, exp.Order):
        raise Untranslatable(f"string_agg without distinct and order: {node.sql('duckdb')}")
    [value], [by] = inner.expressions, node.this.expressions
    if value != by.this or by.args.get("desc"):
        raise Untranslatable(f"string_agg in an order of its own: {node.sql('duckdb')}")
    joined = _call("array_join", _call("array_sort", _call("collect_set", value.copy())), node.args["separator"].copy())
    return _when(exp.GT(this=exp.Count(this=value.copy()), expression=_number(0)), joined)


@_rule(exp.Transform)
def transform(node: exp.Transform) -> exp.Expr:
    """`struct_insert` needs the fields by their names."""
    body = node.expression.this
    if not isinstance(body, exp.Anonymous) or body.name.lower() != "struct_insert":
        return node
    of, *added = body.expressions
    fields: list[exp.Expr] = [
        exp.alias_(exp.Dot(this=of.copy(), expression=exp.to_identifier(name)), name) for name in fields_of(node.this)
    ]
    fields += [exp.alias_(one.expression.copy(), one.name) for one in added]
    return exp.Transform(this=node.this.copy(), expression=exp.Lambda(
        this=exp.Struct(expressions=fields), expressions=[one.copy() for one in node.expression.expressions]))


# functions by name ------------------------------------------------------------------------------------------------------------

@_rule(exp.Anonymous)
def by_name(node: exp.Anonymous) -> exp.Expr:
    name = node.name.lower()
    if name == "to_json":
        return _json(node)
    if name == "md5_number_lower":
        return _md5_number_lower(node.expressions[0])
    if name in _OWN or name in ("struct_insert", "generate_subscripts"):
        return node
    raise Untranslatable(f"the function {name}")


# functions that both have, or that the connection brings along
_OWN = frozenset({
    "damerau_levenshtein", "datediff", "date_add", "date_sub", "concat_ws", "substring", "size", "slice", "get", "array_prepend",
    "array_append", "array_sort", "array_distinct", "array_join", "collect_list", "collect_set", "sequence", "regexp_replace",
    "regexp_extract_all", "greatest", "md5", "conv", "lpad", "rpad", "to_json", "map", "length", "concat", "filter",
})


def _md5_number_lower(text: exp.Expr) -> exp.Expr:
    """The last eight bytes of the digest, the least significant one first."""
    digest = _call("md5", text.copy())
    pairs = (_call("substring", digest.copy(), _number(at), _number(2)) for at in range(31, 16, -2))
    return _cast(_call("conv", _call("concat", *pairs), _number(16), _number(10)), "decimal(20, 0)")


def _json(node: exp.Anonymous) -> exp.Expr:
    """NULL fields are written, as DuckDB does; and NULL itself is NULL."""
    value = node.expressions[0]
    inner = value.this if isinstance(value, exp.Flatten) else None
    if inner is not None:
        # lists of JSON that are put one behind the other: their texts without the brackets
        between = exp.Sub(this=_call("length", exp.to_identifier("j")), expression=_number(2))
        texts = exp.Transform(this=inner.copy(), expression=exp.Lambda(
            this=_call("substring", exp.to_identifier("j"), _number(2), between), expressions=[exp.to_identifier("j")]))
        filled = exp.ArrayFilter(this=texts, expression=exp.Lambda(
            this=exp.NEQ(this=exp.to_identifier("j"), expression=exp.Literal.string("")), expressions=[exp.to_identifier("j")]))
        return _call("concat", exp.Literal.string("["), _call("array_join", filled, exp.Literal.string(",")), exp.Literal.string("]"))
    options = _call("map", exp.Literal.string("ignoreNullFields"), exp.Literal.string("false"))
    return _call("to_json", value.copy(), options)


# windows ----------------------------------------------------------------------------------------------------------------------

@_rule(exp.Window)
def window(node: exp.Window) -> exp.Expr:
    """Spark has no condition on an aggregate over a window: what does not fulfil it is NULL to it."""
    inner = node.this
    if not isinstance(inner, exp.Filter):
        return node
    aggregate, condition = inner.this.copy(), inner.expression.this
    value = aggregate.this
    counted = _number(1) if isinstance(value, exp.Star) or value is None else value.copy()
    aggregate.set("this", _when(condition.copy(), counted))
    turned = node.copy()
    turned.set("this", aggregate)
    return turned


@_rule(exp.Filter)
def filtered(node: exp.Filter) -> exp.Expr:
    """The condition on a list has gone into it."""
    return node.this.copy() if isinstance(node.this, (exp.Transform, exp.Case)) else node

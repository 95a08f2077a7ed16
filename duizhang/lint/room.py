"""How wide DuckDB makes the result of an operation on decimals, and how wide it has to be for amounts of 10^15.

DuckDB multiplies two decimals of up to 18 digits within 18 digits, and fails on a row where that is too few. The
annotators below say DuckDB's type of every operation; `need` says how many digits before the point its value may really have:
an amount 16, a product of an amount 21 (10^15 times a rate of 25,000), anything else what its type can hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp
from sqlglot.dialects import DuckDB

AMOUNT = 16  # digits of 10^15
PRODUCT = 21  # digits of 10^15 x 25,000, and of a sum of 100,000 amounts of 10^15
RATE_PLACES = 8
_MOST, _FAST = 38, 18
_INTEGERS = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "UINT": 10, "BIGINT": 19, "UBIGINT": 20, "INT128": 39, "UINT128": 39}
_SAME = (exp.Max, exp.Min, exp.Abs, exp.Neg, exp.Paren, exp.Filter, exp.Window, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue)
_WIDEST = (exp.Coalesce, exp.Greatest, exp.Least, exp.If, exp.Case)


def digits(node: exp.Expr) -> tuple[int, int] | None:
    """(digits, places) of a node as a decimal; None where it is no exact number or its type is not known."""
    kind = node.type
    if isinstance(node, exp.Literal) and not node.is_string:
        whole, _, places = node.name.partition(".")
        return (max(len(whole), 1) + len(places), len(places)) if places else (10, 0)
    if not isinstance(kind, exp.DataType):
        return None
    if kind.this == exp.DataType.Type.DECIMAL:
        size = [int(e.name) for e in kind.expressions]
        return (size[0], size[1]) if len(size) == 2 else None
    name = kind.this.name if hasattr(kind.this, "name") else str(kind.this)
    return (_INTEGERS[name], 0) if name in _INTEGERS else None


def need(node: exp.Expr) -> int:
    """How many digits before its point a value may have."""
    found = digits(node)
    if isinstance(node, (exp.Mul, exp.Add, exp.Sub)):
        return _need_of(node)
    if isinstance(node, exp.Sum):
        return PRODUCT if _is_money(node.this) else need(node.this)
    if isinstance(node, (*_SAME, exp.Round, exp.Cast, exp.TryCast)) and isinstance(node.this, exp.Expr):
        inner = digits(node.this)
        if inner is not None:
            return need(node.this)
    if isinstance(node, _WIDEST):
        return max((need(part) for part in _branches(node) if digits(part)), default=0)
    if found is None or isinstance(node, exp.Sign):
        return 0
    return min(found[0] - found[1], AMOUNT)


def too_narrow(node: exp.Expr) -> bool:
    """Whether an operation on amounts has a result, or casts one, that they do not fit; or a product of a rate."""
    if not isinstance(node, (exp.Mul, exp.Add, exp.Sub, exp.Sum, exp.Cast, exp.TryCast, exp.Round)):
        return False
    if not _is_money(node) and not (isinstance(node, exp.Mul) and _is_rate(node)):
        return False
    found = digits(node)
    return found is not None and found[0] - found[1] - (found[1] == 0 and found[0] in _INTEGERS.values()) < need(node)


def _need_of(node: exp.Binary) -> int:
    left, right = node.left, node.right
    if isinstance(node, exp.Mul):
        if isinstance(right, exp.Literal) or isinstance(left, exp.Literal):
            literal, other = (right, left) if isinstance(right, exp.Literal) else (left, right)
            whole = literal.name.partition(".")[0].lstrip("0")
            return need(other) + len(whole)
        return PRODUCT if _is_money(left) or _is_money(right) else need(left) + need(right)
    return max(need(left), need(right)) + 1


def _is_money(node: exp.Expr) -> bool:
    """Whether an amount is in it: a column of that many digits."""
    return any(
        (found := digits(column)) is not None and found[1] > 0 and found[0] - found[1] >= AMOUNT - 2 for column in _values(node)
    )


def _is_rate(node: exp.Expr) -> bool:
    """Whether a rate of exchange is in it: 25,000 of one currency for another leave 18 digits as soon as they are multiplied."""
    return any((found := digits(column)) is not None and found[1] == RATE_PLACES and found[0] > found[1] + 1 for column in _values(node))


def _values(node: exp.Expr) -> Iterator[exp.Expr]:
    """The columns whose values come out of an expression, not those that only decide."""
    if isinstance(node, exp.Column):
        yield node
    elif isinstance(node, _WIDEST):
        for part in _branches(node):
            yield from _values(part)
    elif isinstance(node, (exp.Mul, exp.Add, exp.Sub)):
        yield from _values(node.left)
        yield from _values(node.right)
    elif isinstance(node, (*_SAME, exp.Sum, exp.Cast, exp.TryCast, exp.Round)) and isinstance(node.this, exp.Expr):
        yield from _values(node.this)


def _branches(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Case):
        found = [branch.args["true"] for branch in node.args["ifs"]]
        return [*found, node.args["default"]] if node.args.get("default") else found
    if isinstance(node, exp.If):
        return [part for part in (node.args.get("true"), node.args.get("false")) if part]
    return [node.this, *node.expressions]


def _decimal(size: tuple[int, int]) -> exp.DataType:
    return exp.DataType.build(f"decimal({size[0]}, {size[1]})", dialect="duckdb")


def _annotate_product(annotator: Any, node: exp.Mul) -> exp.Mul:
    left, right = digits(node.left), digits(node.right)
    if left is None or right is None or left[1] + right[1] == 0:
        return annotator._annotate_binary(node)  # type: ignore[no-any-return]
    width = left[0] + right[0]
    if width > _FAST >= max(left[0], right[0]):
        width = _FAST
    annotator._set_type(node, _decimal((min(width, _MOST), left[1] + right[1])))
    return node


def _annotate_addition(annotator: Any, node: exp.Binary) -> exp.Binary:
    left, right = digits(node.left), digits(node.right)
    if left is None or right is None or left[1] + right[1] == 0:
        return annotator._annotate_binary(node)  # type: ignore[no-any-return]
    places = max(left[1], right[1])
    width = max(left[0] - left[1], right[0] - right[1]) + places + 1
    annotator._set_type(node, _decimal((min(width, _MOST), places)))
    return node


def _annotate_sum(annotator: Any, node: exp.Sum) -> exp.Sum:
    found = digits(node.this)
    places = found[1] if found else 0
    annotator._set_type(node, _decimal((_MOST, places)) if places else exp.DataType.build("int128" if found else "unknown"))
    return node


def _annotate_same(annotator: Any, node: exp.Expr) -> exp.Expr:
    annotator._set_type(node, node.this.type)
    return node


def _annotate_round(annotator: Any, node: exp.Round) -> exp.Round:
    found, to = digits(node.this), node.args.get("decimals")
    places = int(to.name) if isinstance(to, exp.Literal) else 0
    if found is None:
        annotator._set_type(node, node.this.type)
    else:
        annotator._set_type(node, _decimal((found[0], min(places, found[1]))))
    return node


def _annotate_widest(annotator: Any, node: exp.Expr) -> exp.Expr:
    parts = [part for part in _branches(node) if not isinstance(part, exp.Null)]
    sizes = [size for part in parts if (size := digits(part)) is not None]
    if sizes and any(places for _, places in sizes) and len(sizes) == len(parts):
        places = max(p for _, p in sizes)
        whole = max(width - p for width, p in sizes)
        annotator._set_type(node, _decimal((min(whole + places, _MOST), places)))
    else:
        annotator._annotate_by_args(node, *parts) if parts else annotator._set_type(node, None)
    return node


def metadata() -> dict[Any, Any]:
    """sqlglot's annotators for DuckDB, with those of decimals put right."""
    own: dict[Any, Any] = {
        exp.Mul: {"annotator": _annotate_product},
        exp.Add: {"annotator": _annotate_addition},
        exp.Sub: {"annotator": _annotate_addition},
        exp.Sum: {"annotator": _annotate_sum},
        exp.Round: {"annotator": _annotate_round},
    }
    own |= {kind: {"annotator": _annotate_widest} for kind in _WIDEST if kind is not exp.If}
    own |= {kind: {"annotator": _annotate_same} for kind in (exp.Abs, exp.Max, exp.Min)}
    return {**DuckDB.EXPRESSION_METADATA, **own}

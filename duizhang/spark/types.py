"""DuckDB's types as Spark has them, and DuckDB's types of expressions where sqlglot does not know them."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from duizhang.lint.room import metadata
from duizhang.spark.untranslatable import Untranslatable

_NAMES = {
    "VARCHAR": "string", "TEXT": "string", "DATE": "date", "BIGINT": "bigint", "INT": "int",
    "TIMESTAMP": "timestamp_ntz", "TIMESTAMPNTZ": "timestamp_ntz",
    "BOOLEAN": "boolean", "DOUBLE": "double", "INT128": "decimal(38, 0)", "UBIGINT": "decimal(20, 0)", "JSON": "string",
    "SMALLINT": "smallint", "TINYINT": "tinyint", "NULL": "int", "HUGEINT": "decimal(38, 0)",
}


def spark_type(kind: exp.DataType | str) -> str:
    """A type of DuckDB in Spark's words. HUGEINT is a decimal of 38 digits: of all of its values but those above 10^38."""
    data = exp.DataType.build(kind, dialect="duckdb") if isinstance(kind, str) else kind
    if data.this == exp.DataType.Type.DECIMAL:
        return f"decimal({', '.join(e.name for e in data.expressions)})"
    if data.this in (exp.DataType.Type.ARRAY, exp.DataType.Type.LIST):
        return f"array<{spark_type(data.expressions[0])}>"
    if data.this == exp.DataType.Type.STRUCT:
        fields = ", ".join(f"`{field.name}`: {spark_type(field.args['kind'])}" for field in data.expressions)
        return f"struct<{fields}>"
    name = data.this.name if hasattr(data.this, "name") else str(data.this)
    if name not in _NAMES:
        raise Untranslatable(f"a column of type {data.sql('duckdb')}")
    return _NAMES[name]


def is_a(node: exp.Expr, *kinds: str) -> bool:
    """Whether the type of an expression is known to be one of these."""
    kind = node.type
    return isinstance(kind, exp.DataType) and getattr(kind.this, "name", "") in kinds


def is_known(node: exp.Expr) -> bool:
    return isinstance(node.type, exp.DataType) and not is_a(node, "UNKNOWN")


def fields_of(node: exp.Expr) -> list[str]:
    """The fields of a struct, or of the structs in a list."""
    kind = node.type
    while isinstance(kind, exp.DataType) and kind.this in (exp.DataType.Type.ARRAY, exp.DataType.Type.LIST):
        kind = kind.expressions[0]
    if not isinstance(kind, exp.DataType) or kind.this != exp.DataType.Type.STRUCT:
        raise Untranslatable(f"the fields of {node.sql('duckdb')} are not known")
    return [field.name for field in kind.expressions]


def _of_dates(otherwise: Any) -> Any:
    def annotate(annotator: Any, node: exp.Binary) -> exp.Binary:
        if is_a(node.left, "DATE"):
            annotator._set_type(node, exp.DataType.build("bigint" if is_a(node.right, "DATE") else "date"))
            return node
        return otherwise(annotator, node)  # type: ignore[no-any-return]

    return {"annotator": annotate}


def _of_first(annotator: Any, node: exp.Expr) -> exp.Expr:
    annotator._set_type(node, node.this.type)
    return node


def _of_whole_division(annotator: Any, node: exp.IntDiv) -> exp.IntDiv:
    narrow = all(is_a(side, "INT", "BIGINT") for side in (node.left, node.right))
    annotator._set_type(node, exp.DataType.build("bigint" if narrow else "int128"))
    return node


def _text(annotator: Any, node: exp.Expr) -> exp.Expr:
    annotator._set_type(node, exp.DataType.build("text"))
    return node


def annotators() -> dict[Any, Any]:
    """sqlglot's annotators for DuckDB with those of decimals, days and lists put right."""
    own = metadata()
    own |= {kind: _of_dates(own[kind]["annotator"]) for kind in (exp.Add, exp.Sub)}
    own[exp.IntDiv] = {"annotator": _of_whole_division}
    own |= {key: {"annotator": _text} for key in (exp.Translate, exp.DPipe)}
    like_the_first = (exp.ArrayFilter, exp.ArraySort, exp.RegexpReplace, exp.SplitPart, exp.Substring, exp.Left, exp.ArrayAppend)
    return own | {key: {"annotator": _of_first} for key in like_the_first}

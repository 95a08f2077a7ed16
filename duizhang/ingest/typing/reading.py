"""How the text of a field becomes its value: a quick expression for the whole column, a thorough one for what that leaves."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from duizhang.ingest.texts import X, arrow

KEPT = 256  # readings of a kind that are kept: to put one together takes as long as to read a hundred cells by it


@dataclass(frozen=True)
class Reading:
    """Expressions over the text `X`.

    quick: the value, null where that is not plain to see. thorough: the value of any text, null where it has none. reason: over
    `x` and `value`, what is wrong with a text of which this is said. empty: whether an empty text must have a value.
    """

    quick: pl.Expr
    thorough: pl.Expr
    reason: pl.Expr
    empty: bool = False

    def of(self, texts: pl.Series) -> tuple[pl.Series, pa.Array | None]:
        """(values, the reason of each or None where all have a value): null where a text is empty or wrong."""
        return self.finished(self.begun(texts.alias("x").to_frame().lazy()).collect())

    def begun(self, texts: pl.LazyFrame) -> pl.LazyFrame:
        """Texts `x` with the `value` of each that is plain to see, and whether it is `left` to be looked at again."""
        nothing = pl.col("value").is_null()
        return texts.with_columns(value=self.quick).with_columns(left=nothing if self.empty else nothing & (X != ""))

    def finished(self, begun: pl.DataFrame) -> tuple[pl.Series, pa.Array | None]:
        """The same as `of`, of what was begun."""
        values = begun["value"]
        if not begun["left"].any():
            return values, None
        left = begun["left"].arg_true()
        again = begun["x"].gather(left).to_frame().with_columns(value=self.thorough)
        again = again.with_columns(reason=self.reason).with_columns(value=pl.when(pl.col("reason").is_null()).then(pl.col("value")))
        values = values.scatter(left, again["value"])
        if again["reason"].null_count() == len(again):
            return values, None
        return values, arrow(pl.repeat(None, len(values), dtype=pl.String, eager=True).scatter(left, again["reason"]))

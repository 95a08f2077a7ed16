"""How the text of a field becomes its value: a quick expression for the whole column, a thorough one for what that leaves."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from duizhang.ingest.texts import applied, arrow


@dataclass(frozen=True)
class Reading:
    """Expressions over the text `X`.

    quick: the value, null where that is not plain to see. thorough: the value of any text, null where it has none. reason: over
    `x` and `value`, what is wrong with a text of which this is said. empty: whether an empty text must have a value.
    only: a regex; texts that it does not match are their own values.
    """

    quick: pl.Expr
    thorough: pl.Expr
    reason: pl.Expr
    empty: bool = False
    only: str = ""

    def of(self, texts: pl.Series) -> tuple[pl.Series, pa.Array | None]:
        """(values, the reason of each or None where all have a value): null where a text is empty or wrong."""
        if self.only and not texts.str.contains(self.only).any():
            return texts, None
        values = applied(self.quick, texts)
        nothing = values.is_null()
        left = (nothing if self.empty else nothing & (texts != "")).arg_true()
        if not len(left):
            return values, None
        again = texts.gather(left).alias("x").to_frame().with_columns(value=self.thorough)
        again = again.with_columns(reason=self.reason).with_columns(value=pl.when(pl.col("reason").is_null()).then(pl.col("value")))
        values = values.scatter(left, again["value"])
        if again["reason"].null_count() == len(again):
            return values, None
        return values, arrow(pl.repeat(None, len(values), dtype=pl.String, eager=True).scatter(left, again["reason"]))

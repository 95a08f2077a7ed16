"""How the text of a field becomes its value: a quick expression for the whole column, a thorough one for what that leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from duizhang.ingest.texts import Cells, applied


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

    def of(self, texts: Cells) -> tuple[Cells, pa.Array | None]:
        """(values, the reason of each row or None): null where a text is empty or wrong."""
        if self.only and not texts.values.str.contains(self.only).any():
            return texts, None
        values = applied(self.quick, texts.values)
        nothing = values.is_null()
        left = (nothing if self.empty else nothing & (texts.values != "")).arg_true()
        if not len(left):
            return Cells(values, texts.places), None
        again = texts.values.gather(left).alias("x").to_frame().with_columns(value=self.thorough)
        again = again.with_columns(reason=self.reason).with_columns(value=pl.when(pl.col("reason").is_null()).then(pl.col("value")))
        count, numbers = len(values), np.arange(len(left))
        place = np.arange(count)
        place[left] = count + numbers
        values = pl.concat([values, again["value"]]).gather(place)
        if again["reason"].null_count() == len(again):
            return Cells(values, texts.places), None
        place = np.zeros(count, np.int64)
        place[left] = 1 + numbers
        reasons = pl.concat([pl.Series("reason", [None], pl.String), again["reason"]]).gather(place)
        return Cells(values, texts.places), Cells(reasons, texts.places).rows()

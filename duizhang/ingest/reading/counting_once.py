"""What every row of a group repeats counts once: on the first of its rows, wherever the others stand in the file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.ingest.rows import Broken
from duizhang.ingest.specification import Repeats, normalised
from duizhang.ingest.texts import series


class Repeated:
    """The groups of a file that were seen, batch after batch. Of each only the digest of what it says is kept."""

    def __init__(self, by: int, columns: Sequence[int], names: Sequence[str]) -> None:
        """by: position of the column that names the group; columns: of those that repeat what is the group's; names: of all."""
        self.by, self.columns, self.names = by, columns, names
        self.said: dict[int, int] = {}  # digest of the group -> digest of what its first row says

    @classmethod
    def of(cls, rule: Repeats | None, names: Sequence[str]) -> Repeated | None:
        """None where the specification has no such rule, or the file none of its columns."""
        if rule is None:
            return None
        index = {normalised(name): position for position, name in reversed(list(enumerate(names)))}
        by = [index[n] for n in map(normalised, rule.by.split("|")) if n in index]
        columns = [index[n] for n in map(normalised, rule.columns) if n in index]
        return cls(by[0], columns, names) if by and columns else None

    def counted_once(
        self, lines: np.ndarray, columns: list[pa.Array], broken: list[Broken],
    ) -> tuple[np.ndarray, list[pa.Array]]:
        """The rows of a batch with what is repeated on the first of its group alone; rows that contradict it are put to the broken."""
        if not len(lines):
            return lines, columns
        groups = series(columns[self.by]).str.strip_chars()
        cells = pl.DataFrame({str(p): series(columns[p]).str.strip_chars() for p in self.columns})
        told = pl.DataFrame({"group": groups.hash(), "said": cells.hash_rows(), "row": np.arange(len(lines))})
        named = groups != ""
        first = (told["group"].is_first_distinct() & named).to_numpy().copy()
        for at in np.flatnonzero(first).tolist():
            group, said = told["group"][at], told["said"][at]
            first[at] = group not in self.said
            self.said.setdefault(group, said)
        wanted = told["group"].unique().to_list()
        known = pl.DataFrame(
            {"group": wanted, "known": [self.said.get(group) for group in wanted]}, schema={"group": pl.UInt64, "known": pl.UInt64})
        same = told.join(known, on="group", how="left", maintain_order="left")
        silent = pl.select(pl.all_horizontal(*[cells[name] == "" for name in cells.columns])).to_series()
        apart = (named & (same["said"] != same["known"]) & ~silent).to_numpy()
        for at in np.flatnonzero(apart).tolist():
            says = ", ".join(f"{self.names[p]} {columns[p][at].as_py()}" for p in self.columns)
            broken.append(Broken(int(lines[at]), f"{says}, where the first row of {groups[at]}, which it is to repeat, says other"))
        alone = pa.array(first | ~named.to_numpy())
        kept = [pc.if_else(alone, column, "") if p in self.columns else column for p, column in enumerate(columns)]
        if apart.any():
            keep = pa.array(~apart)
            return lines[~apart], [column.filter(keep) for column in kept]
        return lines, kept

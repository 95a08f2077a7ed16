"""People's values laid over the cells of a batch, before it is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.errors import RefusedFile
from duizhang.ingest.corrected import CellCorrection
from duizhang.ingest.rows import Batch
from duizhang.ingest.texts import bare
from duizhang.ingest.typing import shape


class Overlay:
    """The corrections of one bill; `left` are those whose record was not met yet."""

    def __init__(self, wanted: Sequence[CellCorrection], places: Mapping[str, Sequence[int]]) -> None:
        """places: by column of the specification, where its cells stand."""
        self.places = places
        self.wanted = {c.line: [d for d in wanted if d.line == c.line] for c in wanted}
        self.left = {c.id: c for c in wanted}

    def over(self, batch: Batch) -> Batch:
        """The batch with people's values in its cells.

        Raises RefusedFile where a cell is not as it was when it was corrected, so that nothing is read that nobody has seen.
        """
        if not self.wanted:
            return batch
        lines = batch.lines.to_numpy(zero_copy_only=False)
        columns = list(batch.columns)
        for row in np.flatnonzero(np.isin(lines, list(self.wanted))).tolist():
            for correction in self.wanted[int(lines[row])]:
                if correction.id not in self.left:
                    raise _refused(correction, "more than one record stands there, so nobody can tell which is meant")
                del self.left[correction.id]
                positions = self.places.get(correction.column, ())
                if not positions:
                    raise _refused(correction, "it does not have this column")
                for position in positions:
                    found = shape(raw_cell(batch, position, row))
                    if found != correction.was:
                        raise _refused(correction, f"{found!r} stands there, not {correction.was!r}")
                    mask = np.zeros(len(lines), np.bool_)
                    mask[row] = True
                    texts = columns[position].cast(pa.string())
                    columns[position] = pc.if_else(pa.array(mask), pa.scalar(correction.value, pa.string()), texts)
        return replace(batch, columns=columns)

    def end(self) -> None:
        """Raises RefusedFile where a correction is about a record that is not there."""
        for correction in self.left.values():
            raise _refused(correction, "no record stands there")


def raw_cell(batch: Batch, position: int, row: int) -> str:
    """A cell without the marks around it, as it stands in the file."""
    return str(bare(batch.columns[position].slice(row, 1).cast(pa.string()).fill_null(""))[0].as_py())


def _refused(correction: CellCorrection, why: str) -> RefusedFile:
    return RefusedFile(
        f"line {correction.line}, {correction.column}, which {correction.name} corrects: {why}",
        advice=f"`duizhang exceptions undo {correction.name}` takes the correction back.")

"""Cells of raw files that people corrected. The file stays as it is; it is read with their values in these cells."""

from __future__ import annotations

from dataclasses import dataclass

# beside the rows of a file that was read: the cells of it that were not
QUARANTINED = "quarantine.parquet"


@dataclass(frozen=True)
class CellCorrection:
    """One cell of one record, as somebody corrected it.

    sha256, member: the content, and which of several bills in it; line: of the record in the file; column: as its specification
    names it. was: the cell as it stood there, in the shape that `masked` gives; value: what is read instead. file, source: of the
    content when it was corrected; by, reason: who corrected it, and why; taken_back: who took it back, '' while it holds.
    """

    id: int
    sha256: str
    member: str
    line: int
    column: str
    was: str
    value: str
    file: str = ""
    source: str = ""
    by: str = ""
    reason: str = ""
    taken_back: str = ""

    @property
    def name(self) -> str:
        """Its number as people say it."""
        return f"K{self.id:06d}"

    @property
    def place(self) -> tuple[str, str, int, str]:
        """The cell that it is about."""
        return self.sha256, self.member, self.line, self.column

    def told(self) -> dict[str, str]:
        """What the reading of its file depends on."""
        return {"line": str(self.line), "column": self.column, "was": self.was, "value": self.value, "member": self.member}

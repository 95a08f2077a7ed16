"""A column of a file that nobody knows: its name, its cells, and what it is taken for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Column:
    """A column of the file: its name, its cells, and what it is taken for (a field of the specification)."""

    name: str
    cells: list[str]
    position: int
    field: dict[str, object] = field(default_factory=dict)
    key: str = ""

    def says(self, pattern: str) -> bool:
        return re.search(pattern, self.name.strip(), re.IGNORECASE) is not None

    @property
    def kind(self) -> str:
        return str(self.field.get("type", "text"))


def bare(cells: Sequence[str]) -> list[str]:
    """Cells without what tools put around them; what stands for nothing left out."""
    values = [cell.strip("\t `'\"=") for cell in cells]
    return [value for value in values if value and value not in ("-", "--")]

"""A column of a file that nobody knows: its name, its cells, and what it is taken for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

NOBODY_KNOWS = "FIELD"  # stands in a proposal for what cannot be told from the file


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


def mapping_of(given: Mapping[str, str]) -> list[str]:
    """The part `columns` of a table in a specification, line by line."""
    texts = {name: yaml.safe_dump(text, allow_unicode=True, width=10_000).splitlines()[0] for name, text in given.items()}
    return ["    columns:", *(f"      {name}: {text}" for name, text in texts.items())]


def bare(cells: Sequence[str]) -> list[str]:
    """Cells without what tools put around them; what stands for nothing left out."""
    values = [cell.strip("\t `'\"=") for cell in cells]
    return [value for value in values if value and value not in ("-", "--")]

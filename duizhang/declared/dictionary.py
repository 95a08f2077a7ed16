"""What tables and columns mean, in words: dictionary.yaml. Same quantity, same name everywhere, so a column is explained once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from duizhang.layout import SQL
from duizhang.yaml_reading import load_yaml


@dataclass(frozen=True)
class Dictionary:
    """tables: those that no SQL file describes. columns: by name, or by `table.column` where a table means something of its own."""

    tables: dict[str, str]
    columns: dict[str, str]

    def column(self, table: str, name: str) -> str | None:
        """What a column of a table means; None where nobody has said."""
        return self.columns.get(f"{table}.{name}") or self.columns.get(name)


def table_meaning(name: str) -> str:
    """What a table or view is: as the dictionary says, else as the header of the SQL file that makes it does; '' where neither says."""
    said = load_dictionary().tables.get(name, "")
    path = None if said else _models().get(name)
    if path is None:
        return said
    lines = takewhile(lambda line: line.startswith("--"), path.read_text(encoding="utf-8").splitlines())
    return " ".join(line.removeprefix("--").strip() for line in lines)


@cache
def _models() -> dict[str, Path]:
    """SQL files by the table that each makes: looked for once, and not once a table."""
    return {path.stem: path for path in sorted(SQL.rglob("*.sql"), reverse=True)}


@cache
def load_dictionary() -> Dictionary:
    """The dictionary of the project."""
    path = Path(__file__).with_name("dictionary.yaml")
    return Dictionary(**load_yaml(path.read_text(encoding="utf-8")))

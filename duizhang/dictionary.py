"""What tables and columns mean, in words: dictionary.yaml. Same quantity, same name everywhere, so a column is explained once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

# libyaml reads it in a tenth of the time
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Dictionary(BaseModel):
    """tables: those that no SQL file describes. columns: by name, or by `table.column` where a table means something of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: dict[str, str]
    columns: dict[str, str]

    def column(self, table: str, name: str) -> str | None:
        """What a column of a table means; None where nobody has said."""
        return self.columns.get(f"{table}.{name}") or self.columns.get(name)


@cache
def load_dictionary() -> Dictionary:
    """The dictionary of the project."""
    path = Path(__file__).with_name("dictionary.yaml")
    return Dictionary.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER))  # noqa: S506 - both are safe

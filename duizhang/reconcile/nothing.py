"""What has no rows, and the models that nothing can come of then: their tables are made as they would be, and nothing is computed.

Of a small company's day most models have no rows, and DuckDB takes as long to plan them as it takes for the others. nothing.yaml
says of each model which relations have to be empty together; it is what `duizhang.lint.emptiness` reads from the SQL, and
`python -m duizhang.lint --write` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import duckdb

from duizhang.yaml_reading import load_yaml

NOTHING_FILE = Path(__file__).with_name("nothing.yaml")
# The columns of a model's table, as it was made the first time in this process; no input changes them.
_COLUMNS: dict[str, str] = {}


@cache
def load_nothing() -> dict[str, list[list[str]]]:
    """Model, by its path below `sql/` without the ending -> sets of relations: where all of one are empty, it has no rows."""
    found: dict[str, list[list[str]]] = load_yaml(NOTHING_FILE.read_text(encoding="utf-8"))
    return found


class Nothing:
    """Which relations of a connection have no rows, as far as that was seen; of those it does not know it says nothing.

    is_asked: whether models are to be spared at all, as it takes longer to look than it spares where there is much.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, *, is_asked: bool) -> None:
        self._con = con
        self.is_asked = is_asked
        self._inputs: set[str] = set()
        self._made: set[str] = set()

    def saw_input(self, name: str, *, is_empty: bool) -> None:
        """An input is in place, which nobody changes."""
        if is_empty:
            self._inputs.add(name)
        else:
            self._inputs.discard(name)

    def saw_made(self, names: Iterable[str], *, are_empty: bool) -> None:
        """A model was run or dropped."""
        self._inputs.difference_update(names)
        if are_empty:
            self._made.update(names)
        else:
            self._made.difference_update(names)

    def comes_of(self, path: str) -> bool:
        """Whether a model (path below `sql/`) certainly has no rows."""
        return self.is_asked and any(
            all(name in self._inputs or name in self._made for name in names) and not self._has_rows(self._made.intersection(names))
            for names in load_nothing().get(path.removesuffix(".sql"), ())
        )

    def _has_rows(self, made: Iterable[str]) -> bool:
        """Whether one of these has rows by now: others may add some to what a model made."""
        asked = " union all ".join(f'select 1 from "{name}"' for name in sorted(made))
        return bool(asked) and bool(self._con.execute(f"select 1 from ({asked}) limit 1").fetchall())

    def make(self, path: str, name: str, select: str) -> None:
        """Make the table of a model without rows."""
        if path in _COLUMNS:
            self._con.execute(f'create or replace table "{name}" ({_COLUMNS[path]})')
            return
        self._con.execute(f'create or replace table "{name}" as select * from (\n{select}\n) where false')
        described = self._con.execute(f'describe "{name}"').fetchall()
        _COLUMNS[path] = ", ".join(f'"{row[0]}" {row[1]}' for row in described)

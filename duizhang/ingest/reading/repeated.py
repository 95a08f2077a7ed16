"""Statements that stand in one file twice: the same account, name, balances and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal


class Statements:
    """The statements of a file that are over, and the rows of the one that is being read."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[object, ...]] = Counter()
        self._rows = 0

    def row(self, cells: Sequence[str]) -> None:
        """A row of the statement that is being read."""
        self._rows = hash((self._rows, *cells))

    def end(self, account: str, name: str, *balances: Decimal | None) -> Iterator[tuple[str, str, str]]:
        """The statement is over: a total that does not tie where one with rows stands in the file again."""
        key = (account, name, *map(str, balances), self._rows)
        self._seen[key] += self._rows != 0
        self._rows = 0
        if self._seen[key] > 1:
            yield f"times that statement {name} of {account} stands in it", "1", str(self._seen[key])

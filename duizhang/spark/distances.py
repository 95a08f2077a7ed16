"""How far two texts are apart, counting two neighbours that changed places as one: DuckDB has a function for it, Spark has none.

Workers of a cluster have no duizhang: what is sent to them is made within a function, so that it goes there as it is.
"""

from __future__ import annotations

from collections.abc import Callable


def damerau_levenshtein() -> Callable[[str | None, str | None], int | None]:
    """The unrestricted distance of Damerau and Levenshtein; None where a text is None."""

    def distance(first: str | None, second: str | None) -> int | None:
        if first is None or second is None:
            return None
        rows, columns = len(first), len(second)
        far = rows + columns
        last: dict[str, int] = {}
        table = [[far] * (columns + 2) for _ in range(rows + 2)]
        for i in range(rows + 1):
            table[i + 1][1] = i
        for j in range(columns + 1):
            table[1][j + 1] = j
        for i in range(1, rows + 1):
            match = 0
            for j in range(1, columns + 1):
                above, before = last.get(second[j - 1], 0), match
                same = first[i - 1] == second[j - 1]
                if same:
                    match = j
                table[i + 1][j + 1] = min(
                    table[i][j] + (not same), table[i + 1][j] + 1, table[i][j + 1] + 1,
                    table[above][before] + (i - above - 1) + 1 + (j - before - 1),
                )
            last[first[i - 1]] = i
        return table[rows + 1][columns + 1]

    return distance

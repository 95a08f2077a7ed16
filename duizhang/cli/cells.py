"""Values and tables as text on a screen."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from duizhang.speech.folding import folded, width_of


def shown(value: Any) -> str:
    """A value as people read it: decimals with at least two places and no further zeros, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        whole, _, places = text.partition(".")
        return f"{whole}.{places.rstrip('0').ljust(2, '0')}"
    return str(value)


class Amount(str):
    """An amount as text, in the places of its currency; it stands to the right, as numbers do."""

    __slots__ = ()


def in_currency(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows whose amounts (decimals of four places, as every amount has) stand in the places of the row's `currency`; pieces without."""
    if "currency" not in names:
        return [list(row) for row in rows]
    from duizhang.declared.currency import in_places
    from duizhang.declared.schema import PIECES

    at = list(names).index("currency")

    def placed(value: Any, currency: Any) -> Any:
        if not isinstance(value, Decimal) or not isinstance(currency, str) or value.as_tuple().exponent != -4:
            return value
        if currency == PIECES:
            return Amount(f"{value.normalize():f}")
        return Amount(f"{in_places(value, currency):f}")

    return [[placed(value, row[at]) for value in row] for row in rows]


def wrapped(text: str, width: int, *, lines: int | None) -> list[str]:
    """A text as an item of a list, on so many lines at the most (None: as many as it takes)."""
    found = folded(text, width - 4)
    if lines is not None and len(found) > lines:
        found = [*found[: lines - 1], f"{found[lines - 1]} …"]
    return [("  - " if n == 0 else "    ") + part for n, part in enumerate(found)]


def indented(text: str, width: int, *, by: str = "", then: str | None = None) -> list[str]:
    """A text on lines of at most `width`: the first one behind `by`, the others behind `then` (as far in, where it is None)."""
    later = " " * width_of(by) if then is None else then
    found = folded(text, width - max(width_of(by), width_of(later)))
    return [(by if n == 0 else later) + part for n, part in enumerate(found)]


def screen_width() -> int:
    """Columns of the screen, 80 where there is none; at least 60."""
    return max(shutil.get_terminal_size((80, 24)).columns, 60)


def table_text(names: Sequence[str], rows: Sequence[Sequence[Any]], *, width: int | None = None) -> str:
    """Rows as a plain table; numbers to the right, wide characters counted as two. width: the widest columns of text are
    folded so that no line is longer."""
    cells = [[shown(value).replace("\n", " | ") for value in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(r[n], int | float | Decimal | Amount | None) and not isinstance(r[n], bool) for r in rows)
        for n in range(len(names))
    ]
    widths = [max(width_of(text) for text in (name, *(row[n] for row in cells))) for n, name in enumerate(names)]
    if width is not None:
        widths = _fitting(widths, [width_of(name) for name in names], right, width)

    def line(texts: Sequence[str]) -> str:
        padded = [
            (" " * (w - width_of(t)) + t) if r else (t + " " * (w - width_of(t)))
            for t, w, r in zip(texts, widths, right, strict=True)
        ]
        return "  ".join(padded).rstrip()

    parts = cells if width is None else [part for row in cells for part in _unfolded(row, widths)]
    return "\n".join([line(list(names)), "  ".join("-" * w for w in widths), *(line(part) for part in parts)])


_FOLDED = 18  # columns: text is folded where it is wider, so never a day or an event's id


def _fitting(widths: Sequence[int], heads: Sequence[int], right: Sequence[bool], width: int) -> list[int]:
    """Widths of columns that together take no more than a line: the widest of text are narrowed to the next, and on together."""
    found = list(widths)
    while (over := sum(w + 2 for w in found) - 2 - width) > 0:
        wide = sorted((n for n in range(len(found)) if not right[n] and found[n] > max(_FOLDED, heads[n])), key=lambda n: -found[n])
        if not wide:
            break
        below = found[wide[1]] if len(wide) > 1 else 0
        found[wide[0]] -= max(1, min(over, found[wide[0]] - max(below, _FOLDED, heads[wide[0]])))
    return found


def _unfolded(row: list[str], widths: Sequence[int]) -> list[list[str]]:
    """A row with each cell on as many lines as it takes."""
    columns = [folded(text, width) if width_of(text) > width else [text] for text, width in zip(row, widths, strict=True)]
    return [[column[n] if n < len(column) else "" for column in columns] for n in range(max(map(len, columns), default=1))]

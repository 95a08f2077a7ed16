"""A table as page, spreadsheet and print have it: columns with a kind, rows of plain values, in one language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from duizhang.declared.schema import PIECES
from duizhang.report.figures import amount, number, percent, quantity, with_currency
from duizhang.speech.labels import Labels

Kind = Literal["text", "key", "money", "pieces", "count", "percent", "day", "sums", "lines", "picture", "currency"]
NUMERIC: tuple[Kind, ...] = ("money", "pieces", "count", "percent", "sums")


@dataclass(frozen=True)
class Column:
    """One column. name: of the value in a row, and of its heading in labels.yaml. by: the column that has the currency of money."""

    name: str
    kind: Kind = "text"
    by: str = "currency"


@dataclass
class Table:
    """name: unique in a report. A row's key `_state` (good, watch, bad) marks it. left_out: rows that there is no room for."""

    name: str
    columns: Sequence[Column]
    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0

    def shows(self, column: Column) -> bool:
        """Whether a column has anything to say."""
        return any(row.get(column.name) not in (None, "", [], ()) for row in self.rows)


def columns(*listed: str) -> tuple[Column, ...]:
    """Columns written as `name:kind` or `name`."""
    return tuple(Column(*part.split(":")) for part in listed)  # type: ignore[arg-type]


def cell_lines(column: Column, row: Mapping[str, Any], labels: Labels) -> list[str]:
    """What a cell says, in lines of text."""
    value = row.get(column.name)
    if value is None or value == "":
        return []
    match column.kind:
        case "money":
            return [amount(value, row.get(column.by) or "")]
        case "pieces":
            return [quantity(value)]
        case "count":
            return [number(value)]
        case "percent":
            return [percent(value)]
        case "day":
            return [value.isoformat() if isinstance(value, dt.date) else str(value)]
        case "sums":
            return [with_currency(one["amount"], one["currency"], labels) for one in value]
        case "lines":
            return [str(line) for line in value]
        case "currency":
            return [currency_name(str(value), labels)]
        case _:
            return [str(value)]


def currency_name(currency: str, labels: Labels) -> str:
    """PCS is no currency of anybody's: it is pieces."""
    return {"zh": "件", "en": "pieces"}[labels.language] if currency == PIECES else currency


def ordered(sums: Sequence[Mapping[str, Any]], currencies: Sequence[str]) -> list[Mapping[str, Any]]:
    """Amounts by currency, in the order of the report."""
    return sorted(sums, key=lambda one: (place(one["currency"], currencies), one["currency"]))


def place(currency: str, currencies: Sequence[str]) -> int:
    """Where a currency stands in the order of the report."""
    return currencies.index(currency) if currency in currencies else len(currencies)


def by_money(sums: Sequence[Mapping[str, Any]], currencies: Sequence[str]) -> tuple[Decimal, ...]:
    """A key that sorts the larger amount first, the first currency before the others; currencies are never added."""
    have = {one["currency"]: abs(one["amount"]) for one in sums}
    return tuple(-have.get(currency, Decimal(0)) for currency in currencies)


__all__ = ["NUMERIC", "Column", "Table", "by_money", "cell_lines", "columns", "currency_name", "ordered", "place"]

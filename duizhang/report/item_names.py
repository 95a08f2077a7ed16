"""What an open item is called by people (an order of a shop, an account on a day, a parcel), made of the key by which tables have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duizhang.report.home_books import HomeBooks
from duizhang.speech.labels import Labels, load_labels


def item_name(row: Mapping[str, Any], labels: Labels, books: HomeBooks, accounts: Mapping[str, str], *, parts: bool = True) -> str:
    """The name of an item. row: with leg, key, shop and order_id. accounts: names of ledger accounts by number. parts: whether what of
    an order it is about (a line, a SKU, a fee) is told as well; an event that several legs show is about the order."""
    leg, key, order = str(row["leg"]), str(row["key"]), str(row["order_id"] or "")
    first, _, rest = key.partition("/")
    if leg == "ledger":
        return _joined(f"{first} {accounts.get(first) or ''}".strip(), rest)
    if leg == "customer":
        return labels.text("customer", id=key)
    if leg == "finance" and (parts or not order):
        return f"{books.shop(first)} {labels.of('columns', rest)}"
    words = _words(rest, labels)
    if not order:
        return _joined(books.shop(first) if first in books.shops else provider_name(first, labels), *words)
    of = f"{books.shop(str(row['shop'] or ''))} {order}".strip()
    return _joined(of, *(word for word in words if word != order)) if parts else of


def provider_name(name: str, labels: Labels) -> str:
    """A provider, platform or carrier that everybody knows by a name, or its id."""
    for group in ("providers", "channels"):
        if name in load_labels()[group]:
            return labels.of(group, name)
    return name


def _words(rest: str, labels: Labels) -> list[str]:
    """The parts of a key; a row of a file stands with its path."""
    if rest.startswith("row/"):
        return [rest.removeprefix("row/")]
    return [labels.of("key_parts", part) for part in rest.split("/") if part]


def _joined(*words: str) -> str:
    return " · ".join(word for word in words if word)


__all__ = ["item_name", "provider_name"]

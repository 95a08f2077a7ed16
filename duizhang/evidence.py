"""The evidence of a difference in words. Two forms are published: claims with their file and line, and, of a sum, its lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal


def in_words(evidence: str | None) -> Sequence[str]:
    """A line for every entry of the JSON column `evidence`: where it stands, what it is, how much."""
    return [_claim(entry) if "side" in entry else f"{entry['key']} {_plain(entry['difference'])}" for entry in json.loads(evidence or "[]")]


def _claim(entry: dict[str, object]) -> str:
    place = str(entry["file"] or entry["source"])
    if entry.get("line") is not None:
        place += f":{entry['line']}"
    return f"{entry['side']} {entry['kind']} {_plain(entry['amount'])} {place}"


def _plain(amount: object) -> str:
    value = Decimal(str(amount))
    return f"{value:.2f}" if value == round(value, 2) else f"{value.normalize():f}"

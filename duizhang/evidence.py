"""The evidence of a difference in words. Two forms are published: claims with their file and line, and, of a sum, its lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal


def in_words(evidence: str | None, shown: int = 8) -> Sequence[str]:
    """A line for each of the first `shown` entries of the JSON column `evidence`: its day, what it is, how much, where it
    stands; and how many more there are."""
    entries = json.loads(evidence or "[]")
    said = [_claim(entry) if "side" in entry else f"{entry['key']} {_plain(entry['difference'])}" for entry in entries]
    there = max((int(entry.get("claims") or entry.get("lines") or 0) for entry in entries), default=0)
    more = max(there, len(entries)) - len(said[:shown])
    return [*said[:shown], f"… and {more} more"] if more > 0 else said


def _claim(entry: dict[str, object]) -> str:
    place = str(entry["file"] or entry["source"])
    if entry.get("line") is not None:
        place += f":{entry['line']}"
    day = f"{entry['claimed']} " if entry.get("claimed") else ""
    return f"{day}{entry['side']} {entry['kind']} {_plain(entry['amount'])} {place}"


def _plain(amount: object) -> str:
    value = Decimal(str(amount))
    return f"{value:.2f}" if value == round(value, 2) else f"{value.normalize():f}"

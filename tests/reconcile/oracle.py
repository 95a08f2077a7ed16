"""What the core must find, once more in plain Python: slow and obvious, dictionaries and Decimals, one day after another."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Key = tuple[str, str, str, str]  # leg, entity, key, currency
Group = tuple[str, str, str]  # leg, entity, currency


@dataclass(frozen=True)
class Item:
    """An open key: what both sides have said since it last cleared."""

    left: Decimal
    right: Decimal
    first_seen: dt.date
    age_days: int

    @property
    def difference(self) -> Decimal:
        return self.left - self.right


@dataclass
class Line:
    """One row of the summary."""

    opening: Decimal = Decimal(0)
    left: Decimal = Decimal(0)
    right: Decimal = Decimal(0)
    cleared: Decimal = Decimal(0)
    closing: Decimal = Decimal(0)
    matched_keys: int = 0
    open_keys: int = 0


@dataclass
class Day:
    """One period."""

    items: dict[Key, Item] = field(default_factory=dict)
    clearings: dict[Key, tuple[dt.date, Decimal]] = field(default_factory=dict)  # opened, amount
    summary: dict[Group, Line] = field(default_factory=lambda: defaultdict(Line))


def is_clear(claims: Sequence[dict[str, Any]]) -> bool:
    """A key is clear when amounts, quantities and attributes of both sides are equal; a decision settles attributes."""
    signs = {"left": 1, "right": -1}
    amount = sum((c["amount"] * signs[c["side"]] for c in claims), Decimal(0))
    quantity = sum((c["quantity"] * signs[c["side"]] for c in claims), Decimal(0))
    attributes = {
        side: Counter(c["attribute"] for c in claims if c["side"] == side and c["attribute"] is not None) for side in signs
    }
    decided = any(c["kind"] in ("correction", "write_off") for c in claims)
    return amount == 0 and quantity == 0 and (decided or attributes["left"] == attributes["right"])


def settle(claims: Sequence[dict[str, Any]], periods: Sequence[dt.date]) -> dict[dt.date, Day]:
    """Every day of `periods`, which begin with the first claims."""
    open_claims: dict[Key, list[dict[str, Any]]] = {}
    closing: dict[Group, Decimal] = defaultdict(Decimal)
    found: dict[dt.date, Day] = {}
    for period in periods:
        day = Day()
        moved: set[Key] = set()
        for group, amount in closing.items():
            if amount:
                day.summary[group].opening = amount
        for claim in claims:
            if claim["period"] != period:
                continue
            key = (claim["leg"], claim["entity"], claim["key"], claim["currency"])
            open_claims.setdefault(key, []).append(claim)
            moved.add(key)
            line = day.summary[key[0], key[1], key[3]]
            if claim["side"] == "left":
                line.left += claim["amount"]
            else:
                line.right += claim["amount"]
        for key in moved:
            said = open_claims[key]
            if not is_clear(said):
                continue
            amount = sum((c["amount"] for c in said if c["side"] == "left"), Decimal(0))
            line = day.summary[key[0], key[1], key[3]]
            line.cleared += amount
            line.matched_keys += 1
            opened = min(c["period"] for c in said)
            if opened < period:
                day.clearings[key] = (opened, amount)
            del open_claims[key]
        closing = defaultdict(Decimal)
        for key, said in open_claims.items():
            sums = {
                side: sum((c["amount"] for c in said if c["side"] == side), Decimal(0)) for side in ("left", "right")
            }
            first = min(c["period"] for c in said)
            item = Item(sums["left"], sums["right"], first, (period - first).days)
            day.items[key] = item
            group = (key[0], key[1], key[3])
            day.summary[group].closing += item.difference
            day.summary[group].open_keys += 1
            closing[group] += item.difference
        found[period] = day
    return found


def answered(claims: Sequence[dict[str, Any]], waits: int, answer: int) -> list[dict[str, Any]]:
    """The claims of a leg that count, each on its day: those of a shop whose other side had begun by then, and of the left side of its
    first `waits` days those that the right side answers with something received within `answer` days, on the day of the answer."""
    begun: dict[tuple[str, str], dt.date] = {}
    for claim in sorted(claims, key=lambda c: c["period"]):
        begun.setdefault((claim["shop"], claim["side"]), claim["period"])
    found = []
    for claim in claims:
        shop, period = claim["shop"], claim["period"]
        other = begun.get((shop, "right" if claim["side"] == "left" else "left"))
        if other is not None and other <= period:
            found.append(claim)
        elif claim["side"] == "left" and (period - begun[shop, "left"]).days < waits:
            received = (c for c in claims if (c["side"], c["key"]) == ("right", claim["key"]) and c["amount"] > 0)
            said = [c["period"] for c in received if c["period"] > period]
            if said and (min(said) - period).days <= answer:
                found.append({**claim, "period": min(said)})
    return found

"""One change to one claim changes the result by that change and by nothing else, in every leg that there is.

Each changed business is an entity of its own beside the unchanged one, so a single pass holds them all; whatever leaked
from one to another would show as a change as well.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from duizhang.reconcile import LEG_MODELS
from tests.reconcile import oracle
from tests.reconcile.core import Outcome, claim, run

LENGTH = 4
Rows = list[dict[str, Any]]


def business(entity: str, leg: str) -> Rows:
    """Keys that clear on their day, that clear a day later, and that stay open; no two amounts alike."""
    rows = []
    for number in range(6):
        amount, key = Decimal(100 + 7 * number), f"tb/{number}/x"
        given = {"entity": entity, "quantity": Decimal(1), "attribute": "status=paid", "sku": f"S{number}"}
        rows.append(claim(leg, key, "left", amount, number % 2, line=number, **given))
        if number != 5:
            rows.append(claim(leg, key, "right", amount, number % 2 + number // 3, line=number, **given))
    return rows


def _set(**values: Any) -> Callable[[Rows, int], None]:
    def change(rows: Rows, index: int) -> None:
        rows[index].update(values)
    return change


def _later(rows: Rows, index: int) -> None:
    rows[index]["period"] += dt.timedelta(days=1)


def _gone(rows: Rows, index: int) -> None:
    del rows[index]


def _twice(rows: Rows, index: int) -> None:
    rows.append({**copy.copy(rows[index]), "line": 99})


CHANGES: dict[str, Callable[[Rows, int], None]] = {
    "amount": _set(amount=Decimal("19.37")), "key": _set(key="tb/77/x"), "date": _later, "status": _set(attribute="status=closed"),
    "deletion": _gone, "duplication": _twice, "currency": _set(currency="USD"), "quantity": _set(quantity=Decimal(3)),
}
# the first claim, one that clears a day later, one that has no counterpart
PLACES = (0, 6, 10)


def name(leg: str, change: str, place: int) -> str:
    return f"{leg}:{change}:{place}"


@pytest.fixture(scope="module")
def claims() -> dict[str, Rows]:
    found = {}
    for leg in LEG_MODELS:
        found[leg] = business(leg, leg)
        for change, apply in CHANGES.items():
            for place in PLACES:
                entity = name(leg, change, place)
                found[entity] = business(entity, leg)
                apply(found[entity], place)
    return found


@pytest.fixture(scope="module")
def outcome(claims: dict[str, Rows], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run(tmp_path_factory.mktemp("changed"), [row for rows in claims.values() for row in rows], LENGTH)


@pytest.fixture(scope="module")
def tables(outcome: Outcome) -> dict[tuple[str, str, int], Rows]:
    found: dict[tuple[str, str, int], Rows] = {}
    for table in ("variances", "clearings", "open_claims", "recon_summary"):
        for day in range(LENGTH):
            for row in outcome.rows(table, day):
                found.setdefault((table, row.pop("entity"), day), []).append(row)
    return found


@pytest.mark.parametrize("leg", LEG_MODELS)
@pytest.mark.parametrize("change", CHANGES)
def test_one_change_changes_what_it_must_and_nothing_else(
    outcome: Outcome, claims: dict[str, Rows], tables: dict[tuple[str, str, int], Rows], leg: str, change: str
) -> None:
    for place in PLACES:
        entity = name(leg, change, place)
        new = oracle.settle(claims[entity], outcome.periods)
        touched = {row["key"] for row in claims[leg] if row not in [{**r, "entity": leg} for r in claims[entity]]}
        touched |= {row["key"] for row in claims[entity] if {**row, "entity": leg} not in claims[leg]}
        if change == "duplication":
            touched.add(claims[leg][place]["key"])
        assert len(touched) <= 2
        changed = False
        for day, period in enumerate(outcome.periods):
            for table in ("variances", "clearings", "open_claims"):
                before, after = tables.get((table, leg, day), []), tables.get((table, entity, day), [])
                untouched = [r for r in before if r["key"] not in touched]
                assert [r for r in after if r["key"] not in touched] == untouched
            items: dict[tuple[str, str], Decimal] = {}
            for row in tables.get(("variances", entity, day), []):
                place_of = row["key"], row["currency"]
                items[place_of] = items.get(place_of, Decimal(0)) + row["difference"]
            assert items == {(k[2], k[3]): item.difference for k, item in new[period].items.items()}
            summary = {r["currency"]: (r["opening"], r["left_amount"], r["right_amount"], r["cleared"], r["closing"])
                       for r in tables.get(("recon_summary", entity, day), [])}
            assert summary == {
                g[2]: (s.opening, s.left, s.right, s.cleared, s.closing) for g, s in new[period].summary.items()
            }
            changed |= any(
                tables.get((table, leg, day), []) != tables.get((table, entity, day), [])
                for table in ("variances", "clearings", "open_claims", "recon_summary")
            )
        assert changed, "the change must show"

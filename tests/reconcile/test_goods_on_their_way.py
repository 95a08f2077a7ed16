"""Goods that leave without an order line: transfers, exchanges, gifts; and orders whose lines have no numbers of the platform."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.reconcile.test_engine import FIRST, order, row
from tests.reconcile.test_goods import FOUR, SET, both, items, shipped
from tests.thoroughness import SPLITS


def move(day: int, warehouse: str, kind: str, quantity: int, name: str, **more: Any) -> dict[str, Any]:
    return row("stock_moves", period=FOUR[day], warehouse=warehouse, sku="A", move_id=f"{name}{warehouse}{day}", kind=kind,
               quantity=Decimal(quantity), order_id=name, **more)


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_goods_between_warehouses_are_on_their_way_and_what_does_not_arrive_is_lost(tmp_path: Path, split: str) -> None:
    store = both(tmp_path, split=split, data={"stock_moves": [
        move(0, "W", "transfer", -5, "T1"), move(1, "V", "transfer", 5, "T1"),
        move(0, "W", "transfer", -5, "T2"), move(1, "V", "transfer", 3, "T2"), move(1, "W", "transfer", -4, "T3"),
        *(m for name in ("T4", "T5") for m in (move(0, "W", "transfer", -6, name), {**move(1, "V", "transfer", 6, name), "sku": "V-A"})),
    ]}, sla_days={"stock/transit": 2})
    found = [items(store, period, "stock") for period in FOUR]
    assert found[0] == {f"transit/{name}/A/transit": ("timing", Decimal(pieces)) for name, pieces in
                        (("T1", 5), ("T2", 5), ("T4", 6), ("T5", 6))}
    # what left and came in under two codes is no loss, and one event, however many transfers show it
    recoded = {f"transit/{name}/{code}/transit": ("sku_unmapped", Decimal(n))
               for name in ("T4", "T5") for code, n in (("A", 6), ("V-A", -6))}
    assert found[1] == {"transit/T2/A/transit": ("timing", Decimal(2)), "transit/T3/A/transit": ("timing", Decimal(4)), **recoded}
    assert len({r["event"] for r in store.read("event_items", FOUR[1]).to_pylist() if r["key"] in recoded}) == 1
    assert found[3]["transit/T2/A/transit"] == ("lost_in_transit", Decimal(2))


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_an_exchange_needs_no_order_line_but_the_goods_that_came_back(tmp_path: Path, split: str) -> None:
    sent = [shipped(FIRST, "1", "A"), *({**shipped(FOUR[1], name, "B"), "purpose": "exchange"} for name in "12")]
    store = both(tmp_path, split=split, data={
        "orders": [order(FIRST, "books", "1", "10")], "shipments": sent, "stock_moves": [move(1, "W", "exchange_in", 1, "1")],
    })
    assert items(store, FOUR[3], "order_shipment").keys() == {"tb/2/exchange"}


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_a_gift_is_recorded_or_declared_and_no_more_than_that(tmp_path: Path, split: str) -> None:
    # the gift of an order, whether it is recorded as one, whether our own order has it, how many leave, and what is open
    cases = [("G1", "gift", False, 2, 0), ("G2", "", True, 1, 0), ("G3", "", True, 3, -2), ("G4", "", False, 1, -1)]
    lines, sent = [], []
    for gift, purpose, declared, pieces, _ in cases:
        lines += [order(FIRST, o, gift, "10") for o in ("books", "platform")]
        lines += [order(FIRST, "books", gift, "0", sku=gift, line="9")] if declared else []
        sent += [shipped(FIRST, gift, "A"), {**shipped(FIRST, gift, gift, pieces), "purpose": purpose}]
    store = both(tmp_path, {"orders": lines, "shipments": sent}, split=split,
                 gifts=[{"sku": gift, "from_day": FIRST} for gift, _, declared, *_ in cases if declared])
    assert {k: d for k, (_, d) in items(store, FIRST, "order_shipment").items()} == {
        f"tb/{gift}/{gift}": left for gift, *_, left in cases if left
    }
    assert items(store, FIRST, "order_platform") == {}


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_orders_without_the_platforms_line_numbers_are_compared_by_sku_or_order(tmp_path: Path, split: str) -> None:
    keys = {"line": {"line/1/1", "line/1/2", "line/1/x", "line/1/y"}, "sku": {"sku/1/B"}, "order": {"order/1"}}
    lines = []
    for shop in keys:
        ours = [order(FIRST, "books", "1", "10", sku="SET", line="1"), order(FIRST, "books", "1", "6", sku="A", line="2")]
        # the platform has the parts of the set, and its second line is a cent dearer
        theirs = [order(FIRST, "platform", "1", "12", sku="A", line="x", quantity=3),
                  order(FIRST, "platform", "1", "4.01", sku="B", line="y")]
        lines += [{**line, "shop": shop} for line in (*ours, *theirs)]
    store = both(tmp_path, {"orders": lines}, split=split, bundles=[SET], own_skus="any", shops={
        name: {"platform": "taobao", "provider": "alipay", "warehouse": "W", "compare_by": name} for name in keys
    })
    found = items(store, FIRST, "order_platform")
    assert found.keys() == set().union(*keys.values())
    for shop in ("sku", "order"):
        assert sum(difference for key, (_, difference) in found.items() if key.startswith(f"{shop}/")) == Decimal("-0.01")

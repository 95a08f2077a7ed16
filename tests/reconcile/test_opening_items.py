"""A company that starts in mid-life: what was open is claimed like any other, out of a workbook."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from tests.ingest.test_books import read
from tests.reconcile.test_engine import FIRST, payment, row
from tests.reconcile.test_goods import FOUR, both, items


def opening(leg: str, key: str, kind: str, amount: int, **more: Any) -> dict[str, Any]:
    return row("opening_items", period=FIRST, leg=leg, side="left", key=key, kind=kind, amount=Decimal(amount),
               quantity=Decimal(amount if more.get("currency") == "PCS" else 0), **more)


@pytest.mark.slow
def test_what_was_open_when_the_books_began_clears_like_any_other(tmp_path: Path) -> None:
    store = both(tmp_path, {
        "opening_items": [
            opening("order_payment", "tb/OLD", "sale", 30, order_id="OLD", customer="c"),
            opening("order_payment", "tb/NAMELESS", "sale", 20, order_id="NAMELESS", line=2),
            opening("payout_bank", "PO0", "payout", 100, shop=""),
            opening("order_shipment", "tb/OLD/A", "order", 2, currency="PCS", order_id="OLD", sku="A"),
        ],
        "payments": [payment(FOUR[1], "OLD", "30"), payment(FOUR[1], "NAMELESS", "20")],
        "bank_entries": [row("bank_entries", period=FOUR[2], shop="", bank_account="1", entry_id="E", amount=Decimal(100),
                             reference="PO0")],
        "shipments": [row("shipments", period=FOUR[3], order_id="OLD", sku="A", quantity=Decimal(1), warehouse="W")],
    })
    # also the payout, though no entry of the bank is known on that day
    assert [len(items(store, FIRST, leg)) for leg in ("order_payment", "payout_bank", "order_shipment", "customer")] == [2, 1, 1, 2]
    assert items(store, FOUR[2], "payout_bank") == {}
    assert not items(store, FOUR[1], "order_payment") and not items(store, FOUR[1], "customer")
    assert items(store, FOUR[3], "order_shipment").keys() == {"tb/OLD/A"}


def test_a_workbook_of_opening_items_is_read_with_its_day_and_shop(tmp_path: Path) -> None:
    body = io.BytesIO()
    book = xlsxwriter.Workbook(body)
    sheet = book.add_worksheet()
    for number, cells in enumerate([
        ["环节", "方", "关键字", "金额", "币种", "店铺", "日期"],
        ["order_payment", "我方", "s2/0012", 19.5, "CNY", "s2", "2026-03-01 00:00:00"],
        ["payout_bank", "左", "PO1", 5, "CNY", "", "2026-03-01 00:00:00"],
    ]):
        sheet.write_row(number, 0, cells)
    book.close()
    found = read(tmp_path, body.getvalue())
    assert found.rows_quarantined == 1  # a side that nobody knows
    (item,) = found.table("opening_items").to_pylist()
    assert (item["leg"], item["side"], item["shop"], item["amount"]) == ("order_payment", "left", "s2", Decimal("19.5"))
    assert item["period"] == dt.date(2026, 3, 1)

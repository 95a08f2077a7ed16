"""Amounts a million times as large, in currencies of none to three decimals and in three entities, are what small ones are."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from duizhang.books import Books
from duizhang.home.store import Store
from duizhang.reconcile import Session, reconcile
from tests.reconcile.test_engine import FIRST, fill, order, payment, row

NEXT = FIRST + dt.timedelta(days=1)
UNITS = {"CNY": Decimal("0.01"), "JPY": Decimal(1), "KWD": Decimal("0.001"), "VND": Decimal(1)}
ENTITIES = {"CNY": "cn", "JPY": "jp", "KWD": "kw", "VND": "cn"}
# order: what the books say and what was paid, in smallest units of the currency; what it is called
ORDERS = {
    "1": (123_400, 123_400, None), "2": (55_500, None, "missing_right"), "3": (980_000, 980_000, None),
    "4": (77_701, 77_700, "rounding"), "5": (21_300, 12_300, "amount_entry"), "6": (200_000, 190_000, "discount_unrecorded"),
    "7": (None, 33_300, "missing_left"),
}


def shop_of(currency: str, scale: int) -> str:
    return f"{currency}{scale}"


@pytest.mark.slow
def test_amounts_a_million_times_as_large_in_any_currency_have_the_causes_of_small_ones(tmp_path: Path) -> None:
    shops, cards, accounts, data, wanted = {}, [], {}, {}, {}
    for currency, unit in UNITS.items():
        for scale in (1, 10**6):
            shop = shop_of(currency, scale)
            shops[shop] = {"platform": "own", "provider": shop, "currency": currency, "entity": ENTITIES[currency]}
            cards.append({"kind": "fee", "provider": shop, "from_day": FIRST, "percent": "0.6"})
            accounts[shop] = {"measure": "clearing", "provider": shop, "shop": shop}
            for table, rows in rows_of_shop(shop, currency, unit, scale).items():
                data.setdefault(table, []).extend(rows)
            for number, (left, right, cause) in ORDERS.items():
                if cause:
                    # one unit is a rounding however large the amounts
                    difference = Decimal((left or 0) - (right or 0)) * (1 if cause == "rounding" else scale) * unit
                    wanted[f"{shop}/{number}"] = (ENTITIES[currency], currency, cause, difference)
    books = Books.model_validate({
        "root": tmp_path, "entity": "cn", "start": FIRST, "currency": "CNY", "shops": shops, "rate_cards": cards, "accounts": accounts,
        "fx_rates": [{"base": base, "quote": "CNY", "from_day": FIRST, "rate": rate} for base, rate in (("JPY", "0.05"), ("KWD", "23.4"),
                                                                                                      ("VND", "0.00028"))],
    })
    store = Store(tmp_path)
    fill(store, [FIRST, NEXT], data)
    with Session(books, store, [FIRST, NEXT]) as session:
        reconcile(session)  # conservation is part of it
    found = store.read("variances", NEXT).to_pylist()
    assert {r["key"]: (r["entity"], r["currency"], r["cause"], r["difference"]) for r in found if r["leg"] == "order_payment"} == wanted
    assert {(r["key"].split("/")[0], r["cause"]) for r in found if r["leg"] == "fee"} == {(shop, "fee_rate") for shop in shops}
    assert [r["key"] for r in found if r["leg"] in ("payment_settlement", "payout_bank")] == []
    # the account with each provider stands in the ledger, but for a line that was never paid
    tied = {r["key"]: r["difference"] for r in found if r["leg"] == "ledger"}
    assert tied == {f"{shop_of('CNY', scale)}/{FIRST}": -UNITS["CNY"] * scale for scale in (1, 10**6)}


def rows_of_shop(shop: str, currency: str, unit: Decimal, scale: int) -> dict[str, list[dict[str, Any]]]:
    at = {"shop": shop, "entity": ENTITIES[currency], "currency": currency}
    orders, payments, lines, balance = [], [], [], Decimal(0)
    for number, (left, right, cause) in ORDERS.items():
        base = Decimal(right or 0) * scale * unit
        if left is not None:
            amount = base + unit if cause == "rounding" else Decimal(left) * scale * unit
            orders.append(order(FIRST, "books", number, str(amount)) | at)
        if right is None:
            continue
        fee = (base * 6 / 1000 / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit
        payments.append(payment(FIRST, number, str(base)) | at | {"provider": shop, "fee": fee})
        for kind, moved in (("sale", base), ("fee", -fee if number != "1" else -2 * fee)):
            lines.append(row("settlements", period=FIRST, provider=shop, entry_id=f"{number}{kind}", transaction_id=f"T{number}",
                             order_id=number, kind=kind, amount=moved, payout_id="") | at)
            balance += moved
    payments[0]["fee"] *= 2  # the bill says so too: only the card knows better
    lines.append(row("settlements", period=FIRST, provider=shop, entry_id="out", transaction_id="P", order_id="", kind="payout",
                     amount=-balance, payout_id="") | at)
    found = {
        "orders": orders, "payments": payments, "settlements": lines,
        "payouts": [row("payouts", period=FIRST, provider=shop, payout_id=f"P{shop}", amount=balance) | at],
        "bank_entries": [row("bank_entries", period=FIRST, bank_account=shop, entry_id="1", reference=f"P{shop}", amount=balance) | at],
    }
    if currency == "CNY":  # all was paid out, so the account moved by nothing; the ledger has a unit too much
        found["journal_lines"] = [row("journal_lines", period=FIRST, voucher="1", line_no="1", account=shop, debit=unit * scale,
                                      credit=Decimal(0), amount=unit * scale, currency="CNY")]
    return found

"""A company as real ones are: shops on three platforms that share accounts, codes and warehouses, and one abroad.

Three in ten lines are sets, platforms and a warehouse know the goods by codes of their own, one Alipay and one WeChat account serve
all shops at home, goods are on their way between two warehouses, some orders are paid in parts, sent in two parcels, come with a gift,
are exchanged or paid back; what else happens to an order stands in `real_orders`, the money behind it in `real_money`, the files in
`real_files`. Amounts are smallest units of the shop's currency, instants seconds since the first midnight.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from duizhang.secrecy.pseudonym_key import pseudonym
from duizhang.simulate.settings import pseudonym_key
from duizhang.simulate.world import CLOSED, DAY, Plan

# shop: platform, the account that its buyers pay into, the warehouse that sends its goods
SHOPS = {
    "tb-01": ("taobao", "alipay-main", "WH-1"), "tb-02": ("taobao", "alipay-main", "WH-1"), "tm-01": ("tmall", "alipay-main", "WH-2"),
    "wx-01": ("own", "wechat-main", "WH-1"), "wx-02": ("own", "wechat-main", "WH-2"), "us-01": ("own", "paypal", "WH-2"),
}
SHARED = {"alipay-main": ("alipay", "AP"), "wechat-main": ("wechat", "WP")}  # account: provider, head of its payouts' ids
COD, ABROAD = "zto-cod", "paypal"  # providers with an account of one shop: what the carrier collects, and the shop abroad
COLLECTING = "wx-02"  # the shop whose parcels may be paid at the door
CODES = {"taobao": "TB", "tmall": "TM", "WH-2": "W2"}  # systems that know the goods by a code of their own
SINGLES = [f"SKU{n:03}" for n in range(1, 25)]
PRICES = {sku: 990 + 700 * n for n, sku in enumerate(SINGLES)}
SETS = {f"SET{n:02}": (SINGLES[n], SINGLES[n + 8]) for n in range(1, 9)}
PIECES = (1, 2)  # of a set's parts; the first stands for 0.4 of the price
PRICES |= {name: PRICES[a] + 2 * PRICES[b] - 500 for name, (a, b) in SETS.items()}
GIFT = "GIFT01"
ORDERS_DUE, TRANSFER_DAYS = 4, 2  # days to the balance of a presale, and from warehouse to warehouse


@dataclass
class Business:
    """What happened, row by row as the files have it, and what a perfect reconciliation finds of the faults in it.

    lines are those of the books; told are the platform's, where they differ, by order and number of the line.
    """

    lines: list[dict[str, Any]] = field(default_factory=list)
    told: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    opening: list[dict[str, Any]] = field(default_factory=list)
    unmapped: str = ""
    broken: int = 0
    truth: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Order:
    """One order while it is made: what is the same in every row of it, its lines, and in which parts it is paid (instant, amount)."""

    about: dict[str, Any]
    lines: list[dict[str, Any]]
    parts: list[tuple[int, int]]
    sent_on: int
    warehouse: str
    account: str

    @property
    def key(self) -> str:
        """The key under which legs hold its sides against each other."""
        return f"{self.about['shop']}/{self.about['order_id']}"

    @property
    def total(self) -> int:
        """What its lines add up to."""
        return sum(int(line["amount"]) for line in self.lines)


def code_of(system: str, sku: str) -> str:
    """The code under which a platform or warehouse knows a SKU."""
    return f"{CODES[system]}-{sku[3:]}{'S' if sku.startswith('SET') else ''}" if system in CODES and sku != GIFT else sku


def fee_of(account: str, amount: int) -> int:
    """What the provider charges: 0.6% at home, 1% for collecting at the door, 2.9% and 0.30 abroad."""
    if account == ABROAD:
        return (amount * 29 + 30_000 + 500) // 1000
    return (amount * (10 if account == COD else 6) + 500) // 1000


def found(made: Business, plan: Plan, leg: str, key: str, cause: str, amount: int, day: int, currency: str = "CNY") -> None:
    """One difference that a fault leaves."""
    made.truth.append({"period": plan.date(day), "leg": leg, "entity": "demo", "key": key, "currency": currency, "cause": cause,
                       "difference": amount, "injected": True})


def buyer(plan: Plan, order: Order) -> str:
    """The key of the buyer's account."""
    return pseudonym(pseudonym_key(plan).encode(), order.about["customer"])


def move(
    made: Business, warehouse: str, sku: str, quantity: int, day: int, kind: str, *, order: str = "", shop: str = "", tracking: str = ""
) -> None:
    """One move of goods, on the warehouse's own list."""
    made.moves.append({
        "warehouse": warehouse, "sku": code_of(warehouse, sku), "kind": kind, "quantity": quantity, "order_id": order, "shop": shop,
        "carrier": "ZTO" if tracking else "", "tracking": tracking, "zone": "", "refund_id": "", "value": None, "value_currency": "",
        "at": day * DAY + 75_000, "day": day,
    })


def pay_back(
    made: Business, order: Order, amount: int, at: int, number: int, *, sku: str = "", granted: bool = True, paid: bool = True
) -> str:
    """Money goes back without goods; granted: our own record says so, paid: the provider's does. The refund's id."""
    about, name = order.about, f"RF{order.about['o']:08}{number:02}"
    row = {**about, "at": at, "day": at // DAY, "amount": amount, "refund_id": name, "sku": sku, "kind": "refund_only"}
    if granted:
        made.refunds.append(row)
    if paid:
        first = about["txn"] + "0"
        made.payments.append({**row, "kind": "refund", "fee": 0, "account": order.account, "paid_txn": first,
                              "txn": first if order.account == "alipay-main" else f"5030{about['txn']}{number}"})
    return name


def ship(made: Business, plan: Plan, rng: random.Random, order: Order, *, fault: str) -> None:
    """The goods as they leave, sets as their parts; a second parcel goes a day later, one part is forgotten or taken for another."""
    day, first = order.sent_on, order.about
    if day >= plan.days:
        return
    pieces: dict[str, int] = {}
    for line in order.lines:
        parts = zip(SETS[line["sku"]], PIECES, strict=True) if line["sku"] in SETS else [(line["sku"], 1)]
        for sku, count in parts if line["status"] != CLOSED else ():
            pieces[sku] = pieces.get(sku, 0) + count * line["quantity"]
    for n, (sku, count) in enumerate(sorted(pieces.items())):
        less = n == 0 and fault in ("short", "substituted")
        sent = count - less
        if less:
            cause = "missing_right" if fault == "short" else "substitution"
            found(made, plan, "order_shipment", f"{order.key}/{sku}", cause, 100, first["day"], "PCS")
        rest = 1 if sent > 1 and not less and rng.random() < 0.3 and day + 1 < plan.days else 0
        for amount, when in ((sent - rest, day), (rest, day + 1)):
            if amount:
                move(made, order.warehouse, sku, -amount, when, "sale_out", order=first["order_id"], tracking=first["tracking"])
    if fault == "substituted":
        other = next(sku for sku in SINGLES if sku not in pieces)
        move(made, order.warehouse, other, -1, day, "sale_out", order=first["order_id"], tracking=first["tracking"])
        found(made, plan, "order_shipment", f"{order.key}/{other}", "substitution", -100, first["day"], "PCS")
    elif rng.random() < 0.05:
        move(made, order.warehouse, GIFT, -1, day, "sale_out", order=first["order_id"], tracking=first["tracking"])


def transfer(made: Business, plan: Plan, *, faulty: bool) -> None:
    """Five pieces a day from WH-1 to WH-2, two days on their way; one is lost where there are faults."""
    for day in range(plan.days):
        sku, name = SINGLES[day % len(SINGLES)], f"TR{plan.date(day):%Y%m%d}"
        move(made, "WH-1", sku, -5, day, "transfer", order=name)
        if day + TRANSFER_DAYS < plan.days:
            lost = faulty and day == 0 and plan.days > TRANSFER_DAYS + 3
            move(made, "WH-2", sku, 5 - lost, day + TRANSFER_DAYS, "transfer", order=name)
            if lost:
                found(made, plan, "stock", f"transit/{name}/{sku}/transit", "lost_in_transit", 100, day, "PCS")

"""The orders of the real company, one after the other: how each is paid, changed, sent and paid back, and what is wrong with some.

Faultless: presale and instalments, cash on delivery that the carrier remits days later, a line cancelled before it is sent, a price
lowered after the order was placed, money back for a price that fell afterwards. Faults: not paid, not remitted, short, one SKU sent for
another, money back or a lower price that our books do not know, chargebacks lost and won, a payment in another currency.
"""

from __future__ import annotations

import itertools
import random
from typing import Any

from duizhang.simulate.real import (
    ABROAD,
    COD,
    COLLECTING,
    ORDERS_DUE,
    PRICES,
    SETS,
    SHOPS,
    SINGLES,
    Business,
    Order,
    buyer,
    code_of,
    fee_of,
    found,
    move,
    pay_back,
    ship,
    transfer,
)
from duizhang.simulate.world import DAY, Plan

REMITTED_AFTER = 2  # days from the door to the carrier's remittance
REMITTANCE_DUE = 3  # days that books.yaml gives it
EURO = 10_830  # what a euro costs in 1/10000 of a dollar
DISPUTE_FEE = 1_500  # cents
# what happens to an order, and to how many: by shop, in per cent; the rest are plain
KINDS = {
    "tb-01": {"presale": 10, "cancelled": 5, "repriced": 6, "protected": 5},
    "tb-02": {"cancelled": 5, "repriced": 6, "protected": 5},
    "tm-01": {"instalments": 6, "cancelled": 5, "repriced": 6, "protected": 5},
    "wx-01": {"cancelled": 5, "protected": 5},
    "wx-02": {"cod": 20, "protected": 5},
    "us-01": {"protected": 5},
}
_EVERYWHERE = ("unpaid", "short", "substituted", "refund_unknown")
FAULTS = {
    **dict.fromkeys(("tb-01", "tb-02", "tm-01"), (*_EVERYWHERE, "price_unknown")),
    "wx-01": _EVERYWHERE, "wx-02": _EVERYWHERE, "us-01": ("dispute_lost", "dispute_won", "euro"),
}


def build(plan: Plan) -> Business:
    """The whole business of the plan; with a break rate, some orders have a fault, and one code is in nobody's map."""
    rng, made, faulty = random.Random(plan.seed), Business(), plan.break_rate > 0  # noqa: S311 - a simulation
    shares = [2, 2, 2, 2, 2, 1]
    # each kind of fault in its turn, and at one shop another than at the next
    turns = {shop: itertools.cycle(kinds[n % len(kinds):] + kinds[:n % len(kinds)]) for n, (shop, kinds) in enumerate(FAULTS.items())}
    for number in range(plan.days * plan.orders_per_day):
        shop = rng.choices(list(SHOPS), shares)[0]
        kind = rng.choices([*KINDS[shop], ""], [*KINDS[shop].values(), 100 - sum(KINDS[shop].values())])[0]
        order = _place(plan, rng, number, shop, kind)
        day = int(order.about["day"])
        breakable = faulty and kind in ("", "cod") and day < plan.early(3) and rng.random() < plan.break_rate
        fault = "" if not breakable else "unpaid" if kind == "cod" else next(turns[shop])
        made.broken += bool(fault)
        _change(made, plan, order, kind, fault)
        made.lines += order.lines
        _pay(made, plan, order, kind, fault)
        ship(made, plan, rng, order, fault=fault)
        _afterwards(made, plan, rng, order, kind, fault)
    transfer(made, plan, faulty=faulty)
    _begin(made)
    if faulty:
        made.unmapped = SINGLES[3]
        for shop in ("tb-01", "tb-02"):
            days = [line["day"] for line in made.lines if line["shop"] == shop and line["sku"] == made.unmapped]
            if days:
                name = f"{shop}/unmapped/taobao:{code_of('taobao', made.unmapped)}"
                found(made, plan, "order_platform", name, "sku_unmapped", 0, min(days))
    return made


def _place(plan: Plan, rng: random.Random, number: int, shop: str, kind: str) -> Order:
    """A new order with its lines, to be paid at once and whole."""
    day = number // plan.orders_per_day
    platform, account, warehouse = SHOPS[shop]
    account = COD if kind == "cod" else account
    at, stamp = day * DAY + rng.randrange(30_000, 70_000), plan.date(day).strftime("%Y%m%d")
    listed, abroad = platform != "own", account == ABROAD
    name = f"3{stamp}{number:08}00" if listed else f"{'US' if abroad else 'WX'}{stamp}{number:08}"
    about: dict[str, Any] = {
        "o": number, "day": day, "shop": shop, "order_id": name, "txn": f"{stamp}2200{number:012}", "at": at, "ordered_at": at - 60,
        "is_paid": kind != "cod", "customer": f"buyer{rng.randrange(1, 10**6):07}", "currency": "USD" if abroad else "CNY",
        "carrier": "ZTO", "tracking": f"7{number:013}", "zone": "", "coupon": 0, "shop_discount": 0,
    }
    count = max(rng.choice([1, 1, 2, 3]), 2 if kind == "cancelled" else 1)
    chosen: list[str] = []
    while len(chosen) < count:
        sku = rng.choice(list(SETS)) if rng.random() < 0.3 else rng.choice(SINGLES)
        chosen += [] if sku in chosen else [sku]
    # what is paid at the door has left the house before anybody wrote the order down
    late = rng.random() < 0.3 and day + 1 < plan.days and kind != "cod"
    lines = [
        {**about, "n": n, "sku": sku, "product": "商品", "quantity": (q := rng.choice([1, 1, 1, 2, 3])),
         "price": (price := PRICES[sku] // (7 if abroad else 1)), "amount": q * price, "status": "paid" if late else "shipped",
         "line_id": str(n + 1) if not listed else name if len(chosen) == 1 else f"{name[:-2]}{n + 1:02}"}
        for n, sku in enumerate(chosen)
    ]
    return Order(about, lines, [(at, sum(line["amount"] for line in lines))], day + late, warehouse, account)


def _change(made: Business, plan: Plan, order: Order, kind: str, fault: str) -> None:
    """Lines as they are after the order was placed: cancelled, or at a lower price that our books know or do not know."""
    first = order.lines[0]
    lower = first["amount"] // 20
    if kind == "cancelled":
        order.lines[-1] = {**order.lines[-1], "status": "closed"}
    elif kind == "repriced":
        order.lines[0] = {**first, "amount": first["amount"] - lower, "shop_discount": lower}
        order.parts = [(order.about["at"], order.total)]
    elif fault == "price_unknown":
        made.told[order.about["o"], 0] = {**first, "amount": first["amount"] - lower, "shop_discount": lower}
        order.parts = [(order.about["at"], order.total - lower)]
        found(made, plan, "order_platform", f"{order.key}/{first['line_id']}", "discount_unrecorded", lower, order.about["day"])
        _unsettled(made, plan, order, "discount_unrecorded", lower)


def _unsettled(made: Business, plan: Plan, order: Order, cause: str, amount: int, *, named: bool = True, currency: str = "") -> None:
    """What a fault leaves of an order's money, also in the account of the buyer; named: our own records of the day name the buyer."""
    day, currency = order.about["day"], currency or order.about["currency"]
    found(made, plan, "order_payment", order.key, cause, amount, day, currency)
    found(made, plan, "customer", buyer(plan, order) if named else order.key, cause, amount, day, currency)


def _pay(made: Business, plan: Plan, order: Order, kind: str, fault: str) -> None:
    """The order's payments: whole, in parts that are declared, by the carrier, in another currency, or none."""
    about, day, (at, total) = order.about, int(order.about["day"]), order.parts[0]
    if kind == "presale" and day + ORDERS_DUE < plan.days:
        order.parts = [(at, total * 3 // 10), (at + ORDERS_DUE * DAY, total - total * 3 // 10)]
    elif kind == "instalments" and day + 4 < plan.days:
        order.parts = [(at, total // 3), (at + 2 * DAY, total // 3), (at + 4 * DAY, total - 2 * (total // 3))]
    elif kind == "cod":
        when = (day + REMITTED_AFTER) * DAY + 50_000
        order.parts = [(when, total)] if day + REMITTED_AFTER < plan.days else []
    if fault == "unpaid":
        order.parts = []
        _unsettled(made, plan, order, "missing_right", total)
    for n, (when, amount) in enumerate(order.parts):
        made.payments.append({**about, "at": when, "day": when // DAY, "amount": amount, "fee": fee_of(order.account, amount),
                              "kind": "sale", "txn": about["txn"] + str(n), "account": order.account, "refund_id": "", "paid_txn": ""})
    if fault == "euro":
        euros = (total * 10_000 + EURO // 2) // EURO
        for line, amount in zip(order.lines, _split(euros, len(order.lines)), strict=True):
            line.update(currency="EUR", amount=amount, price=amount, quantity=1) if line["quantity"] == 1 else line.update(
                currency="EUR", amount=amount, shop_discount=line["quantity"] * line["price"] - amount)
        _unsettled(made, plan, order, "fx_difference", euros, currency="EUR")
        _unsettled(made, plan, order, "fx_difference", -total, currency="USD")


def _split(amount: int, count: int) -> list[int]:
    return [amount // count] * (count - 1) + [amount - amount // count * (count - 1)]


def _afterwards(made: Business, plan: Plan, rng: random.Random, order: Order, kind: str, fault: str) -> None:
    """What happens to an order that is paid: money back, with or without our knowledge, an exchange, a chargeback."""
    about, day, end = order.about, int(order.about["day"]), plan.days * DAY
    at, first = int(about["at"]), order.lines[0]
    late = order.parts[-1][0] + DAY if order.parts else end
    if kind == "cancelled":
        pay_back(made, order, order.lines[-1]["amount"], at + 600, 1, sku=order.lines[-1]["sku"])
    elif kind == "protected" and at + DAY < end:
        pay_back(made, order, max(1, first["amount"] // 20), at + DAY, 1, sku=first["sku"])
    elif fault == "refund_unknown":
        back = max(1, first["amount"] // 20)
        name = pay_back(made, order, back, at + DAY, 1, sku=first["sku"], granted=False)
        _unsettled(made, plan, order, "refund_unrecorded", back, named=False)
        found(made, plan, "return_refund", f"{about['shop']}/{name}", "refund_unrecorded", -back, day + 1)
    elif fault in ("dispute_lost", "dispute_won"):
        made.disputes.append({**about, "at": at + DAY, "day": day + 1, "amount": -order.total, "fee": DISPUTE_FEE, "kind": "taken"})
        if fault == "dispute_won":
            made.disputes.append({**about, "at": at + 2 * DAY, "day": day + 2, "amount": order.total, "fee": 0, "kind": "given back"})
        else:
            _unsettled(made, plan, order, "chargeback", order.total, named=False)
    elif not fault and kind in ("", "cod") and rng.random() < (0.2 if kind == "cod" else 0.06) and late + DAY < end:
        pay_back(made, order, first["amount"], late, 1, sku=first["sku"])
    if not fault and kind != "cod" and rng.random() < 0.04 and order.sent_on + 2 < plan.days:
        for name, sign in (("exchange_in", 1), ("exchange_out", -1)):
            move(made, order.warehouse, SINGLES[0], sign, order.sent_on + 2, name, order=about["order_id"], shop=about["shop"],
                 tracking=about["tracking"] + "E")


def _begin(made: Business) -> None:
    """What was open when the books began: a parcel paid at the door, a payout on its way, a chargeback; each clears on the next day."""
    old = {"o": -2, "shop": COLLECTING, "order_id": "WXOLD1", "txn": "OLD1", "at": DAY + 50_000, "day": 1, "customer": "buyer0000000",
           "currency": "CNY", "amount": 12_300, "coupon": 0, "refund_id": "", "paid_txn": ""}
    made.payments.append({**old, "kind": "sale", "fee": fee_of(COD, 12_300), "account": COD, "tracking": "7OLD1"})
    made.opening.append({"leg": "order_payment", "side": "left", "key": f"{COLLECTING}/WXOLD1", "amount": 12_300, "currency": "CNY",
                         "shop": COLLECTING, "order_id": "WXOLD1", "customer": "buyer0000000"})
    made.opening.append({"leg": "payout_bank", "side": "left", "key": "APOLD", "amount": 456_700, "currency": "CNY", "shop": "",
                         "order_id": "", "customer": ""})
    made.disputes.append({**old, "shop": "us-01", "order_id": "USOLD1", "currency": "USD", "amount": 8_900, "fee": 0,
                          "kind": "given back", "txn": "OLD2"})
    made.opening.append({"leg": "order_payment", "side": "left", "key": "us-01/USOLD1", "amount": 8_900, "currency": "USD",
                         "shop": "us-01", "order_id": "USOLD1", "customer": "buyer0000001"})

"""A company as real ones are: five shops on three platforms that share accounts, codes and warehouses.

Three in ten lines are sets, platforms and a warehouse know the goods by codes of their own, one Alipay and one WeChat account serve
all shops, goods are on their way between two warehouses, some orders are paid in two parts, sent in two parcels, come with a gift, are
exchanged or paid back. Amounts are fen, instants seconds since the first midnight.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from duizhang.books import pseudonym
from duizhang.simulate import company, shops
from duizhang.simulate.raw_rows import BANK_ACCOUNT
from duizhang.simulate.settings import pseudonym_key
from duizhang.simulate.text import money, write_text
from duizhang.simulate.truth import write_rows
from duizhang.simulate.world import DAY, Plan

# shop: platform, the account that it shares, the warehouse that sends its goods
SHOPS = {
    "tb-01": ("taobao", "alipay-main", "WH-1"), "tb-02": ("taobao", "alipay-main", "WH-1"), "tm-01": ("tmall", "alipay-main", "WH-2"),
    "wx-01": ("own", "wechat-main", "WH-1"), "wx-02": ("own", "wechat-main", "WH-2"),
}
ACCOUNTS = {"alipay-main": ("alipay", "AP"), "wechat-main": ("wechat", "WP")}
CODES = {"taobao": "TB", "tmall": "TM", "WH-2": "W2"}  # systems that know the goods by a code of their own
SINGLES = [f"SKU{n:03}" for n in range(1, 25)]
PRICES = {sku: 990 + 700 * n for n, sku in enumerate(SINGLES)}
SETS = {f"SET{n:02}": (SINGLES[n], SINGLES[n + 8]) for n in range(1, 9)}
PIECES = (1, 2)  # of a set's parts; the first stands for 0.4 of the price
PRICES |= {name: PRICES[a] + 2 * PRICES[b] - 500 for name, (a, b) in SETS.items()}
GIFT = "GIFT01"
OPENING = 500
ORDERS_DUE, TRANSFER_DAYS = 4, 2  # days to the balance of a presale, and from warehouse to warehouse


@dataclass
class Business:
    """What happened, row by row as the files have it, and what a perfect reconciliation finds of the faults in it."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    unmapped: str = ""
    truth: list[dict[str, Any]] = field(default_factory=list)


def code_of(system: str, sku: str) -> str:
    """The code under which a platform or warehouse knows a SKU."""
    return f"{CODES[system]}-{sku[3:]}{'S' if sku.startswith('SET') else ''}" if system in CODES and sku != GIFT else sku


def _fee(amount: int) -> int:
    return (amount * 6 + 500) // 1000


def build(plan: Plan) -> Business:
    """The whole business of the plan; with a break rate, some orders are not paid, not sent whole, or in a code that nobody mapped."""
    rng, made, faulty = random.Random(plan.seed), Business(), plan.break_rate > 0  # noqa: S311 - a simulation
    until = plan.days * DAY
    for number in range(plan.days * plan.orders_per_day):
        day = number // plan.orders_per_day
        shop = rng.choice(list(SHOPS))
        _, account, warehouse = SHOPS[shop]
        at = day * DAY + rng.randrange(30_000, 70_000)
        stamp = plan.date(day).strftime("%Y%m%d")
        order = f"{'3' if account == 'alipay-main' else 'WX'}{stamp}{number:08}{'00' if account == 'alipay-main' else ''}"
        about: dict[str, Any] = {
            "o": number, "day": day, "shop": shop, "order_id": order, "txn": f"{stamp}2200{number:012}", "at": at, "ordered_at": at - 60,
            "is_paid": True, "customer": f"buyer{rng.randrange(1, 10**6):07}", "currency": "CNY", "carrier": "ZTO",
            "tracking": f"7{number:013}", "zone": "", "coupon": 0, "shop_discount": 0,
        }
        chosen = rng.sample([*SINGLES, *SETS], rng.choice([1, 1, 2, 3]))
        chosen = [rng.choice(list(SETS)) if rng.random() < 0.3 else rng.choice(SINGLES) for _ in chosen]
        chosen = list(dict.fromkeys(chosen))
        late = rng.random() < 0.3 and day + 1 < plan.days
        presale = shop == "tb-01" and rng.random() < 0.1 and day + ORDERS_DUE < plan.days
        lines: list[dict[str, Any]] = [
            {**about, "n": n, "sku": sku, "product": "商品", "quantity": (q := rng.choice([1, 1, 1, 2, 3])), "price": PRICES[sku],
             "amount": q * PRICES[sku], "status": "paid" if late else "shipped",
             "line_id": order if len(chosen) == 1 and account == "alipay-main" else f"{order[:-2]}{n + 1:02}" if account == "alipay-main"
             else str(n + 1)}
            for n, sku in enumerate(chosen)
        ]
        made.lines += lines
        total = sum(line["amount"] for line in lines)
        breakable = faulty and not presale and day < plan.early(3) and rng.random() < plan.break_rate
        fault = rng.choice(["unpaid", "short"]) if breakable else ""
        parts = [(at, total)] if not presale else [(at, total * 3 // 10), (at + ORDERS_DUE * DAY, total - total * 3 // 10)]
        if fault == "unpaid":
            parts = []
            _found(made, plan, "order_payment", f"{shop}/{order}", "missing_right", total, day)
            _found(made, plan, "customer", pseudonym(pseudonym_key(plan).encode(), about["customer"]), "missing_right", total, day)
        for n, (when, amount) in enumerate(parts):
            made.payments.append({**about, "at": when, "day": when // DAY, "amount": amount, "fee": _fee(amount), "kind": "sale",
                                  "txn": about["txn"] + str(n), "account": account, "refund_id": "", "paid_txn": ""})
        _ship(made, plan, rng, lines, warehouse, day + late, short=fault == "short")
        if not fault and not presale and rng.random() < 0.06 and at + 2 * DAY < until:
            _pay_back(made, about, lines[0], account)
        if not fault and rng.random() < 0.04 and day + late + 2 < plan.days:
            for kind, sign in (("exchange_in", 1), ("exchange_out", -1)):
                _move(made, warehouse, SINGLES[0], sign, day + late + 2, kind, order=order, shop=shop, tracking=about["tracking"] + "E")
    _transfer(made, plan, faulty=faulty)
    if faulty:
        made.unmapped = SINGLES[3]
        for shop in ("tb-01", "tb-02"):
            days = [line["day"] for line in made.lines if line["shop"] == shop and line["sku"] == made.unmapped]
            if days:
                name = f"{shop}/unmapped/taobao:{code_of('taobao', made.unmapped)}"
                _found(made, plan, "order_platform", name, "sku_unmapped", 0, min(days))
    return made


def _found(made: Business, plan: Plan, leg: str, key: str, cause: str, amount: int, day: int, currency: str = "CNY") -> None:
    made.truth.append({"period": plan.date(day), "leg": leg, "entity": "demo", "key": key, "currency": currency, "cause": cause,
                       "difference": amount, "injected": True})


def _move(
    made: Business, warehouse: str, sku: str, quantity: int, day: int, kind: str, *, order: str = "", shop: str = "", tracking: str = ""
) -> None:
    made.moves.append({
        "warehouse": warehouse, "sku": code_of(warehouse, sku), "kind": kind, "quantity": quantity, "order_id": order, "shop": shop,
        "carrier": "ZTO" if tracking else "", "tracking": tracking, "zone": "", "refund_id": "", "value": None, "value_currency": "",
        "at": day * DAY + 75_000, "day": day,
    })


def _ship(
    made: Business, plan: Plan, rng: random.Random, lines: list[dict[str, Any]], warehouse: str, day: int, *, short: bool
) -> None:
    """The goods as they leave, sets as their parts; a second parcel goes a day later, and one part is forgotten where it is short."""
    if day >= plan.days:
        return
    first = lines[0]
    pieces: dict[str, int] = {}
    for line in lines:
        for sku, count in zip(SETS[line["sku"]], PIECES, strict=True) if line["sku"] in SETS else [(line["sku"], 1)]:
            pieces[sku] = pieces.get(sku, 0) + count * line["quantity"]
    for n, (sku, count) in enumerate(sorted(pieces.items())):
        sent = count - (short and n == 0)
        if short and n == 0:
            _found(made, plan, "order_shipment", f"{first['shop']}/{first['order_id']}/{sku}", "missing_right", 100, first["day"], "PCS")
        rest = 1 if sent > 1 and not short and rng.random() < 0.3 and day + 1 < plan.days else 0
        for amount, when in ((sent - rest, day), (rest, day + 1)):
            if amount:
                _move(made, warehouse, sku, -amount, when, "sale_out", order=first["order_id"], tracking=first["tracking"])
    if rng.random() < 0.05:
        _move(made, warehouse, GIFT, -1, day, "sale_out", order=first["order_id"], tracking=first["tracking"])


def _pay_back(made: Business, about: dict[str, Any], line: dict[str, Any], account: str) -> None:
    """The first line is paid back a day later, without its goods."""
    at, amount = about["at"] + DAY, line["amount"]
    row = {**about, "at": at, "day": at // DAY, "amount": amount, "refund_id": f"RF{about['o']:010}", "sku": line["sku"],
           "kind": "refund_only"}
    made.refunds.append(row)
    made.payments.append({**row, "kind": "refund", "fee": 0, "account": account, "paid_txn": about["txn"] + "0",
                          "txn": about["txn"] + "0" if account == "alipay-main" else f"5030{about['txn']}"})


def _transfer(made: Business, plan: Plan, *, faulty: bool) -> None:
    """Five pieces a day from WH-1 to WH-2, two days on their way; one is lost where there are faults."""
    for day in range(plan.days):
        sku, name = SINGLES[day % len(SINGLES)], f"TR{plan.date(day):%Y%m%d}"
        _move(made, "WH-1", sku, -5, day, "transfer", order=name)
        if day + TRANSFER_DAYS < plan.days:
            lost = faulty and day == 0 and plan.days > TRANSFER_DAYS + 3
            _move(made, "WH-2", sku, 5 - lost, day + TRANSFER_DAYS, "transfer", order=name)
            if lost:
                _found(made, plan, "stock", f"transit/{name}/{sku}/transit", "lost_in_transit", 100, day, "PCS")


def books_yaml(plan: Plan) -> str:
    """The text of books.yaml."""
    start, provider = plan.start, {name: of for name, (of, _) in ACCOUNTS.items()}
    shop_files = [(f"{of}_{kind}", name) for name, of in provider.items() for kind in ("trade", "fund")]
    shop_files += [("taobao_order_lines", shop) for shop, (platform, *_) in SHOPS.items() if platform != "own"]
    own = ("books_orders", "books_refunds", "books_skus", "wms_moves", "wms_snapshot", "bank_mt940")
    return yaml.safe_dump({
        "books": 1, "entity": "demo", "name": "演示公司", "currency": "CNY", "start": start, "pseudonym_key": {"file": "pseudonym.key"},
        "shops": {shop: {"platform": platform, "provider": provider[account], "warehouse": house}
                  for shop, (platform, account, house) in SHOPS.items()},
        "shared_accounts": {
            **{name: {"provider": of, "shops": [s for s, (_, account, _) in SHOPS.items() if account == name]}
               for name, of in provider.items()},
            **{house: {"warehouse": house, "shops": [s for s, (*_, own_) in SHOPS.items() if own_ == house]} for house in ("WH-1", "WH-2")},
        },
        "bank_accounts": {BANK_ACCOUNT: "demo"}, "gifts": [{"sku": GIFT, "from_day": start}],
        "instalments": [{"shop": "tb-01", "from_day": start, "days": ORDERS_DUE + 1}],
        "legs": ["order_platform", "order_payment", "order_shipment", "return_refund", "payment_settlement", "fee", "payout_bank", "stock",
                 "customer"],
        "expected": [{"source": source, "shop": shop, "from_day": start} for source, shop in shop_files]
        + [{"source": source, "from_day": start} for source in own],
        "sla_days": {"order_shipment": 2, "stock/transit": TRANSFER_DAYS + 1},
        "rate_cards": [{"kind": "fee", "provider": of, "from_day": start, "percent": "0.6"} for of in provider.values()],
    }, allow_unicode=True, sort_keys=False)


def write(out: Path, plan: Plan) -> tuple[int, Business]:
    """books.yaml, the key, truth.parquet and the files of every day below `out`: how many files, and what they are of."""
    made = build(plan)
    out.mkdir(parents=True, exist_ok=True)
    (out / "books.yaml").write_text(books_yaml(plan), encoding="utf-8")
    key = out / "pseudonym.key"
    key.write_text(pseudonym_key(plan) + "\n")
    key.chmod(0o600)
    write_rows(out / "truth.parquet", made.truth)
    levels: dict[tuple[str, str], int] = {
        (house, code_of(house, sku)): OPENING for house in ("WH-1", "WH-2") for sku in (*SINGLES, GIFT)
    }
    fund, bank, balance = _money(plan, made)
    for day in range(plan.days):
        _write_day(out / "inbox", plan, made, day, levels, fund)
        entries = bank.filter(pl.col("day") == day)
        company.write_bank(out / "inbox" / "company" / plan.date(day).isoformat() / "statement.sta", plan, day, entries, balance)
        balance += int(entries["amount"].sum())
    return sum(1 for path in (out / "inbox").rglob("*") if path.is_file()), made


def _money(plan: Plan, made: Business) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Movements on the accounts at the providers, entries of the bank, and the bank's opening balance."""
    rows = []
    for p in made.payments:
        amount = p["amount"] if p["kind"] == "sale" else -p["amount"]
        rows.append({**p, "amount": amount, "rank": 0})
        if p["fee"]:
            rows.append({**p, "kind": "fee", "amount": -p["fee"], "rank": 1})
    paid_out: list[dict[str, Any]] = []
    for account, (provider, head) in ACCOUNTS.items():
        for day in range(plan.days):
            net = sum(r["amount"] for r in rows if r["account"] == account and r["day"] == day)
            if net >= 1000:
                name = f"{head}{plan.date(day):%Y%m%d}"
                paid_out.append({"day": day + 1, "amount": net // 100 * 90, "reference": name, "provider": provider, "original": 0,
                                 "text": None})
                rows.append({**dict.fromkeys(rows[0], None), "account": account, "day": day, "at": day * DAY + 85_500, "txn": name,
                             "order_id": "",
                             "kind": "payout", "amount": -(net // 100 * 90), "rank": 2, "refund_id": "", "paid_txn": "", "o": -1})
    rows.sort(key=lambda r: (r["account"], r["at"], r["o"], r["rank"]))
    standing = dict.fromkeys(ACCOUNTS, 5_000_000)
    for number, row in enumerate(rows):
        standing[row["account"]] += row["amount"]
        row["balance"] = standing[row["account"]]
        row["entry_id"] = f"18{plan.date(row['day']):%Y%m%d}{number:012}"
    columns = ("account", "day", "entry_id", "txn", "order_id", "kind", "amount", "at", "balance", "refund_id", "paid_txn")
    bank = [{**entry, "entry_id": f"B{n:06}"} for n, entry in enumerate(paid_out) if entry["day"] < plan.days]
    return pl.DataFrame([{c: r[c] for c in columns} for r in rows]), pl.DataFrame(bank or None, schema=_ENTRY), 100_000_000


def _write_day(
    inbox: Path, plan: Plan, made: Business, day: int, levels: dict[tuple[str, str], int], fund: pl.DataFrame
) -> None:
    date = plan.date(day).isoformat()
    for name in (*SHOPS, *ACCOUNTS, "company"):
        (inbox / name / date).mkdir(parents=True)
    lines = pl.DataFrame(made.lines)
    today = lines.filter(pl.col("day") == day)
    for shop, (platform, *_) in SHOPS.items():
        if platform != "own":
            told = [{**line, "sku": code_of(platform, line["sku"])} for line in made.lines if line["shop"] == shop and line["day"] == day]
            shops.write_taobao(inbox / shop / date, plan, day, pl.DataFrame(told, schema=lines.schema))
    money_rows = pl.DataFrame([{**p, "coupon": 0} for p in made.payments if p["day"] == day] or None, schema=_PAYMENT)
    for account, (provider, _) in ACCOUNTS.items():
        its = money_rows.filter(pl.col("account") == account).sort("at", "o")
        writer = shops.write_alipay if provider == "alipay" else shops.write_wechat
        writer(inbox / account / date, plan, day, its.filter(pl.col("kind") == "sale"), its.filter(pl.col("kind") == "refund"),
               fund.filter((pl.col("account") == account) & (pl.col("day") == day)))
    folder = inbox / "company" / date
    refunds = pl.DataFrame([r for r in made.refunds if r["day"] == day] or None, schema=_REFUND)
    company.write_books(folder, plan, day, today, refunds)
    _write_lists(folder, plan, day, made)
    moves = [m for m in made.moves if m["day"] == day]
    for move in moves:
        levels[move["warehouse"], move["sku"]] += move["quantity"]
    numbered = pl.DataFrame([{**m, "move_id": f"M{date}{n:05}"} for n, m in enumerate(moves)], schema_overrides={"value": pl.Int64})
    stock = pl.DataFrame([{"warehouse": house, "sku": sku, "quantity": level} for (house, sku), level in sorted(levels.items())])
    nothing = pl.DataFrame(schema={"warehouse": pl.String, "sku": pl.String, "shop": pl.String, "counted": pl.Int64, "available": pl.Int64})
    company.write_warehouse(folder, plan, day, numbered, stock, nothing, nothing)
    for name in ("wms_count", "shop_stock"):
        (folder / f"{name}_{date}.csv").unlink()


def _write_lists(folder: Path, plan: Plan, day: int, made: Business) -> None:
    """The company's list of goods of the day; on the first day the map of codes and the sets, as they hold from then on."""
    date = f"{plan.date(day).isoformat()} 00:00:00"
    goods = (*SINGLES, GIFT)
    write_text(folder / "skus.csv", ["sku,cost,currency,as_of", *(f"{sku},{money(PRICES.get(sku, 100) // 2)},CNY,{date}" for sku in goods)])
    if day:  # what does not change is not stated again
        return
    codes = [
        f"{system},{code_of(system, sku)},{sku},{date}" for system in CODES for sku in (*SINGLES, *SETS)
        if not (system == "taobao" and sku == made.unmapped)
    ]
    write_text(folder / "sku_map.csv", ["system,code,sku,as_of", *codes])
    parts = [f"{name},{sku},{count},{share},{date}" for name, skus in SETS.items()
             for sku, count, share in zip(skus, PIECES, ("0.4", "0.6"), strict=True)]
    write_text(folder / "bundles.csv", ["set,sku,quantity,share,as_of", *parts])


_COMMON = {"o": pl.Int64, "day": pl.Int64, "shop": pl.String, "order_id": pl.String, "txn": pl.String, "at": pl.Int64,
           "customer": pl.String, "currency": pl.String, "amount": pl.Int64, "refund_id": pl.String, "kind": pl.String}
_PAYMENT = {**_COMMON, "coupon": pl.Int64, "fee": pl.Int64, "account": pl.String, "paid_txn": pl.String}
_REFUND = {**_COMMON, "sku": pl.String}
_ENTRY = {"day": pl.Int64, "amount": pl.Int64, "reference": pl.String, "provider": pl.String, "original": pl.Int64, "text": pl.String,
          "entry_id": pl.String}

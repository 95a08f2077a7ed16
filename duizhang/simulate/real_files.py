"""The files of the real company: books.yaml, what each platform, provider, carrier, bank and warehouse sends on a day, and the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import yaml

from duizhang.simulate import company, shops
from duizhang.simulate.chart import BANK_ACCOUNT, US_BANK_ACCOUNT
from duizhang.simulate.real import (
    ABROAD,
    COD,
    CODES,
    COLLECTING,
    GIFT,
    ORDERS_DUE,
    PIECES,
    PRICES,
    SETS,
    SHARED,
    SHOPS,
    SINGLES,
    TRANSFER_DAYS,
    Business,
    code_of,
)
from duizhang.simulate.real_money import BILL_DAY, BILLED_MONTHLY, move_money
from duizhang.simulate.real_orders import DISPUTE_FEE, EURO, REMITTANCE_DUE, build
from duizhang.simulate.settings import pseudonym_key
from duizhang.simulate.text import csv_lines, major, moment, money, write_text
from duizhang.simulate.truth import write_rows
from duizhang.simulate.world import Plan

OPENING = 500
_CASH = 100_000_000  # at the banks, before the first day
_PAYPAL_HEADER = (
    '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","From Email Address","Transaction ID",'
    '"Reference Txn ID","Invoice Number","Balance"'
)


def books_yaml(plan: Plan) -> str:
    """The text of books.yaml."""
    start, provider = plan.start, {name: of for name, (of, _) in SHARED.items()} | {ABROAD: "paypal"}
    shop_files = [(f"{of}_{kind}", name) for name, (of, _) in SHARED.items() for kind in ("trade", "fund")]
    shop_files += [("taobao_order_lines", shop) for shop, (platform, *_) in SHOPS.items() if platform != "own"]
    shop_files += [("paypal_activity", "us-01"), ("platform_settlement", COLLECTING)]
    own = ("books_orders", "books_refunds", "books_skus", "wms_moves", "wms_snapshot", "bank_mt940")
    declared: list[dict[str, Any]] = [
        {"kind": "fee", "provider": of, "from_day": start, "percent": "0.6"} for of, _ in SHARED.values()
    ]
    declared.append({"kind": "fee", "provider": "paypal", "from_day": start, "percent": "2.9", "fixed": "0.30"})
    return yaml.safe_dump({
        "books": 1, "entity": "demo", "name": "演示公司", "currency": "CNY", "start": start, "pseudonym_key": {"file": "pseudonym.key"},
        "shops": {shop: {"platform": platform, "provider": provider[account], "warehouse": house,
                         **({"currency": "USD"} if account == ABROAD else {})}
                  for shop, (platform, account, house) in SHOPS.items()},
        "shared_accounts": {
            **{name: {"provider": of, "shops": [s for s, (_, account, _) in SHOPS.items() if account == name]}
               for name, (of, _) in SHARED.items()},
            **{house: {"warehouse": house, "shops": [s for s, (*_, own_) in SHOPS.items() if own_ == house]} for house in ("WH-1", "WH-2")},
        },
        "bank_accounts": {BANK_ACCOUNT: "demo", US_BANK_ACCOUNT: "demo"}, "gifts": [{"sku": GIFT, "from_day": start}],
        "instalments": [{"shop": shop, "from_day": start, "days": ORDERS_DUE + 1} for shop in ("tb-01", "tm-01")],
        "readings": {"paypal_activity": {"dates": "day"}}, "delivery_days": REMITTANCE_DUE,
        "fee_billing": [{"provider": SHARED[BILLED_MONTHLY][0], "from_day": start, "days": BILL_DAY + 1}],
        "fx_rates": [{"base": "USD", "quote": "CNY", "from_day": start, "rate": "7.1"},
                     {"base": "EUR", "quote": "CNY", "from_day": start, "rate": money(EURO * 71, 5)}],
        "legs": ["order_platform", "order_payment", "order_shipment", "return_refund", "payment_settlement", "fee", "payout_bank", "stock",
                 "customer"],
        "expected": [{"source": source, "shop": shop, "from_day": start} for source, shop in shop_files]
        + [{"source": source, "from_day": start} for source in own],
        "sla_days": {"order_shipment": 2, "stock/transit": TRANSFER_DAYS + 1},
        "rate_cards": declared,
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
        (house, code_of(house, sku)): OPENING * plan.orders_per_day for house in ("WH-1", "WH-2") for sku in (*SINGLES, GIFT)
    }
    fund, bank, sent = move_money(plan, made)
    drawn = {row["day"]: (row["txn"], row["amount"]) for row in sent if row["account"] == ABROAD}
    dollars = 0
    for day in range(plan.days):
        _write_day(out / "inbox", plan, made, day, levels, fund)
        folder = out / "inbox" / "company" / plan.date(day).isoformat()
        for account, currency in ((BANK_ACCOUNT, ""), (US_BANK_ACCOUNT, "USD")):
            its = bank.filter(pl.col("account") == account)
            before = _CASH + int(its.filter(pl.col("day") < day)["amount"].sum())
            company.write_bank(folder / f"statement_{account[-4:]}.sta", plan, day, its.filter(pl.col("day") == day), before, account,
                               currency)
        dollars = _write_paypal(out / "inbox" / "us-01" / plan.date(day).isoformat(), plan, made, drawn.get(day), day, dollars)
    return sum(1 for path in (out / "inbox").rglob("*") if path.is_file()), made


def _write_day(
    inbox: Path, plan: Plan, made: Business, day: int, levels: dict[tuple[str, str], int], fund: pl.DataFrame
) -> None:
    date = plan.date(day).isoformat()
    for name in (*SHOPS, *SHARED, "company"):
        (inbox / name / date).mkdir(parents=True)
    lines = pl.DataFrame(made.lines)
    today = lines.filter(pl.col("day") == day)
    for shop, (platform, *_) in SHOPS.items():
        if platform != "own":
            told = [made.told.get((line["o"], line["n"]), line) for line in made.lines if line["shop"] == shop and line["day"] == day]
            told = [{**line, "sku": code_of(platform, line["sku"])} for line in told]
            shops.write_taobao(inbox / shop / date, plan, day, pl.DataFrame(told or None, schema=lines.schema))
    money_rows = pl.DataFrame([{**p, "coupon": 0} for p in made.payments if p["day"] == day] or None, schema=_PAYMENT)
    for account, (provider, _) in SHARED.items():
        its = money_rows.filter(pl.col("account") == account).sort("at", "o")
        writer = shops.write_alipay if provider == "alipay" else shops.write_wechat
        writer(inbox / account / date, plan, day, its.filter(pl.col("kind") == "sale"), its.filter(pl.col("kind") == "refund"),
               fund.filter((pl.col("account") == account) & (pl.col("day") == day)))
    _write_collected(inbox / COLLECTING / date, plan, money_rows.filter(pl.col("account") == COD).sort("at", "o"), day)
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
    """The company's list of goods of the day; on the first day the map of codes and the sets, as they hold from then on, and what was
    open before."""
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
    rows = [f"{o['leg']},{o['side']},{o['key']},{money(o['amount'])},{o['currency']},{o['shop']},{o['order_id']},{o['customer']},{date}"
            for o in made.opening]
    write_text(folder / "opening_items.csv", ["leg,side,key,amount,currency,shop,order_id,customer,as_of", *rows])


def _write_collected(folder: Path, plan: Plan, its: pl.DataFrame, day: int) -> None:
    """What the carrier collected at the door and remits, less its fee, and what it takes back."""
    batch = f"ZC{plan.date(day):%Y%m%d}"
    sold = pl.col("kind") == "sale"
    gross = pl.col("amount") * pl.when(sold).then(1).otherwise(-1)
    rows = csv_lines(its, [
        COD, "Z" + pl.col("txn") + pl.col("refund_id"), pl.when(sold).then(pl.lit("charge")).otherwise(pl.lit("refund")),
        pl.col("txn"), pl.col("order_id"), pl.col("refund_id"), pl.col("customer"), major(gross), major(-pl.col("fee")),
        major(gross - pl.col("fee")), "CNY", batch, moment(plan, "at"),
    ])
    net = int(its.select(gross - pl.col("fee")).sum().item()) if its.height else 0
    out = [f"{COD},{batch},payout,,,,,{money(-net)},0.00,{money(-net)},CNY,{batch},{plan.date(day)} 23:30:00"] if net else []
    write_text(folder / f"collected_{plan.date(day)}.csv", [
        "provider,entry_id,type,transaction_id,order_id,refund_id,customer,gross,fee,net,currency,payout_id,created_at", *rows, *out])


def _write_paypal(folder: Path, plan: Plan, made: Business, drawn: tuple[str, int] | None, day: int, balance: int) -> int:
    """PayPal's activity of the day, chargebacks with their fee and what is given back included; the balance after it."""
    rows: list[tuple[int, str, int, int, str, str]] = []  # at, type, gross, fee, transaction, order
    for p in made.payments:
        if p["account"] == ABROAD and p["day"] == day:
            sold = p["kind"] == "sale"
            rows.append((p["at"], "Express Checkout Payment" if sold else "Payment Refund", p["amount"] if sold else -p["amount"],
                         -p["fee"], "PP" + p["txn"], p["order_id"]))
    for d in made.disputes:
        if d["day"] == day:
            name = "Chargeback" if d["amount"] < 0 else "Chargeback Reversal"
            rows.append((d["at"], name, d["amount"], 0, f"PD{d['txn']}{'W' if d['amount'] > 0 else ''}", d["order_id"]))
            if d["fee"]:
                rows.append((d["at"] + 1, "Chargeback Fee", -DISPUTE_FEE, 0, f"PF{d['txn']}", d["order_id"]))
    if drawn:
        rows.append(((day + 1) * 86_400 - 300, "General Withdrawal", drawn[1], 0, drawn[0], ""))
    lines = []
    for at, kind, gross, fee, txn, order in sorted(rows):
        balance += gross + fee
        hour, rest = divmod(at % 86_400, 3600)
        cells = (f"{plan.date(day):%d/%m/%Y}", f"{hour:02}:{rest // 60:02}:{rest % 60:02}", "Asia/Shanghai", "", kind, "Completed", "USD",
                 money(gross), money(fee), money(gross + fee), "", txn, "", order, money(balance))
        lines.append(",".join(f'"{cell}"' for cell in cells))
    write_text(folder / f"activity_{plan.date(day)}.csv", [_PAYPAL_HEADER, *lines], "utf-8-sig", "\r\n")
    return balance


_COMMON = {"o": pl.Int64, "day": pl.Int64, "shop": pl.String, "order_id": pl.String, "txn": pl.String, "at": pl.Int64,
           "customer": pl.String, "currency": pl.String, "amount": pl.Int64, "refund_id": pl.String, "kind": pl.String}
_PAYMENT = {**_COMMON, "coupon": pl.Int64, "fee": pl.Int64, "account": pl.String, "paid_txn": pl.String}
_REFUND = {**_COMMON, "sku": pl.String}

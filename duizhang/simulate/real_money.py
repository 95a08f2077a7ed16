"""The money of the real company: what moves its accounts at the providers, and what the banks credit or draw.

Alipay withholds a share of the sales and releases it days later, takes advertising from what it owes, and is credited in two parts now
and then; WeChat Pay bills its fees once a month; the carrier draws from the bank what it has to get back; the shop abroad pays into a
dollar account.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from duizhang.simulate.chart import BANK_ACCOUNT, US_BANK_ACCOUNT
from duizhang.simulate.real import ABROAD, COD, SHARED, Business
from duizhang.simulate.world import DAY, Plan

BILLED_MONTHLY = "wechat-main"
BILL_DAY = 2  # of the month, for the month before
WITHHELD, ADVERTISING, RELEASED_AFTER = 5, 2, 7  # per cent of a day's sales, and days
_ENTRY = {"day": pl.Int64, "amount": pl.Int64, "reference": pl.String, "provider": pl.String, "original": pl.Int64, "text": pl.String,
          "entry_id": pl.String, "account": pl.String}
_MOVES = {"account": pl.String, "day": pl.Int64, "entry_id": pl.String, "txn": pl.String, "order_id": pl.String, "kind": pl.String,
          "amount": pl.Int64, "at": pl.Int64, "balance": pl.Int64, "refund_id": pl.String, "paid_txn": pl.String}
Row = dict[str, Any]


def move_money(plan: Plan, made: Business) -> tuple[pl.DataFrame, pl.DataFrame, list[Row]]:
    """Movements on the accounts that shops share, entries of both banks, and what was sent to them."""
    rows = _traded(made)
    for account in SHARED:
        rows += _taken(plan, account, rows)
    sent = _sent(plan, made, rows)
    rows += [row for row in sent if row["account"] in SHARED]
    rows.sort(key=lambda r: (r["account"], r["at"], r["o"], r["rank"]))
    standing = dict.fromkeys(SHARED, 5_000_000)
    for number, row in enumerate(rows):
        standing[row["account"]] += row["amount"]
        row["balance"] = standing[row["account"]]
        row["entry_id"] = f"18{plan.date(row['day']):%Y%m%d}{number:012}"
    moves = pl.DataFrame([{name: row[name] for name in _MOVES} for row in rows if row["day"] < plan.days] or None, schema=_MOVES)
    return moves, _banked(plan, sent), sent


def _traded(made: Business) -> list[Row]:
    """Sales, refunds and, where they are not billed monthly, their fees."""
    rows = []
    for p in made.payments:
        if p["account"] in SHARED:
            rows.append({**p, "amount": p["amount"] if p["kind"] == "sale" else -p["amount"], "rank": 0})
            if p["fee"] and p["account"] != BILLED_MONTHLY:
                rows.append({**p, "kind": "fee", "amount": -p["fee"], "rank": 1})
    return rows


def _row(account: str, day: int, kind: str, amount: int, txn: str, rank: int) -> Row:
    return {"account": account, "day": day, "at": day * DAY + 85_000 + rank * 100, "txn": txn, "order_id": "", "kind": kind,
            "amount": amount, "rank": rank, "refund_id": "", "paid_txn": "", "o": -1, "fee": 0}


def _taken(plan: Plan, account: str, rows: list[Row]) -> list[Row]:
    """What the provider keeps and gives back, and what it charges besides; none of it where it bills monthly."""
    taken: list[Row] = []
    for day in range(plan.days):
        if account == BILLED_MONTHLY:
            continue
        stamp = f"{plan.date(day):%Y%m%d}"
        sold = sum(r["amount"] for r in rows if (r["account"], r["day"], r["kind"]) == (account, day, "sale"))
        for kind, percent, rank in (("withheld", WITHHELD, 2), ("advertising", ADVERTISING, 3)):
            if amount := sold * percent // 100:
                taken.append(_row(account, day, kind, -amount, f"{kind[:2].upper()}{stamp}", rank))
        if (amount := sold * WITHHELD // 100) and day + RELEASED_AFTER < plan.days:
            taken.append(_row(account, day + RELEASED_AFTER, "released", amount, f"WI{stamp}", 2))
    return taken


def _sent(plan: Plan, made: Business, rows: list[Row]) -> list[Row]:
    """What is paid out at the end of a day: nine tenths at home, all that the carrier collected, round dollars abroad; the carrier draws
    what it has to get back, and a monthly bill is taken before."""
    sent: list[Row] = []
    for day in range(plan.days):
        stamp, date = f"{plan.date(day):%Y%m%d}", plan.date(day)
        for account, (_, head) in SHARED.items():
            net = sum(r["amount"] for r in rows if (r["account"], r["day"]) == (account, day))
            if net >= 1000:
                sent.append(_row(account, day, "payout", -(net // 100 * 90), f"{head}{stamp}", 5))
        if date.day == BILL_DAY:
            month = {n for n in range(day) if (plan.date(n).year, plan.date(n).month) == _before(date.year, date.month)}
            fees = sum(p["fee"] for p in made.payments if p["account"] == BILLED_MONTHLY and p["day"] in month)
            sent += [_row(BILLED_MONTHLY, day, "fee", -fees, f"FEE{stamp}", 4)] if fees else []
        own = [p for p in made.payments if p["day"] == day]
        collected = sum((p["amount"] if p["kind"] == "sale" else -p["amount"]) - p["fee"] for p in own if p["account"] == COD)
        sent += [_row(COD, day, "payout", -collected, f"ZC{stamp}", 5)] if collected else []
        abroad = sum((p["amount"] if p["kind"] == "sale" else -p["amount"]) - p["fee"] for p in own if p["account"] == ABROAD)
        sent += [_row(ABROAD, day, "payout", -(abroad // 10_000 * 10_000), f"PPW{stamp}", 5)] if abroad >= 10_000 else []
    return sent


def _before(year: int, month: int) -> tuple[int, int]:
    return (year, month - 1) if month > 1 else (year - 1, 12)


def _banked(plan: Plan, sent: list[Row]) -> pl.DataFrame:
    """Payouts as the banks show them a day later, every third of Alipay's in two parts, and one that was on its way at the start."""
    provider = {name: of for name, (of, _) in SHARED.items()} | {COD: "zto-cod", ABROAD: "paypal"}
    entries: list[Row] = [{"day": 1, "amount": 456_700, "reference": "APOLD", "account": "alipay-main"}]
    for row in sent:
        if row["kind"] != "payout":
            continue
        amount, day = -row["amount"], row["day"] + 1
        parts = [(day, amount * 6 // 10), (day + 1, amount - amount * 6 // 10)] if row["txn"].startswith("AP") and day % 3 == 1 else [
            (day, amount)]
        entries += [{"day": when, "amount": part, "reference": row["txn"], "account": row["account"]} for when, part in parts]
    kept = [
        {**entry, "provider": provider[entry["account"]], "original": 0, "text": None, "entry_id": f"B{n:06}",
         "account": US_BANK_ACCOUNT if entry["account"] == ABROAD else BANK_ACCOUNT}
        for n, entry in enumerate(entries) if entry["day"] < plan.days and entry["amount"]
    ]
    return pl.DataFrame(kept or None, schema=_ENTRY)

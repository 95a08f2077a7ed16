"""The general ledger: vouchers as they follow from records and bank, and what is posted late or on the wrong account."""

from __future__ import annotations

import numpy as np
import polars as pl

from duizhang.simulate.chart import (
    BANK_LEDGERS,
    FEE_ACCOUNTS,
    FX_LEDGER,
    POLICY_ACCOUNT,
    POLICY_DAY,
    POLICY_PERCENT,
    REFUND_ACCOUNTS,
    SALES_ACCOUNTS,
    owners_of_accounts,
)
from duizhang.simulate.rates import to_home
from duizhang.simulate.raw_rows import Records
from duizhang.simulate.world import DAY, UNPAID, World, dates


def post(
    world: World, records: Records, fund: pl.DataFrame, bank: pl.DataFrame, rng: np.random.Generator, rate: float,
    marks: list[tuple[str, str, str]],
) -> pl.DataFrame:
    """Vouchers by day, account and half day: account, contra account and what the account is debited, at home.

    The shop abroad is booked once a day, at the dated rate.
    """
    sold = records.books.filter(pl.col("status") != UNPAID)
    half_day = pl.when(pl.col("shop") == "us-01").then(0).otherwise(pl.col("at") % DAY // 43_200)
    parts = [
        sold.select("day", half=half_day, account=pl.col("shop").replace_strict(SALES_ACCOUNTS),
                    contra=pl.lit("1122"), debit=-pl.col("amount"), summary=pl.lit("确认销售收入")),
        records.books_refunds.select("day", half=pl.lit(0, pl.Int64), contra=pl.lit("1122"), debit="amount",
                                     account=pl.col("shop").replace_strict(REFUND_ACCOUNTS),
                                     summary=pl.lit("销售退款")),
        fund.filter((pl.col("kind") == "fee") & pl.col("provider").is_in(list(FEE_ACCOUNTS))).select(
            "day", half=pl.lit(0, pl.Int64), account=pl.col("provider").replace_strict(FEE_ACCOUNTS),
            contra=pl.lit("1012.99"), debit=-pl.col("amount"), summary=pl.lit("平台手续费")),
        bank.filter(pl.col("gain") != 0).select(
            "day", half=pl.lit(0, pl.Int64), account=pl.lit(FX_LEDGER), contra=pl.lit("1012.99"), debit=-pl.col("gain"),
            summary=pl.lit("汇兑损益")),
        bank.select("day", half=(pl.col("amount") < 0).cast(pl.Int64),
                    account=pl.col("account").replace_strict(BANK_LEDGERS),
                    contra=pl.when(pl.col("amount") < 0).then(pl.lit("6602")).otherwise(pl.lit("1012.99")),
                    debit="amount",
                    summary=pl.when(pl.col("amount") < 0).then(pl.lit("付款")).otherwise(pl.lit("平台回款"))),
    ]
    columns = ["day", "half", "account", "contra", "summary", "debit"]
    vouchers = (
        pl.concat([part.select(columns) for part in parts], how="vertical_relaxed")
        .group_by("day", "account", "half", "contra", "summary").agg(pl.col("debit").sum())
        .with_columns(debit=pl.when(pl.col("account").is_in([SALES_ACCOUNTS["us-01"], REFUND_ACCOUNTS["us-01"]]))
                      .then(to_home(world.plan, pl.col("debit"), pl.col("day"))).otherwise("debit"))
        .filter(pl.col("debit") != 0).sort("day", "account", "half", "contra")
        .with_row_index("row").with_columns(booked_day=pl.col("day"), booked_account=pl.col("account"))
    )
    if rate > 0:
        wrong_currency = records.books.filter(pl.col("is_paid") & (pl.col("currency") != pl.col("shop_currency"))).select(
            "day", account=pl.col("shop").replace_strict(SALES_ACCOUNTS, return_dtype=pl.String)).unique().sort("day", "account")
        marks += [("ledger", f"{account}/{world.plan.date(day).isoformat()}", "currency")
                  for day, account in wrong_currency.iter_rows()]
        vouchers = _misbook(world, vouchers, rng, marks, {(a, d) for d, a in wrong_currency.iter_rows()})
        vouchers = _new_estimate(world, vouchers, marks)
    return vouchers.sort("booked_day", "row").with_columns(
        month=dates(world.plan, pl.col("booked_day"), "%Y%m")
    ).with_columns(number=pl.int_range(pl.len()).over("month") + 1)


def _new_estimate(world: World, vouchers: pl.DataFrame, marks: list[tuple[str, str, str]]) -> pl.DataFrame:
    """From POLICY_DAY on the account is booked less POLICY_PERCENT, rounded half away from zero."""
    debit = pl.col("debit")
    share = (debit.abs() * POLICY_PERCENT * 2 + 100) // 200 * debit.sign()
    hit = (pl.col("account") == POLICY_ACCOUNT) & (pl.col("day") >= POLICY_DAY)
    marks += [("ledger", f"{POLICY_ACCOUNT}/{world.plan.date(day).isoformat()}", "policy_change")
              for day in vouchers.filter(hit & (share != 0))["day"].to_list()]
    return vouchers.with_columns(debit=pl.when(hit).then(debit - share).otherwise(debit)).filter(pl.col("debit") != 0)


def _misbook(
    world: World, vouchers: pl.DataFrame, rng: np.random.Generator, marks: list[tuple[str, str, str]],
    used: set[tuple[str, int]],
) -> pl.DataFrame:
    """Post some revenue a day late or on another shop's account; two ledger keys differ each time."""
    plan = world.plan
    share = max(1, plan.days // 5)
    owner = owners_of_accounts(plan)  # what is posted on another account stays within the entity
    home = [account for shop, account in SALES_ACCOUNTS.items() if shop != "us-01"]
    able = vouchers.filter(pl.col("account").is_in(home) & (pl.col("day") < plan.early(1)))
    late: list[int] = []
    other: dict[int, str] = {}
    for position in rng.permutation(able.height).tolist():
        voucher = able.row(position, named=True)
        account, day = str(voucher["account"]), int(voucher["day"])
        if len(late) <= len(other) and len(late) < share and day + 1 < plan.early(1):
            keys, cause = [(account, day), (account, day + 1)], "wrong_period"
        elif len(other) < share:
            own = [name for name in home if owner[name] == owner[account]]
            if len(own) < 2:
                continue
            there = own[(own.index(account) + 1) % len(own)]
            keys, cause = [(account, day), (there, day)], "wrong_account"
        else:
            continue
        if used.intersection(keys):
            continue
        used.update(keys)
        marks += [("ledger", f"{name}/{plan.date(when).isoformat()}", cause) for name, when in keys]
        if cause == "wrong_period":
            late.append(int(voucher["row"]))
        else:
            other[int(voucher["row"])] = keys[1][0]
    moved = pl.col("row").is_in(late)
    return vouchers.with_columns(
        booked_day=pl.when(moved).then(pl.col("day") + 1).otherwise("day"),
        booked_account=pl.col("row").cast(pl.Int64).replace_strict(
            other, default=pl.col("account"), return_dtype=pl.String) if other else pl.col("account"),
    )

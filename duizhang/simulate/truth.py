"""What a perfect reconciliation must find: every key that does not net to zero at the end of some day.

The claims are added up here once more, in plain polars and on their own, from the records as they were written to the
files; the cause of a difference is the break that was injected, or natural timing.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from duizhang.simulate.records import (
    ACCOUNT_NAMES,
    BANK_LEDGER,
    FEE_ACCOUNTS,
    REFUND_ACCOUNTS,
    SALES_ACCOUNTS,
    Records,
    Totals,
)
from duizhang.simulate.world import UNPAID, World, dates

TRUTH = pa.schema([
    ("period", pa.date32()), ("leg", pa.string()), ("entity", pa.string()), ("key", pa.string()),
    ("currency", pa.string()), ("cause", pa.string()), ("difference", pa.decimal128(18, 4)), ("injected", pa.bool_()),
])
_KEY = ["leg", "key", "currency"]
_COLUMNS = [*_KEY, "day", "amount", "quantity", "attribute", "o", "cause"]


def _claims(
    frame: pl.DataFrame, leg: str, key: pl.Expr, amount: pl.Expr, *, sign: int, currency: str = "CNY",
    quantity: pl.Expr | None = None, attribute: pl.Expr | None = None, cause: pl.Expr | None = None,
    order: bool = True,
) -> pl.DataFrame:
    """Signed claims: sign +1 is the left side. Amounts in 1/100; attribute is text, summed as a signed hash."""
    nothing = pl.lit(0, pl.Int64)
    return frame.select(
        leg=pl.lit(leg), key=key, currency=pl.lit(currency), day=pl.col("day").cast(pl.Int64),
        amount=amount.cast(pl.Int64) * sign, quantity=(nothing if quantity is None else quantity.cast(pl.Int64)) * sign,
        attribute=nothing if attribute is None else (attribute.hash(7) % 1_099_511_627_689).cast(pl.Int64) * sign,
        o=pl.col("o").cast(pl.Int64) if order else pl.lit(-1, pl.Int64),
        cause=pl.lit(None, pl.String) if cause is None else cause,
    )


def _order_claims(records: Records) -> list[pl.DataFrame]:
    books, platform = (frame.filter("is_paid") for frame in (records.books, records.platform))
    line = pl.concat_str("shop", "order_id", "line_id", separator="/")
    order = pl.concat_str("shop", "order_id", separator="/")
    goods = pl.concat_str("shop", "order_id", "sku", separator="/")
    looks = pl.concat_str("sku", "status", separator="|")
    amount, pieces = pl.col("amount"), pl.col("quantity")
    wanted = books.filter((pl.col("sku") != "") & pl.col("status").is_in(["closed", UNPAID]).not_())
    shipped = records.shipments.with_columns(day=pl.col("ship_day"))
    return [
        _claims(books.filter(pl.col("shop_no") != 2), "order_platform", line, amount, sign=1, quantity=pieces,
                attribute=looks),
        _claims(platform, "order_platform", line, amount, sign=-1, quantity=pieces, attribute=looks),
        _claims(books, "order_payment", order, amount, sign=1),
        _claims(records.books_refunds, "order_payment", order, amount, sign=-1),
        _claims(records.payments, "order_payment", order, amount, sign=-1),
        _claims(records.provider_refunds, "order_payment", order, amount, sign=1),
        _claims(wanted, "order_shipment", goods, pieces * 100, sign=1, currency="PCS"),
        _claims(shipped, "order_shipment", goods, pieces * 100, sign=-1, currency="PCS"),
    ]


def _money_claims(records: Records, totals: Totals) -> list[pl.DataFrame]:
    txn = pl.concat_str("provider", "txn", separator="/")
    payout = pl.col("payout_id")
    net = pl.col("amount") - pl.col("fee")
    back = records.provider_refunds.filter(pl.col("provider") != "jd")  # JD's refunds are its own settlement lines
    sold = records.jd_bill.filter((pl.col("fee_name") == "货款") & (pl.col("service_id") == ""))
    received = totals.bank.filter(pl.col("reference") != "")
    return [
        _claims(records.payments, "payment_settlement", txn, net, sign=1),
        _claims(back, "payment_settlement", txn, -pl.col("amount") - pl.col("fee"), sign=1),
        _claims(totals.fund.filter(pl.col("kind") != "payout"), "payment_settlement", txn, pl.col("amount"), sign=-1),
        _claims(sold, "payment_settlement", "jd/" + pl.col("order_id"), pl.col("amount"), sign=-1),
        _claims(totals.payouts, "payout_bank", payout, pl.col("amount"), sign=1, order=False),
        _claims(received, "payout_bank", pl.col("reference"), pl.col("amount"),
                sign=-1, order=False),
    ]


def _stock_claims(totals: Totals) -> list[pl.DataFrame]:
    """The difference of two levels on the days on which both are observed, as changes since the time before."""
    def levels(frame: pl.DataFrame, place: str, kind: str, right: str) -> pl.DataFrame:
        change = pl.col("gap") - pl.col("gap").shift(1).over(place, "sku").fill_null(0)
        frame = frame.sort(place, "sku", "day").with_columns(gap=pl.col("quantity") - pl.col(right))
        return _claims(
            frame.with_columns(change=change), "stock", pl.concat_str(place, "sku", pl.lit(kind), separator="/"),
            pl.col("change") * 100, sign=1, currency="PCS", cause=pl.col("cause"), order=False,
        )

    return [levels(totals.counts, "warehouse", "count", "counted"),
            levels(totals.shop_stock, "shop", "platform", "available")]


def _ledger_claims(world: World, records: Records, totals: Totals) -> list[pl.DataFrame]:
    def period(account: pl.Expr) -> pl.Expr:
        return account + "/" + dates(world.plan, pl.col("day"), "%Y-%m-%d")

    def measure(frame: pl.DataFrame, account: pl.Expr, amount: pl.Expr) -> pl.DataFrame:
        return _claims(frame, "ledger", period(account), amount, sign=1, order=False)

    causes = dict(totals.ledger_marks)
    posted = totals.journal.with_columns(day=pl.col("booked_day")).filter(
        pl.col("booked_account").is_in(list(ACCOUNT_NAMES))
    )
    parts = [
        measure(records.books.filter("is_paid"), pl.col("shop").replace_strict(SALES_ACCOUNTS), -pl.col("amount")),
        measure(records.books_refunds, pl.col("shop").replace_strict(REFUND_ACCOUNTS), pl.col("amount")),
        measure(totals.fund.filter(pl.col("kind") == "fee"), pl.col("provider").replace_strict(FEE_ACCOUNTS),
                -pl.col("amount")),
        measure(totals.bank, pl.lit(BANK_LEDGER), pl.col("amount")),
        _claims(posted, "ledger", period(pl.col("booked_account")), pl.col("debit"), sign=-1, order=False),
    ]
    if not causes:
        return parts
    return [part.with_columns(cause=pl.col("key").replace_strict(causes, default=None, return_dtype=pl.String))
            for part in parts]


def build_truth(world: World, records: Records, totals: Totals) -> pl.DataFrame:
    """One row a key that was open at the end of a day: day (first seen), leg, key, currency, cause, amount, injected.

    amount is left - right in 1/100 as of the last day on which the key was open; stays_open: it still is at the end.
    """
    parts = [*_order_claims(records), *_money_claims(records, totals), *_stock_claims(totals),
             *_ledger_claims(world, records, totals)]
    claims = pl.concat([part.select(_COLUMNS) for part in parts])
    sums = claims.group_by([*_KEY, "day"]).agg(
        pl.col("amount", "quantity", "attribute").sum(), pl.col("o").max(), pl.col("cause").drop_nulls().min()
    ).sort([*_KEY, "day"])
    running = sums.with_columns(pl.col("amount", "quantity", "attribute").cum_sum().over(_KEY))
    is_open = (pl.col("amount") != 0) | (pl.col("quantity") != 0) | (pl.col("attribute") != 0)
    is_last = pl.col("day") == pl.col("day").max().over(_KEY)
    found = running.with_columns(is_last=is_last).filter(is_open).group_by(_KEY).agg(
        pl.col("day").min(), pl.col("amount").last(), pl.col("o").max(), pl.col("cause").drop_nulls().min(),
        stays_open=pl.col("is_last").any(),
    )
    marks = pl.DataFrame(records.marks, schema={"o": pl.Int64, "leg": pl.String, "mark": pl.String}, orient="row")
    return (
        found.join(marks, on=["o", "leg"], how="left")
        # a wrong quantity never clears; an order's other goods that did were only on their way
        .with_columns(mark=pl.when(
            (pl.col("leg") == "order_shipment") & pl.col("mark").is_in(["amount_entry", "duplicate"]) & ~pl.col("stays_open")
        ).then(None).otherwise(pl.col("mark")))
        .with_columns(cause=pl.coalesce("mark", "cause"))
        .with_columns(injected=pl.col("cause").is_not_null(), cause=pl.col("cause").fill_null("timing"))
        .sort("leg", "key", "currency")
    )


def write_truth(path: Path, world: World, truth: pl.DataFrame) -> None:
    """truth.parquet: period, leg, entity, key, currency, cause, difference, injected."""
    days = [world.plan.start + dt.timedelta(days=day) for day in truth["day"].to_list()]
    amounts = [Decimal(amount).scaleb(-2) for amount in truth["amount"].to_list()]
    table = pa.table({
        "period": days, "leg": truth["leg"].to_list(), "entity": ["demo"] * truth.height,
        "key": truth["key"].to_list(), "currency": truth["currency"].to_list(), "cause": truth["cause"].to_list(),
        "difference": amounts, "injected": truth["injected"].to_list(),
    }, schema=TRUTH)
    pq.write_table(table, path)

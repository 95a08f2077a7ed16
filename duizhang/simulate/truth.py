"""What a perfect reconciliation must find: every key that does not net to zero at the end of some day.

The claims are added up here once more, in plain polars and on their own, from the records as they were written to the
files; the cause of a difference is the break that was injected, or natural timing. The legs that add up what others show
line by line (finance, customer) have one row a cause.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from duizhang.secrecy.pseudonym_key import pseudonym
from duizhang.simulate.noise import Link
from duizhang.simulate.raw_rows import Records
from duizhang.simulate.settings import pseudonym_key
from duizhang.simulate.sums import Totals
from duizhang.simulate.true_claims import COLUMNS, KEY, ORDER_KEY, UNIT, customer_claims, finance_claims, plain_claims
from duizhang.simulate.world import World

TRUTH = pa.schema([
    ("period", pa.date32()), ("leg", pa.string()), ("entity", pa.string()), ("key", pa.string()),
    ("currency", pa.string()), ("cause", pa.string()), ("difference", pa.decimal128(28, 4)), ("injected", pa.bool_()),
])
LINKS = pa.schema([
    ("leg", pa.string()), ("entity", pa.string()), ("currency", pa.string()), ("kind", pa.string()), ("members", pa.list_(pa.string())),
])


def _run(claims: pl.DataFrame) -> pl.DataFrame:
    """Balances of every key at the end of each day on which it moved."""
    sums = claims.group_by([*KEY, "day"]).agg(
        pl.col("amount", "quantity", "attribute").sum(), pl.col("o").max(), pl.col("cause").drop_nulls().min()
    ).sort([*KEY, "day"])
    return sums.with_columns(pl.col("amount", "quantity", "attribute").cum_sum().over(KEY))


def _found(running: pl.DataFrame, last_day: int) -> pl.DataFrame:
    """The keys that were open at the end of some day: day (first seen), amount then, until (last day on which open)."""
    is_open = (pl.col("amount") != 0) | (pl.col("quantity") != 0) | (pl.col("attribute") != 0)
    following = pl.col("day").shift(-1).over(KEY)
    return running.with_columns(until=following.fill_null(last_day + 1) - 1, is_last=following.is_null()).filter(
        is_open
    ).group_by(KEY).agg(
        pl.col("day").min(), pl.col("amount").last(), pl.col("o").max(), pl.col("cause").drop_nulls().min(),
        pl.col("until").last(), stays_open=pl.col("is_last").any(),
    )


def _parts(
    open_sums: pl.DataFrame, lines: pl.DataFrame, causes: pl.DataFrame, seconds: pl.DataFrame
) -> pl.DataFrame:
    """Open items of a leg that adds up others, one row a cause.

    lines: what they add up, claim by claim (sum_key: the item's key; detail_leg, key, o, day, amount, cause).
    """
    keys = ["entity", "sum_key", "currency"]
    within = lines.join(open_sums.select("entity", "currency", "until", sum_key="key"), on=keys, how="inner").filter(
        pl.col("day") <= pl.col("until"))
    each = within.group_by([*keys, "detail_leg", "key"]).agg(
        pl.col("amount").sum(), pl.col("o").max(), pl.col("cause").drop_nulls().min()
    ).filter(pl.col("amount") != 0).join(causes, left_on=["o", "detail_leg"], right_on=["o", "leg"], how="left").with_columns(
        cause=pl.coalesce("cause", "mark"))
    each = each.with_columns(injected=pl.col("cause").is_not_null(), cause=pl.col("cause").fill_null("timing"))
    second = each.join(seconds, left_on=["detail_leg", "key"], right_on=["leg", "key"], how="inner")
    first = each.join(seconds, left_on=["detail_leg", "key"], right_on=["leg", "key"], how="left").with_columns(
        amount=pl.col("amount") - pl.col("second").fill_null(0))
    columns = [*keys, "cause", "amount", "injected"]
    split = pl.concat([first.select(columns), second.with_columns(amount="second", cause="second_cause").select(columns)])
    return split.group_by([*keys, "cause"]).agg(pl.col("amount").sum(), pl.col("injected").any()).filter(
        pl.col("amount") != 0)


def open_keys(world: World, records: Records, totals: Totals) -> dict[int, dict[tuple[str, str, str, str], int]]:
    """What is open at the end of each day: (leg, entity, key, currency) -> left - right in 1/UNIT."""
    running = _run(plain_claims(world, records, totals))
    lines = pl.concat([part for part in finance_claims(world.plan, records, totals) if part.height])
    measures = lines.with_columns(
        key=pl.col("key").str.split("/").list.first() + "/" + pl.col("leg"), leg=pl.lit("finance"))
    names = _pseudonyms(world, world.orders["customer"].unique().to_list())
    buyers = customer_claims(world, records, running).with_columns(pl.col("key").replace(names))
    sums = [frame.with_columns(quantity=pl.lit(0, pl.Int64), attribute=pl.lit(0, pl.Int64), cause=pl.lit(None, pl.String))
            .select(COLUMNS) for frame in (measures, buyers)]
    moved = pl.concat([running, _run(pl.concat(sums))], how="diagonal").with_columns(
        until=pl.col("day").shift(-1).over(KEY).fill_null(world.plan.days)
    ).filter((pl.col("amount") != 0) | (pl.col("quantity") != 0) | (pl.col("attribute") != 0))
    found: dict[int, dict[tuple[str, str, str, str], int]] = {day: {} for day in range(world.plan.days)}
    for *key, day, until, amount in moved.select(*KEY, "day", "until", "amount").iter_rows():
        for when in range(day, until):
            found[when][tuple(key)] = amount
    return found


def _pseudonyms(world: World, customers: Sequence[str]) -> dict[str, str]:
    key = pseudonym_key(world.plan).encode()
    return {name: pseudonym(key, name) for name in customers}


def build_truth(world: World, records: Records, totals: Totals) -> pl.DataFrame:
    """One row a key and cause that was open at the end of a day: day (first seen), leg, entity, key, currency, cause, amount,
    injected.

    amount is left - right in 1/UNIT as of the last day on which the key was open; stays_open: it still is at the end.
    """
    running = _run(plain_claims(world, records, totals))
    last_day = world.plan.days - 1
    marks = pl.DataFrame(records.marks, schema={"o": pl.Int64, "leg": pl.String, "mark": pl.String}, orient="row")
    sums = pl.DataFrame(totals.marks, schema={"leg": pl.String, "key": pl.String, "sum_mark": pl.String}, orient="row")
    seconds = pl.DataFrame(
        records.seconds, orient="row",
        schema={"leg": pl.String, "key": pl.String, "second_cause": pl.String, "second": pl.Int64},
    ).with_columns(second=pl.col("second") * pl.when(pl.col("key").str.starts_with("us-01/")).then(UNIT // 100)
                   .otherwise(UNIT // 10**world.plan.places))
    found = (
        _found(running, last_day).join(marks, on=["o", "leg"], how="left").join(sums, on=["leg", "key"], how="left")
        # a wrong quantity never clears; an order's other goods that did were only on their way
        .with_columns(mark=pl.when(
            (pl.col("leg") == "order_shipment") & pl.col("mark").is_in(["amount_entry", "duplicate"]) & ~pl.col("stays_open")
        ).then(None).otherwise(pl.col("mark")))
        .with_columns(cause=pl.coalesce("mark", "sum_mark", "cause"))
        .with_columns(injected=pl.col("cause").is_not_null(), cause=pl.col("cause").fill_null("timing"))
    )
    columns = ["day", *KEY, "cause", "amount", "injected", "o", "stays_open"]
    twice = found.join(seconds, on=["leg", "key"], how="inner")
    simple = found.join(seconds, on=["leg", "key"], how="left").with_columns(
        amount=pl.col("amount") - pl.col("second").fill_null(0)).filter(
        pl.col("second").is_null() | (pl.col("amount") != 0))  # a line whose only fault is the second one of its order
    second = twice.with_columns(amount="second", cause="second_cause")
    lines = pl.concat([
        part.with_columns(sum_key=pl.col("key").str.split("/").list.first() + "/" + part["leg"][0], measure=pl.col("leg"))
        for part in finance_claims(world.plan, records, totals) if part.height
    ])
    # what moves the discount is what the line's own mark says; a second fault of a cent goes with it, unless it is the line's
    # only one
    alone = twice.filter(pl.col("amount") == pl.col("second")).select(
        "key", detail_leg="leg", alone=pl.col("second_cause"))
    shown_by = pl.col("measure").replace_strict(
        {"revenue": "order_platform", "discount": "order_platform", "refund": "order_payment"}, return_dtype=pl.String)
    also_unrecorded = [key for _, key, cause, _ in records.seconds if cause == "refund_unrecorded"]
    refunded = world.orders.filter(ORDER_KEY.is_in(also_unrecorded))["o"].to_list()
    refund_marks = marks.with_columns(
        mark=pl.when(pl.col("o").is_in(refunded)).then(pl.lit("refund_unrecorded")).otherwise("mark"))
    buyers = customer_claims(world, records, running)
    summed = [
        _summed("finance", lines.with_columns(detail_leg=shown_by).filter(pl.col("measure") == measure).join(
            alone, on=["detail_leg", "key"], how="left").with_columns(cause=pl.coalesce("cause", "alone")).drop("alone"),
            causes, split, last_day)
        for measure, causes, split in (("revenue", marks, seconds), ("discount", marks, seconds.clear()),
                                       ("refund", refund_marks, seconds.clear()))
    ]
    paid = _summed("customer", buyers.rename({"key": "sum_key", "order_key": "key"}).with_columns(
        detail_leg=pl.lit("order_payment")), marks, seconds, last_day)
    names = _pseudonyms(world, [name for name in paid["key"].to_list() if "/" not in name])
    paid = paid.with_columns(pl.col("key").replace(names)) if names else paid
    return pl.concat([frame.select(columns) for frame in (simple, second, *summed, paid)]).sort(*KEY, "cause")


def write_links(path: Path, links: Sequence[Link]) -> None:
    """links.parquet: leg, entity, currency, kind, members: the keys whose records are one, and what was done to them."""
    pq.write_table(pa.Table.from_pylist([dataclasses.asdict(link) for link in links], schema=LINKS), path)


def _summed(leg: str, lines: pl.DataFrame, causes: pl.DataFrame, seconds: pl.DataFrame, last_day: int) -> pl.DataFrame:
    """The truth of a leg that adds up the lines of others; the causes add up to what the plain sums give."""
    plain = lines.select(leg=pl.lit(leg), entity="entity", key="sum_key", currency="currency", day="day", amount="amount",
                         quantity=pl.lit(0, pl.Int64), attribute=pl.lit(0, pl.Int64), o=pl.lit(-1, pl.Int64),
                         cause=pl.lit(None, pl.String))
    whole = _found(_run(plain), last_day)
    parts = _parts(whole, lines, causes, seconds).rename({"sum_key": "key"})
    joined = whole.drop("amount", "cause", "o").join(parts, on=["entity", "key", "currency"], how="left")
    total = joined.group_by("entity", "key", "currency").agg(pl.col("amount").sum())
    differs = total.join(whole.select("entity", "key", "currency", whole="amount"), on=["entity", "key", "currency"])
    if differs.filter(pl.col("amount") != pl.col("whole")).height:
        raise AssertionError(f"{leg}: the parts do not add up: {differs.filter(pl.col('amount') != pl.col('whole'))}")
    return joined.with_columns(o=pl.lit(-1, pl.Int64))


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """truth.parquet of rows that are made one by one; difference in 1/100."""
    given = [{**row, "difference": Decimal(row["difference"]).scaleb(-2)} for row in rows]
    pq.write_table(pa.Table.from_pylist(given, schema=TRUTH), path)


def write_truth(path: Path, world: World, truth: pl.DataFrame) -> None:
    """truth.parquet: period, leg, entity, key, currency, cause, difference, injected."""
    days = [world.plan.start + dt.timedelta(days=day) for day in truth["day"].to_list()]
    amounts = [Decimal(amount) / UNIT for amount in truth["amount"].to_list()]
    table = pa.table({
        "period": days, "leg": truth["leg"].to_list(), "entity": truth["entity"].to_list(),
        "key": truth["key"].to_list(), "currency": truth["currency"].to_list(), "cause": truth["cause"].to_list(),
        "difference": amounts, "injected": truth["injected"].to_list(),
    }, schema=TRUTH)
    pq.write_table(table, path)

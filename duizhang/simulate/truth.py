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

from duizhang.books import pseudonym
from duizhang.simulate.noise import Link
from duizhang.simulate.rates import ZONES, commission_of, fee_of, freight_of, to_yuan
from duizhang.simulate.raw_rows import (
    ACCOUNT_NAMES,
    BANK_LEDGERS,
    FEE_ACCOUNTS,
    FX_LEDGER,
    REFUND_ACCOUNTS,
    SALES_ACCOUNTS,
    US_BANK_ACCOUNT,
    Records,
    Totals,
    parcels,
)
from duizhang.simulate.settings import pseudonym_key
from duizhang.simulate.world import ENTITIES, PROVIDERS, UNPAID, World, dates

TRUTH = pa.schema([
    ("period", pa.date32()), ("leg", pa.string()), ("entity", pa.string()), ("key", pa.string()),
    ("currency", pa.string()), ("cause", pa.string()), ("difference", pa.decimal128(28, 4)), ("injected", pa.bool_()),
])
LINKS = pa.schema([
    ("leg", pa.string()), ("entity", pa.string()), ("currency", pa.string()), ("kind", pa.string()), ("members", pa.list_(pa.string())),
])
_KEY = ["leg", "entity", "key", "currency"]
_COLUMNS = [*_KEY, "day", "amount", "quantity", "attribute", "o", "cause"]
_ABROAD = {SALES_ACCOUNTS["us-01"], REFUND_ACCOUNTS["us-01"], BANK_LEDGERS[US_BANK_ACCOUNT], FX_LEDGER}
_STATED = ("tb-01", "jd-01")
_ORDER_KEY = pl.concat_str("shop", "order_id", separator="/")
_LINE_KEY = pl.concat_str("shop", "order_id", "line_id", separator="/")


def _claims(
    frame: pl.DataFrame, leg: str, key: pl.Expr, amount: pl.Expr, *, sign: int, currency: str | None = None,
    entity: pl.Expr | None = None, quantity: pl.Expr | None = None, attribute: pl.Expr | None = None,
    cause: pl.Expr | None = None, order: bool = True,
) -> pl.DataFrame:
    """Signed claims: sign +1 is the left side. Amounts in 1/100; attribute is text, summed as a signed hash.

    entity and currency are the frame's columns unless they are given.
    """
    nothing = pl.lit(0, pl.Int64)
    return frame.select(
        leg=pl.lit(leg), entity=pl.col("entity") if entity is None else entity, key=key,
        currency=pl.col("currency") if currency is None else pl.lit(currency), day=pl.col("day").cast(pl.Int64),
        amount=amount.cast(pl.Int64) * sign, quantity=(nothing if quantity is None else quantity.cast(pl.Int64)) * sign,
        attribute=nothing if attribute is None else (attribute.hash(7) % 1_099_511_627_689).cast(pl.Int64) * sign,
        o=pl.col("o").cast(pl.Int64) if order else pl.lit(-1, pl.Int64),
        cause=pl.lit(None, pl.String) if cause is None else cause,
    )


def _by_provider(values: Sequence[str]) -> pl.Expr:
    return pl.col("provider").replace_strict(dict(zip(PROVIDERS, values, strict=True)), return_dtype=pl.String)


_PAYER = _by_provider(ENTITIES)
_PAYER_CURRENCY = _by_provider(("CNY", "CNY", "CNY", "USD"))


def _order_claims(records: Records) -> list[pl.DataFrame]:
    books, platform = (frame.filter("is_paid") for frame in (records.books, records.platform))
    goods = pl.concat_str("shop", "order_id", "sku", separator="/")
    looks = pl.concat_str("sku", "status", separator="|")
    amount, pieces = pl.col("amount"), pl.col("quantity")
    wanted = books.filter((pl.col("sku") != "") & pl.col("status").is_in(["closed", UNPAID]).not_())
    shipped = records.shipments.with_columns(day=pl.col("ship_day"))
    return [
        _claims(books.filter(pl.col("shop_no") < 2), "order_platform", _LINE_KEY, amount, sign=1, quantity=pieces,
                attribute=looks),
        _claims(platform, "order_platform", _LINE_KEY, amount, sign=-1, quantity=pieces, attribute=looks),
        _claims(books, "order_payment", _ORDER_KEY, amount, sign=1),
        _claims(records.books_refunds, "order_payment", _ORDER_KEY, amount, sign=-1),
        _claims(records.payments, "order_payment", _ORDER_KEY, amount, sign=-1),
        _claims(records.provider_refunds, "order_payment", _ORDER_KEY, amount, sign=1),
        _claims(wanted, "order_shipment", goods, pieces * 100, sign=1, currency="PCS"),
        _claims(shipped, "order_shipment", goods, pieces * 100, sign=-1, currency="PCS"),
    ]


def _return_claims(records: Records) -> list[pl.DataFrame]:
    case, amount = pl.concat_str("shop", "refund_id", separator="/"), pl.col("amount")
    granted = records.books_refunds.filter(pl.col("kind") == "refund_only")
    return [
        _claims(records.returns, "return_refund", case, amount, sign=1),
        _claims(granted, "return_refund", case, amount, sign=1),
        _claims(records.provider_refunds, "return_refund", case, amount, sign=-1),
    ]


def _money_claims(records: Records, totals: Totals) -> list[pl.DataFrame]:
    txn = pl.concat_str("provider", "txn", separator="/")
    payout = pl.col("payout_id")
    net = pl.col("amount") - pl.col("fee")
    back = records.provider_refunds.filter(pl.col("provider") != "jd")  # JD's refunds are its own settlement lines
    sold = records.jd_bill.filter((pl.col("fee_name") == "货款") & (pl.col("service_id") == ""))
    moved = totals.fund.filter(pl.col("kind") != "payout").with_columns(entity=_PAYER, currency=_PAYER_CURRENCY)
    sent = totals.payouts.with_columns(entity=_PAYER, currency=_PAYER_CURRENCY)
    received = totals.bank.filter(pl.col("reference") != "").with_columns(entity=_PAYER, currency=_PAYER_CURRENCY)
    unnamed = totals.bank.filter(pl.col("text").is_not_null()).with_columns(entity=_PAYER, currency=_PAYER_CURRENCY)
    abroad = received.filter("abroad")
    result = pl.col("reference") + "/fx"
    return [
        _claims(records.payments, "payment_settlement", txn, net, sign=1),
        _claims(back, "payment_settlement", txn, -pl.col("amount") - pl.col("fee"), sign=1),
        _claims(moved, "payment_settlement", txn, pl.col("amount"), sign=-1),
        _claims(sold, "payment_settlement", "jd/" + pl.col("order_id"), pl.col("amount"), sign=-1, entity=pl.lit("demo"),
                currency="CNY"),
        _claims(sent, "payout_bank", payout, pl.col("amount"), sign=1, order=False),
        _claims(received, "payout_bank", pl.col("reference"),
                pl.when("abroad").then("original").otherwise("amount"), sign=-1, order=False),
        _claims(unnamed, "payout_bank", pl.concat_str(pl.lit("bank"), "account", "entry_id", separator="/"), pl.col("amount"),
                sign=-1, order=False),
        _claims(abroad, "payout_bank", result, pl.col("converted") + pl.col("gain"), sign=1, order=False, currency="CNY"),
        _claims(abroad, "payout_bank", result, pl.col("amount"), sign=-1, order=False, currency="CNY"),
    ]


def _fee_claims(records: Records, totals: Totals) -> list[pl.DataFrame]:
    txn = pl.concat_str("provider", "txn", pl.lit("fee"), separator="/")
    # a fee is due once a transaction, however many rows it has
    own = records.payments.filter(pl.col("provider") != "jd").group_by("provider", "txn", "day", "entity", "currency").agg(
        pl.col("amount").sum(), pl.col("o").first())
    given_back = records.provider_refunds.filter(pl.col("provider") == "wechat")
    charged = totals.fund.filter(pl.col("kind") == "fee").with_columns(entity=_PAYER, currency=_PAYER_CURRENCY)
    commission = "jd/" + pl.col("order_id") + "/commission"
    lines = records.platform.filter("is_paid" & (pl.col("provider") == "jd"))
    return [
        _claims(own, "fee", txn, fee_of(pl.col("amount")), sign=1),
        _claims(given_back, "fee", txn, -fee_of(pl.col("amount")), sign=1),
        _claims(charged, "fee", txn, -pl.col("amount"), sign=-1),
        _claims(lines, "fee", commission, commission_of(pl.col("amount"), pl.col("category")), sign=1),
        _claims(records.jd_bill.filter(pl.col("fee_name") == "佣金"), "fee", commission, -pl.col("amount"), sign=-1,
                entity=pl.lit("demo"), currency="CNY"),
    ]


def _freight_claims(records: Records) -> list[pl.DataFrame]:
    tracking = "SF/" + pl.col("tracking")
    handed_over = parcels(records.shipments).filter(pl.col("zone").is_in(list(ZONES)))
    return [
        _claims(handed_over, "freight", tracking, freight_of(pl.col("grams"), pl.col("zone")), sign=1, currency="CNY"),
        _claims(records.carrier, "freight", tracking, pl.col("amount"), sign=-1, currency="CNY"),
    ]


def _stock_claims(totals: Totals) -> list[pl.DataFrame]:
    """The difference of two levels on the days on which both are observed, as changes since the time before."""
    def levels(frame: pl.DataFrame, place: str, kind: str, right: str) -> pl.DataFrame:
        change = pl.col("gap") - pl.col("gap").shift(1).over(place, "sku").fill_null(0)
        frame = frame.sort(place, "sku", "day").with_columns(gap=pl.col("quantity") - pl.col(right))
        return _claims(
            frame.with_columns(change=change), "stock", pl.concat_str(place, "sku", pl.lit(kind), separator="/"),
            pl.col("change") * 100, sign=1, currency="PCS", cause=pl.col("cause"), order=False,
            entity=pl.when(pl.col("warehouse") == "WH-US").then(pl.lit("demo-us")).otherwise(pl.lit("demo")),
        )

    return [levels(totals.counts, "warehouse", "count", "counted"),
            levels(totals.shop_stock, "shop", "platform", "available")]


def _ledger_claims(world: World, records: Records, totals: Totals) -> list[pl.DataFrame]:
    def measure(frame: pl.DataFrame, account: pl.Expr, amount: pl.Expr, sign: int = 1) -> pl.DataFrame:
        """Day totals an account; the currency is that of the rows, but for the shop abroad, which is converted."""
        daily = frame.with_columns(account=account).group_by("account", "day", "currency").agg(amount=amount.sum())
        abroad = pl.col("account").is_in(list(_ABROAD))
        converted = pl.when(abroad & (pl.col("currency") == "USD")).then(
            to_yuan(pl.col("amount"), pl.col("day"))).otherwise("amount")
        return _claims(
            daily.with_columns(amount=converted, currency=pl.when(abroad).then(pl.lit("CNY")).otherwise("currency")), "ledger",
            pl.col("account") + "/" + dates(world.plan, pl.col("day"), "%Y-%m-%d"), pl.col("amount"), sign=sign, order=False,
            entity=pl.when(abroad).then(pl.lit("demo-us")).otherwise(pl.lit("demo")),
        )

    yuan = {"currency": pl.lit("CNY")}
    declared = set(ACCOUNT_NAMES) & {*SALES_ACCOUNTS.values(), *REFUND_ACCOUNTS.values(), *FEE_ACCOUNTS.values(),
                                     *BANK_LEDGERS.values(), FX_LEDGER}
    posted = totals.journal.filter(pl.col("booked_account").is_in(list(declared))).with_columns(
        day=pl.col("booked_day"), **yuan)
    fees = totals.fund.filter((pl.col("kind") == "fee") & pl.col("provider").is_in(list(FEE_ACCOUNTS)))
    return [
        measure(records.books.filter("is_paid"), pl.col("shop").replace_strict(SALES_ACCOUNTS), -pl.col("amount")),
        measure(records.books_refunds, pl.col("shop").replace_strict(REFUND_ACCOUNTS), pl.col("amount")),
        measure(fees.with_columns(**yuan), pl.col("provider").replace_strict(FEE_ACCOUNTS), -pl.col("amount")),
        measure(totals.bank.with_columns(**yuan), pl.col("account").replace_strict(BANK_LEDGERS), pl.col("amount")),
        measure(totals.bank.filter(pl.col("gain") != 0).with_columns(**yuan), pl.lit(FX_LEDGER), -pl.col("gain")),
        measure(posted, pl.col("booked_account"), pl.col("debit"), -1),
    ]


def _finance_claims(records: Records, totals: Totals) -> list[pl.DataFrame]:
    """Every line beside what the platform states; a day that it leaves out is a claim with the cause missing_source."""
    def measure(name: str, frame: pl.DataFrame, key: pl.Expr, amount: pl.Expr, sign: int) -> pl.DataFrame:
        rows = frame.filter(pl.col("shop").is_in(_STATED))
        return _claims(rows, name, key, amount, sign=sign).with_columns(key=pl.col("key").cast(pl.String))

    books, platform = (frame.filter("is_paid") for frame in (records.books, records.platform))
    given_away = pl.col("price") * pl.col("quantity") - pl.col("amount")
    omitted = totals.statements.filter(~pl.col("stated") & pl.col("measure").is_in(["revenue", "discount", "refund"]))
    left_out = [
        _claims(omitted.filter(pl.col("measure") == name), name, pl.col("shop"), pl.col("amount"), sign=1, order=False,
                currency="CNY", entity=pl.lit("demo"), cause=pl.lit("missing_source"))
        for name in ("revenue", "discount", "refund")
    ]
    return [
        measure("revenue", books, _LINE_KEY, pl.col("amount"), 1),
        measure("revenue", platform, _LINE_KEY, pl.col("amount"), -1),
        measure("discount", books.filter(pl.col("quantity") > 0), _LINE_KEY, given_away, 1),
        measure("discount", platform.filter(pl.col("quantity") > 0), _LINE_KEY, given_away, -1),
        measure("refund", records.books_refunds, _ORDER_KEY, pl.col("amount"), 1),
        measure("refund", records.provider_refunds, _ORDER_KEY, pl.col("amount"), -1),
        *left_out,
    ]


def _customer_claims(world: World, records: Records, running: pl.DataFrame) -> pl.DataFrame:
    """The claims of order_payment with the customer whom our own records of the day, or the open order, name."""
    books, granted = records.books.filter("is_paid"), records.books_refunds
    ours = pl.concat([frame.select("o", "day").with_columns(pl.col("day").cast(pl.Int64)) for frame in (books, granted)]).unique()
    left = [_claims(books, "customer", _ORDER_KEY, pl.col("amount"), sign=1),
            _claims(granted, "customer", _ORDER_KEY, pl.col("amount"), sign=-1)]
    paid = records.payments.filter(~pl.col("damaged"))
    right = pl.concat([_claims(paid, "customer", _ORDER_KEY, pl.col("amount"), sign=-1),
                       _claims(records.provider_refunds, "customer", _ORDER_KEY, pl.col("amount"), sign=1)])
    nobodys = _claims(records.payments.filter("damaged"), "customer", _ORDER_KEY, pl.col("amount"), sign=-1)
    known = right.join(ours, on=["o", "day"], how="semi")
    orphans = right.join(ours, on=["o", "day"], how="anti").with_row_index("row")
    # an order that is still open is remembered, if one of our own records is among what is open
    balances = running.filter(pl.col("leg") == "order_payment").select("entity", "key", "currency", "amount", then="day")
    before = orphans.join(balances, on=["entity", "key", "currency"], how="inner", suffix="_then").filter(
        pl.col("then") < pl.col("day"))
    cleared = before.filter(pl.col("amount_then") == 0).group_by("row").agg(cleared=pl.col("then").max())
    spoke = orphans.join(ours.rename({"day": "said"}), on="o", how="inner").filter(pl.col("said") < pl.col("day"))
    open_rows = spoke.join(cleared, on="row", how="left").filter(
        pl.col("cleared").is_null() | (pl.col("said") > pl.col("cleared")))["row"].unique()
    remembered = orphans.filter(pl.col("row").is_in(open_rows.implode())).drop("row")
    unknown = orphans.filter(~pl.col("row").is_in(open_rows.implode())).drop("row")
    buyers = world.orders.select("o", "customer")
    named = pl.concat([*left, known, remembered]).join(buyers, on="o", how="left")
    return pl.concat([
        named.with_columns(order_key=pl.col("key"), key=pl.col("customer")).drop("customer"),
        unknown.with_columns(order_key=pl.col("key")), nobodys.with_columns(order_key=pl.col("key")),
    ])


def _run(claims: pl.DataFrame) -> pl.DataFrame:
    """Balances of every key at the end of each day on which it moved."""
    sums = claims.group_by([*_KEY, "day"]).agg(
        pl.col("amount", "quantity", "attribute").sum(), pl.col("o").max(), pl.col("cause").drop_nulls().min()
    ).sort([*_KEY, "day"])
    return sums.with_columns(pl.col("amount", "quantity", "attribute").cum_sum().over(_KEY))


def _found(running: pl.DataFrame, last_day: int) -> pl.DataFrame:
    """The keys that were open at the end of some day: day (first seen), amount then, until (last day on which open)."""
    is_open = (pl.col("amount") != 0) | (pl.col("quantity") != 0) | (pl.col("attribute") != 0)
    following = pl.col("day").shift(-1).over(_KEY)
    return running.with_columns(until=following.fill_null(last_day + 1) - 1, is_last=following.is_null()).filter(
        is_open
    ).group_by(_KEY).agg(
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


def _plain_claims(world: World, records: Records, totals: Totals) -> pl.DataFrame:
    """The claims of every leg that adds up no others."""
    parts = [*_order_claims(records), *_return_claims(records), *_money_claims(records, totals),
             *_fee_claims(records, totals), *_freight_claims(records), *_stock_claims(totals),
             *_ledger_claims(world, records, totals)]
    return pl.concat([part.select(_COLUMNS) for part in parts])


def open_keys(world: World, records: Records, totals: Totals) -> dict[int, dict[tuple[str, str, str, str], int]]:
    """What is open at the end of each day: (leg, entity, key, currency) -> left - right in 1/100."""
    running = _run(_plain_claims(world, records, totals))
    lines = pl.concat([part for part in _finance_claims(records, totals) if part.height])
    measures = lines.with_columns(
        key=pl.col("key").str.split("/").list.first() + "/" + pl.col("leg"), leg=pl.lit("finance"))
    names = _pseudonyms(world, world.orders["customer"].unique().to_list())
    buyers = _customer_claims(world, records, running).with_columns(pl.col("key").replace(names))
    sums = [frame.with_columns(quantity=pl.lit(0, pl.Int64), attribute=pl.lit(0, pl.Int64), cause=pl.lit(None, pl.String))
            .select(_COLUMNS) for frame in (measures, buyers)]
    moved = pl.concat([running, _run(pl.concat(sums))], how="diagonal").with_columns(
        until=pl.col("day").shift(-1).over(_KEY).fill_null(world.plan.days)
    ).filter((pl.col("amount") != 0) | (pl.col("quantity") != 0) | (pl.col("attribute") != 0))
    found: dict[int, dict[tuple[str, str, str, str], int]] = {day: {} for day in range(world.plan.days)}
    for *key, day, until, amount in moved.select(*_KEY, "day", "until", "amount").iter_rows():
        for when in range(day, until):
            found[when][tuple(key)] = amount
    return found


def _pseudonyms(world: World, customers: Sequence[str]) -> dict[str, str]:
    key = pseudonym_key(world.plan).encode()
    return {name: pseudonym(key, name) for name in customers}


def build_truth(world: World, records: Records, totals: Totals) -> pl.DataFrame:
    """One row a key and cause that was open at the end of a day: day (first seen), leg, entity, key, currency, cause, amount,
    injected.

    amount is left - right in 1/100 as of the last day on which the key was open; stays_open: it still is at the end.
    """
    running = _run(_plain_claims(world, records, totals))
    last_day = world.plan.days - 1
    marks = pl.DataFrame(records.marks, schema={"o": pl.Int64, "leg": pl.String, "mark": pl.String}, orient="row")
    sums = pl.DataFrame(totals.marks, schema={"leg": pl.String, "key": pl.String, "sum_mark": pl.String}, orient="row")
    seconds = pl.DataFrame(
        records.seconds, orient="row",
        schema={"leg": pl.String, "key": pl.String, "second_cause": pl.String, "second": pl.Int64})
    found = (
        _found(running, last_day).join(marks, on=["o", "leg"], how="left").join(sums, on=["leg", "key"], how="left")
        # a wrong quantity never clears; an order's other goods that did were only on their way
        .with_columns(mark=pl.when(
            (pl.col("leg") == "order_shipment") & pl.col("mark").is_in(["amount_entry", "duplicate"]) & ~pl.col("stays_open")
        ).then(None).otherwise(pl.col("mark")))
        .with_columns(cause=pl.coalesce("mark", "sum_mark", "cause"))
        .with_columns(injected=pl.col("cause").is_not_null(), cause=pl.col("cause").fill_null("timing"))
    )
    columns = ["day", *_KEY, "cause", "amount", "injected", "o", "stays_open"]
    twice = found.join(seconds, on=["leg", "key"], how="inner")
    simple = found.join(seconds, on=["leg", "key"], how="left").with_columns(
        amount=pl.col("amount") - pl.col("second").fill_null(0)).filter(
        pl.col("second").is_null() | (pl.col("amount") != 0))  # a line whose only fault is the second one of its order
    second = twice.with_columns(amount="second", cause="second_cause")
    lines = pl.concat([
        part.with_columns(sum_key=pl.col("key").str.split("/").list.first() + "/" + part["leg"][0], measure=pl.col("leg"))
        for part in _finance_claims(records, totals) if part.height
    ])
    # what moves the discount is what the line's own mark says; a second fault of a cent goes with it, unless it is the line's
    # only one
    alone = twice.filter(pl.col("amount") == pl.col("second")).select(
        "key", detail_leg="leg", alone=pl.col("second_cause"))
    shown_by = pl.col("measure").replace_strict(
        {"revenue": "order_platform", "discount": "order_platform", "refund": "order_payment"}, return_dtype=pl.String)
    also_unrecorded = [key for _, key, cause, _ in records.seconds if cause == "refund_unrecorded"]
    refunded = world.orders.filter(_ORDER_KEY.is_in(also_unrecorded))["o"].to_list()
    refund_marks = marks.with_columns(
        mark=pl.when(pl.col("o").is_in(refunded)).then(pl.lit("refund_unrecorded")).otherwise("mark"))
    buyers = _customer_claims(world, records, running)
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
    return pl.concat([frame.select(columns) for frame in (simple, second, *summed, paid)]).sort(*_KEY, "cause")


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
    amounts = [Decimal(amount).scaleb(-2) for amount in truth["amount"].to_list()]
    table = pa.table({
        "period": days, "leg": truth["leg"].to_list(), "entity": truth["entity"].to_list(),
        "key": truth["key"].to_list(), "currency": truth["currency"].to_list(), "cause": truth["cause"].to_list(),
        "difference": amounts, "injected": truth["injected"].to_list(),
    }, schema=TRUTH)
    pq.write_table(table, path)

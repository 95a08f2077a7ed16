"""The claims of every leg once more, in plain polars and on their own, from the records as they were written to the files."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from duizhang.simulate.chart import (
    BANK_LEDGERS,
    FEE_ACCOUNTS,
    FX_LEDGER,
    REFUND_ACCOUNTS,
    SALES_ACCOUNTS,
    US_BANK_ACCOUNT,
    owners_of_accounts,
)
from duizhang.simulate.rates import ZONES, commission_of, fee_of, freight_of, to_home
from duizhang.simulate.raw_rows import Records, parcels
from duizhang.simulate.sums import Totals
from duizhang.simulate.world import PROVIDERS, UNPAID, Plan, World, dates

UNIT = 10_000  # of a currency and of a piece: claims and the truth are counted in these parts
KEY = ["leg", "entity", "key", "currency"]
COLUMNS = [*KEY, "day", "amount", "quantity", "attribute", "o", "cause"]
_ABROAD = {SALES_ACCOUNTS["us-01"], REFUND_ACCOUNTS["us-01"], BANK_LEDGERS[US_BANK_ACCOUNT], FX_LEDGER}
STATED = ("tb-01", "jd-01")
ORDER_KEY = pl.concat_str("shop", "order_id", separator="/")
LINE_KEY = pl.concat_str("shop", "order_id", "line_id", separator="/")


def _claims(
    plan: Plan, frame: pl.DataFrame, leg: str, key: pl.Expr, amount: pl.Expr, *, sign: int, currency: str | None = None,
    entity: pl.Expr | None = None, quantity: pl.Expr | None = None, attribute: pl.Expr | None = None,
    cause: pl.Expr | None = None, order: bool = True,
) -> pl.DataFrame:
    """Signed claims: sign +1 is the left side. Amounts become 1/UNIT; attribute is text, summed as a signed hash.

    entity and currency are the frame's columns unless they are given.
    """
    nothing = pl.lit(0, pl.Int64)
    parts = pl.lit(100) if currency == "PCS" else pl.lit(UNIT // 10**plan.places)  # pieces come in hundredths
    if currency is None and (abroad := {"shop": "us-01", "provider": "cardpay"}.keys() & set(frame.columns)):
        name = "shop" if "shop" in abroad else "provider"
        parts = pl.when(pl.col(name) == ("us-01" if name == "shop" else "cardpay")).then(UNIT // 100).otherwise(parts)
    return frame.select(
        leg=pl.lit(leg), entity=pl.col("entity") if entity is None else entity, key=key,
        currency=pl.col("currency") if currency is None else pl.lit(currency), day=pl.col("day").cast(pl.Int64),
        amount=amount.cast(pl.Int64) * parts * sign, quantity=(nothing if quantity is None else quantity.cast(pl.Int64)) * sign,
        attribute=nothing if attribute is None else (attribute.hash(7) % 1_099_511_627_689).cast(pl.Int64) * sign,
        o=pl.col("o").cast(pl.Int64) if order else pl.lit(-1, pl.Int64),
        cause=pl.lit(None, pl.String) if cause is None else cause,
    )


def _by_provider(values: Sequence[str]) -> pl.Expr:
    return pl.col("provider").replace_strict(dict(zip(PROVIDERS, values, strict=True)), return_dtype=pl.String)


def _payer(plan: Plan) -> dict[str, pl.Expr]:
    """entity and currency of a provider's rows."""
    return {"entity": _by_provider(plan.owners), "currency": _by_provider(plan.currencies)}


def _order_claims(plan: Plan, records: Records) -> list[pl.DataFrame]:
    books, platform = (frame.filter("is_paid") for frame in (records.books, records.platform))
    goods = pl.concat_str("shop", "order_id", "sku", separator="/")
    # how far each system has come with an order, paid, sent or completed, is no disagreement
    stands = pl.when(pl.col("status").is_in(["shipped", "completed"])).then(pl.lit("paid")).otherwise(pl.col("status"))
    looks = pl.concat_str("sku", stands, separator="|")
    amount, pieces = pl.col("amount"), pl.col("quantity")
    wanted = books.filter((pl.col("sku") != "") & pl.col("status").is_in(["closed", UNPAID]).not_())
    shipped = records.shipments.with_columns(day=pl.col("ship_day"))
    return [
        _claims(plan, books.filter(pl.col("shop_no") < 2), "order_platform", LINE_KEY, amount, sign=1, quantity=pieces,
                attribute=looks),
        _claims(plan, platform, "order_platform", LINE_KEY, amount, sign=-1, quantity=pieces, attribute=looks),
        _claims(plan, books, "order_payment", ORDER_KEY, amount, sign=1),
        _claims(plan, records.books_refunds, "order_payment", ORDER_KEY, amount, sign=-1),
        _claims(plan, records.payments, "order_payment", ORDER_KEY, amount, sign=-1),
        _claims(plan, records.provider_refunds, "order_payment", ORDER_KEY, amount, sign=1),
        _claims(plan, wanted, "order_shipment", goods, pieces * 100, sign=1, currency="PCS"),
        _claims(plan, shipped, "order_shipment", goods, pieces * 100, sign=-1, currency="PCS"),
    ]


def _return_claims(plan: Plan, records: Records) -> list[pl.DataFrame]:
    case, amount = pl.concat_str("shop", "refund_id", separator="/"), pl.col("amount")
    granted = records.books_refunds.filter(pl.col("kind") == "refund_only")
    return [
        _claims(plan, records.returns, "return_refund", case, amount, sign=1),
        _claims(plan, granted, "return_refund", case, amount, sign=1),
        _claims(plan, records.provider_refunds, "return_refund", case, amount, sign=-1),
    ]


def _money_claims(plan: Plan, records: Records, totals: Totals) -> list[pl.DataFrame]:
    txn = pl.concat_str("provider", "txn", separator="/")
    payout = pl.col("payout_id")
    net = pl.col("amount") - pl.col("fee")
    back = records.provider_refunds.filter(pl.col("provider") != "jd")  # JD's refunds are its own settlement lines
    sold = records.jd_bill.filter((pl.col("fee_name") == "货款") & (pl.col("service_id") == ""))
    moved = totals.fund.filter(pl.col("kind") != "payout").with_columns(**_payer(plan))
    sent = totals.payouts.with_columns(**_payer(plan))
    received = totals.bank.filter(pl.col("reference") != "").with_columns(**_payer(plan))
    unnamed = totals.bank.filter(pl.col("text").is_not_null()).with_columns(**_payer(plan))
    abroad = received.filter("abroad")
    result = pl.col("reference") + "/fx"
    return [
        _claims(plan, records.payments, "payment_settlement", txn, net, sign=1),
        _claims(plan, back, "payment_settlement", txn, -pl.col("amount") - pl.col("fee"), sign=1),
        _claims(plan, moved, "payment_settlement", txn, pl.col("amount"), sign=-1),
        _claims(plan, sold, "payment_settlement", "jd/" + pl.col("order_id"), pl.col("amount"), sign=-1, entity=pl.lit(plan.owners[1]),
                currency=plan.currency),
        _claims(plan, sent, "payout_bank", payout, pl.col("amount"), sign=1, order=False),
        _claims(plan, received, "payout_bank", pl.col("reference"),
                pl.when("abroad").then("original").otherwise("amount"), sign=-1, order=False),
        _claims(plan, unnamed, "payout_bank", pl.concat_str(pl.lit("bank"), "account", "entry_id", separator="/"), pl.col("amount"),
                sign=-1, order=False),
        _claims(plan, abroad, "payout_bank", result, pl.col("converted") + pl.col("gain"), sign=1, order=False, currency=plan.currency),
        _claims(plan, abroad, "payout_bank", result, pl.col("amount"), sign=-1, order=False, currency=plan.currency),
    ]


def _fee_claims(plan: Plan, records: Records, totals: Totals) -> list[pl.DataFrame]:
    txn = pl.concat_str("provider", "txn", pl.lit("fee"), separator="/")
    # a fee is due once a transaction, however many rows it has
    own = records.payments.filter(pl.col("provider") != "jd").group_by("provider", "txn", "day", "entity", "currency").agg(
        pl.col("amount").sum(), pl.col("o").first())
    given_back = records.provider_refunds.filter(pl.col("provider") == "wechat")
    charged = totals.fund.filter(pl.col("kind") == "fee").with_columns(**_payer(plan))
    commission = "jd/" + pl.col("order_id") + "/commission"
    lines = records.platform.filter("is_paid" & (pl.col("provider") == "jd"))
    return [
        _claims(plan, own, "fee", txn, fee_of(plan, pl.col("amount")), sign=1),
        _claims(plan, given_back, "fee", txn, -fee_of(plan, pl.col("amount")), sign=1),
        _claims(plan, charged, "fee", txn, -pl.col("amount"), sign=-1),
        _claims(plan, lines, "fee", commission, commission_of(pl.col("amount"), pl.col("category")), sign=1),
        _claims(plan, records.jd_bill.filter(pl.col("fee_name") == "佣金"), "fee", commission, -pl.col("amount"), sign=-1,
                entity=pl.lit(plan.owners[1]), currency=plan.currency),
    ]


def _freight_claims(plan: Plan, records: Records) -> list[pl.DataFrame]:
    tracking = "SF/" + pl.col("tracking")
    handed_over = parcels(records.shipments).filter(pl.col("zone").is_in(list(ZONES)))
    return [
        _claims(plan, handed_over, "freight", tracking, freight_of(plan, pl.col("grams"), pl.col("zone")), sign=1, currency=plan.currency),
        _claims(plan, records.carrier, "freight", tracking, pl.col("amount"), sign=-1, currency=plan.currency),
    ]


def _stock_claims(plan: Plan, totals: Totals) -> list[pl.DataFrame]:
    """The difference of two levels on the days on which both are observed, as changes since the time before."""
    owners = dict(zip(plan.warehouses, plan.owners, strict=True))

    def levels(frame: pl.DataFrame, place: str, kind: str, right: str) -> pl.DataFrame:
        change = pl.col("gap") - pl.col("gap").shift(1).over(place, "sku").fill_null(0)
        frame = frame.sort(place, "sku", "day").with_columns(gap=pl.col("quantity") - pl.col(right))
        return _claims(plan, frame.with_columns(change=change), "stock", pl.concat_str(place, "sku", pl.lit(kind), separator="/"),
            pl.col("change") * 100, sign=1, currency="PCS", cause=pl.col("cause"), order=False,
            entity=pl.col("warehouse").replace_strict(owners, return_dtype=pl.String),
        )

    return [levels(totals.counts, "warehouse", "count", "counted"),
            levels(totals.shop_stock, "shop", "platform", "available")]


def _ledger_claims(plan: Plan, records: Records, totals: Totals) -> list[pl.DataFrame]:
    def measure(frame: pl.DataFrame, account: pl.Expr, amount: pl.Expr, sign: int = 1) -> pl.DataFrame:
        """Day totals an account; the currency is that of the rows, but for the shop abroad, which is converted."""
        daily = frame.with_columns(account=account).group_by("account", "day", "currency").agg(amount=amount.sum())
        abroad = pl.col("account").is_in(list(_ABROAD))
        converted = pl.when(abroad & (pl.col("currency") == "USD")).then(
            to_home(plan, pl.col("amount"), pl.col("day"))).otherwise("amount")
        return _claims(
            plan, daily.with_columns(amount=converted, currency=pl.when(abroad).then(pl.lit(plan.currency)).otherwise("currency")),
            "ledger",
            pl.col("account") + "/" + dates(plan, pl.col("day"), "%Y-%m-%d"), pl.col("amount"), sign=sign, order=False,
            entity=pl.col("account").replace_strict(owners_of_accounts(plan), return_dtype=pl.String),
        )

    local = {"currency": pl.lit(plan.currency)}
    declared = owners_of_accounts(plan)
    posted = totals.journal.filter(pl.col("booked_account").is_in(list(declared))).with_columns(
        day=pl.col("booked_day"), **local)
    fees = totals.fund.filter((pl.col("kind") == "fee") & pl.col("provider").is_in(list(FEE_ACCOUNTS)))
    return [
        measure(records.books.filter("is_paid"), pl.col("shop").replace_strict(SALES_ACCOUNTS), -pl.col("amount")),
        measure(records.books_refunds, pl.col("shop").replace_strict(REFUND_ACCOUNTS), pl.col("amount")),
        measure(fees.with_columns(**local), pl.col("provider").replace_strict(FEE_ACCOUNTS), -pl.col("amount")),
        measure(totals.bank.with_columns(**local), pl.col("account").replace_strict(BANK_LEDGERS), pl.col("amount")),
        measure(totals.bank.filter(pl.col("gain") != 0).with_columns(**local), pl.lit(FX_LEDGER), -pl.col("gain")),
        measure(posted, pl.col("booked_account"), pl.col("debit"), -1),
    ]


def finance_claims(plan: Plan, records: Records, totals: Totals) -> list[pl.DataFrame]:
    """Every line beside what the platform states; a day that it leaves out is a claim with the cause missing_source."""
    def measure(name: str, frame: pl.DataFrame, key: pl.Expr, amount: pl.Expr, sign: int) -> pl.DataFrame:
        rows = frame.filter(pl.col("shop").is_in(STATED))
        return _claims(plan, rows, name, key, amount, sign=sign).with_columns(key=pl.col("key").cast(pl.String))

    books, platform = (frame.filter("is_paid") for frame in (records.books, records.platform))
    given_away = pl.col("price") * pl.col("quantity") - pl.col("amount")
    omitted = totals.statements.filter(~pl.col("stated") & pl.col("measure").is_in(["revenue", "discount", "refund"]))
    left_out = [
        _claims(plan, omitted.filter(pl.col("measure") == name), name, pl.col("shop"), pl.col("amount"), sign=1, order=False,
                currency=plan.currency, entity=pl.lit(plan.owners[1]), cause=pl.lit("missing_source"))
        for name in ("revenue", "discount", "refund")
    ]
    return [
        measure("revenue", books, LINE_KEY, pl.col("amount"), 1),
        measure("revenue", platform, LINE_KEY, pl.col("amount"), -1),
        measure("discount", books.filter(pl.col("quantity") > 0), LINE_KEY, given_away, 1),
        measure("discount", platform.filter(pl.col("quantity") > 0), LINE_KEY, given_away, -1),
        measure("refund", records.books_refunds, ORDER_KEY, pl.col("amount"), 1),
        measure("refund", records.provider_refunds, ORDER_KEY, pl.col("amount"), -1),
        *left_out,
    ]


def customer_claims(world: World, records: Records, running: pl.DataFrame) -> pl.DataFrame:
    """The claims of order_payment with the customer whom our own records of the day, or the open order, name."""
    plan, books, granted = world.plan, records.books.filter("is_paid"), records.books_refunds
    ours = pl.concat([frame.select("o", "day").with_columns(pl.col("day").cast(pl.Int64)) for frame in (books, granted)]).unique()
    left = [_claims(plan, books, "customer", ORDER_KEY, pl.col("amount"), sign=1),
            _claims(plan, granted, "customer", ORDER_KEY, pl.col("amount"), sign=-1)]
    paid = records.payments.filter(~pl.col("damaged"))
    right = pl.concat([_claims(plan, paid, "customer", ORDER_KEY, pl.col("amount"), sign=-1),
                       _claims(plan, records.provider_refunds, "customer", ORDER_KEY, pl.col("amount"), sign=1)])
    nobodys = _claims(plan, records.payments.filter("damaged"), "customer", ORDER_KEY, pl.col("amount"), sign=-1)
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


def plain_claims(world: World, records: Records, totals: Totals) -> pl.DataFrame:
    """The claims of every leg that adds up no others."""
    plan = world.plan
    parts = [*_order_claims(plan, records), *_return_claims(plan, records), *_money_claims(plan, records, totals),
             *_fee_claims(plan, records, totals), *_freight_claims(plan, records), *_stock_claims(plan, totals),
             *_ledger_claims(plan, records, totals)]
    return pl.concat([part.select(COLUMNS) for part in parts])

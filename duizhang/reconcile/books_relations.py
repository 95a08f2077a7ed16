"""books.yaml as the relations that models read: shops, accounts, rate cards, tolerances, policies, rates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa

from duizhang.books import TRANSIT_DAYS, Books, RateCard, RateTier
from duizhang.declared.currency import minor_units
from duizhang.declared.legs import load_legs, settlement_terms
from duizhang.declared.schema import DAY, MONEY, PERCENT, RATE, TEXT
from duizhang.ingest import load_specs


def _waits(books: Books) -> list[tuple[str, str, str, int, bool]]:
    """(leg, shop, channel, days, whether only until it is answered): for how long a counterpart is waited for, of a shop before those of a
    channel, and of a channel before those of the leg. `leg/name` is of the shop of that name, of the shops on the platform of that name,
    and of the channel of that name."""
    defaults = {leg: found for leg, found in load_legs().items() if leg not in books.sla_days}
    rows = [(leg, "", "", found.sla_days, False) for leg, found in defaults.items()]
    rows += [
        (leg, "", channel, days, True) for leg, found in defaults.items() for channel, days in found.channel_days.items()
        if f"{leg}/{channel}" not in books.sla_days
    ]
    # goods on their way between warehouses are given longer than a snapshot
    rows += [("stock", "", "transit", TRANSIT_DAYS, False)] if "stock/transit" not in books.sla_days else []
    of_shops: dict[tuple[str, str], int] = {}
    for key, days in sorted(books.sla_days.items()):
        leg, _, name = key.partition("/")
        rows.append((leg, "", name, days, False))
        of_platform = {shop for shop, found in books.shops.items() if name == found.platform != found.provider}
        for shop in of_platform | ({name} & books.shops.keys()):
            if shop == name or f"{leg}/{shop}" not in books.sla_days:
                of_shops[leg, shop] = days
    return rows + [(leg, shop, "", days, False) for (leg, shop), days in sorted(of_shops.items())]


def books_relations(books: Books) -> dict[str, pa.Table]:
    """Relation -> its rows."""
    shops = [
        (name, books.entity_of(name), shop.platform, shop.provider, shop.warehouse, shop.currency or books.currency)
        for name, shop in sorted(books.shops.items())
    ]
    accounts = [
        (code, a.name, a.measure, a.shop, a.provider, a.bank_account, books.entity_of_account(a))
        for code, a in sorted(books.accounts.items())
    ]
    cards = [
        (number, c.kind, c.provider, c.from_day, c.category, c.fixed or Decimal(0), c.minimum, c.cap,
         c.on_refund == "returned", c.zone, c.currency or (books.currency if c.kind == "freight" else ""), c.first_weight, c.first_price,
         c.step_weight, c.step_price)
        for number, c in enumerate(books.rate_cards)
    ]
    tiers = [
        (number, lower, tier.up_to, tier.percent)
        for number, c in enumerate(books.rate_cards)
        for lower, tier in _steps(c)
    ]
    warehouses = sorted({shop.warehouse for shop in books.shops.values() if shop.warehouse})
    return {
        "minor_units": minor_units(),
        "sla": rows_of(_waits(books), leg=TEXT, shop=TEXT, channel=TEXT, days=pa.int64(), until_answered=pa.bool_()),
        "shops": rows_of(
            shops, shop=TEXT, entity=TEXT, platform=TEXT, provider=TEXT, warehouse=TEXT, currency=TEXT
        ),
        "account_map": rows_of(
            accounts, account=TEXT, name=TEXT, measure=TEXT, shop=TEXT, provider=TEXT, bank_account=TEXT, entity=TEXT
        ),
        "own_refund_ids": rows_of([(name,) for name in _own_refund_ids(books)], provider=TEXT),
        "kept_payments": rows_of([(name,) for name, term in settlement_terms().items() if term.settlements], provider=TEXT),
        "bank_account_owners": rows_of(sorted(books.bank_account_owners.items()), bank_account=TEXT, entity=TEXT),
        "silent_accounts": rows_of([(number,) for number in sorted(books.silent_accounts)], bank_account=TEXT),
        "warehouse_owners": rows_of(
            [(name, books.entity_of_warehouse(name)) for name in warehouses], warehouse=TEXT, entity=TEXT
        ),
        "tolerances": rows_of(sorted(books.tolerances.items()), leg=TEXT, tolerance=MONEY),
        "policy_changes": rows_of(
            [(p.leg, p.from_day, p.until_day, p.description, p.key, p.percent) for p in books.policy_changes],
            leg=TEXT, from_day=DAY, until_day=DAY, description=TEXT, key_prefix=TEXT, percent=PERCENT,
        ),
        "rate_cards": rows_of(
            cards, card=pa.int64(), kind=TEXT, provider=TEXT, from_day=DAY, category=TEXT, fixed=MONEY, minimum=MONEY,
            cap=MONEY, on_refund=pa.bool_(), zone=TEXT, currency=TEXT, first_weight=MONEY, first_price=MONEY, step_weight=MONEY,
            step_price=MONEY,
        ),
        "rate_tiers": rows_of(tiers, card=pa.int64(), lower=MONEY, upper=MONEY, percent=PERCENT),
        "fx_declared": rows_of(
            [(r.from_day, r.base, r.quote, r.rate) for r in books.fx_rates], period=DAY, base=TEXT, quote=TEXT, rate=RATE
        ),
        "leg_traits": rows_of(
            [(leg, *found.traits.values()) for leg, found in load_legs().items()],
            leg=TEXT, in_sequence=pa.bool_(), silent_day=pa.bool_(), own_days=pa.int64(), lines_days=pa.int64(),
            waits_days=pa.int64(), answer_days=pa.int64(), waits_all=pa.bool_(),
        ),
        "instalments_declared": rows_of(
            [(i.shop, i.from_day, i.until_day, i.days) for i in books.instalments], shop=TEXT, from_day=DAY, until_day=DAY,
            days=pa.int64(),
        ),
        "fee_billing": rows_of(_billing(books), provider=TEXT, from_day=DAY, until_day=DAY, days=pa.int64()),
        "stock_allocations": rows_of(
            [(a.shop, a.sku, a.from_day, a.keep, a.percent) for a in books.stock_allocations], shop=TEXT, sku=TEXT,
            from_day=DAY, keep=MONEY, percent=PERCENT,
        ),
        "waiting_settings": rows_of([(books.deposit_days, books.delivery_days)], deposit_days=pa.int64(), delivery_days=pa.int64()),
        "fx_settings": rows_of([(books.fx_tolerance_percent, books.currency)], tolerance_percent=PERCENT, currency=TEXT),
    }


def _own_refund_ids(books: Books) -> list[str]:
    """The providers whose specifications say that the ids of their refunds are their own."""
    named = {
        table.columns.get("provider", "") for spec in load_specs(books.sources_path).values() if spec.refund_ids == "provider"
        for table in spec.tables if table.table == "refunds"
    }
    return sorted(name.strip("'") for name in named if name.startswith("'"))


def _billing(books: Books) -> list[tuple[str, dt.date, dt.date, int]]:
    """Of each provider the spans of days in which a declared billing holds; the next one of the provider ends it."""
    spans = []
    for one in books.fee_billing:
        later = [other.from_day for other in books.fee_billing if other.provider == one.provider and other.from_day > one.from_day]
        end = min(later) - dt.timedelta(days=1) if later else dt.date.max
        spans.append((one.provider, one.from_day, end, one.days))
    return sorted(spans)


def _steps(card: RateCard) -> list[tuple[Decimal, RateTier]]:
    """Lower bound and tier of each part of an amount; a plain percentage is one tier, a freight card has none."""
    tiers = card.tiers or ((RateTier(percent=card.percent),) if card.percent is not None else ())
    bounds = [Decimal(0), *(tier.up_to for tier in tiers[:-1] if tier.up_to is not None)]
    return list(zip(bounds, tiers, strict=False))


def rows_of(rows: Sequence[tuple[object, ...]], **columns: pa.DataType) -> pa.Table:
    """A table of these rows; columns: name -> type, in order."""
    parts = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
    return pa.table([pa.array(list(part), kind) for part, kind in zip(parts, columns.values(), strict=True)],
                    schema=pa.schema(list(columns.items())))


__all__ = ["books_relations", "rows_of"]

"""Goods under several codes: what books.yaml says of them, and what becomes of claims whose code nobody knows.

An order with a code that is not known cannot be held against its other side by SKU. Its claims stand by the order instead,
and the code is one item. What was open of such an order before is moved, day by day, so that a range gives what its days give.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import duckdb
import pyarrow as pa

from duizhang.books import Books
from duizhang.ingest import load_specs
from duizhang.schema import CLAIM, DAY, MONEY, RATE, TEXT

# the legs that compare by SKU
BY_SKU = ("order_platform", "order_shipment", "return_refund")
# the others whose keys may name a shop
BY_ORDER = ("order_payment", "payment_settlement", "fee")
# tables by the company's SKUs, each made of the canonical table with the codes as they came
MAPPED = {
    "mapped_orders": "orders", "mapped_refunds": "placed_refunds", "mapped_shipments": "placed_shipments",
    "mapped_returns": "placed_returns",
    "mapped_moves": "stock_moves", "mapped_snapshots": "stock_snapshots", "mapped_counts": "stock_counts",
    "order_parts": "mapped_orders",
}
# tables in which the rows of shared accounts have their shops, each made of the canonical table
PLACED = {
    "placed_payments": "payments", "placed_refunds": "refunds", "placed_settlements": "settlements", "placed_shipments": "shipments",
    "placed_returns": "returns", "placed_freight": "freight_charges",
}
_SHARE = """
create macro share_between(amount, low, high, units, unit) as (
    case when high = 1 then amount else round((amount * high)::decimal(36, 10) * units, 0) * unit end
    - case when low = 1 then amount else round((amount * low)::decimal(36, 10) * units, 0) * unit end
)::decimal(28, 4)
"""


def goods_tables(books: Books) -> dict[str, pa.Table]:
    """What books.yaml says of goods, as relations: sku_map_declared, bundles_declared, goods_settings."""
    codes = [
        {"period": c.from_day or books.start, "system": c.system, "shop": c.shop, "code": c.code, "sku": c.sku} for c in books.sku_map
    ]
    parts = [
        {"period": b.from_day or books.start, "set_sku": b.sku, "sku": part.sku, "quantity": part.quantity, "share": part.share}
        for b in books.bundles for part in b.parts
    ]
    shared = sorted(books.shared_accounts.items())
    accounts = [
        {"account": name, "warehouse": a.warehouse, "carrier": a.carrier, "is_provider": bool(a.provider)} for name, a in shared
    ]
    shops = [{"account": name, "shop": shop, "entity": books.entity_of(shop)} for name, a in shared for shop in a.shops]
    rules = [
        {"account": name, "number": n, "shop": r.shop, "entity": books.entity_of(r.shop), "order_prefix": r.order_prefix,
         "transaction_prefix": r.transaction_prefix}
        for name, a in shared for n, r in enumerate(a.rules)
    ]
    gifts = [
        {"sku": g.sku, "shop": g.shop, "from_day": g.from_day, "until_day": g.until_day or dt.date.max, "per_order": g.per_order}
        for g in books.gifts
    ]
    settings = [{"own_skus": books.own_skus, "declared_from": _declared_from(books)}]
    grains = [{"shop": name, "compare_by": shop.compare_by} for name, shop in sorted(books.shops.items())]
    return {
        "gifts": pa.Table.from_pylist(gifts, schema=pa.schema(
            [("sku", TEXT), ("shop", TEXT), ("from_day", DAY), ("until_day", DAY), ("per_order", MONEY)])),
        "order_grains": pa.Table.from_pylist(grains, schema=pa.schema([("shop", TEXT), ("compare_by", TEXT)])),
        "shared_accounts": pa.Table.from_pylist(accounts, schema=pa.schema(
            [("account", TEXT), ("warehouse", TEXT), ("carrier", TEXT), ("is_provider", pa.bool_())])),
        "shared_account_shops": pa.Table.from_pylist(shops, schema=pa.schema([("account", TEXT), ("shop", TEXT), ("entity", TEXT)])),
        "placing_rules": pa.Table.from_pylist(rules, schema=pa.schema(
            [("account", TEXT), ("number", pa.int64()), ("shop", TEXT), ("entity", TEXT), ("order_prefix", TEXT),
             ("transaction_prefix", TEXT)])),
        "sku_map_declared": pa.Table.from_pylist(codes, schema=pa.schema(
            [("period", DAY), ("system", TEXT), ("shop", TEXT), ("code", TEXT), ("sku", TEXT)])),
        "bundles_declared": pa.Table.from_pylist(parts, schema=pa.schema(
            [("period", DAY), ("set_sku", TEXT), ("sku", TEXT), ("quantity", MONEY), ("share", RATE)])),
        "goods_settings": pa.Table.from_pylist(settings, schema=pa.schema([("own_skus", TEXT), ("declared_from", DAY)])),
    }


def _declared_from(books: Books) -> dt.date | None:
    """Since when books.yaml says that a map or sets come as files or out of a database; None where it does not."""
    specs = load_specs(books.sources_path)
    named = [(e.source, e.from_day or books.start) for e in books.expected] + [(d.source, books.start) for d in books.databases]
    feeding = [
        since for source, since in named
        if source in specs and {t.table for t in specs[source].tables} & {"sku_map", "bundles"}
    ]
    return min(feeding, default=None)


def prepare_goods(con: duckdb.DuckDBPyConnection, books: Books) -> None:
    """Put in place what the models of goods read besides tables."""
    con.execute(_SHARE)
    for name, table in goods_tables(books).items():
        con.register(name, table)
    con.register("no_claims", CLAIM.empty_table())
    con.execute("create table held_claims as select * from no_claims")
    con.execute("create table claims_of_day as select * from no_claims")
    con.execute("set variable moves_day = ?::date", [books.start])


def place_rows(con: duckdb.DuckDBPyConnection, query: Callable[[str], str], temporary: str = "") -> None:
    """The tables with the shops of shared accounts as views; where there are none, the canonical tables themselves."""
    plain = not con.execute("select 1 from shared_accounts limit 1").fetchall()
    for name, table in PLACED.items():
        made = f"select * from {table}" if plain else query(f"derived/{name}.sql")
        con.execute(f"create or replace {temporary} view {name} as {made}")


def map_goods(con: duckdb.DuckDBPyConnection, query: Callable[[str], str], temporary: str = "") -> None:
    """The mapped tables as views; where there is nothing to map, the canonical tables themselves. query: the text of a model."""
    plain = not con.execute(
        "select 1 from coded_goods where sku <> code union all select 1 from bundle_parts limit 1"
    ).fetchall()
    for name, table in MAPPED.items():
        made = f"select * from {table}" if plain else query(f"derived/{name}.sql")
        con.execute(f"create or replace {temporary} view {name} as {made}")


def fall_back(
    con: duckdb.DuckDBPyConnection, run: Callable[[str], None], leg: str, periods: Sequence[dt.date]
) -> None:
    """In `claims`, those of the leg that is being made: orders with a code that is not known go by the order, from that day on
    and with what was open of them; what was open without a shop goes to that of its order on the day on which it is known."""
    if leg not in (*BY_SKU, *BY_ORDER):
        return
    con.execute("set variable moves_leg = ?", [leg])
    con.execute(
        "create or replace temp table orders_by_order as "
        "select distinct entity, shop, order_id from claims where order_id <> '' and starts_with(shop, 'unassigned/') union "
        "select distinct entity, shop, order_id from opening_claims "
        "where leg = getvariable('moves_leg') and order_id <> '' and starts_with(shop, 'unassigned/') union "
        "select distinct entity, shop, order_id from claims where starts_with(sku, '?') and order_id <> '' "
        f"and {leg in BY_SKU} union "
        "select distinct entity, shop, order_id from opening_claims where leg = getvariable('moves_leg') and order_id <> '' "
        "and (ends_with(\"key\", '/*') and leg in ('order_platform', 'order_shipment', 'return_refund') "
        "or leg = 'order_platform' and starts_with(attribute, 'status='))"
    )
    con.execute(
        "create or replace temp table held_claims as "
        "select o.* exclude (first_seen, claimed) replace (claimed as period) from opening_claims as o "
        "left join orders_by_order as b using (entity, shop, order_id) "
        "where o.leg = getvariable('moves_leg') and (b.order_id is not null or o.kind = 'unmapped')"
    )
    if not con.execute("select 1 from orders_by_order union all select 1 from held_claims limit 1").fetchall():
        con.execute("drop table temp.orders_by_order; drop table temp.held_claims")
        return
    con.execute(
        "create or replace temp table moving as select c.* from claims as c semi join orders_by_order using (entity, shop, order_id)"
    )
    con.execute("create or replace table claims as select c.* from claims as c anti join orders_by_order using (entity, shop, order_id)")
    for day in periods:
        con.execute("set variable moves_day = ?::date", [day])
        con.execute("create or replace temp table claims_of_day as select * from moving where period = getvariable('moves_day')")
        run("sides/moves_of_day.sql")
        con.execute("insert into claims by name select * from moves_of_day")
        con.execute(f"create or replace temp table held_claims as {_STILL_OPEN}")
    con.execute("drop table temp.orders_by_order; drop table temp.held_claims; drop table temp.claims_of_day; drop table temp.moving")


# what of these orders and codes does not net at the end of a day: what the next day opens with
_STILL_OPEN = """
with said as (
    select * from held_claims
    union all by name
    select * from moves_of_day
),
decided as (
    select c.*
    from corrections as c
    semi join said as s on c.entity = s.entity and c."key" = s."key" and c.currency = s.currency
    where c.leg = getvariable('moves_leg') and c.period = getvariable('moves_day')
),
whole as (
    select * from said
    union all by name
    select * from decided
),
open_keys as (
    select entity, "key", currency
    from whole
    group by all
    having sum(case side when 'left' then amount else -amount end) <> 0
        or sum(case side when 'left' then quantity else -quantity end) <> 0
        or not bool_or(kind in ('correction', 'write_off'))
        and list_sort(list(attribute order by attribute) filter (side = 'left' and attribute is not null))
            is distinct from list_sort(list(attribute order by attribute) filter (side = 'right' and attribute is not null))
)
select w.*
from whole as w
semi join open_keys as k on w.entity = k.entity and w."key" = k."key" and w.currency = k.currency
"""


__all__ = ["MAPPED", "PLACED", "fall_back", "goods_tables", "map_goods", "place_rows", "prepare_goods"]

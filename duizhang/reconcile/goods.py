"""Goods under several codes: what books.yaml says of them, and what becomes of claims whose code nobody knows.

An order with a code that is not known cannot be held against its other side by SKU. Its claims stand by the order instead,
and the code is one item. What was open of such an order before is moved, day by day, so that a range gives what its days give.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa

from duizhang.books import Books
from duizhang.declared.schema import DAY, MONEY, RATE, TEXT
from duizhang.ingest import load_specs

if TYPE_CHECKING:
    from duizhang.reconcile.session import Session

# the legs whose claims may be moved: those that compare by SKU, and the others whose keys may name a shop
MOVED = ("order_platform", "order_shipment", "return_refund", "order_payment", "payment_settlement", "fee")
# of them those in which both sides say which goods an order has, each by codes of its own
GOODS = ("order_platform", "order_shipment")
_CODES_APART = "entity varchar, side varchar, system varchar, code varchar, sku varchar, is_answered boolean"


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
        {"account": name, "warehouse": a.warehouse, "carrier": a.carrier, "provider": a.provider,
         "is_provider": bool(a.provider)}
        for name, a in shared
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
    unsent = [{"sku": n.sku, "shop": n.shop, "from_day": n.from_day or books.start} for n in books.not_shipped]
    settings = [{"own_skus": books.own_skus, "declared_from": _declared_from(books)}]
    grains = [{"shop": name, "compare_by": shop.compare_by} for name, shop in sorted(books.shops.items())]
    alone = [{"shop": name, "entity": books.entity_of(name)} for name in books.shops] if len(books.shops) == 1 else []
    return {
        "only_shop": pa.Table.from_pylist(alone, schema=pa.schema([("shop", TEXT), ("entity", TEXT)])),
        "gifts": pa.Table.from_pylist(gifts, schema=pa.schema(
            [("sku", TEXT), ("shop", TEXT), ("from_day", DAY), ("until_day", DAY), ("per_order", MONEY)])),
        "not_shipped": pa.Table.from_pylist(unsent, schema=pa.schema([("sku", TEXT), ("shop", TEXT), ("from_day", DAY)])),
        "order_grains": pa.Table.from_pylist(grains, schema=pa.schema([("shop", TEXT), ("compare_by", TEXT)])),
        "shared_accounts": pa.Table.from_pylist(accounts, schema=pa.schema(
            [("account", TEXT), ("warehouse", TEXT), ("carrier", TEXT), ("provider", TEXT), ("is_provider", pa.bool_())])),
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


def move_claims(session: Session, leg: str) -> None:
    """In `leg_claims`, those of the leg that is being made: orders with a code that is not known go by the order, from that day on
    and with what was open of them; what was open without a shop goes to that of its order on the day on which it is known."""
    if leg not in MOVED:
        return
    con = session.con
    session.run("legs/orders_by_order.sql")
    if leg in GOODS:
        session.run("legs/orders_apart.sql")
        con.execute("insert into orders_by_order select * from orders_apart except select * from orders_by_order")
    session.run("legs/held_before.sql")
    if not con.execute("select 1 from orders_by_order union all select 1 from held_before limit 1").fetchall():
        return
    con.execute(f"create or replace table codes_apart ({_CODES_APART})")  # a leg without goods shows none
    session.run("legs/moving_claims.sql")
    session.run("legs/staying_claims.sql")
    session.set_claims("staying_claims")
    con.execute("create or replace table held_claims as select * from held_before")
    if leg in GOODS:  # once, as to look for them day by day would read all claims of the range for each
        con.execute(f'create or replace view past_of_leg as select * from "past_{leg}"')
        session.run("legs/code_sightings.sql")
        session.run("legs/codes_named.sql")
        con.execute("create or replace table moved_so_far as select * from leg_claims limit 0")
    for day in session.periods:
        con.execute("set variable moves_day = ?::date", [day])
        if not con.execute(
            "select 1 from held_claims union all select 1 from moving_claims where period = getvariable('moves_day') limit 1"
        ).fetchall():
            continue  # nothing to hold by the order, and nothing that was
        if leg in GOODS:
            session.run("legs/codes_doubted.sql")
            session.run("legs/codes_apart.sql")
        for model in ("claims_by_unit", "code_keys", "moves_found", "moves_of_day"):
            session.run(f"legs/{model}.sql")
        con.execute("insert into leg_claims by name select * from moves_of_day")
        if leg in GOODS:
            con.execute("insert into moved_so_far by name select * from moves_of_day")
        session.run("legs/held_after.sql")
        con.execute("create or replace table held_claims as select * from held_after")


__all__ = ["goods_tables", "move_claims"]

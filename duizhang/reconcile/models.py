"""The models and macros of `sql/`: which there are, room by room, and the digest of all that a result depends on."""

from __future__ import annotations

import hashlib

import duckdb

from duizhang.declared.legs import LEGS, legs_digest
from duizhang.declared.matching_passes import matching_digest
from duizhang.layout import SQL
from duizhang.reconcile.causes import causes_digest
from duizhang.reconcile.parts import parts_digest

# the folders in the order of the flow; besides them `legs` is run for every leg on its claims, and `passes` for every matching pass
ROOMS = ("derived", "claims", "sides", "open", "items", "matching", "causes", "variances", "marts")
LEG_MODELS = tuple(leg for leg in LEGS if (SQL / "claims" / f"{leg}.sql").is_file())
MART_MODELS = tuple(sorted(path.stem for path in (SQL / "marts").glob("*.sql")))
# the matching passes in the order in which they are tried; all but the search for combinations are models
PASSES = (
    "normal_key", "remark", "near_key", "split_key", "near_key_apart", "tolerance", "together", "keyless", "batch", "subset", "near_amount",
)
# views of what is known or left so far, which grows or shrinks with every model that reads them
SO_FAR = ("supplied_sides", "left_over")
# models that are views and no tables: read once, or another name for another one
VIEWS = (
    "scoped_claims", "run_claims", "code_keys", "moves_found", "open_items", "features", "paired", "suspected", *SO_FAR,
)
# Models that are views, and while books.yaml has no shared account and no payment a name of its own, or nothing to map, nothing but the
# table that they are made of: its rows with the shops of shared accounts and the orders of payments, and by the company's own SKUs.
PLACED = {
    "placed_payments": "payments", "placed_refunds": "refunds", "placed_settlements": "settlements", "placed_shipments": "shipments",
    "placed_returns": "returns", "placed_freight": "freight_charges",
}
OF_ONLY_SHOP = ("placed_shipments", "placed_returns")  # whose rows may name no shop where there is only one
OF_PAYMENTS = ("placed_payments", "placed_refunds", "placed_settlements")  # whose rows may call an order by its payment
MAPPED = {
    "mapped_orders": "orders", "mapped_refunds": "placed_refunds", "mapped_shipments": "placed_shipments",
    "mapped_returns": "placed_returns", "mapped_moves": "stock_moves", "mapped_snapshots": "stock_snapshots",
    "mapped_counts": "stock_counts", "order_parts": "mapped_orders",
}
# A table that is nothing but another one while every side that books.yaml declares has been there.
JOINED = {"item_claims": "open_claims"}


def model_text(path: str) -> str:
    """The SQL of a model by its path below `sql/`."""
    return (SQL / path).read_text(encoding="utf-8")


def prepare_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Put the macros of sql/macros in place."""
    for path in sorted((SQL / "macros").glob("*.sql")):
        con.execute(path.read_text(encoding="utf-8"))


def rules_digest() -> str:
    """SHA-256 over all of `sql/`, the causes, parts and passes: what a result depends on besides books.yaml."""
    total = hashlib.sha256(f"{causes_digest()} {parts_digest()} {matching_digest()} {legs_digest()}".encode())
    for path in sorted(SQL.rglob("*.sql")):
        total.update(path.relative_to(SQL).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


__all__ = [
    "JOINED",
    "LEG_MODELS",
    "MAPPED",
    "MART_MODELS",
    "OF_ONLY_SHOP",
    "OF_PAYMENTS",
    "PASSES",
    "PLACED",
    "ROOMS",
    "SO_FAR",
    "VIEWS",
    "model_text",
    "prepare_macros",
    "rules_digest",
]

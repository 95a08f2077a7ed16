"""What reconciling leaves in the store besides the claims: what the next day opens with, and what is published of the items.
Commands read it without the engine that makes it."""

from __future__ import annotations

import pyarrow as pa

from duizhang.declared.schema import CLAIM, DAY, MONEY, TEXT

OPEN_CLAIM = pa.schema([*CLAIM, pa.field("first_seen", DAY), pa.field("claimed", DAY)])
STOCK_LEVEL = pa.schema(
    [
        ("period", DAY), ("basis", TEXT), ("entity", TEXT), ("place", TEXT), ("sku", TEXT),
        ("left_level", MONEY), ("right_level", MONEY),
    ]
)
SIDES = pa.schema([
    ("period", DAY), ("leg", TEXT), ("side", TEXT), ("entity", TEXT), ("shop", TEXT), ("channel", TEXT), ("since", DAY),
])
# claimed: the day of which it is
WAITING_CLAIM = pa.schema([*CLAIM, pa.field("claimed", DAY)])
# What the next period opens with; part of a period's digest together with the published tables.
STATE_TABLES: dict[str, pa.Schema] = {
    "open_claims": OPEN_CLAIM, "stock_levels": STOCK_LEVEL, "sides": SIDES, "waiting_claims": WAITING_CLAIM,
}
# What later days look up besides, as they do reference data.
KEPT_TABLES: dict[str, pa.Schema] = {
    "shared_orders": pa.schema([("period", DAY), ("entity", TEXT), ("shop", TEXT), ("order_id", TEXT)]),
    "payment_names": pa.schema([("period", DAY), ("entity", TEXT), ("shop", TEXT), ("order_id", TEXT), ("name", TEXT)]),
    "payout_providers": pa.schema([("period", DAY), ("entity", TEXT), ("payout_id", TEXT), ("provider", TEXT)]),
    "announced_payouts": pa.schema([
        ("period", DAY), ("entity", TEXT), ("currency", TEXT), ("payout_id", TEXT), ("amount", MONEY),
    ]),
    "booked_refunds": pa.schema([
        ("period", DAY), ("entity", TEXT), ("shop", TEXT), ("order_id", TEXT), ("refund_id", TEXT), ("currency", TEXT), ("amount", MONEY),
    ]),
    "closed_orders": pa.schema([
        ("period", DAY), ("entity", TEXT), ("shop", TEXT), ("order_id", TEXT), ("is_own", pa.bool_()),
        ("is_paid", pa.bool_()),
    ]),
    "bank_days": pa.schema([("period", DAY), ("entity", TEXT), ("bank_account", TEXT), ("is_credited", pa.bool_())]),
}
# What is published of the items themselves; the first two are made with the claims, for the whole range.
EARLY_TABLES = ("legs_not_run", "clearings")
ITEM_TABLES = (*EARLY_TABLES, "recon_summary", "variances", "open_items", "event_items")

__all__ = ["EARLY_TABLES", "ITEM_TABLES", "KEPT_TABLES", "OPEN_CLAIM", "SIDES", "STATE_TABLES", "STOCK_LEVEL", "WAITING_CLAIM"]

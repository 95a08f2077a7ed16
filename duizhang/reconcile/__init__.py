"""Reconciliation: claims to positions, open items, causes and marts, in SQL over the canonical tables.

One pass handles any range of consecutive periods; a day by itself is a range of one. What a range leaves open is what
the next one opens with, so any split of a range gives the same rows.
"""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.declared.matching_passes import load_matching
    from duizhang.reconcile.backends import DUCKDB, Backend
    from duizhang.reconcile.causes import Cause, load_causes
    from duizhang.reconcile.engine import assert_conservation, make_claims, reconcile, settle
    from duizhang.reconcile.matching import normalise_keys
    from duizhang.reconcile.models import LEG_MODELS, MART_MODELS, rules_digest
    from duizhang.reconcile.outputs import ITEM_TABLES, KEPT_TABLES, STATE_TABLES
    from duizhang.reconcile.parts import load_parts
    from duizhang.reconcile.session import Session
    from duizhang.reconcile.sides import FEEDS, Supply, records_of, side_feeds, sides_of, supplies
    from duizhang.reconcile.uncomputed import Uncomputed, compute
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "DUCKDB", "FEEDS", "ITEM_TABLES", "KEPT_TABLES", "LEG_MODELS", "MART_MODELS", "STATE_TABLES", "Backend", "Cause", "Session", "Supply",
    "Uncomputed", "assert_conservation", "compute", "load_causes", "load_matching", "load_parts", "make_claims", "normalise_keys",
    "reconcile", "records_of", "rules_digest", "settle", "side_feeds", "sides_of", "supplies",
]

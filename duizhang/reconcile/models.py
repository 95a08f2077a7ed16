"""The models of `sql/`: which there are, room by room, and the digest of all that a result depends on."""

from __future__ import annotations

import hashlib

from duizhang.layout import SQL
from duizhang.legs import LEGS, legs_digest
from duizhang.matching_passes import matching_digest
from duizhang.reconcile.causes import causes_digest
from duizhang.reconcile.mistyped import mistyped_digest
from duizhang.reconcile.parts import parts_digest

# the folders in the order of the flow
ROOMS = ("derived", "claims", "sides", "open", "items", "matching", "causes", "variances", "marts")
LEG_MODELS = tuple(leg for leg in LEGS if (SQL / "claims" / f"{leg}.sql").is_file())
MART_MODELS = tuple(sorted(path.stem for path in (SQL / "marts").glob("*.sql")))
# the matching passes in the order in which they are tried; behind them comes the search for combinations
SQL_PASSES = ("normal_key", "remark", "near_key", "split_key", "near_key_apart", "tolerance", "together", "keyless", "batch")
# models that are run once for every leg, on its claims alone: they are part of each leg
OF_EVERY_LEG = ("scoped_claims", "sides_seen", "leg_runs", "claims_run", "opened_with", "moves_of_day")
# views of what is known or left so far, which grows or shrinks with every model that reads them
SO_FAR = ("supplied_sides", "left_over")
# models that are views and no tables
VIEWS = ("scoped_claims", "open_items", *SO_FAR)


def model_text(path: str) -> str:
    """The SQL of a model by its path below `sql/`."""
    return (SQL / path).read_text(encoding="utf-8")


def rules_digest() -> str:
    """SHA-256 over every SQL model, the causes, parts and passes: what a result depends on besides books.yaml."""
    total = hashlib.sha256(f"{causes_digest()} {parts_digest()} {matching_digest()} {mistyped_digest()} {legs_digest()}".encode())
    for path in sorted(SQL.rglob("*.sql")):
        total.update(path.relative_to(SQL).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


__all__ = [
    "LEG_MODELS", "MART_MODELS", "OF_EVERY_LEG", "ROOMS", "SO_FAR", "SQL_PASSES", "VIEWS", "model_text", "rules_digest",
]

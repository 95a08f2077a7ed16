"""What changed between a day's published version and the one before it: why there is a new one, and which differences it has."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from duizhang.home.store import connect
from duizhang.publish import manifest_path, read_manifest
from duizhang.publish.between import Why, changed_items, object_of, reasons_between
from duizhang.report.tables import Table, columns
from duizhang.speech.labels import Labels

_REASONS = 12


@dataclass(frozen=True)
class SinceVersion:
    """day: of which; before, now: the two versions; why: in words; table: differences new, gone and changed, a row a leg and cause."""

    day: dt.date
    before: int
    now: int
    why: list[str]
    table: Table


def since_version(home: Path, day: dt.date, version: int, labels: Labels) -> SinceVersion | None:
    """None where the version has none before it, or that is no longer kept."""
    before = next((n for n in range(version - 1, 0, -1) if manifest_path(home, day, n).is_file()), 0)
    if not before or not manifest_path(home, day, version).is_file():
        return None
    was, now = read_manifest(home, day, before), read_manifest(home, day, version)
    old, new = object_of(home, was, "variances"), object_of(home, now, "variances")
    table = Table("versions", columns(
        "leg", "cause", "come:count", "come_money:money", "gone:count", "gone_money:money", "others:count", "changed_was:money",
        "changed_now:money", "currency:currency"))
    if all(path.is_file() for path in (*old, *new)):
        with connect() as con:
            items, _ = changed_items(con, old, new)
        table.rows = [{
            **r, "leg": labels.leg(r["leg"]), "cause": labels.cause(r["cause"]), "come": r["new"], "come_money": r["new_amount"],
            "gone_money": r["gone_amount"], "others": r["changed"],
        } for r in items]
    reasons = [_said(why, labels) for why in reasons_between(was, now)]
    if len(reasons) > _REASONS:
        reasons = [*reasons[:_REASONS], labels.text("more", n=len(reasons) - _REASONS)]
    return SinceVersion(day, before, version, reasons, table)


def _said(why: Why, labels: Labels) -> str:
    return labels.text(f"why_{why.kind}", file=why.file)


__all__ = ["SinceVersion", "since_version"]

"""The effect of a change: two versions of every day held against each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duizhang.declared.terms import PeriodStatus
from duizhang.home.store import connect, rows
from duizhang.plan import Reason
from duizhang.publish.between import changed_items, object_of, view_versions
from duizhang.what_if.edits import Edit

Row = dict[str, Any]


@dataclass(frozen=True)
class WhatIfDay:
    """A day that would have another version. state: in which it is now; was, now: digests of the versions; held: why the new one
    would be held; open_was, open_now: how many items would be open at its end."""

    period: dt.date
    state: str
    was: str
    now: str
    held: tuple[str, ...]
    reasons: tuple[Reason, ...]
    open_was: int
    open_now: int


@dataclass(frozen=True)
class Effect:
    """What a change would do from `first` to `last`, and behind them as long as a day closes differently.

    days: those with other content. same: how many were computed and say what they said. stale: days outside the range that the
    change makes stale as well, and that were not computed. items: by leg, cause and currency what is new, gone and changed, amounts
    gross, an item once; moved: items whose cause is another one. legs: closing, matched and differing keys of legs that differ, at
    the end of the last day. not_current: days that a run would have computed again without the change; they are compared with what
    that gives. left_out: entries of the inbox that the copy lacks.
    """

    first: dt.date
    last: dt.date
    edits: tuple[Edit, ...]
    days: tuple[WhatIfDay, ...]
    same: int
    stale: Mapping[dt.date, tuple[Reason, ...]]
    items: Sequence[Row]
    moved: Sequence[Row]
    legs: Sequence[Row]
    profits: Sequence[Row]
    not_current: tuple[dt.date, ...]
    left_out: tuple[str, ...]

    @property
    def signed(self) -> list[WhatIfDay]:
        """Days that somebody has approved or closed: the change would need them again."""
        return [day for day in self.days if day.state in (PeriodStatus.APPROVED, PeriodStatus.CLOSED)]


_LEGS = """
with
totals as (
    select true as is_now, period, leg, currency, sum(closing) as closing, sum(matched_keys) as matched
    from now_summary group by all
    union all
    select false, period, leg, currency, sum(closing), sum(matched_keys) from was_summary group by all
),
differing as (
    select true as is_now, period, leg, currency, count(distinct (entity, "key")) filter (where cause <> 'timing') as differing
    from now_variances group by all
    union all
    select false, period, leg, currency, count(distinct (entity, "key")) filter (where cause <> 'timing') from was_variances group by all
),
sides as (
    select is_now, leg, currency, max_by(closing, period) as closing, sum(matched)::bigint as matched,
        max_by(coalesce(differing, 0), period) as differing
    from totals left join differing using (is_now, period, leg, currency)
    group by all
)
select
    leg, currency, w.closing as closing_was, n.closing as closing_now, w.matched as matched_was, n.matched as matched_now,
    w.differing as differing_was, n.differing as differing_now
from (select * exclude (is_now) from sides where not is_now) as w
full join (select * exclude (is_now) from sides where is_now) as n using (leg, currency)
where (w.closing, w.matched, w.differing) is distinct from (n.closing, n.matched, n.differing)
order by leg, currency
"""

_PROFITS = """
with sides as (
    select true as is_now, shop, currency, sum(profit) as profit from now_pnl group by all
    union all
    select false, shop, currency, sum(profit) from was_pnl group by all
)
select
    shop, currency, coalesce(sum(profit) filter (where not is_now), 0) as was, coalesce(sum(profit) filter (where is_now), 0) as now
from sides
group by all
having was <> now
order by all
"""


def between(
    home: Path, manifests: Mapping[dt.date, tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> tuple[list[Row], list[Row], list[Row], list[Row], dict[dt.date, tuple[int, int]]]:
    """Items, moved items, legs and profits that differ between the versions of days, and how many items each leaves open."""
    def objects(table: str, side: int) -> list[Path]:
        return [path for pair in manifests.values() for path in object_of(home, pair[side], table)]

    with connect() as con:
        items, moved = changed_items(con, objects("variances", 0), objects("variances", 1))
        for name, table in (("summary", "recon_summary"), ("pnl", "channel_pnl")):
            view_versions(con, f"was_{name}", table, objects(table, 0))
            view_versions(con, f"now_{name}", table, objects(table, 1))
        legs, profits = rows(con, _LEGS), rows(con, _PROFITS)
        counted = {
            side: dict(con.execute(f"select period, count(*) from {side}_variances group by period").fetchall())
            for side in ("was", "now")
        }
    return items, moved, legs, profits, {day: (counted["was"].get(day, 0), counted["now"].get(day, 0)) for day in manifests}


__all__ = ["Effect", "WhatIfDay", "between"]

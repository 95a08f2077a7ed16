"""Bills of carriers that overlap. A parcel that stands in two bills may have been charged twice, which somebody has to claim back, so
only bills that are downloads of one thing are taken for that: those that agree on all the days that they share.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import duckdb

from duizhang.ingest.landing import Setting, part_sql, scan_of
from duizhang.ingest.specification import SourceSpec

Signature = tuple[int, int]


def bills_carriage_alone(spec: SourceSpec) -> bool:
    """Whether a source is a carrier's bill."""
    return {table.table for table in spec.tables} == {"freight_charges"}


class CarriersBills:
    """Bills of one carrier and account, and what they share."""

    def __init__(self, con: duckdb.DuckDBPyConnection, spec: SourceSpec, setting: Setting, folders: Sequence[Path]) -> None:
        self.con = con
        rows = " union all ".join(part_sql(part, spec, setting, scan_of(part, folders)) for part in spec.tables)
        con.execute(
            "create or replace table charges as select file, period as day, hash(carrier, tracking_number, charge_type, order_id) as h, "
            f"count(*) as n from ({rows}) where period is not null group by all")
        self.said: dict[str, dict[dt.date, Signature]] = {}
        for file, day, count, total in con.execute(
                "select file, day, sum(n), sum(hash(h, n)::hugeint) from charges group by all order by all").fetchall():
            self.said.setdefault(file, {})[day] = (count, total)

    def downloads_of_one(self) -> list[set[str]]:
        """The bills in groups, in each of which they agree on the days that they share."""
        groups = [{file} for file in sorted(self.said)]
        for a, b in combinations(sorted(self.said), 2):
            first, second = (next(g for g in groups if file in g) for file in (a, b))
            if first is not second and self._agree(a, b):
                groups.remove(second)
                first |= second
        return groups

    def contained(self) -> list[tuple[str, str, dt.date, int]]:
        """(a bill, another that has all of its charges, a day, how many of it) where they are not downloads of one range."""
        together = {frozenset(pair) for group in self.downloads_of_one() for pair in combinations(sorted(group), 2)}
        return [
            (a, b, day, count)
            for one, other in combinations(sorted(self.said), 2) for a, b in ((one, other), (other, one))
            if frozenset((a, b)) not in together and set(self.said[a]) <= set(self.said[b]) and self._is_part(a, b, None)
            for day, (count, _) in sorted(self.said[a].items())
        ]

    def _agree(self, a: str, b: str) -> bool:
        days = {file: self.said[file] for file in (a, b)}
        first, last = max(min(d) for d in days.values()), min(max(d) for d in days.values())
        if first > last:
            return False
        shared = {day for d in days.values() for day in d if first <= day <= last}
        differing = {day for day in shared if days[a].get(day) != days[b].get(day)}
        if not differing:
            return True
        # a bill may have been downloaded before its last day was over
        earlier, later = sorted((a, b), key=lambda file: max(days[file]))
        return first < last and differing == {last} and self._is_part(earlier, later, last)

    def _is_part(self, a: str, b: str, day: dt.date | None) -> bool:
        missing = self.con.execute(
            "select 1 from charges as c where c.file = $a and ($day is null or c.day = $day) and not exists ("
            "from charges as d where d.file = $b and d.day = c.day and d.h = c.h and d.n >= c.n) limit 1", {"a": a, "b": b, "day": day})
        return missing.fetchone() is None

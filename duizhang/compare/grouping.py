"""The exact pass: claims grouped by key, a part of the keys at a time, so that memory does not grow with the files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import duckdb

from duizhang.compare.buckets import U64
from duizhang.compare.claims import Claims
from duizhang.compare.net import hash_table
from duizhang.compare.settling import Tally
from duizhang.errors import ConservationError

PART_ROWS = 5_000_000  # claims that are grouped at a time


def group(
    con: duckdb.DuckDBPyConnection, sides: Sequence[Claims], columns: Sequence[str], scale: int, allowed: Decimal,
    *, wide: bool, wanted: U64 | None = None, share: float = 1.0,
) -> Tally:
    """Group the claims whose key has one of the hashes `wanted` (all without it), about `share` of them.

    The keys that are on one side only or differ by more than `allowed` are put into the table `differing`: the key
    columns, `l`, `r` (sums), `left_rows`, `right_rows`.
    """
    keys = ", ".join(columns)
    money = f"decimal(38,{scale})"
    amount = f"cast(amount as decimal({38 if wide else 18},{scale}))"  # sums are 38 digits wide all the same
    equal = f"left_rows > 0 and right_rows > 0 and abs(l - r) <= cast('{allowed:f}' as {money})"
    chosen = "true"
    if wanted is not None:
        hash_table(con, "wanted", wanted)
        chosen = f"hash({keys}) in (select h from wanted)"
    parts = max(1, math.ceil(sum(side.rows for side in sides) * share / PART_ROWS))
    tally = Tally()
    for part in range(parts):
        where = f"{chosen} and hash({keys}) % {parts} = {part}" if parts > 1 else chosen
        con.execute(f"""
            create or replace temp table grouped as
            select {keys}, sum(l) as l, sum(r) as r, count(l) as left_rows, count(r) as right_rows
            from (
                select {keys}, {amount} as l, null as r from {sides[0].relation} where {where}
                union all
                select {keys}, null, {amount} from {sides[1].relation} where {where}
            )
            group by {keys}
        """)
        *counts, left_only, right_only, difference = con.execute(f"""
            select
                count(*) filter (where left_rows > 0), count(*) filter (where right_rows > 0),
                count(*) filter (where left_rows > 0 and right_rows > 0), count(*) filter (where {equal}),
                coalesce(sum(l) filter (where right_rows = 0), 0), coalesce(sum(r) filter (where left_rows = 0), 0),
                coalesce(sum(l - r), 0)
            from grouped
        """).fetchall()[0]
        tally += Tally(*counts, *(int(Decimal(v).scaleb(scale)) for v in (left_only, right_only, difference)))
        begin = "create or replace temp table differing as" if part == 0 else "insert into differing"
        con.execute(f"{begin} select * from grouped where not coalesce({equal}, false)")
    if wanted is not None and tally.left_keys + tally.right_keys - tally.both < len(wanted):
        raise ConservationError(f"{len(wanted)} keys had to be grouped and fewer were found")
    return tally

"""What lies between two versions: why there is a new one, and which differences are new, gone or others.

A version is known by its manifest. Over several days an item (leg, entity, key, currency, cause) counts once, with the amount
that it has on the last day on which it is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from duizhang.home.published import TABLES
from duizhang.home.store import quoted, rows

Row = dict[str, Any]


@dataclass(frozen=True)
class Why:
    """Something that a version is made from and the one before was not. file: its source and name; was, now: digests or versions."""

    kind: Literal["new_file", "gone_file", "restated", "rules", "books", "opening", "decision"]
    file: str = ""
    was: str = ""
    now: str = ""

    def __str__(self) -> str:
        match self.kind:
            case "new_file":
                return f"new file {self.file} ({self.now})"
            case "gone_file":
                return f"file no longer used {self.file} ({self.was})"
            case "restated":
                return f"file restated {self.file} ({self.was} -> {self.now})"
            case "opening":
                return f"the day before changed (version {self.was} -> {self.now})"
            case "decision":
                return "files, rules, books.yaml and the day before are the same: a correction, decision or acceptance"
            case _:
                return f"{'books.yaml' if self.kind == 'books' else 'rules'} changed ({self.was} -> {self.now})"


def reasons_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Why]:
    """Why the version of one manifest is another than that of the manifest before it."""
    def files(manifest: Mapping[str, Any]) -> dict[tuple[str, str, str], str]:
        return {(f["source"], f["shop"], f["file"]): f["sha256"][:12] for f in manifest["inputs"]}

    was, now = files(before), files(after)
    found = []
    for key in sorted({*was, *now}):
        name = f"{key[0]} {key[2]}"
        if key not in was:
            found.append(Why("new_file", name, now=now[key]))
        elif key not in now:
            found.append(Why("gone_file", name, was=was[key]))
        elif was[key] != now[key]:
            found.append(Why("restated", name, was[key], now[key]))
    if before["rules_digest"] != after["rules_digest"]:
        found.append(Why("rules", was=before["rules_digest"][:12], now=after["rules_digest"][:12]))
    if before["books_digest"] != after["books_digest"]:
        found.append(Why("books", was=before["books_digest"][:12], now=after["books_digest"][:12]))
    if before["opening"] != after["opening"]:
        found.append(Why("opening", was=str(before["opening"]["version"]), now=str(after["opening"]["version"])))
    return found or [Why("decision")]


def view_versions(con: duckdb.DuckDBPyConnection, name: str, table: str, objects: Sequence[Path]) -> None:
    """Create the view `name` over the published objects of a table."""
    if objects:
        listed = ", ".join(map(quoted, objects))
        con.execute(f'create or replace view "{name}" as select * from read_parquet([{listed}], hive_partitioning = false)')
    else:
        con.register(f"empty_{name}", TABLES[table].empty_table())
        con.execute(f'create or replace view "{name}" as select * from "empty_{name}"')


def object_of(home: Path, manifest: Mapping[str, Any], table: str) -> list[Path]:
    """Where a table of a version is; nothing where it has no rows."""
    entry = manifest["tables"].get(table)
    return [home / entry["object"]] if entry and entry["rows"] else []


# Of the views was_variances and now_variances. Grain of items: an item that is open on any of the days, on either side.
_ITEMS = """
create or replace temp table version_items as
with
sides as (
    select true as is_now, * from now_variances
    union all
    select false as is_now, * from was_variances
),

by_item as (
    select
        is_now, leg, entity, "key", currency, cause, max_by(difference, period) as difference,
        list(period order by period) as days,
        list((difference, status, proposal, confidence, first_seen, candidates) order by period) as said
    from sides
    group by all
)

select
    leg, entity, "key", currency, cause, w.difference as was, n.difference as now, coalesce(n.days[1], w.days[1]) as first_day,
    case
        when w.days is null then 'new'
        when n.days is null then 'gone'
        when w.days <> n.days or w.said is distinct from n.said then 'changed'
        else 'same'
    end as kind
from (select * from by_item where not is_now) as w
full join (select * from by_item where is_now) as n using (leg, entity, "key", currency, cause)
"""

# amounts are gross: what differs in both directions does not vanish by being added
_CHANGED = """
select
    leg, cause, currency,
    count(*) filter (where kind = 'new') as new, coalesce(sum(abs(now)) filter (where kind = 'new'), 0) as new_amount,
    count(*) filter (where kind = 'gone') as gone, coalesce(sum(abs(was)) filter (where kind = 'gone'), 0) as gone_amount,
    count(*) filter (where kind = 'changed') as changed,
    coalesce(sum(abs(was)) filter (where kind = 'changed'), 0) as changed_was,
    coalesce(sum(abs(now)) filter (where kind = 'changed'), 0) as changed_now,
    count(*) filter (where kind = 'same') as same
from version_items
group by all
having count(*) filter (where kind <> 'same') > 0
order by leg, cause, currency
"""

# An item that had one cause and has another one is among both the new and the gone.
_MOVED = """
with of_item as (
    select
        leg, entity, "key", currency, list(cause order by cause) filter (where kind = 'gone') as was,
        list(cause order by cause) filter (where kind = 'new') as now, sum(abs(now)) filter (where kind = 'new') as amount
    from version_items
    group by leg, entity, "key", currency
)
select leg, was[1] as was, now[1] as now, currency, count(*) as items, sum(amount) as amount
from of_item
where len(was) = 1 and len(now) = 1
group by all
order by all
"""


def changed_items(
    con: duckdb.DuckDBPyConnection, was: Sequence[Path], now: Sequence[Path]
) -> tuple[list[Row], list[Row]]:
    """By leg, cause and currency how many items are new, gone and changed, with gross amounts; and the items whose cause is
    another one. was, now: the objects of `variances`."""
    view_versions(con, "was_variances", "variances", was)
    view_versions(con, "now_variances", "variances", now)
    con.execute(_ITEMS)
    return rows(con, _CHANGED), rows(con, _MOVED)


__all__ = ["Why", "changed_items", "object_of", "reasons_between", "view_versions"]

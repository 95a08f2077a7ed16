"""What the pages show, asked of the published database: a page of rows at a time, by keys and never by offset.

A page of the queue costs the same wherever it stands: the next one begins behind the last row's place in the order.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from duizhang.errors import UserError
from duizhang.home.published import open_published
from duizhang.home.store import rows
from duizhang.publish.metrics import DIFFERING, ON_ITS_WAY
from duizhang.report.queries import share
from duizhang.review.queue_lines import lines_of

PAGE, DAYS = 50, 62
PAGES = (PAGE, 200, 1000)  # lines of the queue at once, as a reader chooses; so many can be decided at once
Row = dict[str, Any]

# the order of the queue by name: columns of a line, all ascending; the last are the line itself. The lines of an event stand where its
# money and its first line put it, so that what is decided at once is seen at once.
_LINE = ("leg", "entity", '"key"', "currency", "cause", "event")
_TOGETHER = tuple((name, "varchar") for name in ("first_leg", "first_entity", "first_key", "first_currency", "event"))
_WITHIN = (("minus_size", "decimal(38, 4)"),)
_MONEY = ("minus_money", "decimal(38, 4)")
ORDERS: dict[str, tuple[tuple[str, str], ...]] = {
    "money": (("is_timing", "boolean"), _MONEY, *_TOGETHER, *_WITHIN),
    "age": (("is_timing", "boolean"), ("minus_oldest", "bigint"), _MONEY, *_TOGETHER, *_WITHIN),
    "key": (),
}
FILTERS = ("leg", "cause", "shop", "currency", "status")

_SHOWN = "v.left_amount, v.right_amount, v.age_days, v.status, v.proposal"
_WIDE = f"{_SHOWN}, v.period, v.left_quantity, v.right_quantity, v.first_seen, v.confidence, v.evidence, v.cause_confidence, v.candidates"
_LINES = f"""
    select
        v.leg, v.entity, v."key", v.currency, v.cause, coalesce(e.difference, v.difference) as difference, coalesce(v.shop, '') as shop,
        coalesce(v.order_id, '') as order_id, coalesce(e.event, '') as event, v.difference as whole,
        coalesce(e.order_id, '') as order_of_event, {_WIDE}
    from variances as v
    left join (select * from event_items where period = $day) as e
        on v.leg = e.leg and v.entity = e.entity and v."key" = e."key" and v.currency = e.currency and v.cause = e.cause
    where v.period = $day
"""


@contextmanager
def asked(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published database of a home for one request."""
    with open_published(home) as con:
        yield con


def days(con: duckdb.DuckDBPyConnection, *, before: dt.date | None = None, limit: int = DAYS) -> list[Row]:
    """Days with their state, the newest first: events that are more than timing, each once in whatever legs it shows, and how many legs
    have any. A version that was published before there were events is counted by its items."""
    return rows(con, f"""
        with shown as (
            select * from period_status where $before is null or period < $before order by period desc limit $limit
        ),
        counted as (
            select period, count(*) filter (where cause <> 'timing') as differences, count(*) filter (where cause = 'timing') as timing,
                count(distinct leg) filter (where cause <> 'timing') as legs, max(age_days) filter (where cause <> 'timing') as oldest
            from variances semi join shown using (period)
            group by period
        ),
        once as (
            select period, {DIFFERING} as differences, {ON_ITS_WAY} as timing
            from event_items semi join shown using (period)
            group by period
        )
        select s.*, coalesce(o.differences, c.differences, 0) as differences, coalesce(o.timing, c.timing, 0) as timing,
            coalesce(c.legs, 0) as legs, c.oldest
        from shown as s left join counted as c using (period) left join once as o using (period)
        order by period desc
    """, {"before": before, "limit": limit})


def day(con: duckdb.DuckDBPyConnection, period: dt.date) -> Row:
    """The state of one day. UserError where it was never computed."""
    found = rows(con, "select * from period_status where period = ?", [period])
    if not found:
        raise UserError(f"{period} was never computed", advice="`duizhang run` computes a day.")
    return found[0]


def summary(con: duckdb.DuckDBPyConnection, period: dt.date) -> list[Row]:
    """The legs of a day, a row each entity and currency. due_rate: of what was due, the share that agrees, as the report has it."""
    found = rows(con, """
        with differing as (
            select leg, entity, currency, count(distinct "key") as differing
            from variances where period = $day and cause <> 'timing'
            group by leg, entity, currency
        )
        select s.*, coalesce(d.differing, 0) as differing
        from recon_summary as s left join differing as d using (leg, entity, currency)
        where s.period = $day
        order by s.leg, s.entity, s.currency
    """, {"day": period})
    for row in found:
        row["due_rate"] = share(row["matched_keys"], row["matched_keys"] + row["differing"])
    return found


def causes(con: duckdb.DuckDBPyConnection, period: dt.date) -> list[Row]:
    """What a day has open by cause, status and currency, an event once with its money, as the queue lists them; what is only on its way
    last. items: events; amount: their money without sign, of two accounts of which one has what the other lacks once."""
    return rows(con, f"""
        with once as (
            select
                is_timing, status, currency, max_by(cause, abs(difference)) as cause, sum(difference) as difference,
                max(abs(difference)) as largest, -min(minus_age) as age_days
            from ({lines_of(con, period)})
            group by is_timing, status, currency, case when event = '' then concat_ws('|', leg, entity, "key", cause) else event end
        )
        select
            cause, status, currency, count(*) as items, sum(abs(coalesce(nullif(difference, 0), largest))) as amount,
            max(age_days) as oldest
        from once
        group by is_timing, cause, status, currency
        order by is_timing, status <> 'open', currency = 'PCS', amount desc, cause, currency
    """, {"day": period})


@dataclass(frozen=True)
class Queue:
    """One page of what is open. after: where the next begins, '' at the end. total: events, of which one may have two lines (two accounts
    of which one has what the other lacks)."""

    rows: list[Row]
    after: str
    total: int


def queue(
    con: duckdb.DuckDBPyConnection, period: dt.date, *, wanted: dict[str, str], words: str = "", order: str = "money",
    after: str = "", limit: int = PAGE,
) -> Queue:
    """Lines of a day's variances that fit: `wanted` by column, `words` anywhere in key, order or shop.

    Raises UserError where `order` or `after` are none of ours.
    """
    if order not in ORDERS:
        raise UserError(f"unknown order {order!r}; expected one of {', '.join(ORDERS)}")
    values: dict[str, Any] = {"day": period}
    conditions = ["true"]
    for name in FILTERS:
        if wanted.get(name):
            values[name] = wanted[name]
            conditions.append(f"{name} = ${name}")
    if wanted.get("timing") != "yes":
        conditions.append("not is_timing")
    if words:
        values["words"] = words
        conditions.append("(contains(lower(\"key\"), lower($words)) or contains(lower(order_id), lower($words)) "
                          "or contains(lower(shop), lower($words)))")
    columns = [*ORDERS[order], *((name, "varchar") for name in _LINE)]
    fits = f"select * from ({lines_of(con, period)}) where {' and '.join(conditions)}"
    behind = ""
    if after:
        total, *place = _place(after, len(columns) + 1)
        values |= {f"at{n}": value for n, value in enumerate(place)}
        left = ", ".join(name for name, _ in columns)
        right = ", ".join(f"$at{n}::{kind}" for n, (_, kind) in enumerate(columns))
        behind = f"where ({left}) > ({right})"
    else:
        total = con.execute(
            f"select count(*) filter (where is_alone) + count(distinct if(is_alone, null, event)) from ({fits})", values,
        ).fetchall()[0][0]
    found = rows(con, f"select * from ({fits}) {behind} order by {', '.join(name for name, _ in columns)} limit $limit",
                 values | {"limit": limit + 1})
    more = len(found) > limit
    found = found[:limit]
    _complete(con, period, found)
    shown = dict(con.execute(
        "select event, list_sort(list_distinct(list(leg))) from event_items "
        "where period = ? and event in (select unnest(?::varchar[])) group by event", [period, sorted({row["event"] for row in found})],
    ).fetchall())
    beside: dict[tuple[str, str], list[Row]] = {}
    for other in rows(con, """
        select shop, order_id, event, cause, currency, difference from event_items
        where period = ? and order_id in (select unnest(?::varchar[])) and is_booked and cause <> 'timing'
            and coalesce(status, 'open') = 'open'
        order by event, cause
    """, [period, sorted({row["order_id"] for row in found if row["order_id"]})]):
        beside.setdefault((other["shop"], other["order_id"]), []).append(other)
    seen: set[str] = set()
    for row in found:
        row["is_second"] = bool(row["event"]) and row["event"] in seen
        seen.add(row["event"])
        row["together"] = None if row["is_second"] or -row["minus_money"] == abs(row["difference"]) else -row["minus_money"]
        row["legs"] = [leg for leg in shown.get(row["event"], []) if leg != row["leg"]]
        row["also"] = [other for other in beside.get((row["shop"], row["order_id"]), ()) if other["event"] != row["event"]]
    names = [name.strip('"') for name, _ in columns]
    return Queue(found, _token([total, *(found[-1][name] for name in names)]) if more else "", int(total))


def _complete(con: duckdb.DuckDBPyConnection, period: dt.date, lines: Sequence[Row]) -> None:
    """Put what a page shows besides into its lines: amounts, age, status and proposal of their items, read for these alone."""
    place = ("leg", "entity", "key", "currency", "cause")
    known = {tuple(row[name] for name in place): row for row in rows(con, """
        select leg, entity, "key", currency, cause, left_amount, right_amount, age_days, status, proposal
        from variances where period = ? and "key" in (select unnest(?::varchar[]))
    """, [period, sorted({line["key"] for line in lines})])}
    for line in lines:
        line.update(known[tuple(line[name] for name in place)])


def choices(con: duckdb.DuckDBPyConnection, period: dt.date) -> dict[str, list[str]]:
    """What a day's variances can be filtered by."""
    found = rows(con, f"select distinct {', '.join(FILTERS)} from variances where period = ?", [period])
    return {name: sorted({row[name] for row in found if row[name]}) for name in FILTERS}


def item(con: duckdb.DuckDBPyConnection, period: dt.date, leg: str, entity: str, key: str, currency: str) -> list[Row]:
    """The lines of one open item. UserError where it is not open on the day."""
    found = rows(
        con, f'select * from ({_LINES}) where leg = $leg and entity = $entity and "key" = $key and currency = $currency '
        "order by abs(difference) desc, cause",
        {"day": period, "leg": leg, "entity": entity, "key": key, "currency": currency},
    )
    if not found:
        raise UserError(f"{leg} {key} is not open on {period}", advice="It may have cleared since; look at the day's list.")
    return found


def history(con: duckdb.DuckDBPyConnection, leg: str, entity: str, key: str, currency: str) -> list[Row]:
    """The item on each day on which it was open, the newest first."""
    return rows(con, """
        select period, cause, difference, status, age_days from variances
        where leg = ? and entity = ? and "key" = ? and currency = ? order by period desc, cause limit 62
    """, [leg, entity, key, currency])


def beside(con: duckdb.DuckDBPyConnection, period: dt.date, order_id: str, row: Row) -> list[Row]:
    """Other items of the day that name the same order."""
    if not order_id:
        return []
    return rows(con, """
        select leg, entity, "key", currency, cause, difference, shop, order_id from variances
        where period = ? and order_id = ? and not (leg = ? and "key" = ?) order by leg, "key", cause limit 20
    """, [period, order_id, row["leg"], row["key"]])


def files(con: duckdb.DuckDBPyConnection, period: dt.date) -> list[Row]:
    """Files of a published day, those with something to tell first."""
    return rows(con, "select * from source_files where period = ? order by status = 'read' and rows_quarantined = 0, source, shop, file "
                     "limit 500", [period])


def account_names(con: duckdb.DuckDBPyConnection, period: dt.date) -> dict[str, str]:
    """Ledger accounts by number, as the ledger's files name them."""
    found = con.execute(
        "select account, max(account_name) from ledger_tieout where period = ? and account_name <> '' group by account", [period],
    )
    return {str(account): str(name) for account, name in found.fetchall()}


def _token(place: Sequence[object]) -> str:
    text = json.dumps([str(value) for value in place], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _place(token: str, length: int) -> list[str]:
    try:
        found = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError) as error:
        raise UserError("this page is not one of the list; begin at its first") from error
    if not isinstance(found, list) or len(found) != length or not all(isinstance(v, str) for v in found) or not found[0].isdecimal():
        raise UserError("this page is not one of the list; begin at its first")
    return found



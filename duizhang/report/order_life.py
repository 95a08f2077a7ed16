"""One order, payment, parcel or item across all sources: the canonical rows that name it, and the open items that it is in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from duizhang.declared import schema
from duizhang.home.published import open_published
from duizhang.home.store import Store, connect, rows, told_when_damaged
from duizhang.reconcile import FEEDS
from duizhang.reconcile.outputs import OPEN_CLAIM
from duizhang.report.home_books import read_home_books
from duizhang.standing.verdict import not_run_lines

Row = dict[str, Any]

# table -> the columns in which a key may stand
PLACES = {
    "orders": ("order_id",), "payments": ("order_id", "transaction_id"), "refunds": ("order_id", "transaction_id", "refund_id"),
    "settlements": ("order_id", "transaction_id", "payout_id"), "payouts": ("payout_id",), "bank_entries": ("reference", "entry_id"),
    "shipments": ("order_id", "tracking_number"), "returns": ("order_id", "return_id"), "stock_moves": ("order_id", "move_id"),
    "freight_charges": ("tracking_number",), "journal_lines": ("voucher",),
}
_LEAST_LETTERS = 6  # of a part of a key that may be a number of its own


def events_of(home: Path, key: str) -> list[Row]:
    """Rows of the canonical tables that name `key` or, of a key of several parts, one of them, in the order of time."""
    words = {key, *key.split("/")} - {""}
    if "/" in key:
        words = {word for word in words if len(word) >= _LEAST_LETTERS}
    store, found = Store(home), []
    with connect() as con, told_when_damaged(home):
        for table, columns in PLACES.items():
            store.view(con, table, store.periods(table), schema.TABLES[table])
            where = " or ".join(f'list_contains(?, "{c}")' for c in columns)
            for row in rows(con, f'select * from "{table}" where {where}', [sorted(words)] * len(columns)):
                found.append({"table": table, **row})
    return sorted(found, key=lambda r: (str(r["period"]), str(r["occurred_at"] or ""), r["table"], r["file"], r["line"] or 0))


def items_of(home: Path, key: str) -> list[Row]:
    """The items that `key` is, or is in: each as it was last open, whatever it was called on other days; is_open tells whether
    it still is. A buyer's item is found by each of the orders in it, and one of a source that is missing by each of the records that
    wait for it. UserError where nothing is published."""
    words = {key, *key.split("/")} - {""}
    buyers, (joint, within) = _buyers(home, words), _joint_items(home, key)
    with open_published(home) as con:
        return rows(
            con, "with hits as (select distinct leg, entity, \"key\", currency from variances "
            "where (\"key\" = ? or list_contains(?, order_id) or len(list_intersect(string_split(\"key\", '/'), ?)) > 0 "
            "and ? not like '%/%' or leg = 'customer' and list_contains(?, concat(entity, ' ', \"key\")) "
            "or list_contains(?, concat_ws(' ', leg, entity, currency, \"key\"))) "
            "and not list_contains(?, concat_ws(' ', leg, entity, currency, \"key\"))) "
            "select *, period = (select max(period) from recon_summary) as is_open from variances "
            "semi join hits using (leg, entity, \"key\", currency) "
            "qualify period = max(period) over (partition by leg, entity, \"key\", currency) order by leg, \"key\", cause",
            [key, sorted(w for w in words if len(w) >= _LEAST_LETTERS), sorted(words), key, buyers, joint, within],
        )


def not_held_against(home: Path, events: Sequence[Row]) -> list[str]:
    """Of the legs that rows like these belong to, those that were not run on their days, for want of the other side: a line each."""
    tables, shops, days = ({str(event[name]) for event in events} for name in ("table", "shop", "period"))
    legs = sorted({leg for (table, _), sides in FEEDS.items() if table in tables for leg, _ in sides})
    with open_published(home) as con:
        found = rows(
            con, "select leg, entity, shop, channel, missing, wanted, sum(claims)::bigint as claims, min(period) as first_day, "
            "max(period) as last_day from legs_not_run "
            "where list_contains(?, leg) and list_contains(?, shop) and list_contains(?, period::varchar) group by all order by all",
            [legs, sorted(shops - {""}), sorted(days)],
        )
    return not_run_lines(found, read_home_books(home).shop)


def near_keys(home: Path, key: str) -> list[str]:
    """Order numbers that are known and look like `key`, at most three: what it is the end or the beginning of, else the nearest."""
    bare = key.strip().strip("#'\"`")
    with open_published(home) as con:
        known = con.execute(
            "select distinct order_id, contains(lower(order_id), lower(?)) from order_trace where contains(lower(order_id), lower(?)) "
            "or levenshtein(lower(order_id), lower(?)) <= 2 order by contains(lower(order_id), lower(?)) desc, "
            "levenshtein(lower(order_id), lower(?)), order_id limit 3", [bare or key] * 5,
        ).fetchall()
    whole = [str(order) for order, contained in known if contained]
    return whole or [str(order) for order, _ in known]


def _joint_items(home: Path, key: str) -> tuple[list[str], list[str]]:
    """The items of the last published day in which records that name `key` stand together with others, as the file that they wait for
    is missing, and what these records were items of before, each as `leg entity currency key`. Of one day's file claims have the key of the
    item (sql/legs/run_claims.sql); of a source that never came each keeps its own (sql/items/item_claims.sql)."""
    with open_published(home) as con:
        last = con.execute(
            "select period, leg, entity, currency, shop, \"key\", split_part(\"key\", '/', -3) from variances "
            "where period = (select max(period) from recon_summary)",
        ).fetchall()
    joint = {row[1:] for row in last if row[6] in ("absent", "unsupplied")}
    if not joint:
        return [], []
    places = sorted({f"{event['file']}:{event['line']}" for event in events_of(home, key)})
    store = Store(home)
    with connect() as con, told_when_damaged(home):
        store.view(con, "open_claims", [last[0][0]], OPEN_CLAIM)
        waiting = con.execute(
            "select distinct leg, entity, currency, shop, \"key\" from open_claims where list_contains(?, concat(file, ':', line))",
            [places],
        ).fetchall()
    single = {(leg, entity, currency, name) for _, leg, entity, currency, _, name, _ in last}
    within = {row for row in waiting if (*row[:3], row[4]) not in single}
    shops = {row[:4] for row in within}
    found = {
        (leg, entity, currency, name) for leg, entity, currency, shop, name, kind in joint
        if (leg, entity, currency, shop, name) in waiting or (kind == "unsupplied" and (leg, entity, currency, shop) in shops)
    }
    return sorted(map(" ".join, found)), sorted(" ".join((*w[:3], w[4])) for w in within)


def _buyers(home: Path, words: set[str]) -> list[str]:
    """`entity key` of the customers whose claims name one of these orders."""
    store = Store(home)
    with connect() as con, told_when_damaged(home):
        store.view(con, "customer", store.periods("customer"), schema.CLAIM)
        found = con.execute(
            "select distinct concat(entity, ' ', \"key\") from customer where list_contains(?, order_id) order by all",
            [sorted(words)],
        ).fetchall()
    return [str(row[0]) for row in found]

"""`duizhang explain`: the life of one order, payment or item across all sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.options import home_option
from duizhang.cli.status import unread_files
from duizhang.errors import UserError

if TYPE_CHECKING:
    import duckdb

# table -> the columns in which a key may stand
PLACES = {
    "orders": ("order_id",), "payments": ("order_id", "transaction_id"), "refunds": ("order_id", "transaction_id", "refund_id"),
    "settlements": ("order_id", "transaction_id", "payout_id"), "payouts": ("payout_id",), "bank_entries": ("reference", "entry_id"),
    "shipments": ("order_id", "tracking_number"), "returns": ("order_id", "return_id"), "stock_moves": ("order_id", "move_id"),
    "freight_charges": ("tracking_number",), "journal_lines": ("voucher",),
}
SHOWN = ("origin", "kind", "transaction_id", "refund_id", "line_id", "sku", "quantity", "amount", "fee", "currency", "status",
         "carrier", "tracking_number", "payout_id")


@click.command("explain")
@click.argument("key")
@home_option
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def command(key: str, home: Path, *, as_json: bool) -> None:
    """Show everything about KEY: an order, transaction, payout, tracking number, or the key of a variance."""
    if not (home / "published.duckdb").is_file():
        raise UserError(f"nothing is published in {home}", advice="Run `duizhang run` first.")
    words = {key, *key.split("/")} - {""}
    events = _events(home, words if "/" not in key else {w for w in words if len(w) > 5})
    items = _items(home, key, words)
    if not events and not items:
        raise UserError(
            f"nothing is known of {key!r}", advice="Give an order, transaction, payout or tracking number as it stands in a file."
        )
    if as_json:
        click.echo(json.dumps({"key": key, "events": events, "items": items}, ensure_ascii=False, indent=1, default=str))
        return
    for event in events:
        facts = "  ".join(f"{n}={event[n]}" for n in SHOWN if event.get(n) not in (None, ""))
        at = f"{event['occurred_at']} UTC" if event["occurred_at"] else ""
        click.echo(f"{event['period']} {at}  {event['table']:<12} {facts}\n    {event['file']}:{event['line']}")
    from duizhang.reconcile import load_causes

    causes = load_causes()
    for item in items:
        cause = causes[item["cause"]]
        since = f"open on {item['period']}, {item['age_days']} days old"
        state = since if item["is_open"] else f"last open on {item['period']}, cleared since"
        click.echo(f"\n{item['leg']} {item['key']}: {item['left_amount']} against {item['right_amount']} {item['currency']}, "
                   f"difference {item['difference']}\n  {cause.zh} {cause.en}; {state}\n  {cause.who}: {cause.action_zh} {cause.action}")
    if not items:
        unread = unread_files(home)
        agree = "All sources that were read agree" if unread else "All sources agree"
        click.echo(f"\n{agree}: nothing was ever open at the end of a day.")
        if unread:
            click.echo(f"{len(unread)} files are missing or were not read, so they are not in this answer: see `duizhang status`.")


def _rows(con: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> list[dict[str, Any]]:
    cursor = con.execute(sql, values)
    names = [d[0] for d in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _events(home: Path, words: set[str]) -> list[dict[str, Any]]:
    from duizhang import schema
    from duizhang.store import Store, connect, told_when_damaged

    store, found = Store(home), []
    with connect() as con, told_when_damaged(home):
        for table, columns in PLACES.items():
            store.view(con, table, store.periods(table), schema.TABLES[table])
            where = " or ".join(f'list_contains(?, "{c}")' for c in columns)
            for row in _rows(con, f'select * from "{table}" where {where}', [sorted(words)] * len(columns)):
                found.append({"table": table, **row})
    return sorted(found, key=lambda r: (str(r["period"]), str(r["occurred_at"] or ""), r["table"], r["file"], r["line"] or 0))


def _items(home: Path, key: str, words: set[str]) -> list[dict[str, Any]]:
    """The items that KEY is, or is in: each as it was last open, whatever it was called on other days. A buyer's item is
    found by each of the orders in it."""
    buyers = _buyers(home, words)
    from duizhang.published import open_published

    with open_published(home) as con:
        return _rows(
            con, "with hits as (select distinct leg, entity, \"key\", currency from variances "
            "where \"key\" = ? or list_contains(?, order_id) or len(list_intersect(string_split(\"key\", '/'), ?)) > 0 "
            "and ? not like '%/%' or leg = 'customer' and list_contains(?, concat(entity, ' ', \"key\"))) "
            "select *, period = (select max(period) from recon_summary) as is_open from variances "
            "semi join hits using (leg, entity, \"key\", currency) "
            "qualify period = max(period) over (partition by leg, entity, \"key\", currency) order by leg, \"key\", cause",
            [key, sorted(w for w in words if len(w) > 5), sorted(words), key, buyers],
        )


def _buyers(home: Path, words: set[str]) -> list[str]:
    """`entity key` of the customers whose claims name one of these orders."""
    from duizhang import schema
    from duizhang.store import Store, connect, told_when_damaged

    store = Store(home)
    with connect() as con, told_when_damaged(home):
        store.view(con, "customer", store.periods("customer"), schema.CLAIM)
        found = con.execute(
            "select distinct concat(entity, ' ', \"key\") from customer where list_contains(?, order_id) order by all",
            [sorted(words - {""})],
        ).fetchall()
    return [str(row[0]) for row in found]

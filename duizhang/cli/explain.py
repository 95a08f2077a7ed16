"""`duizhang explain`: the life of one order, payment or item across all sources."""

from __future__ import annotations

import json
from pathlib import Path

import click

from duizhang.cli.options import home_option
from duizhang.errors import UserError

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
    from duizhang.order_life import events_of, items_of, near_keys, not_held_against

    events, items = events_of(home, key), items_of(home, key)
    if not events and not items:
        near = near_keys(home, key)
        raise UserError(
            f"nothing is known of {key!r}" + (f"; did you mean {', '.join(map(repr, near))}?" if near else ""),
            advice="Give an order, transaction, payout or tracking number as it stands in a file.",
        )
    not_run = not_held_against(home, events)
    if as_json:
        answer = {"key": key, "events": events, "items": items, "not_run": not_run}
        click.echo(json.dumps(answer, ensure_ascii=False, indent=1, default=str))
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
        from duizhang.unread import unread_files

        unread = unread_files(home)
        agree = "All sources that were read agree" if unread else "All sources agree"
        agree = "What was held against each other agrees" if not_run else agree
        click.echo(f"\n{agree}: nothing was ever open at the end of a day.")
        if unread:
            click.echo(f"{len(unread)} files are missing or were not read, so they are not in this answer: see `duizhang status`.")
    for line in not_run:
        click.echo(line)

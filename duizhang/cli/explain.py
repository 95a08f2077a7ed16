"""`duizhang explain`: the life of one order, payment or item across all sources."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import indented, screen_width
from duizhang.cli.options import home_option
from duizhang.errors import UserError
from duizhang.speech.language import CHINESE, current
from duizhang.speech.language import translated as _

SHOWN = ("origin", "kind", "transaction_id", "refund_id", "line_id", "sku", "quantity", "amount", "fee", "currency", "status",
         "carrier", "tracking_number", "payout_id")
MOST_LINES = 4  # of what a sum is made of


@click.command("explain")
@click.argument("key")
@home_option
@json_option
def command(key: str, home: Path, *, as_json: bool) -> None:
    """Show everything about KEY: an order, transaction, payout, tracking number, or the key of a variance."""
    if not (home / "published.duckdb").is_file():
        raise UserError(f"nothing is published in {home}", advice="Run `duizhang run` first.")
    from duizhang.report.order_life import events_of, items_of, near_keys, not_held_against

    events, items = events_of(home, key), items_of(home, key)
    if not events and not items:
        near = near_keys(home, key)
        raise UserError(
            _("nothing is known of {key!r}", key=key) + (_("; did you mean {near}?", near=", ".join(map(repr, near))) if near else ""),
            advice=_("Give an order, transaction, payout or tracking number as it stands in a file."),
        )
    not_run = not_held_against(home, events)
    if as_json:
        answer({"key": key, "events": events, "items": items, "not_run": not_run}, (), as_json=True)
        return
    from duizhang.report.home_books import read_home_books

    width, books = screen_width(), read_home_books(home)
    for event in events:
        facts = "  ".join(f"{_named(n)}={_said(n, event[n])}" for n in SHOWN if event.get(n) not in (None, ""))
        at = f"  {books.clock(event['occurred_at'])} {books.time_zone}" if event["occurred_at"] else ""
        for line in (f"{event['period']}{at}  {_named(event['table'])}", *indented(facts, width, by="    "),
                     f"    {event['file']}:{event['line']}"):
            click.echo(line)
    for item in items:
        for line in _of_item(item):
            bare = line.lstrip(" ")
            for part in indented(bare, width, by=line[: len(line) - len(bare)]):
                click.echo(part)
    if not items:
        from duizhang.standing.unread import unread_files

        unread = unread_files(home)
        agree = _("All sources that were read agree: nothing was ever open at the end of a day.") if unread else _(
            "All sources agree: nothing was ever open at the end of a day.")
        agree = _("What was held against each other agrees: nothing was ever open at the end of a day.") if not_run else agree
        click.echo(f"\n{agree}")
        if unread:
            click.echo(_("{n} files are missing or were not read, so they are not in this answer: see `duizhang status`.", n=len(unread)))
    if not_run and items:
        click.echo()
    for line in not_run:
        for part in indented(line, width):
            click.echo(part)


def _named(name: str) -> str:
    """A table or column, as the review page calls it."""
    from duizhang.review.wording import say

    return say(name, current())


def _said(name: str, value: object) -> str:
    """A value of a record: its kind, side and state in words where there are any."""
    if name in ("origin", "kind", "status"):
        from duizhang.review.wording import say_value

        return say_value(str(value), current())
    return _plain(value, 0 if name == "quantity" else 2)


def _plain(value: object, places: int) -> str:
    """A value of a record; a number with so many decimals, or as many as are significant."""
    if not isinstance(value, Decimal):
        return str(value)
    exact = value.normalize()
    return f"{exact if -int(exact.as_tuple().exponent) > places else value.quantize(Decimal(1).scaleb(-places)):f}"


def _of_item(item: dict[str, Any]) -> list[str]:
    """An open item, its cause and what is to be done about it."""
    from duizhang.declared.currency import in_places
    from duizhang.declared.schema import PIECES
    from duizhang.report import spoken_currency
    from duizhang.report.figures import candidate_lines, evidence_lines, follows_from, is_of_lines, proposal_lines
    from duizhang.speech.labels import Labels
    from duizhang.speech.spoken_names import spoken_leg

    evidence = item["evidence"] or ""
    labels = Labels("zh" if current() == CHINESE else "en")
    left, right, difference = (
        f"{value.normalize():f}" if item["currency"] == PIECES else f"{in_places(value, item['currency']):f}"
        for value in (item["left_amount"], item["right_amount"], item["difference"])
    )
    state = _("open on {day}, {age} days old", day=item["period"], age=item["age_days"]) if item["is_open"] else _(
        "last open on {day}, cleared since", day=item["period"])
    told = _("{left} against {right} {currency}, difference {difference}", left=left, right=right,
             currency=spoken_currency(item["currency"]), difference=difference)
    return [
        "", f"{spoken_leg(item['leg'])} {item['key']}{labels.text('colon')}{told}",
        f"  {labels.cause(item['cause'])}{labels.text('semicolon')}{state}",
        f"  {labels.who(item['cause'])}{labels.text('colon')}{labels.action(item['cause'])}",
        *(f"  {line}" for line in (*proposal_lines(item["proposal"], labels), *candidate_lines(item["candidates"], labels))),
        # of a sum other items, which need not be what was asked for; of one of several causes what it follows from
        *(f"    {line}" for line in (
            evidence_lines(evidence, labels, MOST_LINES) if is_of_lines(evidence)
            else evidence_lines(evidence, labels, 0)[:1] if follows_from(evidence) else ())),
    ]

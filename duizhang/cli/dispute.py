"""`duizhang dispute`: a letter to a counterparty with the differences that it has to answer for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, books_option, home_option, open_state
from duizhang.declared.terms import EventKind
from duizhang.speech.language import translated as _


@click.command("dispute")
@click.argument("counterparty", default="")
@books_option
@home_option
@click.option("--period", required=True, type=DAY, help="The day at whose end the differences are open.")
@click.option("--answer-by", type=DAY, help="Ask for an answer by this day.")
@click.option("--out", type=click.Path(path_type=Path), help="An .xlsx, .txt or .csv. Default: an .xlsx in the home.")
@json_option
def command(
    counterparty: str, books_path: Path, home: Path, period: dt.datetime, answer_by: dt.datetime | None, out: Path | None,
    *, as_json: bool,
) -> None:
    """Write the differences that a provider, platform or carrier has to answer for, each once, with ids and amounts. Without a
    counterparty: what each was asked for, what can still be claimed and until when, and what came back.

    Who is asked for what, and in which words, is said in duizhang/close/requests.yaml.
    """
    from duizhang.books import load_books
    from duizhang.close import append_event, clock, dispute, told_of, totals
    from duizhang.declared.currency import in_places

    state = open_state(home, read_only=not counterparty)
    books = load_books(books_path)
    if not counterparty:
        found = list(clock(home, books, state, period.date()))
        lines = []
        for c in found:
            parts = [f"{_(what)} {in_places(amount, c.currency):,f}" for what, amount in (
                ("claimed", c.claimed), ("not yet", c.unclaimed), ("expiring", c.expiring), ("expired", c.expired),
                ("recovered", c.recovered),
            ) if amount]
            ends = _("; the next ends on {day}", day=c.next) if c.next else ""
            lines.append(f"{c.counterparty} {c.currency}: {', '.join(parts) or _('nothing')}{ends}")
        answer({"period": period.date(), "counterparties": found}, lines, as_json=as_json)
        return
    name = "".join(c if c.isalnum() else "-" for c in counterparty)
    target = out or home / f"dispute-{name}-{period:%Y-%m-%d}.xlsx"
    items = dispute(home, books, counterparty, period.date(), target, answer_by=answer_by.date() if answer_by else None)
    asked = totals(items)
    append_event(state, actor="dispute", kind=EventKind.DISPUTED, payload={
        "counterparty": counterparty, "period": f"{period:%Y-%m-%d}",
        "totals": {c: str(t) for c, t in asked.items()}, "items": told_of(items),
    })
    money = ", ".join(f"{in_places(total, currency):,f} {currency}" for currency, total in sorted(asked.items()))
    line = f"{target}: {money or _('records are asked for, and no money')}"
    answer({"counterparty": counterparty, "period": period.date(), "out": target, "asked": dict(sorted(asked.items())),
            "items": told_of(items)}, [line], as_json=as_json)

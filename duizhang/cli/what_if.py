"""`duizhang what-if`: what a changed entry of books.yaml or another rule would do to past days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import in_currency, screen_width, table_text, wrapped
from duizhang.cli.options import DAY, home_option
from duizhang.errors import UserError
from duizhang.logs import shown
from duizhang.runner import load_runner
from duizhang.terms import PeriodStatus

if TYPE_CHECKING:
    from duizhang.what_if import Effect

_SHOWN = 12
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("what-if")
@home_option
@click.option("--books", type=_FILE, help="An edited copy of books.yaml. Default: the books of the last run.")
@click.option("--set", "edits", multiple=True, metavar="PLACE=VALUE", help="One entry: tolerances.fee=0.05; more than one --set is fine.")
@click.option("--causes", type=_FILE, help="Other rules that name causes (a copy of causes.yaml).")
@click.option("--matching", type=_FILE, help="Other matching passes (a copy of matching.yaml).")
@click.option("--from", "start", type=DAY, help="First business day. Default: the first that was run.")
@click.option("--to", "end", type=DAY, help="Last business day. Default: the last that was run.")
@click.option("--key", type=click.Path(path_type=Path), help="The pseudonym key, where it is not where the books had it.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@json_option
def command(
    home: Path, books: Path | None, edits: tuple[str, ...], causes: Path | None, matching: Path | None, start: dt.datetime | None,
    end: dt.datetime | None, key: Path | None, *, quiet: bool, as_json: bool,
) -> None:
    """Compute past days with a changed tolerance, deadline, rate card, rule or any other entry of books.yaml, and say what would be
    different: differences new and gone by leg and cause, their money, signed and closed days that would have to be reopened, days
    that would have to be computed again. Nothing is written to the home."""
    if not (books or edits or causes or matching):
        raise UserError("nothing is changed", advice="Give --set PLACE=VALUE, --books, --causes or --matching.")
    first, last = (day.date() if day else None for day in (start, end))
    if first and last and last < first:
        raise UserError(f"the range ends ({last}) before it begins ({first})")
    from duizhang.state import State
    from duizhang.what_if import Proposed, what_if

    runner = partial(load_runner(), progress=not quiet)
    with nullcontext() if quiet else shown():
        effect = what_if(
            home.resolve(), State(home, read_only=True), Proposed(books, edits, causes, matching), runner, first=first, last=last, key=key,
        )
    answer(as_plain(effect), () if as_json else told(effect), as_json=as_json)


def as_plain(effect: Effect) -> dict[str, Any]:
    """The effect as a program reads it; amounts as text, days as ISO dates."""
    return {
        "from": effect.first, "to": effect.last, "changes": [vars(e) for e in effect.edits],
        "days": [{**vars(d), "held": list(d.held), "reasons": [str(r) for r in d.reasons]} for d in effect.days],
        "days_without_effect": effect.same,
        "closed": [d.period for d in effect.days if d.state == PeriodStatus.CLOSED],
        "approved": [d.period for d in effect.days if d.state == PeriodStatus.APPROVED],
        "stale_outside": [{"period": day, "reasons": [str(r) for r in reasons]} for day, reasons in effect.stale.items()],
        "variances": list(effect.items), "moved": list(effect.moved), "legs": list(effect.legs), "profit": list(effect.profits),
        "not_current": list(effect.not_current), "left_out": list(effect.left_out),
    }


def told(effect: Effect) -> Iterator[str]:
    """The effect in plain words."""
    width = screen_width()
    yield f"If, from {effect.first} to {effect.last},"
    for edit in effect.edits[:_SHOWN]:
        yield from wrapped(str(edit), width, lines=3)
    if len(effect.edits) > _SHOWN:
        yield f"  and {len(effect.edits) - _SHOWN} more"
    if not effect.days:
        yield f"nothing would be different: {effect.same} days were computed again and say what they said"
    else:
        yield f"{len(effect.days)} days would be different, {effect.same} computed again would say what they say"
        yield from _items(effect)
        yield from _legs(effect, width)
        yield from _days(effect, width)
    if effect.stale:
        days = _listed(effect.stale)
        yield from wrapped(f"{len(effect.stale)} days outside the range would have to be computed as well: {days}", width, lines=3)
    if effect.not_current:
        yield (f"{len(effect.not_current)} days are not current (`duizhang plan` says why); they are compared with what a run would give "
               "today without the change")
    if effect.left_out:
        yield f"{len(effect.left_out)} entries of the inbox were never archived and are left out: {', '.join(effect.left_out[:3])}"
    yield "Nothing was written to the home."


def _items(effect: Effect) -> Iterator[str]:
    names = ["leg", "cause", "new", "amount", "gone", "amount", "changed", "from", "to", "currency"]
    listed = [
        [r["leg"], r["cause"], r["new"], r["new_amount"], r["gone"], r["gone_amount"], r["changed"], r["changed_was"], r["changed_now"],
         r["currency"]] for r in effect.items
    ]
    if not listed:
        return
    yield "\nDifferences, each once, amounts gross:"
    yield _table(names, listed)
    for r in effect.moved:
        one = r["items"] == 1
        yield (f"{r['items']} item{'' if one else 's'} of {r['leg']} {'is' if one else 'are'} {r['now']} and no longer {r['was']} "
               f"({_money(r['amount'], r['currency'])})")


def _legs(effect: Effect, width: int) -> Iterator[str]:
    if effect.legs:
        yield f"\nAt the end of {effect.last}, or of what follows it:"
        yield _table(
            ["leg", "differ", "would", "agreed", "would", "open", "would", "currency"],
            [[r["leg"], r["differing_was"], r["differing_now"], r["matched_was"], r["matched_now"], r["closing_was"], r["closing_now"],
              r["currency"]] for r in effect.legs])
    for r in effect.profits:
        yield from wrapped(
            f"profit of {r['shop'] or 'no shop'}: {_money(r['was'], r['currency'])} -> {_money(r['now'], r['currency'])}", width, lines=2)


def _days(effect: Effect, width: int) -> Iterator[str]:
    yield ""
    for state in (PeriodStatus.CLOSED, PeriodStatus.APPROVED):
        if days := [d.period for d in effect.days if d.state == state]:
            what = "would have to be reopened" if state == PeriodStatus.CLOSED else "would have to be signed again"
            yield from wrapped(f"{len(days)} {state} days {what}: {_listed(days)}", width, lines=3)
    for day in [d for d in effect.days if d.held][:_SHOWN]:
        yield from wrapped(f"{day.period} would be held: {day.held[0]}", width, lines=3)
    yield table_text(
        ["day", "state", "open", "would", "why"],
        [[d.period, d.state, d.open_was, d.open_now, _why([str(r) for r in d.reasons])] for d in effect.days[:_SHOWN]], width=width)
    if len(effect.days) > _SHOWN:
        yield f"and {len(effect.days) - _SHOWN} more days (--json lists them)"


def _listed(days: Iterable[dt.date]) -> str:
    found = [str(day) for day in days]
    return ", ".join(found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")


def _why(reasons: Sequence[str]) -> str:
    if not reasons:
        return "the day before leaves something else open"
    return reasons[0] + (f" (+{len(reasons) - 1} more)" if len(reasons) > 1 else "")


def _table(names: list[str], listed: list[list[Any]]) -> str:
    return table_text(names, in_currency(names, listed))


def _money(value: Decimal, currency: str) -> str:
    [[text, _]] = in_currency(["amount", "currency"], [[value, currency]])
    return f"{text} {currency}"

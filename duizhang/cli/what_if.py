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
from duizhang.cli.options import DAY, home_option, in_order
from duizhang.declared.terms import PeriodStatus
from duizhang.errors import UserError
from duizhang.logs import shown
from duizhang.runner import load_runner
from duizhang.speech.language import counted
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken
from duizhang.speech.spoken_names import spoken_cause, spoken_leg

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
        raise UserError(_("nothing is changed"), advice=_("Give --set PLACE=VALUE, --books, --causes or --matching."))
    first, last = (day.date() if day else None for day in (start, end))
    in_order(first, last)
    from duizhang.home.state import State
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
    yield _("If, from {first} to {last},", first=effect.first, last=effect.last)
    for edit in effect.edits[:_SHOWN]:
        yield from wrapped(str(edit), width, lines=3)
    if len(effect.edits) > _SHOWN:
        yield _("  and {n} more", n=len(effect.edits) - _SHOWN)
    if not effect.days:
        yield _("nothing would be different: {n} days were computed again and say what they said", n=effect.same)
    else:
        yield _("{n} days would be different, {same} computed again would say what they say", n=len(effect.days), same=effect.same)
        yield from _items(effect)
        yield from _legs(effect, width)
        yield from _days(effect, width)
    if effect.stale:
        days = _listed(effect.stale)
        text = _("{n} days outside the range would have to be computed as well: {days}", n=len(effect.stale), days=days)
        yield from wrapped(text, width, lines=3)
    if effect.not_current:
        yield _("{n} days are not current (`duizhang plan` says why); they are compared with what a run would give today without the "
                "change", n=len(effect.not_current))
    if effect.left_out:
        yield _("{n} entries of the inbox were never archived and are left out: {names}", n=len(effect.left_out),
                names=", ".join(effect.left_out[:3]))
    yield _("Nothing was written to the home.")


def _items(effect: Effect) -> Iterator[str]:
    names = ["leg", "cause", "new", "amount", "gone", "amount", "changed", "from", "to", "currency"]
    listed = [
        [spoken_leg(r["leg"]), spoken_cause(r["cause"]), r["new"], r["new_amount"], r["gone"], r["gone_amount"], r["changed"],
         r["changed_was"], r["changed_now"], r["currency"]] for r in effect.items
    ]
    if not listed:
        return
    yield "\n" + _("Differences, each once, amounts gross:")
    yield _table(names, listed)
    for r in effect.moved:
        yield counted(
            "{n} item of {leg} is {now} and no longer {was} ({money})", "{n} items of {leg} are {now} and no longer {was} ({money})",
            r["items"], leg=spoken_leg(r["leg"]), now=spoken_cause(r["now"]), was=spoken_cause(r["was"]),
            money=_money(r["amount"], r["currency"]))


def _legs(effect: Effect, width: int) -> Iterator[str]:
    if effect.legs:
        yield "\n" + _("At the end of {day}, or of what follows it:", day=effect.last)
        yield _table(
            ["leg", "differ", "would", "agreed", "would", "open", "would", "currency"],
            [[spoken_leg(r["leg"]), r["differing_was"], r["differing_now"], r["matched_was"], r["matched_now"], r["closing_was"],
              r["closing_now"], r["currency"]] for r in effect.legs])
    for r in effect.profits:
        text = _("profit of {shop}: {was} -> {now}", shop=r["shop"] or _("no shop"), was=_money(r["was"], r["currency"]),
                 now=_money(r["now"], r["currency"]))
        yield from wrapped(text, width, lines=2)


def _days(effect: Effect, width: int) -> Iterator[str]:
    yield ""
    for state in (PeriodStatus.CLOSED, PeriodStatus.APPROVED):
        if days := [d.period for d in effect.days if d.state == state]:
            closed = _("{n} closed days would have to be reopened: {days}", n=len(days), days=_listed(days))
            signed = _("{n} approved days would have to be signed again: {days}", n=len(days), days=_listed(days))
            yield from wrapped(closed if state == PeriodStatus.CLOSED else signed, width, lines=3)
    for day in [d for d in effect.days if d.held][:_SHOWN]:
        yield from wrapped(_("{day} would be held: {why}", day=day.period, why=day.held[0]), width, lines=3)
    yield table_text(
        [_(head) for head in ("day", "state", "open", "would", "why")],
        [[d.period, _(d.state), d.open_was, d.open_now, _why([str(r) for r in d.reasons])] for d in effect.days[:_SHOWN]], width=width)
    if len(effect.days) > _SHOWN:
        yield _("and {n} more days (--json lists them)", n=len(effect.days) - _SHOWN)


def _listed(days: Iterable[dt.date]) -> str:
    found = [str(day) for day in days]
    return ", ".join(found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")


def _why(reasons: Sequence[str]) -> str:
    if not reasons:
        return _("the day before leaves something else open")
    first = spoken(reasons[0])
    return _("{first} (+{n} more)", first=first, n=len(reasons) - 1) if len(reasons) > 1 else first


def _table(names: list[str], listed: list[list[Any]]) -> str:
    return table_text([_(name) for name in names], in_currency(names, listed), width=screen_width())


def _money(value: Decimal, currency: str) -> str:
    [[text, _currency]] = in_currency(["amount", "currency"], [[value, currency]])
    return f"{text} {currency}"

"""`duizhang advise`: what history speaks against in the books, each tried over the past."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import in_currency, screen_width, wrapped
from duizhang.cli.options import DAY, home_option, in_order
from duizhang.logs import shown
from duizhang.runner import load_runner
from duizhang.speech.folding import folded
from duizhang.speech.language import counted
from duizhang.speech.language import translated as _

if TYPE_CHECKING:
    from duizhang.advice import Advice, Tried


@click.command("advise")
@home_option
@click.option("--from", "start", type=DAY, help="First business day to try it on. Default: the first that was run.")
@click.option("--to", "end", type=DAY, help="Last business day to try it on. Default: the last that was run.")
@click.option("--untried", is_flag=True, help="Only say what history speaks against; compute nothing.")
@click.option("--key", type=click.Path(path_type=Path), help="The pseudonym key, where it is not where the books had it.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@json_option
def command(
    home: Path, start: dt.datetime | None, end: dt.datetime | None, key: Path | None, *, untried: bool, quiet: bool, as_json: bool,
) -> None:
    """Look through the published history for entries of books.yaml that it speaks against: a rate card that is not what is charged,
    a deadline that comes too early or too late, a tolerance that shouts or hides. Each change is computed over the past days in a
    copy, as `duizhang what-if` does; nothing is written to the home. Whether a change is right, a contract or a person says."""
    first, last = (day.date() if day else None for day in (start, end))
    in_order(first, last)
    from duizhang.advice import try_out
    from duizhang.home.state import State

    runner = partial(load_runner(), progress=not quiet)
    with nullcontext() if quiet or untried else shown():
        found = try_out(
            home.resolve(), State(home, read_only=True), runner, first=first, last=last, key=key, untried=untried)
    answer({"advice": [as_plain(tried) for tried in found]}, () if as_json else told(found), as_json=as_json)


def as_plain(tried: Tried) -> dict[str, Any]:
    """One advice as a program reads it."""
    advice, effect = tried.advice, tried.effect
    return {
        "kind": advice.kind, "where": advice.where, "change": advice.change, "seen": dict(advice.seen), "holds": tried.holds,
        "gone": tried.gone, "new": tried.new, "money_gone": tried.money_gone(),
        "from": effect.first if effect else None, "to": effect.last if effect else None,
        "days": [day.period for day in effect.days] if effect else [],
        "signed_days": [day.period for day in effect.signed] if effect else [],
        "moved": list(effect.moved) if effect else [],
    }


def told(found: list[Tried]) -> Iterator[str]:
    """Each advice in words: what was seen, the change, what it would have done."""
    if not found:
        yield _("history speaks against nothing in the books (rate cards, deadlines, tolerances)")
        return
    width = screen_width()
    for tried in found:
        yield from wrapped(seen(tried.advice), width, lines=None)
        yield f"    --set {shlex.quote(tried.advice.change)}"
        for line in _effect(tried):
            yield from (f"    {part}" for part in folded(line, width - 4))
    yield _("Nothing was written. To take one up, change books.yaml and run; `duizhang what-if --set ...` shows every difference.")


def seen(advice: Advice) -> str:
    """What in the history the advice follows from."""
    values = {**advice.seen, "where": advice.where}
    if "amount" in values:
        [[values["amount"], _currency]] = in_currency(["amount", "currency"], [[values["amount"], values["currency"]]])
    match str(advice.kind):
        case "rate_card":
            text = _("{where}: since {since} {fees} of {of} fees that differ are what {charged_percent}% gives; the card says {percent}%, "
                     "{amount} {currency} in all. Where the contract says the same, the card is out of date; else it is a claim")
        case "early_deadline":
            text = _("{where}: {late} of {cleared} items that cleared by themselves did so after the deadline of {sla_days} days; "
                     "99 of 100 clear within {within}")
        case "late_deadline":
            text = _("{where}: in {days} days {cleared} items cleared by themselves, none later than after {oldest} days; the deadline of "
                     "{sla_days} days tells what is missing later than it could")
        case "narrow_tolerance":
            text = _("{where}: {items} differences are above the tolerance of {tolerance} and not above {widest}, {amount} {currency} in "
                     "all")
        case _:
            text = _("{where}: {same_sign} of {items} differences within the tolerance of {tolerance} go the same way, {amount} {currency} "
                     "in all; rounding goes both ways")
    return text.format(**values)


def _effect(tried: Tried) -> Iterator[str]:
    if tried.effect is None:
        yield _("not tried")
        return
    money = ", ".join(
        f"{in_currency(['amount', 'currency'], [[amount, currency]])[0][0]} {currency}" for currency, amount in tried.money_gone().items())
    yield _("tried from {first} to {last}: {gone} differences gone, {new} new, {days} days other than they are",
            first=tried.effect.first, last=tried.effect.last, gone=tried.gone, new=tried.new, days=len(tried.effect.days)) + (
        f" ({money})" if money else "")
    if tried.effect.signed:
        yield counted(
            "{n} signed day would have to be signed again", "{n} signed days would have to be signed again", len(tried.effect.signed))
    yield _("the past speaks for it") if tried.holds else _("the past does not speak for it: leave the books as they are")


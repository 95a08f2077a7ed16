"""`duizhang plan`: which periods have to be computed, and why, before anything runs."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import screen_width, wrapped
from duizhang.cli.options import DAY, books_option, new_home_option
from duizhang.errors import UserError
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken
from duizhang.speech.spoken_names import spoken_leg, spoken_list, spoken_records

if TYPE_CHECKING:
    from duizhang.plan import Plan, Preflight

_SHOWN = 8


@click.command("plan")
@books_option
@new_home_option
@click.option("--from", "start", type=DAY, help="First business day. Default: the books' first.")
@click.option("--to", "end", type=DAY, help="Last business day. Default: the last with most of its files, or computed.")
@json_option
def command(
    books_path: Path, home: Path, start: dt.datetime | None, end: dt.datetime | None, *, as_json: bool
) -> None:
    """Which periods a run would compute, which file, rule or decision is the reason, and what may follow; and before anything is
    computed what will be held for want of a file or for a bad one, which files are not read, and which legs have both sides.

    New files of the inbox are read and archived for that; no result changes. A home that cannot be written to is answered for as its
    files were last taken in.
    """
    from duizhang.books import load_books

    books = load_books(books_path)
    from duizhang.home.state import State
    from duizhang.home.store import Store
    from duizhang.ingest import collect
    from duizhang.plan import acquire, last_day, make_plan, preflight

    is_kept = home.is_dir() and not os.access(home, os.W_OK)
    with nullcontext() if is_kept else acquire(home):
        store, state = Store(home.resolve()), State(home, read_only=is_kept)
        if not is_kept:
            collect(books, store, state)
        first = start.date() if start else books.start
        last = end.date() if end else max(first, last_day(books, state))
        if last < first or first < books.start:
            raise UserError(f"{first} to {last} is no range of the books, which begin on {books.start}")
        plan = make_plan(books, store, state, first, last)
        ahead = preflight(books, state, [*plan.stale, *plan.refused])
    kept = [_("{home} cannot be written to: what came into the inbox since the last run is not looked at", home=home)] if is_kept else []
    answer({**_json(plan), **_ahead_json(ahead), "inbox_looked_at": not is_kept}, (*kept, *_text(plan), *_ahead(ahead)), as_json=as_json)


def _ahead_json(ahead: Preflight) -> dict[str, Any]:
    return {
        "will_hold": [{"period": day.isoformat(), "reasons": list(reasons)} for day, reasons in ahead.holds.items()],
        "quiet": [{"period": day.isoformat(), "sources": list(said)} for day, said in ahead.quiet.items()],
        "not_read": [{"file": record.path, "problem": record.problem} for record in ahead.refused],
        "legs": [
            {"leg": s.leg, "runs": s.runs, "lacks": s.lacks, "left": sorted({source for source, _ in s.left}),
             "right": sorted({source for source, _ in s.right}), "shops_of_one_side": dict(s.alone)}
            for s in ahead.supplies
        ],
    }


def _ahead(ahead: Preflight) -> Iterator[str]:
    """What a run will meet, by the files alone."""
    from duizhang.reconcile import records_of

    width = screen_width()
    if ahead.holds:
        yield _("will be held: {n} days", n=len(ahead.holds))
        for first, last, reasons in _grouped(ahead.holds):
            yield f"  {first}" if first == last else _("  {first} to {last}", first=first, last=last)
            for reason in reasons[:_SHOWN]:
                yield from (f"  {line}" for line in wrapped(spoken(reason), width - 2, lines=3))
            if len(reasons) > _SHOWN:
                yield _("    and {n} more (--json lists them)", n=len(reasons) - _SHOWN)
    if ahead.quiet:
        yield _("unusual against their own weeks or balances, which holds nothing: {n} days", n=len(ahead.quiet))
        for day, said in [*ahead.quiet.items()][:_SHOWN]:
            yield from wrapped(f"  {day} {'; '.join(said)}", width, lines=3)
        if len(ahead.quiet) > _SHOWN:
            yield _("    and {n} more (--json lists them)", n=len(ahead.quiet) - _SHOWN)
    if ahead.refused:
        yield _("not read, and of no day that is known, so `run` ends with 2: {n} files", n=len(ahead.refused))
        for record in ahead.refused[:_SHOWN]:
            yield from wrapped(spoken(record.problem), width, lines=3)
        if len(ahead.refused) > _SHOWN:
            yield _("    and {n} more (--json lists them)", n=len(ahead.refused) - _SHOWN)
    both = [s.leg for s in ahead.supplies if s.runs]
    yield from wrapped(_("legs with both sides: {legs}", legs=spoken_list([spoken_leg(leg) for leg in both]) or "-"), width, lines=None)
    for s in ahead.supplies:
        if s.lacks:
            there = ", ".join(sorted({source for source, _ in s.left or s.right}))
            yield from wrapped(_("not run: {leg} has no {side} side, which is made of {records} (the other: {there})",
                                 leg=spoken_leg(s.leg), side=_(s.lacks),
                                 records=spoken_records(records_of(s.leg, s.lacks)), there=there), width, lines=4)
        for side, other in (("left", "right"), ("right", "left")):
            if shops := [shop for shop, there in s.alone if there == side]:
                yield from wrapped(
                    _("not run: {leg} of {shops}, of which only the {side} side is there; the other is made of {records}",
                      leg=spoken_leg(s.leg), shops=", ".join(shops), side=_(side),
                      records=spoken_records(records_of(s.leg, other))), width, lines=4)


def _json(plan: Plan) -> dict[str, Any]:
    def listed(found: dict[dt.date, Any]) -> list[dict[str, Any]]:
        return [
            {"period": p.isoformat(), "reasons": [{**vars(r), "text": str(r)} for r in reasons]}
            for p, reasons in found.items()
        ]

    return {
        "from": plan.periods[0].isoformat(), "to": plan.periods[-1].isoformat(), "periods": listed(plan.stale),
        "refused": listed(plan.refused), "may_follow": [p.isoformat() for p in plan.may_follow],
        "current": len(plan.periods) - len(plan.stale) - len(plan.refused),
    }


def _text(plan: Plan) -> list[str]:
    current = len(plan.periods) - len(plan.stale) - len(plan.refused)
    if not plan.stale and not plan.refused:
        return [_("nothing to do: {first} to {last} is current", first=plan.periods[0], last=plan.periods[-1])]
    lines = []
    for title, found in ((_("to compute"), plan.stale), (_("closed, so refused until reopened"), plan.refused)):
        if found:
            lines.append(_("{title}: {n} of {of} days", title=title, n=len(found), of=len(plan.periods)))
        for first, last, reasons in _grouped(found):
            lines.append(f"  {first}" if first == last else _("  {first} to {last}", first=first, last=last))
            lines += [f"    {spoken(str(reason))}" for reason in reasons[:_SHOWN]]
            if len(reasons) > _SHOWN:
                lines.append(_("    and {n} more (--json lists them)", n=len(reasons) - _SHOWN))
    if plan.may_follow:
        lines.append(_("may follow: {n} days up to {last}, until a day closes as it did before", n=len(plan.may_follow),
                       last=plan.may_follow[-1]))
    if current:
        lines.append(_("current: {n} days", n=current))
    return lines


def _grouped(found: dict[dt.date, tuple[Any, ...]]) -> list[tuple[dt.date, dt.date, tuple[Any, ...]]]:
    """Consecutive days with the same reasons, as one."""
    groups: list[tuple[dt.date, dt.date, tuple[Any, ...]]] = []
    for period, reasons in found.items():
        if groups and groups[-1][2] == reasons and period - groups[-1][1] == dt.timedelta(days=1):
            groups[-1] = (groups[-1][0], period, reasons)
        else:
            groups.append((period, period, reasons))
    return groups

"""`duizhang exceptions`: differences out to a workbook and decisions back in."""

from __future__ import annotations

import datetime as dt
import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import screen_width, table_text
from duizhang.cli.options import DAY, by_option, home_option, key_option, open_state
from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.speech.language import counted
from duizhang.speech.language import translated as _

if TYPE_CHECKING:
    from duizhang.close import Decision, Taken
    from duizhang.home.state import State
    from duizhang.report import Language


@click.group("exceptions")
def command() -> None:
    """Differences out to a workbook and decisions back in."""


@command.command("export")
@home_option
@click.option("--period", required=True, type=DAY, help="The day whose open differences are exported.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: exceptions-<period>.xlsx in the home.")
@click.option("--lang", "language", type=click.Choice(["zh", "en"]), help="Default: `language` of books.yaml.")
@json_option
def export(home: Path, period: dt.datetime, out: Path | None, language: Language | None, *, as_json: bool) -> None:
    """Write the workbook. In the column `decision` choose accept, write_off, correct, wait, link (it accepts the proposed pair),
    reclassify, chase, adjust or split, and give a reason; in the column `to` what the last four name. Its last sheet has the cells of
    the day's files that were not read, with room for what is to be read instead."""
    from duizhang.close import append_event, export_exceptions

    if home.is_dir() and not os.access(home, os.W_OK):
        raise UserError(f"{home} cannot be written to, and every export is put on record in it",
                        advice="Whoever may write to it exports; `duizhang exceptions list` and `duizhang report` need no right to write.")
    state = open_state(home)
    target = out or home / f"exceptions-{period:%Y-%m-%d}.xlsx"
    count, cells = export_exceptions(home, state, period.date(), target, language)
    append_event(state, actor="export", kind=EventKind.EXCEPTIONS_EXPORTED, payload={"period": f"{period:%Y-%m-%d}", "rows": count})
    values = {"n": count, "cells": cells, "day": f"{period:%Y-%m-%d}", "path": target}
    line = _("{n} open items of all legs, those in transit too, and {cells} cells that were not read of {day} in {path}", **values) \
        if cells else _("{n} open items of all legs of {day}, those in transit too, in {path}", **values)
    answer({"period": period.date(), "differences": count, "cells": cells, "out": target}, [line], as_json=as_json)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@home_option
@by_option
@key_option
@json_option
def import_(file: Path, home: Path, by: str, key: Path | None, *, as_json: bool) -> None:
    """Take the decisions of a workbook; all of them or, where a row is wrong, none. The same workbook again changes nothing."""
    from duizhang.cli.raw_cells import facts_of_cells, told_of_cells
    from duizhang.close import import_decisions

    state = open_state(home)
    found = import_decisions(home, state, file, by=by, key=key)
    new = found.taken.stored
    lines = [_("{n} new decisions, one an event, of {rows} rows in the workbook", n=len(new), rows=found.rows)]
    lines += [_taken_back(d) for d in found.undone]
    lines += _told(home, state, found.taken)
    if found.undone:
        days = sorted({d.period for d in found.undone})
        lines += [_("run {days} again to see them applied", days=", ".join(map(str, days))), *_voided(home, state, days[0])]
    lines += told_of_cells(found.corrected)
    if found.corrected.stored:
        lines.append(_("run again to see the corrected cells read"))
    answer({"rows": found.rows, **_facts(found.taken), "taken_back": [d.name for d in found.undone],
            "corrections": facts_of_cells(found.corrected)}, lines, as_json=as_json)


@command.command("list")
@home_option
@click.option("--period", required=True, type=DAY, help="The day.")
@click.option("--decided", is_flag=True, help="The decisions of the day instead, with their numbers.")
@json_option
def list_(home: Path, period: dt.datetime, *, decided: bool, as_json: bool) -> None:
    """The open events of a day, with the items that each shows in; one decision is about all of them."""
    from duizhang.close import decisions, events_of
    from duizhang.declared.currency import in_places

    if decided:
        rows = [
            {"decision": d.name, "event": d.event, "what": d.decision, "to": d.to, "amount": str(d.amount), "currency": d.currency,
             "leg": d.leg, "key": d.key, "by": d.decided_by, "reason": d.reason,
             "taken_back": f"{d.taken_back.by}: {d.taken_back.reason}" if d.taken_back else ""}
            for d in decisions(open_state(home, read_only=True)) if d.period == period.date()
        ]
    else:
        rows = [
            {"event": e.id, "amount": str(in_places(e.amount, e.lead.currency)), "currency": e.lead.currency, "cause": e.lead.cause,
             "leg": e.lead.leg, "key": e.lead.key, "items": str(len(e.items)), "legs": ", ".join(dict.fromkeys(i.leg for i in e.items))}
            for e in events_of(home, period.date()).values()
        ]
    day = f"{period:%Y-%m-%d}"
    count = _("{n} decisions of {day}", n=len(rows), day=day) if decided else _("{n} open events of {day}", n=len(rows), day=day)
    # what is on its way is counted: it stands in its hundreds before the few that somebody has to look at
    shown = [row for row in rows if decided or row["cause"] != "timing"]
    names = ["decision", "event", "what", "amount", "currency", "by", "reason", "taken_back"] if decided else [
        "event", "amount", "currency", "cause", "key", "legs"]
    table = [[_spoken(name, row[name]) for name in names] for row in shown]
    lines = [table_text([_(name) for name in names], table, width=screen_width())] if shown else []
    lines.append(count)
    if len(shown) < len(rows):
        lines.append(counted("{n} of them is on its way (--json lists it)", "{n} of them are on their way (--json lists them)",
                             len(rows) - len(shown)))
    answer({"period": period.date(), "decisions" if decided else "events": rows}, lines, as_json=as_json)


def _spoken(name: str, value: str) -> Any:
    """A cell of the table: causes and the first leg in words (--json lists all of them), the amount as a number."""
    from duizhang.speech.spoken_names import spoken_cause, spoken_leg

    if name == "legs":
        first, *others = value.split(", ")
        return spoken_leg(first) + (f" +{len(others)}" if others else "")
    return spoken_cause(value) if name == "cause" else Decimal(value) if name == "amount" else value


@command.command("decide")
@click.argument("events", nargs=-1, required=True)
@home_option
@click.option("--period", required=True, type=DAY, help="The day whose events these are.")
@click.option("--decision", required=True, help="accept, write_off, correct, wait, link, reclassify, chase, adjust or split.")
@click.option("--reason", required=True, help="Why.")
@click.option("--wait-until", type=DAY, help="With wait and chase: the day.")
@click.option("--to", default="", help="reclassify: an account or cause; chase: whom (customer, or a name); adjust: the amount that our "
              "record is to have; split: the parts, such as '60 write_off; 40 wait 2026-04-30'.")
@click.option("--replace", "replace_earlier", is_flag=True, help="In place of decisions about them that were not computed yet.")
@by_option
@key_option
@json_option
def decide_(
    events: tuple[str, ...], home: Path, period: dt.datetime, decision: str, reason: str, wait_until: dt.datetime | None,
    to: str, by: str, key: Path | None, *, replace_earlier: bool, as_json: bool,
) -> None:
    """Decide about events of a day (`exceptions list` has their ids), all of them or none. It clears each event in every leg.

    link takes several events of one leg that belong together: what nets is cleared and nothing is booked, the rest stays open.
    """
    from duizhang.close import decide
    from duizhang.declared.currency import in_places

    state = open_state(home)
    taken = decide(
        home, state, period.date(), events, decision, by=by, reason=reason, until=wait_until.date() if wait_until else None,
        to=to, replace_earlier=replace_earlier, key=key,
    )
    lines = [
        _("{number}: {decision} {amount} {currency}, {n} items of event {event}", number=d.name, decision=d.decision,
          amount=in_places(d.amount, d.currency), currency=d.currency, n=len(d.items), event=d.event)
        for d in taken.stored
    ]
    answer({"period": period.date(), **_facts(taken)}, [*lines, *_told(home, state, taken)], as_json=as_json)


@command.command("undo")
@click.argument("number")
@home_option
@click.option("--reason", required=True, help="Why.")
@click.option("--period", type=DAY, help="Where the decision's own day is closed: the open day from which on it does not count.")
@by_option
@key_option
@json_option
def undo(
    number: str, home: Path, reason: str, period: dt.datetime | None, by: str, key: Path | None, *, as_json: bool
) -> None:
    """Take a decision back by its number, such as C000012: its items are open again, its entry is reversed. Of a corrected cell, such
    as K000003, the file is read as it stands there again."""
    kind, digits = ("K", number[1:]) if number[:1] in "Kk" else ("C", number.upper().removeprefix("C"))
    if not digits.isdigit():
        raise UserError(f"{number!r} is no decision", advice="Its number is such as C000012, that of a corrected cell such as K000003.")
    if kind == "K":
        from duizhang.close import take_back_cell

        cell = take_back_cell(home, open_state(home), int(digits), by=by, reason=reason, key=key)
        answer({"decision": cell.name, "file": cell.file, "line": cell.line, "column": cell.column, "by": by}, [
            _("{number} is taken back: {file}, line {line}, {column}", number=cell.name, file=cell.file, line=cell.line,
              column=cell.column),
            _("run again to see it applied"),
        ], as_json=as_json)
        return
    from duizhang.close import take_back

    state = open_state(home)
    undone = take_back(home, state, int(digits), by=by, reason=reason, period=period.date() if period else None, key=key)
    since = undone[0].taken_back.period if undone[0].taken_back else undone[0].period
    lines = [_taken_back(d) for d in undone]
    own = next(d for d in undone if d.id == int(digits))
    answer({"decision": own.name, "decisions": [d.name for d in undone], "taken_back_from": since, "by": by},
           [*lines, _("run {day} again to see it applied", day=since), *_voided(home, state, since)], as_json=as_json)


def _taken_back(d: Decision) -> str:
    from duizhang.declared.currency import in_places

    return _("{number} is taken back: {decision} {amount} {currency} of {day}", number=d.name, decision=d.decision,
             amount=in_places(d.amount, d.currency), currency=d.currency, day=d.period)


def _voided(home: Path, state: State, day: dt.date) -> list[str]:
    """What a line says of signatures that the next run may make void."""
    from duizhang.close import signed_from

    signed = signed_from(home, state, day)
    return [_("signed already, and to be signed again when it gets another version: {day}", day=day) for day in signed]


def _told(home: Path, state: State, taken: Taken) -> list[str]:
    lines = [_("instead of {number}: {decision} by {name}", number=old.name, decision=old.decision, name=old.decided_by)
             for old in taken.replaced]
    if taken.stored:
        days = ", ".join(sorted({d.period.isoformat() for d in taken.stored}))
        lines += [_("run {days} again to see them applied", days=days), *_voided(home, state, min(d.period for d in taken.stored))]
    return lines


def _facts(taken: Taken) -> dict[str, Any]:
    """What was decided, by the numbers of decisions."""
    return {
        "decided": [
            {"decision": d.name, "event": d.event, "what": d.decision, "to": d.to, "amount": d.amount, "currency": d.currency,
             "period": d.period, "items": len(d.items), "by": d.decided_by} for d in taken.stored
        ],
        "instead_of": [old.name for old in taken.replaced],
    }

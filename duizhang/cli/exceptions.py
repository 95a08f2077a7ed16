"""`duizhang exceptions`: differences out to a workbook and decisions back in."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from duizhang.cli.options import DAY, by_option, home_option, key_option, open_state
from duizhang.errors import UserError

if TYPE_CHECKING:
    from duizhang.close import Taken
    from duizhang.report import Language


@click.group("exceptions")
def command() -> None:
    """Differences out to a workbook and decisions back in."""


@command.command("export")
@home_option
@click.option("--period", required=True, type=DAY, help="The day whose open differences are exported.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: exceptions-<period>.xlsx in the home.")
@click.option("--lang", "language", type=click.Choice(["zh", "en"]), help="Default: `language` of books.yaml.")
def export(home: Path, period: dt.datetime, out: Path | None, language: Language | None) -> None:
    """Write the workbook. In the column `decision` choose accept, write_off, correct, wait or link (it accepts the proposed pair), and
    give a reason. Its last sheet has the cells of the day's files that were not read, with room for what is to be read instead."""
    from duizhang.close import append_event, export_exceptions

    state = open_state(home)
    target = out or home / f"exceptions-{period:%Y-%m-%d}.xlsx"
    count, cells = export_exceptions(home, state, period.date(), target, language)
    append_event(state, actor="export", kind="exceptions_exported", payload={"period": f"{period:%Y-%m-%d}", "rows": count})
    also = f" and {cells} cells that were not read" if cells else ""
    click.echo(f"{count} open differences{also} of {period:%Y-%m-%d} in {target}")


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@home_option
@by_option
@key_option
def import_(file: Path, home: Path, by: str, key: Path | None) -> None:
    """Take the decisions of a workbook; all of them or, where a row is wrong, none. The same workbook again changes nothing."""
    from duizhang.close import import_decisions

    found = import_decisions(home, open_state(home), file, by=by, key=key)
    new = found.taken.stored
    click.echo(f"{len(new)} new decisions, one an event, of {found.rows} rows in the workbook")
    _told(found.taken)
    for one in found.corrected.stored:
        still = f"; the record is still not read: {found.corrected.still[one.name]}" if one.name in found.corrected.still else ""
        click.echo(f"{one.name}: {one.file}, line {one.line}, {one.column}: {one.was!r} -> {one.value!r}{still}")
    if found.corrected.stored:
        click.echo("run again to see the corrected cells read")


@command.command("list")
@home_option
@click.option("--period", required=True, type=DAY, help="The day.")
@click.option("--decided", is_flag=True, help="The decisions of the day instead, with their numbers.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(home: Path, period: dt.datetime, *, decided: bool, as_json: bool) -> None:
    """The open events of a day, with the items that each shows in; one decision is about all of them."""
    from duizhang.close import decisions, events_of
    from duizhang.currency import in_places

    if decided:
        rows = [
            {"decision": d.name, "event": d.event, "what": d.decision, "amount": str(d.amount), "currency": d.currency,
             "leg": d.leg, "key": d.key, "by": d.decided_by, "reason": d.reason,
             "taken_back": f"{d.taken_back.by}: {d.taken_back.reason}" if d.taken_back else ""}
            for d in decisions(open_state(home)) if d.period == period.date()
        ]
    else:
        rows = [
            {"event": e.id, "amount": str(in_places(e.amount, e.lead.currency)), "currency": e.lead.currency, "cause": e.lead.cause,
             "leg": e.lead.leg, "key": e.lead.key, "items": str(len(e.items)), "legs": ", ".join(dict.fromkeys(i.leg for i in e.items))}
            for e in events_of(home, period.date()).values()
        ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo("  ".join(str(value) for value in row.values()))
    click.echo(f"{len(rows)} {'decisions' if decided else 'open events'} of {period:%Y-%m-%d}")


@command.command("decide")
@click.argument("events", nargs=-1, required=True)
@home_option
@click.option("--period", required=True, type=DAY, help="The day whose events these are.")
@click.option("--decision", required=True, help="accept, write_off, correct, wait or link.")
@click.option("--reason", required=True, help="Why.")
@click.option("--wait-until", type=DAY, help="With wait: the day.")
@click.option("--replace", "replace_earlier", is_flag=True, help="In place of decisions about them that were not computed yet.")
@by_option
@key_option
def decide_(
    events: tuple[str, ...], home: Path, period: dt.datetime, decision: str, reason: str, wait_until: dt.datetime | None,
    by: str, key: Path | None, *, replace_earlier: bool,
) -> None:
    """Decide about events of a day (`exceptions list` has their ids), all of them or none. It clears each event in every leg.

    link takes several events of one leg that belong together: what nets is cleared and nothing is booked, the rest stays open.
    """
    from duizhang.close import decide
    from duizhang.currency import in_places

    taken = decide(
        home, open_state(home), period.date(), events, decision, by=by, reason=reason, until=wait_until.date() if wait_until else None,
        replace_earlier=replace_earlier, key=key,
    )
    for d in taken.stored:
        click.echo(f"{d.name}: {d.decision} {in_places(d.amount, d.currency)} {d.currency}, {len(d.items)} items of event {d.event}")
    _told(taken)


@command.command("undo")
@click.argument("number")
@home_option
@click.option("--reason", required=True, help="Why.")
@click.option("--period", type=DAY, help="Where the decision's own day is closed: the open day from which on it does not count.")
@by_option
@key_option
def undo(number: str, home: Path, reason: str, period: dt.datetime | None, by: str, key: Path | None) -> None:
    """Take a decision back by its number, such as C000012: its items are open again, its entry is reversed. Of a corrected cell, such
    as K000003, the file is read as it stands there again."""
    from duizhang.close import take_back, take_back_cell
    from duizhang.currency import in_places

    kind, digits = ("K", number[1:]) if number[:1] in "Kk" else ("C", number.upper().removeprefix("C"))
    if not digits.isdigit():
        raise UserError(f"{number!r} is no decision", advice="Its number is such as C000012, that of a corrected cell such as K000003.")
    if kind == "K":
        cell = take_back_cell(home, open_state(home), int(digits), by=by, reason=reason, key=key)
        click.echo(f"{cell.name} is taken back: {cell.file}, line {cell.line}, {cell.column}")
        click.echo("run again to see it applied")
        return
    d = take_back(home, open_state(home), int(digits), by=by, reason=reason, period=period.date() if period else None, key=key)
    assert d.taken_back is not None  # noqa: S101 - just taken back
    click.echo(f"{d.name} is taken back: {d.decision} {in_places(d.amount, d.currency)} {d.currency} of {d.period}")
    click.echo(f"run {d.taken_back.period} again to see it applied")


def _told(taken: Taken) -> None:
    for old in taken.replaced:
        click.echo(f"instead of {old.name}: {old.decision} by {old.decided_by}")
    if taken.stored:
        click.echo(f"run {', '.join(sorted({d.period.isoformat() for d in taken.stored}))} again to see them applied")

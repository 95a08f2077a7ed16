"""`duizhang source rejected | correct`: cells of raw files that were not read, and what is to be read instead."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, by_option, home_option, key_option, open_state
from duizhang.speech.language import translated as _

if TYPE_CHECKING:
    from duizhang.close.rejecting import Corrected


@click.command("rejected")
@home_option
@click.option("--period", type=DAY, help="Only of the files of this day.")
@json_option
def rejected(home: Path, period: dt.datetime | None, *, as_json: bool) -> None:
    """The cells that were not read, in their shape, and the corrections that hold; also of days that are held."""
    from duizhang.close import rejected as rejected_cells
    from duizhang.ingest.files import cell_corrections

    state = open_state(home, read_only=True)
    cells = rejected_cells(home, state, period.date() if period else None)
    made = [c for c in cell_corrections(state) if not c.taken_back]
    lines = []
    for cell in cells:
        line = _("{file}  line {line}  {column}  {value!r} {reason}", file=cell.file, line=cell.line, column=cell.column or _("the record"),
                 value=cell.value, reason=cell.reason)
        lines.append(line + (_("  -> {correction}, from the next run on", correction=cell.correction) if cell.correction else ""))
    for one in made:
        lines.append(_("{number}  {file}  line {line}  {column}  {was!r} -> {value!r}  {name}: {reason}", number=one.name, file=one.file,
                       line=one.line, column=one.column, was=one.was, value=one.value, name=one.by, reason=one.reason))
    lines.append(_("{n} cells were not read, {corrected} are corrected", n=len(cells), corrected=len(made)))
    answer({
        "rejected": [c.__dict__ for c in cells],
        "corrected": [{"correction": c.name, "file": c.file, "line": c.line, "column": c.column, "was": c.was, "value": c.value,
                       "by": c.by, "reason": c.reason} for c in made],
    }, lines, as_json=as_json)


@click.command("correct")
@click.argument("file")
@home_option
@click.option("--line", required=True, type=click.IntRange(min=1), help="The line of the record in the file.")
@click.option("--column", required=True, help="The column, as the file or its specification names it.")
@click.option("--was", required=True, help="What stands there, or its shape as `source rejected` shows it; '' where it is empty.")
@click.option("--to", "value", required=True, help="What is to be read instead.")
@click.option("--reason", required=True, help="Why; it goes into the event log.")
@by_option
@key_option
@json_option
def correct(
    file: str, home: Path, line: int, column: str, was: str, value: str, reason: str, by: str, key: Path | None, *, as_json: bool
) -> None:
    """Read another value in a cell of FILE, rejected or not. The file stays as it is; the next run reads it so, and computes what
    follows. Refused where something else stands in the cell, where the value cannot be read either, and for closed days.
    """
    from duizhang.close import CellChoice, correct

    done = correct(home, open_state(home), [CellChoice(file, line, column, was, value, reason)], by=by, key=key)
    lines = told_of_cells(done)
    if not done.stored:
        lines.append(_("it was corrected so before"))
    elif done.days:
        lines.append(_("run {day} again to see it applied", day=", ".join(day.isoformat() for day in done.days)))
    else:
        lines.append(_("run again to see it applied"))
    answer({"corrections": facts_of_cells(done), "days": list(done.days)}, lines, as_json=as_json)


def told_of_cells(done: Corrected) -> list[str]:
    """Corrected cells as people read them."""
    lines = []
    for one in done.stored:
        lines.append(_("{number}: {file}, line {line}, {column}: {was!r} -> {value!r}", number=one.name, file=one.file, line=one.line,
                       column=one.column, was=one.was, value=one.value))
        if one.name in done.still:
            lines.append(_("  the record is still not read: {reason}", reason=done.still[one.name]))
    return lines


def facts_of_cells(done: Corrected) -> list[dict[str, Any]]:
    """Corrected cells as a program reads them."""
    return [{"correction": one.name, "file": one.file, "line": one.line, "column": one.column, "was": one.was, "value": one.value,
             "still": done.still.get(one.name, "")} for one in done.stored]

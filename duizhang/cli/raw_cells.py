"""`duizhang source rejected | correct`: cells of raw files that were not read, and what is to be read instead."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import click

from duizhang.cli.options import DAY, by_option, home_option, key_option, open_state


@click.command("rejected")
@home_option
@click.option("--period", type=DAY, help="Only of the files of this day.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def rejected(home: Path, period: dt.datetime | None, *, as_json: bool) -> None:
    """The cells that were not read, in their shape, and the corrections that hold; also of days that are held."""
    from duizhang.close import rejected as rejected_cells
    from duizhang.ingest.files import cell_corrections

    state = open_state(home)
    cells = rejected_cells(home, state, period.date() if period else None)
    made = [c for c in cell_corrections(state) if not c.taken_back]
    if as_json:
        click.echo(json.dumps({
            "rejected": [c.__dict__ for c in cells],
            "corrected": [{"correction": c.name, "file": c.file, "line": c.line, "column": c.column, "was": c.was, "value": c.value,
                           "by": c.by, "reason": c.reason} for c in made],
        }, ensure_ascii=False))
        return
    for cell in cells:
        click.echo(f"{cell.file}  line {cell.line}  {cell.column or 'the record'}  {cell.value!r} {cell.reason}"
                   + (f"  -> {cell.correction}, from the next run on" if cell.correction else ""))
    for one in made:
        click.echo(f"{one.name}  {one.file}  line {one.line}  {one.column}  {one.was!r} -> {one.value!r}  {one.by}: {one.reason}")
    click.echo(f"{len(cells)} cells were not read, {len(made)} are corrected")


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
def correct(
    file: str, home: Path, line: int, column: str, was: str, value: str, reason: str, by: str, key: Path | None
) -> None:
    """Read another value in a cell of FILE, rejected or not. The file stays as it is; the next run reads it so, and computes what
    follows. Refused where something else stands in the cell, where the value cannot be read either, and for closed days.
    """
    from duizhang.close import CellChoice, correct

    done = correct(home, open_state(home), [CellChoice(file, line, column, was, value, reason)], by=by, key=key)
    for one in done.stored:
        click.echo(f"{one.name}: {one.file}, line {one.line}, {one.column}: {one.was!r} -> {one.value!r}")
        if one.name in done.still:
            click.echo(f"  the record is still not read: {done.still[one.name]}")
    if not done.stored:
        click.echo("it was corrected so before")
    elif done.days:
        click.echo(f"run {', '.join(day.isoformat() for day in done.days)} again to see it applied")
    else:
        click.echo("run again to see it applied")

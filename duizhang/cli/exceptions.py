"""`duizhang exceptions`: differences out to a workbook and decisions back in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.options import DAY, by_option, home_option, open_state, waiting


@click.group("exceptions")
def command() -> None:
    """Differences out to a workbook and decisions back in."""


@command.command("export")
@home_option
@click.option("--period", required=True, type=DAY, help="The day whose open differences are exported.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: exceptions-<period>.xlsx in the home.")
def export(home: Path, period: dt.datetime, out: Path | None) -> None:
    """Write the workbook. In the column `decision` choose accept, write_off, correct or wait, and give a reason."""
    from duizhang.close import append_event, export_exceptions

    state = open_state(home)
    target = out or home / f"exceptions-{period:%Y-%m-%d}.xlsx"
    count = export_exceptions(home, period.date(), target)
    append_event(state, actor="export", kind="exceptions_exported", payload={"period": f"{period:%Y-%m-%d}", "rows": count})
    click.echo(f"{count} open differences of {period:%Y-%m-%d} in {target}")


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@home_option
@by_option
def import_(file: Path, home: Path, by: str) -> None:
    """Take the decisions of a workbook; all of them or, where a row is wrong, none. The same workbook again changes nothing."""
    from duizhang.close import import_decisions

    found, new = import_decisions(home, open_state(home), file, by=by, say=waiting)
    click.echo(f"{new} new decisions of {len(found)} in the workbook")
    if new:
        click.echo(f"run {', '.join(sorted({d.period.isoformat() for d in found}))} again to see them applied")

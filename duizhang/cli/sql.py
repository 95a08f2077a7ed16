"""`duizhang sql`: query the published tables, read-only."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import click

from duizhang.cli.cells import in_currency, table_text
from duizhang.cli.options import home_option
from duizhang.speech.harmless import for_spreadsheet
from duizhang.speech.language import translated as _


@click.command()
@click.argument("query")
@home_option
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--json", "form", flag_value="json", help="The same as --format json.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Stop a query that takes longer. Default: it may take as long as it needs.")
@click.option("--most", type=click.IntRange(min=1), help="At most so many rows; that there are more is told. Default: all.")
def command(query: str, home: Path, form: str, seconds: float | None, most: int | None) -> None:
    """Query the published tables (DuckDB SQL, read-only)."""
    from duizhang.home.published import open_published, run_select

    with open_published(home) as con:
        names, rows = run_select(con, query, most=most, seconds=seconds)
    if most is not None and len(rows) > most:
        rows = rows[:most]
        click.echo(_("there are more than {n} rows; the others are left out", n=most), err=True)
    if form == "json":
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        click.echo(json.dumps(listed, ensure_ascii=False, indent=1, default=str))
    elif form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        # a spreadsheet may open it; JSON has every text as it is
        writer.writerows([for_spreadsheet(cell) if isinstance(cell, str) else cell for cell in row] for row in [names, *rows])
        click.echo(text.getvalue(), nl=False)
    else:
        click.echo(table_text(names, in_currency(names, rows)))

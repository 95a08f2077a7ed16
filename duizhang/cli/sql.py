"""`duizhang sql`: query the published tables, read-only; also how other commands print them."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from duizhang.published import open_published, run_select

home_option = click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), envvar="DUIZHANG_HOME", default=Path("home"),
    show_default=True, help="Where the results are (or DUIZHANG_HOME).",
)


@click.command()
@click.argument("query")
@home_option
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def command(query: str, home: Path, form: str) -> None:
    """Query the published tables (DuckDB SQL, read-only)."""
    with open_published(home) as con:
        names, rows = run_select(con, query)
    if form == "json":
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        click.echo(json.dumps(listed, ensure_ascii=False, indent=1, default=str))
    elif form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
        click.echo(text.getvalue(), nl=False)
    else:
        click.echo(table_text(names, rows))


def shown(value: Any) -> str:
    """A value as people read it: decimals with at least two places and no further zeros, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        whole, _, places = text.partition(".")
        return f"{whole}.{places.rstrip('0').ljust(2, '0')}"
    return str(value)


def width_of(text: str) -> int:
    """Columns that a text takes on a screen."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def table_text(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as a plain table; numbers to the right, wide characters counted as two."""
    cells = [[shown(value).replace("\n", " | ") for value in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(r[n], int | float | Decimal | None) and not isinstance(r[n], bool) for r in rows)
        for n in range(len(names))
    ]
    widths = [max(width_of(text) for text in (name, *(row[n] for row in cells))) for n, name in enumerate(names)]

    def line(texts: Sequence[str]) -> str:
        padded = [
            (" " * (w - width_of(t)) + t) if r else (t + " " * (w - width_of(t)))
            for t, w, r in zip(texts, widths, right, strict=True)
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(list(names)), "  ".join("-" * w for w in widths), *(line(row) for row in cells)])

"""`duizhang export`: periods for others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, home_option, open_state, span
from duizhang.language import translated as _


@click.group("export")
def command() -> None:
    """Periods for others: `audit` is a folder that proves them to somebody who has no duizhang, `iceberg` tables for other engines."""


@command.command("audit")
@home_option
@click.option("--from", "start", required=True, type=DAY, help="First day.")
@click.option("--to", "end", required=True, type=DAY, help="Last day.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="A new folder.")
@click.option("--with-raw", is_flag=True, help="Copy the raw files as well. They name customers.")
@json_option
def audit(home: Path, start: dt.datetime, end: dt.datetime, out: Path, *, with_raw: bool, as_json: bool) -> None:
    """The event log with its signed checkpoint, the manifests and published tables of the days, and `check.py`, which proves with
    nothing but Python that they belong together, add up, and were signed by whom."""
    from duizhang.close import export_audit

    periods = span(start, end)
    unclosed = export_audit(home, open_state(home), periods, out, with_raw=with_raw)
    lines = [_("{n} days in {folder}; check them with: python {check}", n=len(periods), folder=out, check=out / "check.py")]
    if unclosed:
        first = ", ".join(str(period) for period in unclosed[:5]) + (" ..." if len(unclosed) > 5 else "")
        lines.append(_("{n} of them are not closed: {days}", n=len(unclosed), days=first))
    answer({"out": out, "periods": periods, "not_closed": unclosed}, lines, as_json=as_json)


@command.command("iceberg")
@home_option
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder of catalogue and metadata.")
@json_option
def iceberg(home: Path, out: Path, *, as_json: bool) -> None:
    """What is published as Apache Iceberg tables, without a copy of a row: for Spark, Trino, Snowflake, Polars and DuckDB. Give the
    same folder again after every publication. Needs `pip install 'duizhang[iceberg]'`."""
    from duizhang.publish import export_iceberg

    done = export_iceberg(home, open_state(home), out)
    lines = [_("{n} days in {folder}; {changed} of {tables} tables changed", n=done.periods, folder=out / "catalog.db",
               changed=len(done.changed), tables=len(done.tables) + 1)]
    answer({"out": out, "periods": done.periods, "objects": done.tables, "changed": list(done.changed)}, lines, as_json=as_json)

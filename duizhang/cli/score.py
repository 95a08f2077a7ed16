"""`duizhang score`: how much of what a simulation injected was found, with the right amount and cause."""

from __future__ import annotations

import json
from pathlib import Path

import click

from duizhang.cli.options import home_option


@click.command(name="score")
@click.option("--truth", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
              help="truth.parquet of the simulation.")
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(truth: Path, home: Path, *, as_json: bool) -> None:
    """Compare what was found with what a simulation injected."""
    from duizhang.simulate import render, score

    result, misses = score(truth, home)
    click.echo(json.dumps(result, ensure_ascii=False, indent=2) if as_json else render(result, misses))

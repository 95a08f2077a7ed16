"""`duizhang metrics`: what an alert is made of."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.options import home_option


@click.command("metrics")
@home_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Replace this file in one step instead of showing them.")
def command(home: Path, out: Path | None) -> None:
    """Last run and publication, days by state, open items and amounts by leg and currency, refused files, the newest day of each
    source, in the text format of Prometheus. Give --out a file in the folder of node_exporter's textfile collector."""
    from duizhang.home.disk import written
    from duizhang.standing.watching import exposition

    text = exposition(home)
    if out is None:
        click.echo(text, nl=False)
        return
    with written(out, mode=0o644) as partial:
        partial.write_text(text, encoding="utf-8")
    click.echo(f"written to {out}")

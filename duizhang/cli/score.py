"""`duizhang score`: how much of what a simulation injected was found, with the right amount and cause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from duizhang.cli.cells import Amount, screen_width, table_text
from duizhang.cli.options import home_option
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken

if TYPE_CHECKING:
    from duizhang.simulate import Score

MOST_MISSES = 20  # that are told one by one


@click.command(name="score")
@click.option("--truth", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
              help="truth.parquet of the simulation.")
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(truth: Path, home: Path, *, as_json: bool) -> None:
    """Compare what was found with what a simulation injected."""
    from duizhang.simulate import score

    result, misses = score(truth, home)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    for line in (*_told(result), *_misses(misses)):
        click.echo(line)


def _told(result: Score) -> Iterator[str]:
    """The score as lines and tables; causes and legs as the truth file names them."""
    total, width = result["differences"], screen_width()
    yield _("injected {injected}, found {found}: recall {recall}, precision {precision}, amounts exact {exact}, causes right {causes}, "
            "unexplained {unexplained} of the money", injected=total["injected"], found=total["found"], recall=_share(total["recall"]),
            precision=_share(total["precision"]), exact=_share(result["amounts_exact"]), causes=_share(result["causes_right"]),
            unexplained=_share(result["unexplained"]))
    if result["unpublished"]:
        yield _("not published, as where a day is held, so that what was injected on it is missed: {days}",
                days=", ".join(result["unpublished"]))
    for title, parts in ((_("leg"), result["by_leg"]), (_("cause"), result["by_cause"])):
        yield ""
        yield table_text(
            [title, _("injected"), _("found"), _("recall"), _("precision"), _("exact"), _("causes")],
            [[name, p["injected"], p["found"], *map(_share, (p["recall"], p["precision"], p["amounts_exact"], p["causes_right"]))]
             for name, p in parts.items()], width=width)
    if result["proposals"]:
        yield ""
        yield table_text([_("proposals"), _("links"), _("right ones"), _("wrong ones"), _("none told")],
                         [[name, p["links"], p["right"], p["wrong"], p["none"]] for name, p in result["proposals"].items()], width=width)
    mixed = [[true, given, count] for true, row in result["confusion"].items() for given, count in row.items() if true != given]
    if mixed:
        yield ""
        yield table_text([_("true cause"), _("found"), _("items")], mixed, width=width)


def _misses(misses: list[str]) -> Iterator[str]:
    """The first items that are not as injected."""
    if misses:
        yield ""
    yield from map(spoken, misses[:MOST_MISSES])
    if len(misses) > MOST_MISSES:
        yield _("... and {n} more", n=len(misses) - MOST_MISSES)


def _share(part: float) -> Amount:
    return Amount(f"{part:.2%}")

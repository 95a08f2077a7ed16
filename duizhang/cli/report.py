"""`duizhang report`: the report of a day, a week, a month or any range."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, home_option, in_order, span
from duizhang.errors import UserError
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken

if TYPE_CHECKING:
    from duizhang.report import Format, Language

Days = tuple[dt.date, dt.date]


class _Period(click.ParamType[Any]):
    """A day, an ISO week or a month, as its first and last day."""

    name = "day, week or month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Days:
        if isinstance(value, tuple):
            return value
        try:
            if re.fullmatch(r"\d{4}-W\d{2}", value):
                first = dt.date.fromisoformat(f"{value}-1")
                return first, first + dt.timedelta(days=6)
            if re.fullmatch(r"\d{4}-\d{2}", value):
                first = dt.date.fromisoformat(f"{value}-01")
                return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
            day = dt.date.fromisoformat(value)
        except ValueError:
            self.fail(spoken(f"{value!r} is no day, week or month; expected such as 2026-03-31, 2026-W13 or 2026-03"), param, ctx)
        return day, day


@click.command("report")
@home_option
@click.option("--period", type=_Period(), help="A day (2026-03-31), week (2026-W13) or month (2026-03). Default: the newest published day.")
@click.option("--from", "start", type=DAY, help="The first day of any other range.")
@click.option("--to", "end", type=DAY, help="Its last day.")
@click.option("--lang", "language", type=click.Choice(["zh", "en"]), help="Default: `language` of books.yaml, else zh.")
@click.option("--format", "form", type=click.Choice(["html", "xlsx", "pdf"]), default="html", show_default=True,
              help="A page, a workbook, or the page as Chromium prints it.")
@click.option("--annex/--no-annex", "with_annex", default=False, help="Whether what is printed has the annex. Default: without.")
@click.option("--out", type=click.Path(path_type=Path), help="A file. Default: reports/ in the home, named by days and language.")
@click.option(
    "--data-docs", "docs", type=click.Path(path_type=Path, file_okay=False),
    help="Also write Great Expectations' own pages (they take their style from the network) about each day's tables here.",
)
@json_option
def command(
    home: Path, period: Days | None, start: dt.datetime | None, end: dt.datetime | None, language: Language | None, form: Format,
    out: Path | None, docs: Path | None, *, with_annex: bool, as_json: bool,
) -> None:
    """Write the report of a day or range: what agrees, what has to be done, by whom, how much, how old."""
    from duizhang.report import write_report

    if period and start:
        raise UserError("--period and --from name two ranges", advice="Give one of them.")
    if end and not (period or start):
        raise UserError("--to has no first day", advice="Give --from as well.")
    days = span(start, end) if start else []
    first, last = (days[0], days[-1]) if days else period or (None, None)
    if period and end:
        last = end.date()
    in_order(first, last)
    if docs and not first:
        raise UserError("--data-docs needs a day", advice="Name it with --period.")
    path = write_report(home, first, last, language=language, form=form, out=out, with_annex=with_annex)
    pages: list[Path] = []
    if docs and first and last:
        from duizhang.gate import write_data_docs  # seconds to load
        from duizhang.home.store import Store
        from duizhang.home.store import days as every_day

        for day in every_day(first, last):
            pages.append(Path(write_data_docs(Store(home.resolve()), day, docs / day.isoformat())))
    lines = [_("report: {path}", path=path), *(_("quality: {path}", path=page) for page in pages)]
    answer({"report": path, "format": form, "quality": pages}, lines, as_json=as_json)

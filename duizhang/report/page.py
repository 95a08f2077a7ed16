"""The page: one self-contained HTML file in one language, without scripts and without anything from the network."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from duizhang.report.figures import amount
from duizhang.report.home_books import HomeBooks
from duizhang.report.judgement import Judgement
from duizhang.report.pictures import Figure
from duizhang.report.queries import Facts
from duizhang.report.since_version import SinceVersion
from duizhang.report.tables import NUMERIC, Column, Table, cell_lines, currency_name, ordered
from duizhang.speech.labels import Labels

_HERE = Path(__file__).parent
MAIN_WATERFALLS = 6


@dataclass
class Report:
    """Everything that a report says, ready to be laid out as page or spreadsheet."""

    facts: Facts
    labels: Labels
    books: HomeBooks
    judgement: Judgement
    tables: dict[str, Table]
    waterfalls: list[Figure] = field(default_factory=list)
    figures: dict[str, Figure] = field(default_factory=dict)
    profits: list[Figure] = field(default_factory=list)
    since: list[str] = field(default_factory=list)  # what changed, in sentences
    version: SinceVersion | None = None
    held: dict[dt.date, list[str]] = field(default_factory=dict)  # why days are held
    files_said: str = ""
    bad_files: Table = field(default_factory=lambda: Table("bad_files", ()))
    unread: list[dict[str, Any]] = field(default_factory=list)  # files of days that have nothing published
    uncertified: list[tuple[dt.date, list[str]]] = field(default_factory=list)  # days that the machine was to certify, and why it did not
    quiet: list[tuple[dt.date, str]] = field(default_factory=list)  # sources that are silent or thin against their own weeks

    @property
    def title(self) -> str:
        return f"{self.labels.text('title')} {self.period}"

    @property
    def money(self) -> list[tuple[str, str]]:
        """What has to be dealt with, each currency by itself: amount, currency."""
        sums = ordered(self.facts.headline_money, self.facts.currencies)
        return [(amount(m["amount"], m["currency"]), currency_name(m["currency"], self.labels)) for m in sums]

    @property
    def period(self) -> str:
        span = self.facts.span
        return f"{span.first}" if span.is_day else f"{span.first} – {span.last}"


@cache
def _templates(labels: Labels) -> jinja2.Environment:
    """The templates in a language, compiled once."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )
    found.globals.update(
        t=labels.text, n=labels.counted, heading=lambda c: labels.column(c.name), lines=lambda c, row: cell_lines(c, row, labels),
        is_number=lambda c: c.kind in NUMERIC, shown=shown_columns, css=Markup((_HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
    )
    return found


def render(report: Report, *, with_annex: bool = False) -> str:
    """The HTML of a report. with_annex: whether printing includes the annex from the start."""
    labels, environment = report.labels, _templates(report.labels)
    return environment.get_template("page.html.j2").render(
        report=report, labels=labels, facts=report.facts, judgement=report.judgement, tables=report.tables, with_annex=with_annex,
        main_waterfalls=[f for f in report.waterfalls if not f.is_minor][:MAIN_WATERFALLS],
        more_waterfalls=[f for f in report.waterfalls if not f.is_minor][MAIN_WATERFALLS:] + [f for f in report.waterfalls if f.is_minor],
    )


def shown_columns(table: Table) -> list[Column]:
    """The columns that have something to say; a number always has."""
    return [c for c in table.columns if c.kind in ("money", "count", "pieces") or table.shows(c)]

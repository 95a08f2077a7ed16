"""Writing a report: what was published is read once, put into one language, and laid out as a page, a spreadsheet or a PDF."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal, get_args

from duizhang.errors import UserError
from duizhang.home.published import open_published
from duizhang.report.home_books import HomeBooks, read_home_books
from duizhang.report.judgement import judge
from duizhang.report.measures import findings
from duizhang.report.page import Report, render
from duizhang.report.pictures import Pictures
from duizhang.report.queries import Facts, read, span_of
from duizhang.report.sections import Sections, held_lines, is_bad, named
from duizhang.report.since_version import since_version
from duizhang.report.tables import Table
from duizhang.speech.labels import Labels, Language
from duizhang.speech.language import speaking
from duizhang.speech.phrases import in_language
from duizhang.standing.assumed_terms import assumed_of
from duizhang.standing.quiet import quiet_of_home
from duizhang.standing.unread import unread_files
from duizhang.standing.verdict import Verdict, verdicts

Format = Literal["html", "xlsx", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)
DEFAULT_LANGUAGE: Language = "zh"


def write_report(
    home: Path, first: dt.date | None = None, last: dt.date | None = None, *, language: Language | None = None,
    form: Format = "html", out: Path | None = None, with_annex: bool = False,
) -> Path:
    """Write the report of a range of days (default: the newest published day) and say where.

    language: default that of books.yaml. out: default HOME/reports/<days>.<language>.<form>. with_annex: whether print and PDF
    have the annex. Raises UserError where nothing was run in the range, and for a PDF where no browser is found.
    """
    books = read_home_books(home)
    report = made(home, first, last, Labels(language or books.language or DEFAULT_LANGUAGE), books)
    target = out or home / "reports" / f"{report.facts.span.name}.{report.labels.language}.{form}"
    if target.is_dir():
        raise UserError(f"{target} is a folder", advice="Give --out the name of a file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    if form == "xlsx":
        from duizhang.report.spreadsheet import write_spreadsheet

        write_spreadsheet(report, partial)
    elif form == "pdf":
        from duizhang.report.printing import write_pdf

        write_pdf(render(report, with_annex=with_annex), partial)
    else:
        partial.write_text(render(report, with_annex=with_annex), encoding="utf-8")
    partial.replace(target)
    return target


def made(home: Path, first: dt.date | None, last: dt.date | None, labels: Labels, books: HomeBooks) -> Report:
    """The report of a range, in one language."""
    with open_published(home) as con:
        facts = read(con, span_of(con, first, last))
        found = findings(con, facts.span)
        verdict = verdicts(con).get(facts.span.shown, Verdict()) if facts.span.shown else Verdict()
    sections = Sections(facts, labels, books, found)
    tables = named(sections.all())
    pictures = Pictures(facts, labels, books)
    pictures.put_trends(tables["legs"], tables["recurring"])
    ageing, trend = pictures.ageing(tables["ageing"]), pictures.counts()
    report = Report(
        facts, labels, books, judge(facts, verdict, labels), tables, waterfalls=pictures.waterfalls(),
        figures={"ageing": ageing, "trend": trend}, profits=pictures.profits(),
    )
    report.since.append(sections.since_before())
    if facts.in_transit:
        with speaking(labels.language):
            report.since += [f"{what} ({advice})" for what, advice in assumed_of(books.providers, books.waits)]
    if facts.span.shown:
        version = next(d["version"] for d in facts.days if d["period"] == facts.span.shown)
        if old := since_version(home, facts.span.shown, version, labels):
            report.version = old
            report.since.append(labels.text("since_version", day=old.day, now=old.now, n=old.before, why=labels.listed(old.why[:3])))
    report.held = {d["period"]: held_lines(d, labels) for d in facts.days if d["held_reasons"]}
    report.files_said, report.bad_files = _files(facts, tables["files"], labels)
    unpublished = {day["period"] for day in facts.days if not day["version"]}
    report.unread = [
        {**row, "problem": in_language(row["problem"], labels.language)} for row in unread_files(home) if row["period"] in unpublished
    ] if unpublished else []
    own = {d["period"] for d in facts.days}
    report.uncertified = [
        (day, [in_language(line, labels.language) for line in why]) for day, why in sorted(_uncertified(home).items()) if day in own
    ]
    shown = quiet_of_home(home, [d["period"] for d in facts.days])
    report.quiet = [(day, in_language(str(line), labels.language)) for day, lines in shown.items() for line in lines]
    return report


def _uncertified(home: Path) -> dict[dt.date, tuple[str, ...]]:
    """Why days were not certified; nothing where there is no state beside what is published."""
    from duizhang.home.state import State
    from duizhang.standing.uncertified import why_not

    try:
        return why_not(State(home, read_only=True))
    except UserError:
        return {}


def _files(facts: Facts, table: Table, labels: Labels) -> tuple[str, Table]:
    """The files in a sentence, and those that have a problem."""
    sums = {name: sum(f[f"rows_{name}"] or 0 for f in facts.files) for name in ("read", "parsed", "quarantined", "ignored")}
    bad = [row for row, f in zip(table.rows, facts.files, strict=True) if is_bad(f)]
    said = labels.text(
        "files_bad" if bad else "files_fine", n=len(facts.files), bad=len(bad), **{k: f"{v:,}" for k, v in sums.items()},
    )
    return said, Table("bad_files", table.columns, bad)

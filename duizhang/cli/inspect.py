"""`duizhang inspect`: what a file is, before anything is written."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.cells import indented, screen_width, shown
from duizhang.cli.options import known_sources, own_sources
from duizhang.errors import RefusedFile, UserError
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken

if TYPE_CHECKING:
    from duizhang.ingest import Extraction, Setting, SourceSpec

PREVIEW = 5


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--source", help="Take this specification instead of finding one.")
@click.option("--spec", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Try this YAML file.")
@own_sources
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def command(file: Path, source: str | None, spec: Path | None, books_path: Path | None, *, as_json: bool) -> int:
    """Say which source FILE is, preview its canonical rows, list rejects, hold stated totals against computed ones.

    The zone, cut-off and currency are those of the nearest books.yaml in a folder above FILE (or of --books); where there is
    none, it says what it assumes. Quarantined values are shown in clear here, and nowhere else.

    Nothing is written. Exit code 1 where the file cannot be read, 2 where rows were rejected or a total does not tie.
    """
    from duizhang.books import load_books
    from duizhang.ingest import Setting, load_spec

    books_path = books_path or _above(file)
    specs: Mapping[str, SourceSpec] = known_sources(books_path)
    if source:
        if source not in specs:
            raise UserError(f"unknown source {source!r}", advice=f"Known: {', '.join(specs)}.")
        specs = {source: specs[source]}
    if spec:
        own = load_spec(spec)
        specs = {own.name: own}
    setting = Setting()
    if books_path:  # without its pseudonym key: the first use of that would write one
        books = load_books(books_path)
        setting = Setting(books.time_zone, books.cut_off_minutes, books.currency, readings=books.said_of_sources(),
                          **Setting.currencies(books))
    try:
        with tempfile.TemporaryDirectory(prefix="duizhang-inspect-") as folder:
            found = _read(file, specs, setting, Path(folder), asks=not as_json and sys.stdin.isatty())
            answers = [{**describe(one), "setting": _setting(setting, books_path)} for one in found]
            if not as_json:
                _echo(_assumed(setting, books_path), then="    ")
                for one, answer in zip(found, answers, strict=True):
                    _show(one, answer)
    except RefusedFile as error:
        if not as_json:
            raise
        click.echo(json.dumps({
            "source": None, "encoding": None, "rows_read": 0, "rows_parsed": 0, "rows_quarantined": 0, "rows_ignored": 0,
            "control_totals": [], "tables": {}, "notes": [], "errors": [{"reason": str(error), "advice": error.advice}],
            "setting": _setting(setting, books_path),
        }, ensure_ascii=False, indent=1))
        return 1
    if as_json:
        click.echo(json.dumps(answers[0] if len(answers) == 1 else answers, ensure_ascii=False, indent=1))
    return 2 if any(a["errors"] or not all(t["ok"] for t in a["control_totals"]) for a in answers) else 0


def _above(file: Path) -> Path | None:
    """The nearest books.yaml in a folder above a file."""
    return next((place for folder in file.resolve().parents if (place := folder / "books.yaml").is_file()), None)


def _setting(setting: Setting, books_path: Path | None) -> dict[str, Any]:
    """What days and amounts were read by, and whose books say so (null: assumed)."""
    hours, minutes = divmod(setting.cut_off_minutes, 60)
    return {"books": str(books_path) if books_path else None, "time_zone": setting.zone,
            "cut_off": f"{hours:02}:{minutes:02}", "currency": setting.currency}


def _assumed(setting: Setting, books_path: Path | None) -> str:
    said = _setting(setting, books_path)
    values = _("time zone {zone}, cut-off {time}, currency {currency} where the file names none", zone=said["time_zone"],
               time=said["cut_off"], currency=said["currency"])
    if books_path:
        return _("by {books}: {values}", books=books_path, values=values)
    return _("no books.yaml above the file, so assumed: {values} (--books says otherwise)", values=values)


def _read(file: Path, specs: Mapping[str, SourceSpec], setting: Setting, folder: Path, *, asks: bool) -> list[Extraction]:
    """The bills of the file; asks: a person is there to give the password of one that has one."""
    from duizhang.ingest import extract
    from duizhang.ingest.opening import LockedFile, with_password
    from duizhang.secrecy.sealing import period_of

    if period_of(file) is not None:
        raise UserError(f"{file.name} is sealed", advice="`duizhang reidentify file` writes it in clear, and puts on record who asked.")
    try:
        return extract(file, specs, setting, file=file.name, into=folder)
    except LockedFile as error:
        if not asks:
            raise
        with with_password(click.prompt(_("{why}. Password", why=spoken(str(error))), hide_input=True)):
            return extract(file, specs, setting, file=file.name, into=folder)


def describe(found: Extraction) -> dict[str, Any]:
    """The answer of `inspect --json` (see docs: rows are records of the source file; amounts are text)."""
    tables = {}
    for name in found.tables:
        rows, amounts = found.summary(name)
        tables[name] = {"rows": rows, "amount_by_currency": {currency: f"{total:f}" for currency, total in amounts.items()}}
    return {
        "source": found.spec.name, "encoding": found.encoding, "rows_read": found.rows_read, "rows_parsed": found.rows_parsed,
        "rows_quarantined": found.rows_quarantined, "rows_ignored": found.rows_ignored,
        "control_totals": [{"name": t.name, "stated": t.stated, "computed": t.computed, "ok": t.ok} for t in found.totals],
        "tables": tables, "notes": found.notes,
        "errors": [{k: row[k] for k in ("line", "column_name", "value", "reason")} for row in found.quarantine().to_pylist()],
    }


def _echo(text: str, *, by: str = "", then: str | None = None) -> None:
    """Print a text on lines that the screen has room for."""
    for line in indented(text, screen_width(), by=by, then=then):
        click.echo(line)


def _show(found: Extraction, answer: Mapping[str, Any]) -> None:
    from duizhang.ingest.landing import lines_of

    click.echo(f"{found.member + ': ' if found.member else ''}{answer['source']} ({found.spec.title}), {answer['encoding']}")
    click.echo(_("rows: {read} read = {parsed} parsed + {quarantined} quarantined + {ignored} ignored", read=found.rows_read,
                 parsed=found.rows_parsed, quarantined=found.rows_quarantined, ignored=found.rows_ignored))
    for total in found.totals:
        mark = _("ok ") if total.ok else _("NOT")
        stated = total.stated if total.stated is not None else _("nothing")
        click.echo("  " + _("{mark} {total}: stated {stated}, computed {computed}", mark=mark, total=spoken(total.name), stated=stated,
                            computed=total.computed))
    for name in found.tables:
        amounts = answer["tables"][name]["amount_by_currency"]
        sums = ", ".join(f"{shown(Decimal(amount))} {currency}" for currency, amount in amounts.items())
        rows = _("{table}: {n} rows", table=name, n=answer["tables"][name]["rows"])
        click.echo(rows + (f", {sums}" if sums else ""))
        for row in found.head(name, PREVIEW).to_pylist():
            facts = (f"{k}={shown(v)}" for k, v in row.items() if v not in (None, "") and k not in ("source", "file", "entity", "shop"))
            _echo("  ".join(facts), by="  - ")
    for error in answer["errors"][:20]:
        _echo(_("line {n}, {column}: {value!r} {why}", n=error["line"], column=error["column_name"] or _("row"), value=error["value"],
                why=spoken(error["reason"])), then="    ")
    if len(answer["errors"]) > 20:
        click.echo(_("... and {n} more", n=len(answer["errors"]) - 20))
    for note in found.notes:
        _echo(spoken(note), then="    ")
    if found.ignored:
        _echo(_("rows that no table takes, by this specification: {lines}", lines=spoken(lines_of(found.ignored))), then="    ")
    loose = sum(not total.ok for total in found.totals)
    if loose or answer["errors"]:
        click.echo(_("NOT complete: {n} rows rejected, {loose} of {all} totals do not tie", n=found.rows_quarantined, loose=loose,
                     all=len(found.totals)))
    elif found.totals:
        click.echo(_("read completely; all {n} totals tie", n=len(found.totals)))
    else:
        click.echo(_("read completely; the file states no totals"))

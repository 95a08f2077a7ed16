"""`duizhang source`: the kinds of raw files that are known, and a first specification for one that is not."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click

from duizhang.cli import files, raw_cells
from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import known_sources, own_sources
from duizhang.errors import UserError
from duizhang.speech.language import translated as _


@click.group("source")
def command() -> None:
    """Specifications of raw files: list those that are known, or begin a new one; decide about files of the inbox."""


for decision in (files.accept, files.withdraw, files.restore):
    command.add_command(decision)
for of_cells in (raw_cells.rejected, raw_cells.correct):
    command.add_command(of_cells)


@command.command("list")
@own_sources
@json_option
def listed(books_path: Path | None, *, as_json: bool) -> None:
    """Every source by name, with what it is and the tables that it feeds."""
    found = [
        {"source": spec.name, "title": spec.title, "layout_from": spec.layout_from, "layout_source": spec.layout_source,
         "tables": list(dict.fromkeys(t.table for t in spec.tables))}
        for spec in known_sources(books_path).values()
    ]
    lines = [f"{one['source']:28} {one['title']}  -> {', '.join(one['tables']) or '-'}" for one in found]
    answer({"sources": found}, lines, as_json=as_json)


@command.command("page")
def page() -> None:
    """The documentation of all sources as Markdown (docs/sources.md)."""
    from duizhang.ingest import load_specs, sources_page

    click.echo(sources_page(load_specs()), nl=False)


@command.command("schema")
def schema() -> None:
    """The JSON schema of a specification, for editors that check YAML."""
    from duizhang.ingest import SourceSpec

    click.echo(json.dumps(SourceSpec.model_json_schema(), ensure_ascii=False, indent=1))


@command.command("new")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", default="my_source", show_default=True, help="channel_kind, such as mybank_statement.")
@click.option("--out", type=click.Path(path_type=Path), help="Write it there instead of printing it.")
@json_option
def new(file: Path, name: str, out: Path | None, *, as_json: bool) -> None:
    """Propose a first specification for FILE: header, columns, types, what looks personal.

    Try it with `duizhang inspect FILE --spec OUT`; once it is right, put it into `sources/` beside
    books.yaml (a source for everybody: into the checkout's assets/sources/).
    """
    if not re.fullmatch(r"[a-z0-9]+_[a-z0-9_]+", name):
        raise UserError(f"{name!r} is no name of a source", advice="Use small letters, such as mybank_statement.")
    from duizhang.ingest import propose

    proposal = propose(file, name)
    facts = {"name": name, "header_line": proposal.header_line, "rows": proposal.rows, "out": out, "specification": proposal.text}
    if out is None:
        answer(facts, [proposal.text.rstrip("\n")], as_json=as_json)
        return
    if out.exists():
        raise UserError(f"{out} exists", advice="Give another name with --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(proposal.text, encoding="utf-8")
    answer(facts, [
        _("{path}: header in line {line}, {rows} rows looked at", path=out, line=proposal.header_line, rows=proposal.rows),
        _("next: {command}", command=f"duizhang inspect {shlex.quote(str(file))} --spec {shlex.quote(str(out))}"),
    ], as_json=as_json)

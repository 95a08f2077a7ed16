"""`duizhang journal`: the entries of decisions as a file that the ledger takes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.options import DAY, books_option, home_option, open_state
from duizhang.declared.terms import EventKind
from duizhang.speech.language import translated as _


@click.group("journal")
def command() -> None:
    """The entries of decisions as a file that the ledger takes."""


@command.command("export")
@books_option
@home_option
@click.option("--from", "start", required=True, type=DAY, help="First day.")
@click.option("--to", "end", required=True, type=DAY, help="Last day.")
@click.option("--layout", required=True, help="kingdee, yonyou, xero, quickbooks, datev, fec or csv.")
@click.option("--entity", default="", help="Whose entries; those of the books' entity by default.")
@click.option("--currency", default="", help="In which currency; that of the books by default.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file.")
@json_option
def export(
    books_path: Path, home: Path, start: dt.datetime, end: dt.datetime, layout: str, entity: str, currency: str, out: Path,
    *, as_json: bool,
) -> None:
    """Write the published entries of a range. Their numbers have no gaps over all entities and currencies; those that the file leaves out
    are told. What is posted comes back with the ledger's own files, and until then its accounts are open in the leg `ledger`."""
    from duizhang.books import load_books
    from duizhang.close import append_event, entries_beside, postings, write_postings
    from duizhang.digest import file_digest

    books = load_books(books_path)
    found = postings(home, books, start.date(), end.date(), entity=entity, currency=currency)
    beside = entries_beside(home, start.date(), end.date(), (entity or books.entity, currency or books.currency))
    write_postings(found, layout, out)
    names = sorted({p.entry for p in found})
    append_event(open_state(home), actor="export", kind=EventKind.JOURNAL_EXPORTED, payload={
        "from": f"{start:%Y-%m-%d}", "to": f"{end:%Y-%m-%d}", "layout": layout, "entries": names, "sha256": file_digest(out),
    })
    line = _("{n} entries, {lines} lines in {path}: {first} to {last}", n=len(names), lines=len(found), path=out, first=names[0],
             last=names[-1])
    told = [_("not in it: {n} of {entity} in {currency} (--entity {entity} --currency {currency})", n=n, entity=e, currency=c)
            for e, c, n in beside]
    answer({"out": out, "layout": layout, "entries": names, "lines": len(found),
            "not_in_it": [{"entity": e, "currency": c, "entries": n} for e, c, n in beside]}, [line, *told], as_json=as_json)

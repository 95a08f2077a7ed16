"""Books and their inbox: names that nothing has, what is expected and never came, files that no run reads, and whose they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from duizhang.books import Books
from duizhang.doctor.finding import NOTED, WELL, WRONG, Finding
from duizhang.drafting import open_lines
from duizhang.errors import SpecError
from duizhang.ingest import FileRecord, load_specs
from duizhang.ingest.files import DUPLICATE, READ, REFUSED
from duizhang.ingest.inbox import placed
from duizhang.ingest.opening import walk
from duizhang.reconcile import supplies


def look_at_books(books: Books, path: Path, records: Sequence[FileRecord]) -> Iterator[Finding]:
    """What is wrong with books that load. records: the files that were taken in so far."""
    area = "books"
    yield Finding(area, WELL, f"{path}: {len(books.shops)} shops, from {books.start}, {books.time_zone}, {books.currency}")
    for line in open_lines(path.read_text(encoding="utf-8")):
        number, _, asked = line.partition(": ")
        yield Finding(area, NOTED, f"{number} is still a question: {asked}", "Answer it, and take the word QUESTION away.")
    try:
        load_specs(books.sources_path)
    except SpecError as error:
        yield Finding(area, WRONG, f"own sources: {error}", "Correct that file; until then nothing can be read.")
        return
    yield from _key(books)
    read = [r for r in records if r.status == READ]
    seen = {(r.source, r.shop) for r in read}
    if not records:
        yield Finding(area, NOTED, "no file was taken in yet", f"`duizhang plan --books {path}` reads the inbox and computes nothing.")
        return  # which legs have both sides, files tell
    for e in books.expected:
        if (e.source, e.shop) not in seen:
            yield Finding(
                area, WRONG, f"{e.source} of {e.shop or 'the company'} is expected {e.cadence} and never came, so every day is held",
                f"Put its files into inbox/{e.shop or 'company'}/, give it a from_day, or take it out of `expected`.")
    for shop in sorted(set(books.shops) - {r.shop for r in read}):
        yield Finding(area, NOTED, f"shop {shop} has no file of its own", f"Put its files into inbox/{shop}/.")
    for leg in supplies(books, seen | {(d.source, d.shop) for d in books.databases}):
        if leg.lacks:
            there = ", ".join(sorted({source for source, _ in leg.left or leg.right}))
            yield Finding(area, NOTED, f"{leg.leg} is not run: it has no {leg.lacks} side (the other: {there})",
                          f"Add such a file, or leave the leg out: `legs:` without {leg.leg}.")
        for shop, side in leg.alone:
            yield Finding(area, NOTED, f"{leg.leg} of {shop} is not run: only its {side} side is there", "Add files of the other side.")


def _key(books: Books) -> Iterator[Finding]:
    """The key of the pseudonyms: there, its owner's alone."""
    path = books.root / books.pseudonym_key.file
    if os.environ.get(books.pseudonym_key.env) or not path.is_file():
        return
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        def close() -> str:
            path.chmod(0o600)
            return f"{path} is now readable by its owner alone"
        yield Finding("books", WRONG, f"{path} can be read by others", "chmod 600 it.", close)


def look_at_inbox(books: Books, records: Sequence[FileRecord]) -> Iterator[Finding]:
    """What is wrong with the files of an inbox: as they are now, and as they were taken in last."""
    area = "inbox"
    if books.remote_inbox:
        yield Finding(area, NOTED, f"{books.inbox} is looked at by a run alone", "`duizhang plan --books books.yaml`")
    elif not books.inbox_path.is_dir():
        yield Finding(area, WRONG, f"there is no inbox at {books.inbox_path}", "Make it, with a folder for each shop, and company/.")
        return
    else:
        found = walk(books.inbox_path)
        yield Finding(area, WELL, f"{len(found.files)} files" + (f", {found.hidden} hidden ones left out" if found.hidden else ""))
        for name, reason in sorted(found.refused.items()):
            yield Finding(area, WRONG, f"{name}: {reason}", "No run reads it.")
        strange: dict[str, list[str]] = {}
        for name, path in found.files.items():
            if not os.access(path, os.R_OK):
                yield Finding(area, WRONG, f"{name} cannot be read by this account", f"chmod u+r {path}")
            if problem := placed(name, books).problem:
                strange.setdefault(problem, []).append(name)
        for problem, names in strange.items():
            some = f"{names[0]}, ..." if len(names) > 1 else names[0]
            yield Finding(area, WRONG, f"{len(names)} files ({some}): {problem}", "Their days are held.")
        new = [name for name in found.files if name not in {r.path.partition("::")[0] for r in records}]
        if new and records:
            yield Finding(area, NOTED, f"{len(new)} files are new since the last look ({new[0]})", "`duizhang plan` names their days.")
    for record in records:
        if record.status == REFUSED and not record.detail.get("misplaced"):
            yield Finding(area, WRONG, f"not read: {record.problem}",
                          "Correct or replace it, or decide: `duizhang source accept` (rightly left out) or `source withdraw`.")
        elif record.status == DUPLICATE:
            yield Finding(area, NOTED, f"{record.path}: {record.problem}", "It adds nothing; take the copy away if you like.")

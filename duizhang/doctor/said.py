"""Books and their inbox: names that nothing has, what is expected and never came, files that no run reads, and whose they are."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from duizhang.books import Books
from duizhang.declared.terms import FileStatus
from duizhang.doctor.finding import NOTED, WELL, WRONG, Finding
from duizhang.drafting import open_lines
from duizhang.errors import SpecError
from duizhang.ingest import FileRecord, load_specs
from duizhang.ingest.files import ACCEPTED, DUPLICATE, READ, REFUSED
from duizhang.ingest.inbox import placed
from duizhang.ingest.opening import walk
from duizhang.reconcile import supplies
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken
from duizhang.speech.spoken_names import spoken_leg
from duizhang.standing.assumed_terms import assumed_terms
from duizhang.standing.bank_accounts import unmet_accounts

_HOLD_NOTHING = {DUPLICATE, ACCEPTED, FileStatus.WITHDRAWN}


def look_at_books(books: Books, path: Path, records: Sequence[FileRecord]) -> Iterator[Finding]:
    """What is wrong with books that load. records: the files that were taken in so far."""
    area = "books"
    yield Finding(
        area,
        WELL,
        _("{path}: {n} shops, from {start}, {zone}, {currency}", path=path, n=len(books.shops), start=books.start, zone=books.time_zone,
          currency=books.currency),
    )
    for number, asked in open_lines(path.read_text(encoding="utf-8")):
        yield Finding(
            area,
            NOTED,
            _("line {line} is still a question: {asked}", line=number, asked=asked),
            _("Answer it, and take the word QUESTION away."),
        )
    try:
        load_specs(books.sources_path)
    except SpecError as error:
        yield Finding(area, WRONG, _("own sources: {error}", error=error), _("Correct that file; until then nothing can be read."))
        return
    yield from _key(books)
    read = [r for r in records if r.status == READ]
    seen = {(r.source, r.shop) for r in read}
    if not records:
        yield Finding(
            area,
            NOTED,
            _("no file was taken in yet"),
            _("`duizhang plan --books {path}` reads the inbox and computes nothing.", path=shlex.quote(str(path))),
        )
        return  # which legs have both sides, files tell
    for e in books.expected:
        if (e.source, e.shop) not in seen:
            yield Finding(
                area, WRONG,
                _("{source} of {shop} is expected {cadence} and never came, so every day is held", source=e.source,
                  shop=e.shop or _("the company"), cadence=e.cadence),
                _("Put its files into inbox/{shop}/, give it a from_day, or take it out of `expected`.", shop=e.shop or "company"))
    for what, advice in unmet_accounts(books, read):
        yield Finding(area, WRONG, what, advice)
    for what, advice in assumed_terms(books):
        yield Finding(area, NOTED, what, advice)
    for shop in sorted(set(books.shops) - {r.shop for r in read}):
        yield Finding(area, NOTED, _("shop {shop} has no file of its own", shop=shop), _("Put its files into inbox/{shop}/.", shop=shop))
    for leg in supplies(books, seen | {(d.source, d.shop) for d in books.databases}):
        if leg.lacks:
            there = ", ".join(sorted({source for source, _ in leg.left or leg.right}))
            what = _("{leg} is not run: it has no {side} side (the other: {there})", leg=spoken_leg(leg.leg), side=_(leg.lacks),
                     there=there)
            yield Finding(area, NOTED, what,
                          _("Add such a file, or leave the leg out: `legs:` without {leg}.", leg=leg.leg))
        for shop, side in leg.alone:
            yield Finding(
                area,
                NOTED,
                _("{leg} of {shop} is not run: only its {side} side is there", leg=spoken_leg(leg.leg), shop=shop, side=_(side)),
                _("Add files of the other side."),
            )


def _key(books: Books) -> Iterator[Finding]:
    """The key of the pseudonyms: there, its owner's alone."""
    path = books.root / books.pseudonym_key.file
    if os.environ.get(books.pseudonym_key.env) or not path.is_file():
        return
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        def close() -> str:
            path.chmod(0o600)
            return _("{path} is now readable by its owner alone", path=path)
        yield Finding("books", WRONG, _("{path} can be read by others", path=path), _("chmod 600 it."), close)


def look_at_inbox(books: Books, records: Sequence[FileRecord]) -> Iterator[Finding]:
    """What is wrong with the files of an inbox: as they are now, and as they were taken in last."""
    area = "inbox"
    if books.remote_inbox:
        yield Finding(area, NOTED, _("{inbox} is looked at by a run alone", inbox=books.inbox), "`duizhang plan --books books.yaml`")
    elif not books.inbox_path.is_dir():
        yield Finding(
            area,
            WRONG,
            _("there is no inbox at {path}", path=books.inbox_path),
            _("Make it, with a folder for each shop, and company/."),
        )
        return
    else:
        found = walk(books.inbox_path)
        yield Finding(
            area,
            WELL,
            _("{n} files", n=len(found.files)) + (_(", {n} hidden ones left out", n=found.hidden) if found.hidden else ""),
        )
        for name, reason in sorted(found.refused.items()):
            yield Finding(area, WRONG, f"{name}: {reason}", _("No run reads it."))
        strange: dict[str, list[str]] = {}
        statuses: dict[str, set[str]] = {}
        for record in records:
            statuses.setdefault(record.path.partition("::")[0], set()).add(record.status)
        for name, path in found.files.items():
            if not os.access(path, os.R_OK):
                yield Finding(area, WRONG, _("{name} cannot be read by this account", name=name), f"chmod u+r {path}")
            # a copy of what is read elsewhere, and what somebody decided about, hold nothing wherever they stand
            if (problem := placed(name, books).problem) and not statuses.get(name, {""}) <= _HOLD_NOTHING:
                strange.setdefault(problem, []).append(name)
        for problem, names in strange.items():
            some = f"{names[0]}, ..." if len(names) > 1 else names[0]
            yield Finding(
                area,
                WRONG,
                _("{n} files ({some}): {problem}", n=len(names), some=some, problem=spoken(problem)),
                _("Their days are held."),
            )
        new = [name for name in found.files if name not in {r.path.partition("::")[0] for r in records}]
        if new and records:
            yield Finding(
                area,
                NOTED,
                _("{n} files are new since the last look ({first})", n=len(new), first=new[0]),
                _("`duizhang plan` names their days."),
            )
    for record in records:
        if record.status == REFUSED and not record.detail.get("misplaced"):
            yield Finding(area, WRONG, _("not read: {problem}", problem=spoken(record.problem)),
                          _("Correct or replace it, or decide: `duizhang source accept` (rightly left out) or `source withdraw`."))
        elif record.status == DUPLICATE:
            yield Finding(area, NOTED, spoken(f"{record.path}: {record.problem}"), _("It adds nothing; take the copy away if you like."))

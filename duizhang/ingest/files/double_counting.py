"""Money that two files tell: of sources that report the same movements, or of one source, downloaded twice in other parts.

Which of them is wanted the files cannot say, so nothing is chosen: their days are held until one of them leaves the inbox.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from duizhang.ingest.landing import LandedFiles, prepare
from duizhang.schema import TABLES
from duizhang.store import connect, quoted, scratch

Conflicts = dict[tuple[str, dt.date], set[str]]  # (file, day) -> files that tell the same


@dataclass(frozen=True)
class CountedFile:
    """A file that counts: its days, and how many rows of it feed tables."""

    path: str
    source: str
    shop: str
    folder: Path
    days: frozenset[dt.date]
    rows: int


def counted_twice(landed: LandedFiles, files: Sequence[CountedFile], wanted: Set[dt.date]) -> dict[tuple[str, dt.date], str]:
    """(file, day) -> which other files tell the same money of that day, in words."""
    sources = {file.path: file.source for file in files}
    found = _by_other_sources(landed, sources, wanted)
    for smaller, larger in _parts_of_others(landed, files):
        for day in smaller.days & wanted:
            found.setdefault((smaller.path, day), set()).add(larger.path)
            found.setdefault((larger.path, day), set()).add(smaller.path)
    for pair, day in _unsure_rows(landed, files, wanted):
        for path, other in (pair, pair[::-1]):
            found.setdefault((path, day), set()).add(other)
    return {
        (path, day): f"{path} tells the same money of {day} as {', '.join(f'{other} ({sources[other]})' for other in sorted(others))}; "
        "keep one of them in the inbox"
        for (path, day), others in found.items()
    }


def _by_other_sources(landed: LandedFiles, sources: Mapping[str, str], wanted: Set[dt.date]) -> Conflicts:
    """Files of sources that report the same movements (`same_money`) and give rows of one day and owner to one table.

    Accounts are told by their last digits: one bank writes an IBAN into CAMT and the bare number into MT940.
    """
    groups: dict[str, set[str]] = {}
    for source in set(sources.values()):
        if word := landed.specs[source].same_money:
            groups.setdefault(word, set()).add(source)
    found: Conflicts = {}
    for members in groups.values():
        reporting: dict[tuple[str, str, dt.date], list[str]] = {}
        for source in sorted(members) if len(members) > 1 else []:
            for table in sorted({t.table for t in landed.specs[source].tables}):
                for file, key, day in _days_of(landed, source, table):
                    if day in wanted:
                        reporting.setdefault((table, key, day), []).append(file)
        for (_, _, day), files in reporting.items():
            for file in files:
                others = {other for other in files if sources[other] != sources[file]}
                if others:
                    found.setdefault((file, day), set()).update(others)
    return found


def _days_of(landed: LandedFiles, source: str, table: str) -> list[tuple[str, str, dt.date]]:
    """(file, whose money it tells: a shop, or a bank account by its last eight digits, day) of the rows of a table."""
    digits = "regexp_replace(bank_account, '[^0-9]', '', 'g')"
    whose = f"case when length({digits}) >= 6 then right({digits}, 8) else bank_account end" if table == "bank_entries" else "shop"
    with scratch() as con:
        prepare(con)
        rows = landed.ask(con, table, source, f"select distinct file, {whose} as whose, period from canonical where period is not null")
    return list(zip(*(rows[name].to_pylist() for name in ("file", "whose", "period")), strict=True))


def _parts_of_others(landed: LandedFiles, files: Sequence[CountedFile]) -> list[tuple[CountedFile, CountedFile]]:
    """(file, another of the same source and shop that has all its rows as well): a day beside its month, the paid beside all.

    A file that repeats some rows of another and has others is a different matter: the repetition is a finding.
    """
    alike: dict[tuple[str, str], list[CountedFile]] = {}
    for file in files:
        if file.rows and file.days and landed.specs[file.source].overlap != "latest":
            alike.setdefault((file.source, file.shop), []).append(file)
    found = []
    for (source, _), members in sorted(alike.items()):
        on: dict[dt.date, list[CountedFile]] = {}
        for file in members:
            for day in file.days:
                on.setdefault(day, []).append(file)
        pairs = [(a, b) for a in members for b in on[min(a.days)] if a is not b and a.days <= b.days and a.rows <= b.rows]
        tables = {t.table for t in landed.specs[source].tables}
        if pairs and tables:
            common = _common(landed, source, sorted(tables), {file for pair in pairs for file in pair})
            found += [(a, b) for a, b in pairs if common.get((a.path, b.path)) == common.get((a.path, a.path))]
    return found


def _unsure_rows(landed: LandedFiles, files: Sequence[CountedFile], wanted: Set[dt.date]) -> list[tuple[tuple[str, str], dt.date]]:
    """((file, another of the same source and shop), day) where both have a row alike that neither an id nor a balance names, so
    that nothing tells whether it is one movement or two. Such a row is named by its line."""
    alike: dict[tuple[str, str], list[CountedFile]] = {}
    for file in files:
        if file.rows and file.days & wanted:
            alike.setdefault((file.source, file.shop), []).append(file)
    found = []
    for (source, _), members in sorted(alike.items()):
        sharing = {a for a in members for b in members if a is not b and a.days & b.days & wanted}
        part = LandedFiles(landed.specs, landed.settings, ((f.source, f.shop, f.folder) for f in sharing))
        for table in sorted({t.table for t in landed.specs[source].tables} & {"bank_entries", "settlements"}) if sharing else []:
            what = ", ".join(f'"{name}"' for name in TABLES[table].names if name not in ("file", "line", "entity", "entry_id"))
            with scratch() as con:
                prepare(con)
                rows = part.ask(
                    con, table, source,
                    "select list_sort(list(distinct file)) as names, any_value(period) as day from canonical "
                    "where ends_with(entry_id, '/' || line::varchar) and amount <> 0 "
                    f"group by hash({what}) having count(distinct file) > 1 order by all")
            for names, day in zip(rows["names"].to_pylist(), rows["day"].to_pylist(), strict=True):
                if day in wanted:
                    found += [((a, b), day) for a in names for b in names if a < b]
    return found


def _common(landed: LandedFiles, source: str, tables: Sequence[str], files: Set[CountedFile]) -> dict[tuple[str, str], int]:
    """(file, file) -> how many distinct canonical rows both have; of a file with itself, how many it has."""
    part = LandedFiles(landed.specs, landed.settings, ((file.source, file.shop, file.folder) for file in files))
    with connect() as con:
        prepare(con)
        con.execute("create table counted (file varchar, h ubigint)")
        for table in tables:
            what = ", ".join(f'"{name}"' for name in TABLES[table].names if name not in ("file", "line", "entity"))
            rows = part.ask(con, table, source, f"select distinct file, hash({quoted(table)}, {what}) as h from canonical")
            con.register("found", rows)
            con.execute("insert into counted select * from found")
            con.unregister("found")
        rows = con.execute("select a.file, b.file, count(*) from counted as a inner join counted as b on a.h = b.h group by all").fetchall()
    return {(a, b): count for a, b, count in rows}

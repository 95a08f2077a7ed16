"""Money that files of several sources tell, which report the same movements.

Which of them is wanted the files cannot say, so nothing is chosen: their days are held until one of them leaves the inbox.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set

from duizhang.ingest.files.told_overlaps import CountedFile
from duizhang.ingest.landing import LandedFiles, prepare
from duizhang.store import scratch

Conflicts = dict[tuple[str, dt.date], set[str]]  # (file, day) -> files that tell the same


def counted_twice(landed: LandedFiles, files: Sequence[CountedFile], wanted: Set[dt.date]) -> dict[tuple[str, dt.date], str]:
    """(file, day) -> which other files tell the same money of that day, in words."""
    sources = {file.path: file.source for file in files}
    found = _by_other_sources(landed, sources, wanted)
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

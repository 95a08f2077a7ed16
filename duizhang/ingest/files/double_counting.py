"""Money that files of several sources tell, which report the same movements.

Which of them is wanted the files cannot say, so nothing is chosen: their days are held until one of them leaves the inbox.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from duizhang.home.store import scratch
from duizhang.ingest.files.told_overlaps import CountedFile
from duizhang.ingest.landing import LandedFiles

UNNAMED_ACCOUNT = "bank"  # what stands for the account of a file that names none
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

    Accounts are told by their last digits: one bank writes an IBAN into CAMT and the bare number into MT940. A file that names no account
    tells the same as another where all of the amounts of the one stand in the other.
    """
    groups: dict[str, set[str]] = {}
    for source in set(sources.values()):
        if word := landed.specs[source].same_money:
            groups.setdefault(word, set()).add(source)
    found: Conflicts = {}
    for members in groups.values():
        reporting: dict[tuple[str, str, dt.date], list[str]] = {}
        unnamed: list[Told] = []
        for source in sorted(members) if len(members) > 1 else []:
            for table in sorted({t.table for t in landed.specs[source].tables}):
                told = [one for one in _days_of(landed, source, table) if one.day in wanted]
                for one in told:
                    reporting.setdefault((table, one.whose, one.day), []).append(one.file)
                unnamed += told if table == "bank_entries" else []
        for one, other in itertools.combinations(unnamed, 2):
            if sources[one.file] != sources[other.file] and one.is_within(other):
                found.setdefault((one.file, one.day), set()).add(other.file)
                found.setdefault((other.file, one.day), set()).add(one.file)
        for (_, _, day), files in reporting.items():
            for file in files:
                others = {other for other in files if sources[other] != sources[file]}
                if others:
                    found.setdefault((file, day), set()).update(others)
    return found


@dataclass(frozen=True)
class Told:
    """What a file tells of one day. whose: a shop, or a bank account by its last eight digits; amounts: of a bank's entries."""

    file: str
    whose: str
    day: dt.date
    amounts: Mapping[str, int]

    def is_within(self, other: Told) -> bool:
        """Whether one of both names no account, and all that the one moves the other does as well."""
        few, many = sorted((self, other), key=lambda told: sum(told.amounts.values()))
        return self.day == other.day and UNNAMED_ACCOUNT in (self.whose, other.whose) and self.whose != other.whose and Counter(
            few.amounts) <= Counter(many.amounts)


def _days_of(landed: LandedFiles, source: str, table: str) -> list[Told]:
    """What the files of a source tell in a table, by file, owner and day."""
    moved = "list(amount::varchar || ' ' || currency)" if table == "bank_entries" else "[]::varchar[]"
    digits = "regexp_replace(bank_account, '[^0-9]', '', 'g')"
    whose = f"case when length({digits}) >= 6 then right({digits}, 8) else bank_account end" if table == "bank_entries" else "shop"
    with scratch() as con:
        rows = landed.ask(
            con, table, source,
            f"select file, {whose} as whose, period, {moved} as moved from canonical where period is not null group by all order by all")
    return [Told(row["file"], row["whose"], row["period"], Counter(row["moved"])) for row in rows.to_pylist()]

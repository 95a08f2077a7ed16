"""Files of one source and account that share days: what both have counts once, and what they say differently is told.

A row counts as often as the file says that has it most often: rows that are equal within one file are both real, and a row that
stands in two files is one. Equal is the whole row as its specification reads it, but for its place in the file; rows of the same
name (the id of the entry, or the amount and the balance behind it) and the same amount are one as well, where a state has moved on
or a spreadsheet has cut a time: then the newer file says what is known of it. Two files that state other amounts of one name, or of
which each has rows without a name that the other lacks in the range of both, contradict each other: their day is held.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence, Set

import pyarrow as pa

from duizhang.ingest.files.carriers_bills import CarriersBills, bills_carriage_alone
from duizhang.ingest.files.compared_files import FilesOfOneAccount
from duizhang.ingest.files.redated import Redated, redated, told_of
from duizhang.ingest.files.told_overlaps import COUNTED_AGAIN, CountedFile, Overlaps, add
from duizhang.ingest.files.vanished import vanished_lines
from duizhang.ingest.landing import LandedFiles, ranks
from duizhang.ingest.specification import SourceSpec


def overlaps_of(landed: LandedFiles, files: Sequence[CountedFile], wanted: Set[dt.date]) -> Overlaps:
    """What files of one source and shop tell of the same wanted days."""
    groups: dict[tuple[str, str], list[CountedFile]] = {}
    for file in files:
        if file.rows and file.days & wanted and landed.specs[file.source].tables:
            groups.setdefault((file.source, file.shop), []).append(file)
    found = Overlaps()
    for (source, shop), members in sorted(groups.items()):
        sharing, spec = _sharing(members, wanted), landed.specs[source]
        parted = _bills_apart(landed, spec, shop, sharing, wanted, found) if sharing and bills_carriage_alone(spec) else [sharing]
        for some in parted:
            if len(some) > 1:
                part = LandedFiles(landed.specs, landed.settings, ((f.source, f.shop, f.folder) for f in some), store=landed.store)
                with landed.database(sum(f.rows for f in some)) as con:
                    FilesOfOneAccount(con, part, spec, some, wanted).into(found)
    _on_other_days(landed, files, wanted, found)
    for source in sorted({f.source for f in files}):
        of_source = [f for f in files if f.source == source]
        for path, day, text in vanished_lines(landed, source, of_source, wanted):
            add(found.noted, (path,), day, text)
    return found


def _on_other_days(landed: LandedFiles, files: Sequence[CountedFile], wanted: Set[dt.date], found: Overlaps) -> None:
    """Rows of wanted days that a newer file states on another day: they count there."""
    newer = {(f.source, f.shop) for f in files if f.restates & wanted and landed.specs[f.source].overlap == "keep"}
    for source, shop in sorted(newer):
        some = [f for f in files if (f.source, f.shop) == (source, shop)]
        part = LandedFiles(landed.specs, landed.settings, ((f.source, f.shop, f.folder) for f in some), store=landed.store)
        with landed.database(sum(f.rows for f in some)) as con:
            con.register("ranks", ranks([f.path for f in sorted(some, key=lambda f: f.rank)]))
            rows = [row for row in redated(con, part, source, shop) if row.day in wanted]
        again = [(row.part, row.file, row.line) for row in rows if row.is_equal]
        columns = [list(column) for column in zip(*again, strict=True)] or [[], [], []]
        more = pa.table(columns, schema=COUNTED_AGAIN)
        found.again[source] = pa.concat_tables([found.again[source], more]) if source in found.again else more
        groups: dict[tuple[str, dt.date, bool, bool], list[Redated]] = {}
        for row in rows:
            groups.setdefault((row.file, row.day, row.is_equal, row.is_covered), []).append(row)
        for (file, day, is_equal, is_covered), same in sorted(groups.items()):
            text = told_of(same)
            if is_equal:
                add(found.noted, (file,), day, text)
            elif is_covered:
                add(found.undecided, (file,), day, f"{text}; withdraw the wrong file (`duizhang source withdraw FILE`)")
            else:
                add(found.noted, (file,), day, f"{text}; both count")


def _bills_apart(
    landed: LandedFiles, spec: SourceSpec, shop: str, bills: Sequence[CountedFile], wanted: Set[dt.date], found: Overlaps
) -> list[list[CountedFile]]:
    """The bills of a carrier in groups of which each is downloads of one range; what else they share is for the comparison to find."""
    with landed.database(sum(f.rows for f in bills)) as con:
        found_of = CarriersBills(con, spec, landed.settings[shop], [f.folder for f in bills])
        groups = found_of.downloads_of_one()
        for file, other, day, count in found_of.contained():
            if day in wanted:
                add(found.undecided, (file, other), day, (
                    f"all {count} charges of {day} in {file} stand in {other} as well: a download too many, or parcels that were charged "
                    "twice; withdraw it in the first case (`duizhang source withdraw FILE`)"))
    return [[f for f in bills if f.path in group] for group in groups]


def _sharing(members: Sequence[CountedFile], wanted: Set[dt.date]) -> list[CountedFile]:
    """The files that have a wanted day in common with another."""
    on: dict[dt.date, int] = {}
    for file in members:
        for day in file.days & wanted:
            on[day] = on.get(day, 0) + 1
    return [file for file in members if any(on[day] > 1 for day in file.days & wanted)]

"""Names of columns: as a line has them, as a specification knows them, and as both are compared."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from duizhang.ingest.opening import Document
from duizhang.ingest.specification import SourceSpec, normalised

DELIMITERS = (",", "\t", ";", "|", "^", "~", "\x01", "\x1f")
DELIMITED = re.compile(r"[,;|^~\x01\x1f]")  # a tab has become a comma where this is asked
AGAIN = re.compile(r"#\d+$")


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of one line of delimited text."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell beyond all measure
        return line.split(delimiter)


def bare_name(cell: str) -> str:
    """The name of a column without the marks that may stand around it."""
    name = cell.strip("\ufeff\t \"'`")
    return name[1:] if name[:1] == "#" and name[1:2].isalpha() else name


def unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Column names as they are told apart: the second `x` is `x#2`."""
    seen: dict[str, int] = {}
    found = []
    for cell in cells:
        name = bare_name(cell)
        key = normalised(name)
        seen[key] = seen.get(key, 0) + 1
        found.append(name if seen[key] == 1 else f"{name}#{seen[key]}")
    return tuple(found)


def unnumbered(name: str) -> str:
    """A name as it was before `unique_names` told it from others of its kind."""
    return AGAIN.sub("", name)


@cache
def names_by_field(spec: SourceSpec) -> Mapping[str, frozenset[str]]:
    """Field -> the names that its column goes by, as they are compared; '' of one that has none."""
    return {field: frozenset(normalised(name) for name in (column.column, *column.also)) for field, column in spec.fields.items()}


@cache
def names_of(spec: SourceSpec) -> frozenset[str]:
    """The names of all columns that a specification reads, as they are compared."""
    return frozenset[str]().union(*names_by_field(spec).values())


@cache
def ways_of(columns: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """The names that each column of a header goes by, normalised."""
    return tuple(frozenset(normalised(name) for name in column.split("|")) for column in columns)


@cache
def sought(columns: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """The names of the columns that tell whether a line may have them, without the number of those that stand there again; rare ones
    first. A name in which a delimiter stands tells nothing."""
    names = [frozenset(map(unnumbered, ways)) for ways in ways_of(columns)]
    return tuple(sorted((ways for ways in names if "" not in ways and not any(map(DELIMITED.search, ways))), key=len))


def parts_of(text: str) -> frozenset[str]:
    """What stands in a text between two delimiters of any kind, as names are compared."""
    commas = text.replace("\t", ",").replace("\x1f", ",")  # which are blanks to what compares names
    found = DELIMITED.split(normalised.__wrapped__(commas))
    if '"' in text and "\t" in text:  # inside quotes a tab is a blank
        found += DELIMITED.split(normalised.__wrapped__(text))
    return marked(found)


def marked(parts: Iterable[str]) -> frozenset[str]:
    """Parts, and what they are behind a mark that some put before their first name."""
    found = frozenset(parts)
    return found | {part[1:] for part in found if part[:1] == "#"}


def unaccented(name: str) -> str:
    """A name as it is compared, without the accents of its letters."""
    return "".join(ch for ch in unicodedata.normalize("NFKD", name) if not unicodedata.combining(ch))


def delimiters_of(document: Document, spec: SourceSpec) -> tuple[str, ...]:
    """What may stand between the cells of a document: first what its specification says."""
    return tuple(dict.fromkeys((spec.delimiter, *DELIMITERS))) if document.kind == "text" else (",",)

"""The first lines of a document under an encoding, and the place in it where its rows begin."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from duizhang.errors import RefusedFile
from duizhang.ingest.opening import BY_NAMES, Document, head_lines, likely, plausible, sheet_rows
from duizhang.ingest.recognising.column_names import DELIMITERS, marked, parts_of, sought, split_line, unaccented, unique_names
from duizhang.ingest.recognising.currencies import without_currency
from duizhang.ingest.specification import SourceSpec, normalised

LONG_NAME = 60
LOOKED_AT = 50  # rows below a header
MOST_OF_A_CELL = 8  # lines


@dataclass(frozen=True)
class Strange:
    """A table below the one that is read, of a kind that no specification reads: the numbers of its lines, its names, what stands in
    its columns of numbers."""

    lines: tuple[int, ...]
    names: tuple[str, ...]
    sums: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a document's rows begin, under the specification that fits it.

    header: index of the header line (-1: there is none). names: its columns. above: the lines over it. unread: columns of money
    that the specification does not know. left_out: members and sheets beside it that are not read. below: tables under it that are not.
    doubt: encodings under which its letters are others, and as likely.
    """

    spec: SourceSpec
    encoding: str
    header: int = -1
    delimiter: str = ","
    names: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    below: tuple[Strange, ...] = ()
    doubt: tuple[str, ...] = ()


class Head:
    """The first lines of a document under one encoding. A line is split by a delimiter where it may be a header, and then once."""

    def __init__(self, lines: Sequence[str], encoding: str | None, sheet: Sequence[Sequence[str]] | None = None) -> None:
        """sheet: the cells of the lines of a workbook, which has no delimiters."""
        self.lines, self.encoding, self._sheet = lines, encoding, sheet
        self.text = "\n".join(lines)
        self._parts: dict[int, frozenset[str]] = {}
        self._names: dict[tuple[int, str], tuple[str, ...]] = {}
        self._keys: dict[tuple[int, str, bool], frozenset[str]] = {}
        self._unaccented: dict[tuple[str, bool], list[tuple[frozenset[str], frozenset[str]]]] = {}

    def parts(self, at: int) -> frozenset[str]:
        """What stands in a line between two delimiters of any kind, as names are compared: whatever cells it has are among them."""
        if at not in self._parts:
            self._parts[at] = parts_of(self.lines[at]) if self._sheet is None else marked(map(normalised, self._sheet[at]))
        return self._parts[at]

    @cached_property
    def all_parts(self) -> frozenset[str]:
        if self._sheet is None:
            return parts_of(self.text.replace("\n", ","))
        return frozenset().union(*map(self.parts, range(len(self.lines))))

    def may_be(self, spec: SourceSpec) -> bool:
        """Whether the specification knows the encoding; of those in which nearly every byte is a letter it must be named."""
        return self.encoding not in BY_NAMES or self.encoding in spec.encodings

    def may_have(self, header: tuple[str, ...], at: int | None = None, *, bare: bool) -> bool:
        """Whether the columns of a header may stand in a line, or in any: by this nearly all specifications are out. bare: as in `keys`."""
        parts, names = self.all_parts if at is None else self.parts(at), sought(header)
        if bare:
            return all(any(part.startswith(tuple(ways)) for part in parts) for ways in names)
        return not any(map(parts.isdisjoint, names))

    def names(self, at: int, delimiter: str) -> tuple[str, ...]:
        """The cells of a line as names of columns."""
        if (at, delimiter) not in self._names:
            [cells] = self.rows(delimiter, at, at + 1)
            self._names[at, delimiter] = unique_names(cells)
        return self._names[at, delimiter]

    def rows(self, delimiter: str, start: int = 0, stop: int | None = None) -> list[Sequence[str]]:
        """The cells of the lines from one on."""
        if self._sheet is not None:
            return [*self._sheet[start:stop]]
        return [split_line(line, delimiter) for line in self.lines[start:stop]]

    def below(self, index: int, delimiter: str) -> list[Sequence[str]]:
        """The first rows below a line, of which a quoted cell may have several lines."""
        if self._sheet is not None:
            return [*self.rows(delimiter, index + 1)[:LOOKED_AT]]
        try:
            return list(islice(csv.reader(self.lines[index + 1 :], delimiter=delimiter), LOOKED_AT))
        except csv.Error:  # a cell beyond all measure
            return []

    def keys(self, at: int, delimiter: str, *, bare: bool) -> frozenset[str]:
        """The cells of a line as names are compared. bare: without a currency behind them."""
        if (at, delimiter, bare) not in self._keys:
            self._keys[at, delimiter, bare] = frozenset(
                normalised(without_currency(cell)[0] if bare else cell) for cell in self.names(at, delimiter))
        return self._keys[at, delimiter, bare]

    def unaccented(self, delimiter: str, *, bare: bool) -> list[tuple[frozenset[str], frozenset[str]]]:
        """The keys of every line, and those without accents: Dátum is near Datum."""
        if (delimiter, bare) not in self._unaccented:
            lines = [self.keys(at, delimiter, bare=bare) for at in range(len(self.lines))]
            self._unaccented[delimiter, bare] = [(keys, frozenset(map(unaccented, keys))) for keys in lines]
        return self._unaccented[delimiter, bare]

    def likely_header(self) -> list[str]:
        """The names in the first of the lines with most cells, by the delimiter that makes most; none where there is no table."""
        lines = [self.names(at, delimiter) for delimiter in DELIMITERS for at in range(len(self.lines))]
        rows = [row for row in lines if len(row) > 1 and all(len(cell) < LONG_NAME for cell in row)]
        best = max(rows, key=lambda row: sum(bool(cell.strip()) for cell in row), default=())
        return [cell for cell in best if cell.strip()]


def heads_of(document: Document, lines: int) -> list[Head]:
    """The first lines of a document, one head for each encoding that it may be in. Raises RefusedFile of a Parquet file that is none."""
    if document.kind == "sheet":
        rows = list(islice(sheet_rows(document), lines))
        return [Head(["\t".join(row) for row in rows], None, rows)]
    if document.kind == "parquet":
        try:
            with document.open() as stream:
                names = pq.ParquetFile(stream).schema_arrow.names
        except (pa.ArrowException, OSError) as error:
            raise RefusedFile(f"not a readable Parquet file: {error}", advice="Write it again.") from error
        return [Head(["\t".join(names)], None, [names])]
    return [Head(_whole(head_lines(document, encoding, lines)), encoding) for encoding in plausible(document.head)]


def _whole(lines: Sequence[str]) -> list[str]:
    """The lines with those of a quoted cell that goes over several, such as a name in a header, as one: at the last of them, under blank
    ones, so that rows begin where they did."""
    whole = list(lines)
    odd = [at for at, line in enumerate(lines) if line.count('"') % 2]
    while len(odd) > 1:
        start, end = odd[:2]
        opens = whole[start].startswith('"') or any(f'{mark}"' in whole[start] for mark in DELIMITERS)
        if opens and end - start <= MOST_OF_A_CELL:
            whole[start : end + 1] = [*[""] * (end - start), " ".join(whole[start : end + 1])]
            del odd[0]
        del odd[0]
    return whole


def in_order(document: Document, heads: Sequence[Head]) -> list[Head]:
    """Heads by how likely their encodings are; to tell that takes longer than most of what is asked of a head."""
    by_encoding = {head.encoding or "": head for head in heads}
    return [by_encoding[name] for name in likely(document.head, list(by_encoding))] if len(heads) > 1 else list(heads)

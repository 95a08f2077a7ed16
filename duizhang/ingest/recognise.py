"""Which specification fits a document: by its preamble and its columns, never by its name."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.parquet as pq

from duizhang.errors import RefusedFile
from duizhang.ingest.container import Document
from duizhang.ingest.encoded import detect, head_lines, marked
from duizhang.ingest.reader_json import first_record
from duizhang.ingest.reading import HEAD_LINES
from duizhang.ingest.sheet import sheet_rows
from duizhang.ingest.spec import SourceSpec, normalised

DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True)
class Place:
    """Where a document's rows begin, under the specification that fits it.

    header: index of the header line (-1: there is none). names: its columns. above: the lines over it.
    """

    spec: SourceSpec
    encoding: str
    header: int = -1
    delimiter: str = ","
    names: tuple[str, ...] = ()
    above: tuple[str, ...] = ()


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of one line of delimited text."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell beyond all measure
        return line.split(delimiter)


def unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Column names as they are told apart: the second `x` is `x#2`."""
    seen: dict[str, int] = {}
    found = []
    for cell in cells:
        name = cell.strip("\ufeff\t \"'`")
        key = normalised(name)
        seen[key] = seen.get(key, 0) + 1
        found.append(name if seen[key] == 1 else f"{name}#{seen[key]}")
    return tuple(found)


class _Head:
    """The first lines of a document under one encoding, split by every delimiter once."""

    def __init__(self, lines: Sequence[str], encoding: str | None, rows: Sequence[Sequence[str]] | None = None) -> None:
        self.lines, self.encoding = lines, encoding
        self.text = "\n".join(lines)
        self._split: dict[str, list[tuple[str, ...]]] = {}
        if rows is not None:
            self._split = {d: [unique_names(row) for row in rows] for d in DELIMITERS}
        self._keys: dict[str, list[frozenset[str]]] = {}
        self._all_keys: dict[str, frozenset[str]] = {}

    def may_be(self, spec: SourceSpec) -> bool:
        """Whether the specification knows the encoding; every byte is a letter in Windows-1252, so that one must be named."""
        return self.encoding != "cp1252" or "cp1252" in spec.encodings

    def rows(self, delimiter: str) -> list[tuple[str, ...]]:
        if delimiter not in self._split:
            self._split[delimiter] = [unique_names(split_line(line, delimiter)) for line in self.lines]
        return self._split[delimiter]

    def keys(self, delimiter: str) -> list[frozenset[str]]:
        if delimiter not in self._keys:
            self._keys[delimiter] = [frozenset(normalised(cell) for cell in row) for row in self.rows(delimiter)]
        return self._keys[delimiter]

    def all_keys(self, delimiter: str) -> frozenset[str]:
        """Every cell of every line: a header that is not in here stands in no line."""
        if delimiter not in self._all_keys:
            self._all_keys[delimiter] = frozenset().union(*self.keys(delimiter))
        return self._all_keys[delimiter]


@cache
def _header(columns: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """The names that each column of a header goes by, normalised."""
    return tuple(frozenset(normalised(name) for name in column.split("|")) for column in columns)


def recognise(document: Document, specs: Mapping[str, SourceSpec]) -> Place:
    """The spec that fits best: preamble first, then how many columns it knows. Raises RefusedFile naming the closest."""
    heads = list(_heads(document))
    best: tuple[tuple[int, int, int], Place] | None = None
    for spec in specs.values():
        for head in heads[:1] if spec.reader == "json" else heads:
            place = _fit(document, spec, head) if head.may_be(spec) else None
            if place is not None:
                known = {normalised(name) for column in spec.fields.values() for name in (column.column, *column.also)}
                rank = (bool(spec.recognise.preamble), len(spec.recognise.header),
                        len(known & {normalised(name) for name in place.names}))
                if best is None or rank > best[0]:
                    best = (rank, place)
    if best is None:
        # of all specifications, so only looked for where there is something to say
        hints = [hint for spec in specs.values() for head in heads if head.may_be(spec) and (hint := _near(document, spec, head))]
        close = max(hints, key=lambda hint: hint[0], default=None)
        raise RefusedFile(
            f"no source specification fits the content{f'; closest is {close[1]}' if close else ''}",
            advice="`duizhang source new FILE` proposes a specification; or check that this is the file you meant.",
        )
    place = best[1]
    if document.kind == "text":
        # names that are only there in Windows-1252 tell it: its accents and the letters behind them are GBK as well
        encoding = place.encoding if place.encoding == "cp1252" else detect(document.head(), place.spec.encodings)
        return Place(place.spec, encoding, place.header, place.delimiter, place.names, place.above)
    return place


def _positional(spec: SourceSpec, head: _Head) -> tuple[str, ...]:
    """Names by position for a file without a header line; as many as its first line has cells."""
    by_position = {position: name for name, position in spec.positions.items()}
    width = max(len(split_line(head.lines[0], spec.delimiter)), *(p + 1 for p in by_position)) if by_position else 0
    return tuple(by_position.get(n, "") for n in range(width))


def _heads(document: Document) -> Iterator[_Head]:
    if document.kind == "sheet":
        rows = [cells for _, cells in zip(range(HEAD_LINES), sheet_rows(document), strict=False)]
        yield _Head(["\t".join(row) for row in rows], None, rows)
    elif document.kind == "parquet":
        try:
            with document.open() as stream:
                names = pq.ParquetFile(stream).schema_arrow.names
        except (pa.ArrowException, OSError) as error:
            raise RefusedFile(f"not a readable Parquet file: {error}", advice="Write it again.") from error
        yield _Head(["\t".join(names)], None, [names])
    else:
        mark = marked(document.head())
        # where all is ASCII, the others read the same
        encodings = (mark,) if mark else ("utf-8",) if document.head().isascii() else ("utf-8", "gb18030", "cp1252")
        for encoding in encodings:
            yield _Head(head_lines(document, encoding, HEAD_LINES), encoding)


def _fit(document: Document, spec: SourceSpec, head: _Head) -> Place | None:
    """The place where the spec fits."""
    rules = spec.recognise
    if rules.preamble and not re.search(rules.preamble, head.text, re.MULTILINE):
        return None
    encoding = head.encoding or document.kind
    if spec.reader == "json":
        record = first_record(document, spec.records) if document.kind == "text" else None
        if record is None or not set(rules.header) <= record.keys() or set(rules.without) & record.keys():
            return None
        return Place(spec, encoding, names=tuple(record))
    if spec.reader != "table" or spec.positions:
        if document.kind != "text" or rules.preamble is None:
            return None
        return Place(spec, encoding, delimiter=spec.delimiter, names=_positional(spec, head))
    wanted, unwanted = _header(rules.header), frozenset().union(*_header(rules.without))
    for delimiter in _delimiters(document, spec):
        if document.kind == "text" and len(wanted) > 1 and delimiter not in head.text:
            continue
        if any(names.isdisjoint(head.all_keys(delimiter)) for names in wanted):
            continue
        for index, keys in enumerate(head.keys(delimiter)):
            if unwanted.isdisjoint(keys) and not any(names.isdisjoint(keys) for names in wanted):
                return Place(spec, encoding, index, delimiter, head.rows(delimiter)[index], tuple(head.lines[:index]))
    return None


def _near(document: Document, spec: SourceSpec, head: _Head) -> tuple[float, str] | None:
    """How near a table's spec came that does not fit: (share of its columns, words)."""
    rules = spec.recognise
    if spec.reader != "table" or spec.positions:
        return None
    if rules.preamble and not re.search(rules.preamble, head.text, re.MULTILINE):
        return None
    hint: tuple[float, str] | None = None
    for delimiter in _delimiters(document, spec):
        for keys in head.keys(delimiter):
            hits = [not names.isdisjoint(keys) for names in _header(rules.header)]
            if sum(hits) > 1 and (hint is None or sum(hits) / len(hits) > hint[0]):
                missing = [name.partition("|")[0] for name, hit in zip(rules.header, hits, strict=True) if not hit]
                lacking = f"without the columns {', '.join(missing)}" if missing else "but for columns that it must not have"
                hint = (sum(hits) / len(hits), f"{spec.name}, {lacking}")
    return hint


def _delimiters(document: Document, spec: SourceSpec) -> tuple[str, ...]:
    return tuple(dict.fromkeys((spec.delimiter, *DELIMITERS))) if document.kind == "text" else (",",)

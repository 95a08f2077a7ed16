"""Tables that stand below one another in one text or sheet: each is read as its own kind, or told where nothing reads it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import BinaryIO

import polars as pl

from duizhang.ingest.opening import Document, blocks, plain, sheet_rows
from duizhang.ingest.recognising.by_content import settled
from duizhang.ingest.recognising.column_names import split_line, unique_names, unnumbered
from duizhang.ingest.recognising.currencies import currencies_above, without_currency
from duizhang.ingest.recognising.head import LONG_NAME, Head, Place, Strange
from duizhang.ingest.recognising.hints import ROW_CELL
from duizhang.ingest.recognising.recognise import best
from duizhang.ingest.rows import HEAD_LINES
from duizhang.ingest.specification import SourceSpec, normalised
from duizhang.ingest.texts import Cells
from duizhang.ingest.typing import Marks, amounts

MOST_BYTES = 8 << 20  # of a text that is looked through: people put tables below one another, programs that write more do not
_NO_DIGIT = re.compile(rb"\n[^0-9\n]{3,4000}(?=\n)")
_BLANK = re.compile(rb"\n[\s,;|\t\"]*\n(?=[^\n])")
_CENTS = re.compile(r"\d[.,]\d\d\)?$")
_LETTER = re.compile(r"[^\W\d_]")
_BARE = " \t\"'`\ufeff"


def _lines_at(text: bytes, places: Iterable[int]) -> Iterator[int]:
    """How many line ends are before each place, in their order; what lies before the last one is not counted again."""
    lines = at = 0
    for place in places:
        lines, at = lines + text.count(b"\n", at, place), place
        yield lines


@dataclass(frozen=True)
class _Header:
    """A line that seems to name columns. at: its index; start: that of the first of the lines right above it that are no rows; stop: that
    of the next of its kind."""

    at: int
    start: int
    names: tuple[str, ...]
    stop: int

    @property
    def filled(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name)


class _Lines:
    """The lines of a document, and documents of some of them. Of a text only so many bytes are looked through."""

    def __init__(self, document: Document, place: Place) -> None:
        self.document, self.delimiter, self.encoding = document, place.delimiter, place.encoding
        self.rows: list[list[str]] = []
        self.text = b""
        if document.kind == "sheet":
            self.rows = list(sheet_rows(document))
            return
        parts, size = [], 0
        for block in blocks(document, place.encoding, place.spec.encodings, delimiter=place.delimiter):
            parts.append(block.text)
            size += len(block.text)
            self.encoding = block.encoding
            if size > MOST_BYTES:
                return
        self.text = b"".join(parts)
        self.lines = self.text.split(b"\n")

    def __len__(self) -> int:
        return len(self.rows) if self.document.kind == "sheet" else len(self.lines) if self.text else 0

    def cells(self, at: int) -> list[str]:
        """The cells of a line, without what stands around them."""
        if self.document.kind == "sheet":
            return [cell.strip() for cell in self.rows[at]]
        return [cell.strip(_BARE) for cell in split_line(plain(self.lines[at], self.encoding), self.delimiter)]

    def candidates(self, among: range) -> Iterator[int]:
        """Those of some lines which may be a header: without any digit, or the first ones after a blank line."""
        if self.document.kind == "sheet":
            blank = False
            for at in among:
                filled = [cell for cell in self.rows[at] if cell.strip()]
                if len(filled) > 1 and (blank or not any(map(_has_digit, filled))):
                    yield at
                blank = len(filled) < 2
            return
        found = {line + 1 for line in _lines_at(self.text, (match.start() for match in _NO_DIGIT.finditer(self.text)))}
        # without the blank lines at the end, behind which there is nothing: to look from each of them takes the square of their number
        for first in _lines_at(self.text, (match.end() for match in _BLANK.finditer(self.text.rstrip(b"\n")))):
            found |= {first, first + 1}
        yield from sorted(at for at in {0, *found} if at in among)

    def part(self, start: int, stop: int) -> Document:
        """A document of the lines from start on and before stop; they keep their numbers."""
        if self.document.kind == "sheet":
            return replace(self.document, rows=range(start, stop))
        text = b"\n" * start + b"\n".join(self.lines[start:stop])

        def opened() -> BinaryIO:
            return io.BytesIO(text)

        return replace(self.document, open=opened)


def tables_of(document: Document, place: Place, specs: Mapping[str, SourceSpec]) -> list[tuple[Document, Place]]:
    """The tables of a document whose first is at `place`, each as a document of its own; one whose kind nobody knows stands in `below`
    of the table above it."""
    if place.header < 0 or place.spec.reader != "table" or document.kind == "parquet":
        return [(document, place)]
    lines = _Lines(document, place)
    over, unknown = _over(lines, place, specs)
    found = [*over, (_start(lines, place.header, over[-1][1], None) if over else 0, place)]
    strange = [(0, header) for header in unknown]
    for header in _headers(lines, place, range(place.header + 1, len(lines))):
        if any(header.at <= other.header for _, other in found):
            continue
        known = _known(lines, header, found[-1][1], specs)
        if known is not None:
            found.append((header.start, known))
        elif _is_apart(lines, header, found[-1][1]):
            strange.append((len(found) - 1, header))
    if len(found) == 1 and not strange:
        return [(document, place)]
    starts = [_start(lines, place.header, None, None), *(start for start, _ in found), *(header.start for _, header in strange), len(lines)]
    answer = []
    for number, (start, one) in enumerate(found):
        below = tuple(_strange(lines, header, min(s for s in starts if s > header.at)) for at, header in strange if at == number)
        stop = min(s for s in starts if s > max(start, one.header))
        answer.append((lines.part(start, stop), replace(one, below=below, encoding=lines.encoding or one.encoding)))
    return answer


def _over(lines: _Lines, place: Place, specs: Mapping[str, SourceSpec]) -> tuple[list[tuple[int, Place]], list[_Header]]:
    """Tables that stand over the one that fits best, as an account over what was charged for it: (from where on and their places, the
    headers of those that nobody reads)."""
    found: list[tuple[int, Place]] = []
    strange: list[_Header] = []
    for header in _headers(lines, place, range(min(place.header, len(lines)))):
        if len(header.filled) < 3 or not _has_row(lines, header) or any(header.at <= other.header for _, other in found):
            continue
        known = _known(lines, header, found[-1][1] if found else None, specs)
        if known is not None and known.spec.tables:
            found.append((header.start if found else 0, known))
        elif known is None and not found and _moves(lines, header) and _moves(lines, replace(header, at=header.at + 1)):
            strange.append(header)
    return found, strange


def _moves(lines: _Lines, header: _Header) -> bool:
    """Whether the line below one has as many cells, a day and an amount with cents: a movement, and not what is said of an account."""
    cells = lines.cells(header.at + 1)
    shown = [cell for cell in cells if ROW_CELL.fullmatch(cell)]
    return sum(map(bool, cells)) > 2 and any(map(_CENTS.search, shown)) and not all(map(_CENTS.search, shown))


def _headers(lines: _Lines, place: Place, among: range) -> list[_Header]:
    """Those of some lines that seem to name the columns of a table."""
    found = list(_named(lines, place, among))
    return [replace(one, stop=following.at) for one, following in pairwise(found)] + found[-1:]


def _named(lines: _Lines, place: Place, among: range) -> Iterator[_Header]:
    footer = re.compile(place.spec.footer) if place.spec.footer else None
    ends = re.compile(rf"(?i)^\W*{re.escape(place.spec.summary)}") if place.spec.summary else None
    for at in lines.candidates(among):
        cells = lines.cells(at)
        filled = [cell for cell in cells if cell]
        if ends is not None and filled and ends.search(filled[0]):
            return  # what follows are the totals of the table
        if len(filled) < 2 or len(set(filled)) < len(filled) or (footer and footer.search(cells[0])):
            continue
        if all(_LETTER.search(cell) and len(cell) < LONG_NAME and not ROW_CELL.fullmatch(cell) for cell in filled):
            yield _Header(at, _start(lines, at, place if at > place.header else None, footer), tuple(cells), among.stop)


def _start(lines: _Lines, at: int, above: Place | None, footer: re.Pattern[str] | None) -> int:
    """The first of the lines right above a header that belong to it: titles and what is said of the whole table."""
    while at - 1 > (above.header if above else -1):
        cells = lines.cells(at - 1)
        filled = [cell for cell in cells if cell]
        if len(filled) > 2 or (footer and filled and footer.search(cells[0])):
            break
        at -= 1
    return at


def _known(lines: _Lines, header: _Header, above: Place | None, specs: Mapping[str, SourceSpec]) -> Place | None:
    """The place of a table under a header, where a specification reads it; none where it goes on with the table above."""
    named = [normalised(unnumbered(name)) for name in above.names] if above is not None else []
    if header.start == header.at and [*map(normalised, header.names)] == named:
        return None  # the header of the page before once more
    last = min(header.at + HEAD_LINES, header.stop)
    rows = [lines.cells(n) for n in range(header.start, last)]
    is_sheet = lines.document.kind == "sheet"
    texts = ["\t".join(row) for row in rows] if is_sheet else [plain(line, lines.encoding) for line in lines.lines[header.start:last]]
    head = Head(texts, None if is_sheet else lines.encoding, rows if is_sheet else None)
    found = best(lines.document, {name: spec for name, spec in specs.items() if spec.reader == "table" and not spec.positions}, [head])
    if found is None or found[0].header != header.at - header.start:
        return None
    place = settled(*found)
    if above is None:
        return replace(place, header=header.at)
    if _alike(place, above) and not _of_another(place, above):
        return None
    said = above.above if place.spec is above.spec and not _of_another(place, above) else ()
    return replace(place, header=header.at, above=(*said, *place.above))


def _alike(one: Place, other: Place) -> bool:
    names = ([normalised(unnumbered(name)) for name in place.names if name] for place in (one, other))
    return one.spec is other.spec and next(names) == next(names)


def _of_another(one: Place, other: Place) -> bool:
    """Whether what stands above two tables of a kind says that they are of two accounts, or of two currencies."""
    said, before = currencies_above(one.above), currencies_above(other.above)
    if said and before and said != before:
        return True
    for name, pattern in one.spec.captures.items():
        if isinstance(pattern, str) and not name.startswith("coverage"):
            mine, theirs = (re.search(pattern, "\n".join(place.above), re.MULTILINE) for place in (one, other))
            if mine and theirs and mine.group(1) != theirs.group(1):
                return True
    return False


def _is_apart(lines: _Lines, header: _Header, above: Place) -> bool:
    """Whether a header that no specification knows begins a table of its own: it has lines of its own above it, other names than the table
    above, and a row of as many cells below."""
    mine = {normalised(without_currency(name)[0]) for name in header.names if name}
    if header.start == header.at or mine <= {normalised(unnumbered(name)) for name in above.names}:
        return False
    return _has_row(lines, header)


def _has_row(lines: _Lines, header: _Header) -> bool:
    """Whether the line below a header has a day or an amount, and nothing where the header has no name."""
    for at in range(header.at + 1, min(header.at + 4, len(lines))):
        cells = lines.cells(at)
        if any(cells):
            filled = {n for n, cell in enumerate(cells) if cell}
            return filled <= {n for n, name in enumerate(header.names) if name} and any(ROW_CELL.fullmatch(cell) for cell in cells)
    return False


def _strange(lines: _Lines, header: _Header, stop: int) -> Strange:
    """What a table says that nobody reads."""
    names = unique_names(header.names)
    rows = {at: cells for at in range(header.at + 1, stop) if any(cells := lines.cells(at))}
    sums = []
    for n, name in enumerate(names):
        texts = [cells[n] for cells in rows.values() if n < len(cells)]
        values = _numbers(texts)
        found = [value for value in values if value is not None]
        if name and found and any(value % 1 for value in found):
            unread = sum(1 for value, cell in zip(values, texts, strict=True) if value is None and _has_digit(cell))
            sums.append(f"{name} {sum(found, Decimal(0)).normalize():f}" + (f" (+{unread} ?)" if unread else ""))
    return Strange(tuple(at + 1 for at in rows), header.filled, tuple(sums))


def _numbers(cells: Sequence[str]) -> list[Decimal | None]:
    """Cells as the amounts that they are in one way alone: of 1,234 nobody can tell what it is."""
    texts, marks = pl.Series("x", cells, pl.String), Marks()
    marks.look_at(Cells(texts))
    read = amounts("," if marks.counts[","] > marks.counts["."] else ".").of(texts)[0].to_list()
    return [None if re.search(r"^\D*[1-9]\d{0,2}[.,]\d{3}\D*$", cell) else value for cell, value in zip(cells, read, strict=True)]


def _has_digit(cell: str) -> bool:
    return any(character.isdigit() for character in cell)


"""Delimited text: the cells of its plain rows as columns of text, and the lines that are none.

Text is parsed block by block by Arrow; Python meets only the lines that are no plain rows (footers, blanks, odd quotes,
a wrong number of cells). So memory is bounded whatever the size, and a damaged line never takes others with it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from duizhang.errors import RefusedFile
from duizhang.ingest.opening import BARRED, LOST, Block, Document, blocks, decoded, holds, plain, utf8
from duizhang.ingest.reading.parse import parse
from duizhang.ingest.reading.quotes import STRAY, mend_quotes
from duizhang.ingest.reading.ticked import TICKED, is_wrapped, parse_ticked, ticked_part, untick
from duizhang.ingest.recognising import Place, split_line
from duizhang.ingest.rows import Broken, several
from duizhang.ingest.specification import Cell, normalised


@dataclass(frozen=True)
class Piece:
    """Part of a table: the wanted cells of plain rows and their lines; of the others (line, all cells, text).

    whole: all cells of a plain row by its line, for the few that must be looked at again.
    """

    lines: np.ndarray
    columns: list[pa.Array]
    odd: list[tuple[int, list[str], str]]
    broken: list[Broken]
    whole: Callable[[int], list[str]] = field(default=lambda _: [])


def wanted_positions(place: Place) -> list[int]:
    """Positions of the columns that a specification reads, of those of money that it does not know, and of the first, which tells
    footers from rows."""
    spec, names = place.spec, place.names
    wanted = set(place.unread)
    wanted |= {n for c in spec.fields.values() for n in (c.column, *c.also, *c.join)}
    wanted |= {c.cell for c in spec.captures.values() if isinstance(c, Cell)} | {t.summary for t in spec.totals if t.summary}
    if spec.totals_row:
        wanted.add(spec.totals_row)
    if spec.fill_down:
        wanted |= {*(spec.fill_down.by or "").split("|"), *spec.fill_down.columns}
    if spec.repeats:
        wanted |= {*spec.repeats.by.split("|"), *spec.repeats.columns}
    keys = {normalised(name) for name in wanted}
    return sorted({0, *(n for n, name in enumerate(names) if normalised(name) in keys)})


def text_pieces(document: Document, place: Place) -> Iterator[Piece]:
    """The pieces of a text, parsed in a thread of their own while the next lines are read; closed early, it ends with the piece."""
    more, parts = several(_mended(document, place))
    if not more:
        yield from (_parse(*part) for part in parts)
        return
    with ThreadPoolExecutor(1) as parser:
        coming: deque[Future[Piece]] = deque()
        for block, found, broken in parts:
            coming.append(parser.submit(_parse, block, found, broken))
            if len(coming) > 1:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _mended(document: Document, place: Place) -> Iterator[tuple[Block, Place, list[Broken]]]:
    """Blocks of the lines below the header in which no quoted cell goes over two lines, and the lines lost to quotes."""
    spec = place.spec
    pending: Block | None = None
    skipped = place.header < 0
    for block in blocks(document, place.encoding, spec.encodings, delimiter=place.delimiter):
        if not skipped:
            block, skipped = _below(block, place.header + 1), True
            place = _widened(block, place)
        if pending is not None:
            block, pending = Block(pending.text + block.text, pending.first, block.encoding), None
        broken: list[Broken] = []
        if b'"' in block.text and not spec.ticked:
            block = _unescaped(_tightened(block, place), place)
            block, pending = mend_quotes(block, place, broken)
        yield block, place, broken
    while pending is not None:
        # nothing follows, so the quotation mark that opens it has no partner
        broken = [Broken(pending.first, STRAY)]
        rest = Block(b"\n" + pending.text.partition(b"\n")[2], pending.first, pending.encoding)
        rest, pending = mend_quotes(rest, place, broken)
        yield rest, place, broken


def _tightened(block: Block, place: Place) -> Block:
    """The block without blanks between quoted cells and delimiters where its first line has them: `"a", "b"`."""
    mark = re.escape(place.delimiter.encode())
    first = block.text.lstrip(b"\n").partition(b"\n")[0]
    if place.delimiter == "\t" or not re.search(rb'"[ \t]*' + mark + rb'[ \t]*"', first) or re.search(rb'"' + mark + rb'"', first):
        return block
    return Block(re.sub(rb'"[ \t]*(' + mark + rb')[ \t]*"', rb'"\1"', block.text), block.first, block.encoding)


def _unescaped(block: Block, place: Place) -> Block:
    """The block with quotation marks doubled that a backslash stands before, unless the mark may be the end of a cell: `C:\\"`."""
    if b'\\"' not in block.text or block.encoding in BARRED:
        return block
    ends = re.escape(place.delimiter.encode()) + rb"\n"
    return Block(re.sub(rb'\\"(?![' + ends + rb']|\Z)', b'""', block.text), block.first, block.encoding)


def _below(block: Block, lines: int) -> Block:
    cut = -1
    for _ in range(lines):
        cut = block.text.find(b"\n", cut + 1)
        if cut < 0:
            return Block(b"", block.first + lines, block.encoding)
    return Block(block.text[cut + 1 :], block.first + lines, block.encoding)


def _widened(block: Block, place: Place) -> Place:
    """Rows that all end with a delimiter too many have a column without a name."""
    line = next((ln for ln in block.text[: 1 << 16].split(b"\n") if ln.strip()), b"")
    cells = split_line(plain(line, block.encoding), place.delimiter)
    if not place.spec.ticked and len(cells) == len(place.names) + 1 and not cells[-1].strip():
        return replace(place, names=(*place.names, ""))
    return place


def _parse(block: Block, place: Place, broken: list[Broken]) -> Piece:
    """The cells of a block's plain rows, and its other lines."""
    if block.newlines == len(block.text):
        return _parsed(Block(b"", block.first, block.encoding), place, place.delimiter, broken)
    if not place.spec.ticked:
        return _parsed(block, place, place.delimiter, broken)
    wrapped, cut = is_wrapped(block.text), ticked_part(block.text)
    head = block if cut == len(block.text) else Block(block.text[:cut], block.first, block.encoding)
    quick = _ticked(head, place, broken) if cut and wrapped == block.text.startswith(b'"') else None
    if quick is None:
        return _parsed(Block(untick(block.text, wrapped=wrapped), block.first, block.encoding), place, TICKED, broken)
    if head is block:
        return quick
    # after a LF, as these are not the first lines
    rest = Block(untick(b"\n" + block.text[cut:], wrapped=wrapped)[1:], head.first + head.lines, block.encoding)
    return _joined(quick, _parsed(rest, place, TICKED, broken), rest.first)


def _ticked(block: Block, place: Place, broken: list[Broken]) -> Piece | None:
    found = parse_ticked(block.text, block.lines, len(place.names), wanted_positions(place))
    if found is None:
        return None
    lines, columns = _readable(np.arange(block.first, block.first + block.lines, dtype=np.int64), found, block, place, broken)
    wrapped = block.text.startswith(b'"')
    return Piece(lines, columns, [], broken, _line_cells(
        lambda: Block(untick(block.text, wrapped=wrapped), block.first, block.encoding), TICKED))


def _joined(above: Piece, below: Piece, first: int) -> Piece:
    """Two pieces with the same list of broken lines as one; `below` begins with line `first`."""
    lines, columns = above.lines, above.columns
    if len(below.lines):
        lines = np.concatenate([lines, below.lines])
        columns = [pa.concat_arrays(pair) for pair in zip(columns, below.columns, strict=True)]
    return Piece(lines, columns, below.odd, above.broken, lambda line: (above if line < first else below).whole(line))


def _parsed(block: Block, place: Place, delimiter: str, broken: list[Broken]) -> Piece:
    """The block's lines by Arrow: at once where all are plain rows, else with every other line handed over as odd."""
    width, wanted = len(place.names), wanted_positions(place)
    if not block.text:
        return Piece(np.empty(0, np.int64), [pa.array([], pa.string())] * len(wanted), [], broken)
    quoted = b'"' in block.text and not place.spec.ticked
    odd: list[tuple[int, list[str], str]] = []
    try:
        rows, columns = parse(block.text, width, wanted, delimiter, quoted=quoted)
    except pa.ArrowInvalid:
        # Arrow hands over a line only where it is valid UTF-8
        block = utf8(block)

        def skip(row: pacsv.InvalidRow) -> str:
            odd.append((block.first + row.number - 1, split_line(row.text, delimiter), row.text))
            return "skip"

        try:
            rows, columns = parse(block.text, width, wanted, delimiter, quoted=quoted, skip=skip)
        except pa.ArrowInvalid as error:
            raise RefusedFile(f"lines from {block.first} on cannot be parsed: {error}", advice="Download it again.") from error
    if rows + len(odd) != block.lines:
        raise RefusedFile(
            f"{block.lines} lines from {block.first} on give {rows + len(odd)} records",
            advice="There may be a stray quotation mark; download it again.")
    lines = np.arange(block.first, block.first + block.lines, dtype=np.int64)
    if odd:
        lines = np.delete(lines, [line - block.first for line, _, _ in odd])
    lines, columns = _readable(lines, columns, block, place, broken)
    return Piece(lines, columns, odd, broken, _line_cells(lambda: block, delimiter))


def _readable(
    lines: np.ndarray, columns: list[pa.Array], block: Block, place: Place, broken: list[Broken]
) -> tuple[np.ndarray, list[pa.Array]]:
    """The rows as UTF-8; those that hold bytes that are no text are added to the broken ones."""
    if block.ascii:
        return lines, columns
    lost = np.zeros(len(lines), dtype=bool)
    marked = holds(block.text, LOST.encode())
    found = []
    for column in columns:
        cells, unreadable = decoded(column, block.encoding, marked=marked)
        found.append(cells)
        if unreadable is not None:
            lost |= unreadable
    if not lost.any():
        return lines, found
    reason = f"holds bytes that are not {place.encoding}; expected text; download the file again"
    broken += [Broken(int(line), reason) for line in lines[lost]]
    keep = pa.array(~lost)
    return lines[~lost], [column.filter(keep) for column in found]


def _line_cells(block: Callable[[], Block], delimiter: str) -> Callable[[int], list[str]]:
    """All cells of a line; the lines are only taken apart where one is asked for."""
    made: list[tuple[Block, list[bytes]]] = []

    def cells(line: int) -> list[str]:
        if not made:
            whole = block()
            made.append((whole, whole.text.split(b"\n")))
        whole, lines = made[0]
        return split_line(plain(lines[line - whole.first], whole.encoding), delimiter)

    return cells

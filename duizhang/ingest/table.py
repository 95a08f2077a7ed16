"""Tables in delimited text, workbooks and Parquet: the rows in batches, and what stands around them.

Text is parsed block by block by Arrow; Python meets only the lines that are no plain rows (footers, blanks, odd quotes,
a wrong number of cells). So memory is bounded whatever the size, and a damaged line never takes others with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from duizhang.errors import RefusedFile
from duizhang.ingest.container import Document
from duizhang.ingest.encoded import Block, blocks, decoded, plain, utf8
from duizhang.ingest.quotes import STRAY, mend_quotes
from duizhang.ingest.reading import BATCH_ROWS, Batch, Broken, Reading
from duizhang.ingest.recognise import Place, split_line
from duizhang.ingest.sheet import sheet_rows
from duizhang.ingest.spec import Cell, SourceSpec, normalised

TICKED = "\x1f"  # stands between cells that each begin with a back-tick; no platform writes it


def read_table(document: Document, place: Place) -> Reading:
    """The rows below the header of a table."""
    if document.kind == "text":
        return _Rows(place).read(_text_pieces(document, place))
    if document.kind == "sheet":
        return _Rows(place).read(_sheet_pieces(document, place))
    return _parquet(document, place)


@dataclass(frozen=True)
class _Piece:
    """Part of a table: the wanted cells of plain rows and their lines; of the others (line, all cells, text).

    whole: all cells of a plain row by its line, for the few that must be looked at again.
    """

    lines: np.ndarray
    columns: list[pa.Array]
    odd: list[tuple[int, list[str], str]]
    broken: list[Broken]
    whole: Callable[[int], list[str]] = field(default=lambda _: [])


def wanted_positions(spec: SourceSpec, names: Sequence[str]) -> list[int]:
    """Positions of the columns that a specification reads, and of the first, which tells footers from rows."""
    wanted = {n for c in spec.fields.values() for n in (c.column, *c.also, *c.join)}
    wanted |= {c.cell for c in spec.captures.values() if isinstance(c, Cell)} | {t.summary for t in spec.totals if t.summary}
    if spec.totals_row:
        wanted.add(spec.totals_row)
    if spec.fill_down:
        wanted |= {*((spec.fill_down.by,) if spec.fill_down.by else ()), *spec.fill_down.columns}
    keys = {normalised(name) for name in wanted}
    return sorted({0, *(n for n, name in enumerate(names) if normalised(name) in keys)})


class _Rows:
    """Tells rows from what stands around them, the same way for text and workbooks."""

    def __init__(self, place: Place) -> None:
        self.place, self.spec = place, place.spec
        self.width = len(place.names)
        self.wanted = wanted_positions(place.spec, place.names)
        self.names = [place.names[n] for n in self.wanted]
        self.footer = re.compile(self.spec.footer) if self.spec.footer else None
        self.only = re.compile(self.spec.rows) if self.spec.rows else None
        self.index = {normalised(name): position for position, name in reversed(list(enumerate(self.names)))}
        self.summary_names: list[str] | None = None
        self.in_summary = False
        self.last: list[str] | None = None
        self.absorbs = next(
            (n for n, name in enumerate(place.names) if self.spec.absorbs and normalised(name) == normalised(self.spec.absorbs)),
            None)
        self.reading = Reading(self.names, place.encoding, around=list(place.above))

    def read(self, pieces: Iterator[_Piece]) -> Reading:
        self.reading.batches = (self._batch(piece) for piece in pieces)
        return self.reading

    def _batch(self, piece: _Piece) -> Batch:
        broken, mended = list(piece.broken), []
        for line, cells, text in piece.odd:
            row = self._odd(line, cells, text, broken)
            if row is not None:
                mended.append((line, row))
        lines, columns = piece.lines, piece.columns
        if mended:
            lines = np.concatenate([lines, np.array([line for line, _ in mended], dtype=np.int64)])
            columns = [
                pa.concat_arrays([column, pa.array([row[n] for _, row in mended], pa.string())])
                for n, column in enumerate(columns)
            ]
            order = pa.array(np.argsort(lines, kind="stable"))
            lines, columns = lines[order.to_numpy()], [column.take(order) for column in columns]
        keep = self._is_row(lines, columns, piece.whole)
        if not keep.all():
            mask = pa.array(keep)
            lines, columns = lines[keep], [column.filter(mask) for column in columns]
        if self.spec.fill_down:
            columns = self._fill_down(columns)
        return Batch(pa.array(lines, pa.int64()), columns, broken)

    def _odd(self, line: int, cells: list[str], text: str, broken: list[Broken]) -> list[str] | None:
        """The cells of a line of another width, where it is a row after all."""
        first = cells[0].strip() if cells else ""
        if not any(cell.strip() for cell in cells):
            return None
        if self._summary(cells, text):
            return None
        if self._around(first) or (self.footer and self.footer.search(text)):
            self.reading.around.append(text)
            return None
        width = self.width
        while len(cells) > width and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) > width and self.absorbs is not None:
            at, over = self.absorbs, len(cells) - width
            cells = [*cells[:at], ",".join(cells[at : at + over + 1]), *cells[at + over + 1 :]]
        if len(cells) < width and (self.spec.ragged or (len(cells) == width - 1 and not self.place.names[-1])):
            # a header that ends with a delimiter too many does not make its rows short
            cells = [*cells, *[""] * (width - len(cells))]
        if len(cells) == width:
            return [cells[n] for n in self.wanted]
        broken.append(Broken(line, f"{len(cells)} cells; expected {width}"))
        return None

    def _around(self, first: str) -> bool:
        return bool((self.footer and self.footer.search(first)) or (self.only and not self.only.search(first)))

    def _summary(self, cells: list[str], text: str) -> bool:
        """Whether the line belongs to the second table, which states the totals."""
        if self.summary_names is not None:
            if not self.reading.summary:
                self.reading.summary.update(zip(
                    self.summary_names, (cell.strip("` \t\"") for cell in cells), strict=False))
            else:
                self.reading.around.append(text)
            return True
        if self.spec.summary and normalised(text).startswith(normalised(self.spec.summary)):
            names = cells if len(cells) > 1 else split_line(text, self.place.delimiter)  # its names may have back-ticks or none
            self.summary_names = [normalised(name) for name in names]
            return True
        return False

    def _is_row(self, lines: np.ndarray, columns: list[pa.Array], whole: Callable[[int], list[str]]) -> np.ndarray:
        """Which of the plain lines are rows; the others are put where they belong."""
        keep = np.ones(len(lines), dtype=bool)
        if not len(lines):
            return keep
        first = pc.ascii_ltrim(columns[0], characters=" \t\"'`")
        if self.footer:
            self._put_around(keep, _fits(first, self.footer.pattern), lines, whole)
        if self.only:
            self._put_around(keep, pc.invert(_fits(first, self.only.pattern)), lines, whole)
        if self.spec.totals_row and normalised(self.spec.totals_row) in self.index:
            filled = pc.not_equal(pc.ascii_trim(columns[self.index[normalised(self.spec.totals_row)]], characters=" \t"), "")
            for at in np.flatnonzero(filled.to_numpy(zero_copy_only=False)):
                keep[at] = False
                self.reading.totals_line = self.reading.totals_line or int(lines[at])
                for name, column in zip(self.names, columns, strict=True):
                    if column[at].as_py().strip():
                        self.reading.summary.setdefault(normalised(name), column[at].as_py().strip())
        blank = pc.equal(first, "")
        if pc.any(blank).as_py():
            for column in columns[1:]:
                blank = pc.and_(blank, pc.equal(pc.ascii_trim(column, characters=" \t\"'`"), ""))
            for at in np.flatnonzero(blank.to_numpy(zero_copy_only=False)):
                # only a line that is blank in the columns that are not read as well is no row
                keep[at] &= any(cell.strip(" \t\"'`") for cell in whole(int(lines[at])))
        return keep

    def _put_around(self, keep: np.ndarray, mask: pa.Array, lines: np.ndarray, whole: Callable[[int], list[str]]) -> None:
        for at in np.flatnonzero(mask.to_numpy(zero_copy_only=False)):
            keep[at] = False
            self.reading.around.append(self.place.delimiter.join(whole(int(lines[at]))))

    def _fill_down(self, columns: list[pa.Array]) -> list[pa.Array]:
        rule = self.spec.fill_down
        if rule is None or not len(columns[0]) or (rule.by is not None and normalised(rule.by) not in self.index):
            return columns
        positions = [self.index[n] for n in (normalised(c) for c in rule.columns) if n in self.index]
        if rule.by is not None:
            by = columns[self.index[normalised(rule.by)]]
            key = by[-1].as_py()
            starts = np.append(self.last is None or self.last[0] != by[0].as_py(), _mask(pc.not_equal(by[1:], by[:-1])))
        else:
            # a row that says any of it itself begins a group
            key = ""
            starts = np.logical_or.reduce([_mask(pc.not_equal(pc.utf8_trim_whitespace(columns[p]), "")) for p in positions])
            starts[0] |= self.last is None
        above = self.last[1:] if self.last else [""] * len(positions)
        row = np.arange(len(starts))
        first = np.maximum.accumulate(np.where(starts, row, -1))  # of the group; -1: it began in the batch before
        filled = list(columns)
        for p, value in zip(positions, above, strict=True):
            given = np.maximum.accumulate(np.where(_mask(pc.not_equal(columns[p], "")), row, -1))
            place = np.where((given >= first) & (given >= 0), given + 2, np.where(first < 0, 0, 1))
            filled[p] = pa.concat_arrays([pa.array([value, ""], pa.string()), columns[p]]).take(pa.array(place))
        self.last = [key, *(filled[p][-1].as_py() for p in positions)]
        return filled


def _mask(flags: pa.Array) -> np.ndarray:
    return np.asarray(flags.to_numpy(zero_copy_only=False))


def _fits(cells: pa.Array, pattern: str) -> pa.Array:
    literal = re.fullmatch(r"\^([^\\.\[\](){}*+?|^$]+)", pattern)
    return pc.starts_with(cells, literal.group(1)) if literal else pc.match_substring_regex(cells, pattern)


def _text_pieces(document: Document, place: Place) -> Iterator[_Piece]:
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
            block, pending = mend_quotes(block, place, broken)
        yield _parse(block, place, broken)
    while pending is not None:
        # nothing follows, so the quotation mark that opens it has no partner
        broken = [Broken(pending.first, STRAY)]
        rest = Block(b"\n" + pending.text.partition(b"\n")[2], pending.first, pending.encoding)
        rest, pending = mend_quotes(rest, place, broken)
        yield _parse(rest, place, broken)


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
        return Place(place.spec, place.encoding, place.header, place.delimiter, (*place.names, ""), place.above)
    return place


def _parse(block: Block, place: Place, broken: list[Broken]) -> _Piece:
    """The block's lines by Arrow: at once where all are plain rows, else with every other line handed over as odd."""
    wanted = wanted_positions(place.spec, place.names)
    if not block.text.strip(b"\n"):
        return _Piece(np.empty(0, np.int64), [pa.array([], pa.string())] * len(wanted), [], broken)
    delimiter = TICKED if place.spec.ticked else place.delimiter
    if place.spec.ticked:
        # a comma inside a cell is told from one between two cells by the back-tick that follows
        text = block.text
        if text.startswith(b'"`') or b'\n"`' in text:
            # saved again by something that quotes
            text = re.sub(rb'"(?=\n|$)', b"", text.replace(b'","`', b",`").replace(b'\n"`', b"\n`").removeprefix(b'"'))
        text = text.replace(b",`", TICKED.encode()).replace(b"\n`", b"\n")
        block = Block(text[1:] if text.startswith(b"`") else text, block.first, block.encoding)
    odd: list[tuple[int, list[str], str]] = []
    try:
        table = _arrow(block, place, delimiter, wanted, None)
    except pa.ArrowInvalid:
        # Arrow hands over a line only where it is valid UTF-8
        block = utf8(block)

        def skip(row: pacsv.InvalidRow) -> str:
            odd.append((block.first + row.number - 1, split_line(row.text, delimiter), row.text))
            return "skip"

        try:
            table = _arrow(block, place, delimiter, wanted, skip)
        except pa.ArrowInvalid as error:
            raise RefusedFile(f"lines from {block.first} on cannot be parsed: {error}", advice="Download it again.") from error
    count = block.text.count(b"\n") + (not block.text.endswith(b"\n"))
    if table.num_rows + len(odd) != count:
        raise RefusedFile(
            f"{count} lines from {block.first} on give {table.num_rows + len(odd)} records",
            advice="There may be a stray quotation mark; download it again.")
    lines = np.arange(block.first, block.first + count, dtype=np.int64)
    if odd:
        lines = np.delete(lines, [line - block.first for line, _, _ in odd])
    columns, lost = [], np.zeros(len(lines), dtype=bool)
    for column in table.columns:
        cells, unreadable = decoded(pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string()), block.encoding)
        columns.append(cells)
        if unreadable is not None:
            lost |= unreadable
    if lost.any():
        reason = f"holds bytes that are not {place.encoding}; expected text; download the file again"
        broken += [Broken(int(line), reason) for line in lines[lost]]
        keep = pa.array(~lost)
        lines, columns = lines[~lost], [column.filter(keep) for column in columns]
    return _Piece(lines, columns, odd, broken, _line_cells(block, delimiter))


def _line_cells(block: Block, delimiter: str) -> Callable[[int], list[str]]:
    found: list[list[bytes]] = []

    def cells(line: int) -> list[str]:
        if not found:
            found.append(block.text.split(b"\n"))
        return split_line(plain(found[0][line - block.first], block.encoding), delimiter)

    return cells


def _arrow(
    block: Block, place: Place, delimiter: str, wanted: list[int], skip: Callable[[pacsv.InvalidRow], str] | None
) -> pa.Table:
    names = [str(n) for n in range(len(place.names))]
    chosen = [str(n) for n in wanted]
    quoted = b'"' in block.text and not place.spec.ticked
    return pacsv.read_csv(
        pa.BufferReader(block.text),
        read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=len(block.text) + 1),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter, quote_char='"' if quoted else False, invalid_row_handler=skip, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=chosen, strings_can_be_null=False, check_utf8=False),
    )


def _sheet_pieces(document: Document, place: Place) -> Iterator[_Piece]:
    width = len(place.names)
    wanted = wanted_positions(place.spec, place.names)
    good: dict[int, list[str]] = {}
    odd: list[tuple[int, list[str], str]] = []

    def packed() -> _Piece:
        rows = dict(good)
        columns = [pa.array([row[n] for row in rows.values()], pa.string()) for n in wanted]
        return _Piece(np.array(list(rows), dtype=np.int64), columns, list(odd), [], lambda line: rows[line])

    for line, cells in enumerate(sheet_rows(document), 1):
        if line <= place.header + 1:
            continue
        filled = [cell for cell in cells if cell.strip()]
        padded = [*cells, *[""] * (width - len(cells))]
        if len(filled) <= 2 < width:
            # a title, a footer or a total in one or two cells is told from a row by its text
            odd.append((line, padded[:width], "\t".join(filled)))
        elif not any(cell.strip() for cell in cells[width:]):
            good[line] = padded[:width]
        else:
            odd.append((line, cells, "\t".join(cells)))
        if len(good) == BATCH_ROWS:
            yield packed()
            good.clear()
            odd.clear()
    yield packed()


def _parquet(document: Document, place: Place) -> Reading:
    """A Parquet file's columns as text; exact types stay exact (a float gives its shortest digits)."""
    def batches() -> Iterator[Batch]:
        line = 1
        with document.open() as stream:
            try:
                for batch in pq.ParquetFile(stream).iter_batches(BATCH_ROWS):
                    columns = [_as_text(column) for column in batch.columns]
                    yield Batch(pa.array(range(line, line + batch.num_rows), pa.int64()), columns)
                    line += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                raise RefusedFile(f"not a readable Parquet file: {error}", advice="Write it again.") from error

    return Reading(list(place.names), "parquet", batches())


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = pc.cast(column, pa.timestamp("us", "UTC"))
        return pc.fill_null(pc.strftime(column, "%Y-%m-%d %H:%M:%S+00:00"), "")
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.timestamp("us"), safe=False)
    try:
        return pc.fill_null(pc.cast(column, pa.string()), "")
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.array(["" if value is None else str(value) for value in column.to_pylist()], pa.string())


"""Tables in delimited text, workbooks and Parquet: the rows in batches, and what stands around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from duizhang.errors import RefusedFile
from duizhang.ingest.opening import Document, sheet_rows
from duizhang.ingest.reading.counting_once import Repeated
from duizhang.ingest.reading.delimited import Piece, text_pieces, wanted_positions
from duizhang.ingest.reading.total_lines import TOTAL, is_total_line, names_part, names_total
from duizhang.ingest.recognising import Place, split_line, unnumbered
from duizhang.ingest.rows import BATCH_ROWS, Batch, Broken, Reading
from duizhang.ingest.specification import normalised
from duizhang.ingest.texts import Cells, X, distinct, lengths, series

_NUMBER = re.compile(r"[-+(]?[\d.,' ]*\d[)-]?(?: ?(?:Cr|Dr))?", re.IGNORECASE)
_WORDS = 3  # more of them are a sentence
# the first cell of a row as a spreadsheet writes it anew: a day, or a number that has lost its digits
_REWRITTEN = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:\D|$)|^\d(?:[.,]\d+)?E\+\d+$"
_FEW = 200  # lines of a batch that are looked at one by one: where more rows have no day, that is how such a file is
BLANKS = " \t\"'`"  # a cell of nothing else is blank


def read_table(document: Document, place: Place) -> Reading:
    """The rows below the header of a table."""
    if document.kind == "text":
        return _Rows(place).read(text_pieces(document, place))
    if document.kind == "sheet":
        return _Rows(place).read(_sheet_pieces(document, place))
    return _parquet(document, place)


class _Rows:
    """Tells rows from what stands around them, the same way for text and workbooks."""

    def __init__(self, place: Place) -> None:
        self.place, self.spec = place, place.spec
        self.width = len(place.names)
        self.wanted = wanted_positions(place)
        self.names = [place.names[n] for n in self.wanted]
        # an empty column in front, as workbooks have, tells nothing of a line
        self.first = next((at for at, name in enumerate(self.names) if name.strip()), 0)
        self.kept = self.others = 0  # rows, and lines that the pattern of rows left out
        self.footer = re.compile(self.spec.footer) if self.spec.footer else None
        self.between = re.compile(self.spec.between) if self.spec.between else None
        self.only = re.compile(f"{self.spec.rows}|{_REWRITTEN}") if self.spec.rows else None
        self.index = {normalised(name): position for position, name in reversed(list(enumerate(self.names)))}
        days = {normalised(n) for c in self.spec.fields.values() if c.type == "time" for n in (c.column, *c.also)}
        self.days = [place for name, place in self.index.items() if name in days]
        self.summary_names: list[str] | None = None
        self.last: list[str] | None = None
        self.says_more = any(field.required_with for field in self.spec.fields.values())
        self.absorbs = next(
            (n for n, name in enumerate(place.names) if self.spec.absorbs and normalised(name) == normalised(self.spec.absorbs)),
            None)
        # what a header is that is repeated among the rows, as where pages or exports were joined
        self.header = [normalised(unnumbered(name)) for name in place.names] if not self.spec.positions else []
        self.repeated = Repeated.of(self.spec.repeats, self.names)
        self.summed = 0  # the last footer line that only names sums
        self.heading = ""  # the last one, which its rows belong to
        self.reading = Reading([*self.names, *filter(None, [self.spec.heading])], place.encoding, around=list(place.above),
                               header=place.names)

    @cached_property
    def required_days(self) -> list[int]:
        """Where a row must have its day, among all columns; nowhere where rows leave out what they share with the row above."""
        if not self.sums_rows:
            return []
        required = any(c.type == "time" and (c.required or c.required_with) for c in self.spec.fields.values())
        return [self.wanted[place] for place in self.days] if required else []

    @property
    def sums_rows(self) -> bool:
        """Whether a line that says Total and no day can only be one, as rows have days and say all of themselves."""
        return bool(self.days) and not (self.spec.fill_down or self.spec.repeats or self.spec.totals_row)

    @cached_property
    def rules(self) -> dict[str, pl.Expr]:
        """What the first cell of a plain line is asked to tell whether that is a row."""
        # drawn: a line between the parts of a statement
        rules = {"blank": X == "", "drawn": X.str.contains(r"^[*=_#~-]{3,}$"), "total": X.str.contains(TOTAL.pattern)}
        if self.footer:
            rules["footer"] = X.str.contains(self.footer.pattern)
        if self.between:
            rules["between"] = X.str.contains(self.between.pattern)
        if self.only:
            rules["other"] = ~X.str.contains(self.only.pattern)
        if any(self.header) and (name := self.names[self.first].strip()):
            rules["header"] = X.str.starts_with(name) & (X.str.strip_chars(BLANKS) == name)
        return rules

    def read(self, pieces: Iterator[Piece]) -> Reading:
        self.reading.batches = self._batches(pieces)
        return self.reading

    def _batches(self, pieces: Iterator[Piece]) -> Iterator[Batch]:
        yield from map(self._batch, pieces)
        if self.others and not self.kept:
            self.reading.stated.append(("lines below its header of which none begins as a row does", "0", str(self.others)))

    def _batch(self, piece: Piece) -> Batch:
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
        if self.spec.heading:
            lines, columns = self._under_headings(lines, columns)
        if self.spec.fill_down:
            columns = self._fill_down(columns)
        if self.repeated is not None:
            lines, columns = self.repeated.counted_once(lines, columns, broken)
        return Batch(pa.array(lines, pa.int64()), columns, broken)

    def _odd(self, line: int, cells: list[str], text: str, broken: list[Broken]) -> list[str] | None:
        """The cells of a line of another width, where it is a row after all."""
        first = cells[0].strip() if cells else ""
        if not any(map(str.isalnum, text)):
            return None  # a blank line, or one drawn of asterisks or dashes
        if line == self.summed + 1 and all(_NUMBER.fullmatch(cell.strip()) for cell in cells):
            self.reading.around.append(text)  # what the names above it, of a footer, add up to
            return None
        if self._summary(cells, text):
            return None
        is_total = self._is_total(cells)
        if is_total or self._around(first) or (self.footer and self.footer.search(text)):
            self.reading.around.append(text)
            self._note_total(line, cells)
            self.summed = line if len(cells) > 2 and not any(map(str.isdigit, text)) else self.summed
            return None
        if self._stands_between(cells):
            self.reading.around.append(text)
            return None
        width = self.width
        while len(cells) > width and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) > width and self.absorbs is not None:
            at, over = self.absorbs, len(cells) - width
            cells = [*cells[:at], ",".join(cells[at : at + over + 1]), *cells[at + over + 1 :]]
        goes_on = self.says_more and not first and sum(map(bool, map(str.strip, cells))) == 1  # a text's next line: no day, no amount
        ragged = self.spec.ragged or (self.spec.heading and len(cells) == 1) or goes_on
        if len(cells) < width and (ragged or (len(cells) == width - 1 and not self.place.names[-1])):
            # a header that ends with a delimiter too many does not make its rows short
            cells = [*cells, *[""] * (width - len(cells))]
        if len(cells) == width:
            return [cells[n] for n in self.wanted]
        if len(cells) == 1 < width - 1 and not any(character.isdigit() for character in first):
            self.reading.around.append(text)  # words of the bank below its rows: there is neither a day nor an amount in it
            return None
        broken.append(Broken(line, f"{len(cells)} cells; expected {width}"))
        return None

    def _is_total(self, cells: list[str]) -> bool:
        """Whether a line that no footer names has no day, which a row must have, and is a total by its cells."""
        if not self.required_days and not (self.sums_rows and names_total(cells) and not self._is_kind(cells)):
            return False
        return is_total_line(cells, self.required_days or [self.wanted[place] for place in self.days])

    def _is_kind(self, cells: list[str]) -> bool:
        """Whether the first filled cell stands in a column of kinds, of which the specification knows totals itself."""
        at = next(at for at, cell in enumerate(cells) if cell.strip(BLANKS))
        name = normalised(self.place.names[at]) if at < len(self.place.names) else ""
        return any(c.values and name in map(normalised, (c.column, *c.also)) for c in self.spec.fields.values())

    def _read_of(self, cells: list[str]) -> list[str]:
        """The cells of the columns that are read, of a line that may end early."""
        return [cells[n] if n < len(cells) else "" for n in self.wanted]

    def _stands_between(self, cells: list[str]) -> bool:
        """Whether the only filled cell of a line says that it is no row, or is a sentence of words in the first of a workbook's."""
        filled = [cell.strip(BLANKS) for cell in cells if cell.strip(BLANKS)]
        if self.between is None or len(filled) != 1:
            return False
        said = len(filled[0].split()) > _WORDS and cells[0].strip() != "" and not any(map(str.isdigit, filled[0]))
        return said or self.between.search(filled[0]) is not None

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
        texts, places = distinct(columns[self.first])
        asked = series(texts).to_frame().lazy().select(X.str.strip_chars_start(BLANKS)).select(**self.rules).collect()
        flags = {name: np.array(Cells(asked[name], places).rows()) for name in asked.columns}
        if (found := flags.get("footer")) is not None:
            for at in np.flatnonzero(found).tolist():
                found[at] = not self._is_named_so(columns[self.first][at].as_py().lstrip(BLANKS), columns, at)
            self._put_around(keep, found, lines, whole)
            self._note_totals(found, lines, whole)
        if (total := self._totals(flags["total"] & keep, flags["blank"] & keep, lines, whole)) is not None:
            self._put_around(keep, total, lines, whole)
            self._note_totals(total, lines, whole)
        if (lone := flags.get("between")) is not None:
            for at in np.flatnonzero(lone).tolist():
                lone[at] = self._stands_between(whole(int(lines[at])))
            self._put_around(keep, lone, lines, whole)
        if "other" in flags:
            if not self.kept:  # once there is a row, how many are none tells nothing
                self.others += sum(any(map(str.isdigit, "".join(whole(line)))) for line in lines[flags["other"] & keep].tolist())
            self._put_around(keep, flags["other"], lines, whole)
        if (near := flags.get("header")) is not None:
            for at in np.flatnonzero(near).tolist():
                near[at] = [normalised(cell) for cell in whole(int(lines[at]))] == self.header
            self.reading.headers += lines[near].tolist()
            self._put_around(keep, near, lines, whole)
        if self.spec.totals_row and normalised(self.spec.totals_row) in self.index:
            column = series(columns[self.index[normalised(self.spec.totals_row)]])
            for at in (column.str.strip_chars(" \t") != "").arg_true():
                keep[at] = False
                self.reading.totals_line = self.reading.totals_line or int(lines[at])
                for name, column in zip(self.names, columns, strict=True):
                    if column[at].as_py().strip():
                        self.reading.summary.setdefault(normalised(name), column[at].as_py().strip())
        for at in np.flatnonzero(flags["drawn"]).tolist():
            keep[at] &= any(map(str.isalnum, "".join(whole(int(lines[at])))))
        blank = pl.Series(np.flatnonzero(flags["blank"]))
        for column in (*columns[: self.first], *columns[self.first + 1 :]):
            if len(blank):
                blank = blank.filter(series(column).gather(blank).str.strip_chars(BLANKS) == "")
        for at in blank:
            # only a line that is blank in the columns that are not read as well is no row
            keep[at] &= any(cell.strip(BLANKS) for cell in whole(int(lines[at])))
        self.kept += int(keep.sum())
        return keep

    def _is_named_so(self, first: str, columns: list[pa.Array], at: int) -> bool:
        """Whether a row with a day of its own is of somebody whose name begins as a footer does: TOTAL ENERGIES, SALDO RE 12."""
        said = self.footer.search(first) if self.footer else None
        more = said is not None and re.search(r"[^\W\d_]{2,}", first[said.end() :]) is not None
        return more and any(re.search(r"\d", columns[place][at].as_py()) is not None for place in self.days if place)

    def _totals(
        self, named: np.ndarray, blank: np.ndarray, lines: np.ndarray, whole: Callable[[int], list[str]]
    ) -> np.ndarray | None:
        """Which lines are totals that no footer names. named: their first cell is the word for it; blank: it is empty."""
        near = named | blank if blank.sum() <= _FEW else named
        if not self.sums_rows or not near.any():
            return None
        found = np.zeros(len(near), dtype=bool)
        for at in np.flatnonzero(near).tolist():
            found[at] = self._is_total(whole(int(lines[at])))
        return found

    def _note_totals(self, found: np.ndarray, lines: np.ndarray, whole: Callable[[int], list[str]]) -> None:
        for line in lines[found].tolist():
            self._note_total(line, whole(line))

    def _note_total(self, line: int, cells: list[str]) -> None:
        if names_total(cells):
            self.reading.total_lines.append((line, self._read_of(cells)))
        elif names_part(cells):
            self.reading.part_lines.append((line, self._read_of(cells)))

    def _put_around(self, keep: np.ndarray, found: np.ndarray, lines: np.ndarray, whole: Callable[[int], list[str]]) -> None:
        keep[found] = False
        self.reading.around += [self.place.delimiter.join(whole(line)) for line in lines[found].tolist()]

    def _under_headings(self, lines: np.ndarray, columns: list[pa.Array]) -> tuple[np.ndarray, list[pa.Array]]:
        """The rows with the text of the heading that they stand under as one column more; a heading itself is no row."""
        is_heading = _says(columns[0]) & ~np.logical_or.reduce([_says(column) for column in columns[1:]])
        texts = [self.heading, *(text.strip() for text in columns[0].filter(pa.array(is_heading)).to_pylist())]
        above = pa.array(texts, pa.string()).take(pa.array(np.cumsum(is_heading)))
        self.heading = texts[-1]
        rows = pa.array(~is_heading)
        return lines[~is_heading], [column.filter(rows) for column in (*columns, above)]

    def _fill_down(self, columns: list[pa.Array]) -> list[pa.Array]:
        rule = self.spec.fill_down
        group = next((self.index[n] for n in map(normalised, (rule.by or "").split("|")) if n in self.index), None) if rule else None
        if rule is None or not len(columns[0]) or (rule.by is not None and group is None):
            return columns
        positions = [self.index[n] for n in (normalised(c) for c in rule.columns) if n in self.index]
        if not positions:
            return columns
        if self.spec.nulls:
            nulls = pa.array(self.spec.nulls, pa.string())
            columns = [pc.if_else(pc.is_in(c, nulls), "", c) if p in positions else c for p, c in enumerate(columns)]
        if group is not None:
            by = columns[group]
            key = by[-1].as_py()
            starts = np.append(self.last is None or self.last[0] != by[0].as_py(), _mask(pc.not_equal(by[1:], by[:-1])))
        else:
            # a row that says any of it itself begins a group
            key = ""
            starts = np.logical_or.reduce([_says(columns[p]) for p in positions])
            starts[0] |= self.last is None
        above = self.last[1:] if self.last else [""] * len(positions)
        row = np.arange(len(starts))
        first = np.maximum.accumulate(np.where(starts, row, -1))  # of the group; -1: it began in the batch before
        filled = list(columns)
        for p, value in zip(positions, above, strict=True):
            given = np.maximum.accumulate(np.where(lengths(columns[p]) > 0, row, -1))
            place = np.where((given >= first) & (given >= 0), given + 2, np.where(first < 0, 0, 1))
            filled[p] = pa.concat_arrays([pa.array([value, ""], pa.string()), columns[p]]).take(pa.array(place))
        self.last = [key, *(filled[p][-1].as_py() for p in positions)]
        return filled


def _mask(flags: pa.Array) -> np.ndarray:
    return np.asarray(flags.to_numpy(zero_copy_only=False))


def _says(cells: pa.Array) -> np.ndarray:
    """Which cells hold more than white space."""
    return (series(cells).str.strip_chars() != "").to_numpy()


def _sheet_pieces(document: Document, place: Place) -> Iterator[Piece]:
    width = len(place.names)
    wanted = wanted_positions(place)
    good: dict[int, list[str]] = {}
    odd: list[tuple[int, list[str], str]] = []

    def packed() -> Piece:
        columns = [pa.array([row[n] for row in good.values()], pa.string()) for n in wanted]
        rows = {**good, **{line: cells for line, cells, _ in odd}}  # an odd line may turn out to be a row
        return Piece(np.array(list(good), dtype=np.int64), columns, list(odd), [], lambda line: rows[line])

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


"""From a raw file to canonical Parquet: recognised by content, typed, checked against its own totals, rows conserved.

A file is read once, in batches: while one is read, the one before is typed and written. Memory does not grow with size.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from queue import SimpleQueue

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from duizhang import schema
from duizhang.books import Books
from duizhang.errors import ConservationError, DuizhangError, RefusedFile, SpecError
from duizhang.ingest.canonise import Canoniser, Part, days_of
from duizhang.ingest.cells import HIDDEN, QUARANTINE, Typist
from duizhang.ingest.container import Document, documents
from duizhang.ingest.readers import read
from duizhang.ingest.reading import Batch, Broken, Reading
from duizhang.ingest.recognise import Place, recognise
from duizhang.ingest.sink import Sink
from duizhang.ingest.spec import Cell, SourceSpec, Total, normalised
from duizhang.store import scratch

MEMBER = "::"  # between the name of a file and that of a bill in it, where it holds several
TYPISTS = 2
AHEAD = 2  # batches that may wait to be typed: enough to keep two cores busy


@dataclass(frozen=True)
class Setting:
    """What the rows of a file depend on besides the file: time zone, cut-off, shop, entities, pseudonym key."""

    zone: str = "Asia/Shanghai"
    cut_off_minutes: int = 0
    currency: str = "CNY"
    shop: str = ""
    entity: str = ""
    entities: Mapping[str, str] = field(default_factory=dict)
    key: bytes = b"inspect"

    @classmethod
    def of(cls, books: Books, shop: str) -> Setting:
        """The setting of a file of `shop` in these books."""
        return cls(
            books.time_zone, books.cut_off_minutes, books.currency, shop, books.entity,
            {name: books.entity_of(name) for name in books.shops}, books.key(),
        )


@dataclass(frozen=True)
class ControlTotal:
    """A total that the file states, and what its rows give. stated is None where the file should state it but does not."""

    name: str
    stated: str | None
    computed: str
    ok: bool


@dataclass(frozen=True)
class Extraction:
    """What a bill gave; its rows are Parquet files in `folder`. read = parsed + quarantined + ignored, always.

    member: the name inside a ZIP or workbook that holds several bills, else ''. days: business days of its rows; undated:
    rows without one. totals_line: the line that carries the file's totals, which may feed tables and is no row (0: none).
    """

    spec: SourceSpec
    member: str
    encoding: str
    rows_read: int
    rows_parsed: int
    rows_quarantined: int
    rows_ignored: int
    folder: Path
    tables: tuple[str, ...]
    days: frozenset[dt.date]
    totals: list[ControlTotal]
    captures: dict[str, str]
    undated: int = 0
    totals_line: int = 0

    def table(self, name: str) -> pa.Table:
        """The rows that it gives to a canonical table."""
        return pq.ParquetFile(self.folder / f"{name}.parquet").read()

    def head(self, name: str, rows: int) -> pa.Table:
        """The first rows that it gives to a canonical table."""
        batches = pq.ParquetFile(self.folder / f"{name}.parquet").iter_batches(rows)
        return pa.Table.from_batches([next(batches)]) if self.rows(name) else schema.TABLES[name].empty_table()

    def rows(self, name: str) -> int:
        """How many rows it gives to a canonical table."""
        return int(pq.ParquetFile(self.folder / f"{name}.parquet").metadata.num_rows)

    def amounts(self, name: str) -> dict[str, Decimal]:
        """Currency -> sum of the amounts that it gives to a canonical table."""
        if not {"amount", "currency"} <= set(schema.TABLES[name].names):
            return {}
        with scratch() as con:
            return dict(con.execute(
                "select currency, coalesce(sum(amount), 0)::decimal(38, 4) from read_parquet($1) where currency <> '' "
                "group by currency order by currency", [str(self.folder / f"{name}.parquet")]).fetchall())

    def quarantine(self) -> pa.Table:
        """The cells that were rejected, by line."""
        return pq.ParquetFile(self.folder / "quarantine.parquet").read()

    @property
    def coverage(self) -> tuple[dt.date, dt.date] | None:
        """The days that the file says it covers, both included."""
        start, end = (_day(self.captures.get(name, "")) for name in ("coverage_from", "coverage_to"))
        if start is None:
            return None
        # an end of `next day 00:00` is exclusive, one of 23:59:59 is not
        inclusive = re.search(r"(?:[1-9]\d?|0[1-9]):|:(?:[1-9]|0[1-9])", self.captures.get("coverage_to", ""))
        last = end - dt.timedelta(days=1) if end and end > start and not inclusive else end or start
        return start, last


def _day(text: str) -> dt.date | None:
    digits = re.findall(r"\d+", text)
    if len(digits) == 1 and len(digits[0]) == 8:
        digits = [digits[0][:4], digits[0][4:6], digits[0][6:]]
    try:
        return dt.date(*(int(d) for d in digits[:3])) if len(digits) >= 3 else None
    except (ValueError, TypeError):
        return None


def extract(
    path: Path, specs: Mapping[str, SourceSpec], setting: Setting, *, file: str, into: Path
) -> list[Extraction]:
    """Read one raw file into Parquet below `into`; one Extraction for every bill in it.

    file: the name that its rows carry (of several bills in one file: file::member). Raises RefusedFile where nothing can
    be read.
    """
    try:
        return _extract(path, specs, setting, file, into)
    except DuizhangError:
        raise
    except Exception as error:
        # raw files are hostile, and libraries meet them before we do: whatever they raise costs this file and no other
        raise RefusedFile(
            f"reading it fails: {type(error).__name__}: {str(error)[:300]}", advice="Download it again; if that does not help, report it."
        ) from error


def _extract(path: Path, specs: Mapping[str, SourceSpec], setting: Setting, file: str, into: Path) -> list[Extraction]:
    found: list[tuple[Document, Place]] = []
    problem: RefusedFile | None = None
    for document in documents(path):
        try:
            found.append((document, recognise(document, specs)))
        except RefusedFile as error:
            # a workbook may have sheets of notes beside its data; a member of a ZIP must be known
            problem = error if document.kind != "sheet" or problem is None else problem
    main = [entry for entry in found if entry[1].spec.tables] or found[:1]
    if not main or (problem is not None and main[0][0].kind != "sheet"):
        inside = f"a member of it is not readable: {problem}" if main else str(problem or "there is nothing in it")
        raise RefusedFile(inside, advice=problem.advice if problem else "Download it again.")
    several = len(main) > 1
    extractions = []
    for number, (document, place) in enumerate(main):
        member = (document.sheet or document.name) if several else ""
        folder = into / str(number) if several else into
        folder.mkdir(parents=True, exist_ok=True)
        extractions.append(_Run(document, place, setting, f"{file}{MEMBER}{member}" if several else file, member, folder).go())
    return extractions


class _Run:
    """One bill on its way into Parquet."""

    def __init__(self, document: Document, place: Place, setting: Setting, file: str, member: str, folder: Path) -> None:
        self.place, self.spec, self.setting = place, place.spec, setting
        self.file, self.member, self.folder = file, member, folder
        self.reading = read(document, place)
        self.read = self.parsed = self.quarantined = self.ignored = 0
        self.sums = [Decimal(0)] * len(self.spec.totals)
        self.days: set[dt.date] = set()
        self.undated = 0
        self.groups: dict[tuple[int, str], tuple[set[Decimal | None], Decimal]] = {}

    def go(self) -> Extraction:
        tables = tuple(dict.fromkeys(t.table for t in self.spec.tables))
        sinks = {name: Sink(self.folder / f"{name}.parquet", schema.TABLES[name]) for name in tables}
        sinks["quarantine"] = Sink(self.folder / "quarantine.parquet", QUARANTINE)
        try:
            # what was typed is written in a third thread; writing sets the pace where there is much of it
            with ThreadPoolExecutor(1) as pool:
                writing: deque[Future[None]] = deque()
                for part in self._parts():
                    self._count(part)
                    writing.append(pool.submit(_write, sinks, part))
                    while len(writing) > AHEAD or (writing and writing[0].done()):
                        writing.popleft().result()
                while writing:
                    writing.popleft().result()
            for sink in sinks.values():
                sink.close()
        except duckdb.Error as error:
            raise SpecError(f"specification {self.spec.name}: {error}") from error
        finally:
            for sink in sinks.values():
                sink.abandon()
        if self.read != self.parsed + self.quarantined + self.ignored:
            raise ConservationError(
                f"{self.file}: {self.read} rows read, {self.parsed} + {self.quarantined} + {self.ignored} accounted for")
        captures = _captures(self.spec, self.reading)
        totals = [
            self._by_group(index, total) if total.each else self._total(total, computed)
            for index, (total, computed) in enumerate(zip(self.spec.totals, self.sums, strict=True))
        ]
        totals += [
            ControlTotal(name, stated, f"{Decimal(computed).normalize():f}", Decimal(stated) == Decimal(computed))
            for name, stated, computed in self.reading.stated
        ]
        return Extraction(
            self.spec, self.member, self.reading.encoding, self.read, self.parsed, self.quarantined, self.ignored,
            self.folder, tables, frozenset(self.days), totals, captures,
            self.undated, self.reading.totals_line,
        )

    def _count(self, part: Part) -> None:
        self.parsed += part.parsed
        self.ignored += part.rows - part.parsed
        self.sums = [a + b for a, b in zip(self.sums, part.sums, strict=True)]
        self.days |= part.days
        self.undated += part.undated
        for index, group, stated, given in part.groups:
            known, sum_ = self.groups.get((index, group), (set(), Decimal(0)))
            self.groups[index, group] = (known | {stated}, sum_ + given)
        self.quarantined += part.wrong

    def _parts(self) -> Iterator[Part]:
        """Batches are read here, and typed in two other threads, each with a connection of its own; the order stays."""
        waiting: deque[Future[Part]] = deque()
        typist: Typist | None = None
        canonisers: list[Canoniser] = []
        idle: SimpleQueue[Canoniser] = SimpleQueue()
        with ExitStack() as connections, ThreadPoolExecutor(TYPISTS) as pool:
            for batch in self.reading.batches:
                self.read += len(batch.lines) + len(batch.broken)
                if typist is None:
                    typist = Typist(
                        self.reading.names, self.spec, _captures(self.spec, self.reading), self.setting.zone,
                        self.setting.cut_off_minutes, self.setting.key)
                    typist.settle(batch)
                if len(canonisers) < TYPISTS:
                    con = connections.enter_context(scratch())
                    canonisers.append(Canoniser(con, typist, self.spec, self.setting, self.file))
                    idle.put(canonisers[-1])
                waiting.append(pool.submit(_work, idle, batch))
                while len(waiting) > AHEAD or (waiting and waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
            if canonisers and canonisers[0].of_totals and self.reading.totals_line:
                pieces = canonisers[0].of_totals_line(_totals_line(self.reading))
                nothing = [Decimal(0)] * len(self.spec.totals)
                yield Part(pieces, QUARANTINE.empty_table(), 0, 0, 0, nothing, days_of(pieces), [], 0)

    def _by_group(self, index: int, total: Total) -> ControlTotal:
        """A total that every group states on its rows: ok where each ties; of those that do not, the first is named."""
        groups = {group: entry for (n, group), entry in self.groups.items() if n == index}
        stated = Decimal(0)
        for group, (known, computed) in sorted(groups.items()):
            if known != {computed}:
                said = ", ".join(f"{value.normalize():f}" for value in sorted(v for v in known if v is not None))
                lacking = not said and total.optional is True
                return ControlTotal(f"{total.name} of {group}", said or None, f"{computed.normalize():f}", lacking)
            stated += computed
        text = f"{stated.normalize():f}"
        return ControlTotal(total.name, text, text, True)

    def _total(self, total: Total, computed: Decimal) -> ControlTotal:
        stated: str | None = total.equals
        if total.footer:
            found = re.findall(total.footer, "\n".join(self.reading.around), re.MULTILINE)
            stated = found[0] if found else None
            if total.every and found:
                stated = str(sum((_decimal(text) or Decimal(0)) for text in found))
        elif total.summary:
            stated = self.reading.summary.get(normalised(total.summary)) or None
        value = _decimal(stated, self.spec.decimal) if stated is not None else None
        ok = value is not None and value == computed
        lacking = total.optional is True or (total.optional == "zero" and not computed)
        return ControlTotal(total.name, stated, f"{computed.normalize():f}", ok or (stated is None and lacking))


def _work(idle: SimpleQueue[Canoniser], batch: Batch) -> Part:
    canoniser = idle.get()
    try:
        return canoniser.part(batch, _broken(batch.broken))
    finally:
        idle.put(canoniser)


def _write(sinks: Mapping[str, Sink], part: Part) -> None:
    for name, rows in part.pieces:
        sinks[name].write(rows)
    if part.quarantine.num_rows:
        sinks["quarantine"].write(part.quarantine)


def _totals_line(reading: Reading) -> Batch:
    cells = [reading.summary.get(normalised(name), "") for name in reading.names]
    return Batch(pa.array([reading.totals_line], pa.int64()), [pa.array([cell], pa.string()) for cell in cells])


def _broken(entries: Sequence[Broken]) -> pa.Table:
    return pa.table(
        {
            "line": [b.line for b in entries], "column_name": ["" for _ in entries], "value": [HIDDEN for _ in entries],
            "reason": [b.reason for b in entries], "is_money": [True for _ in entries],
        },
        schema=QUARANTINE,
    )


def _captures(spec: SourceSpec, reading: Reading) -> dict[str, str]:
    around = "\n".join(reading.around)
    captures = {}
    for name, pattern in spec.captures.items():
        if isinstance(pattern, Cell):
            captures[name] = reading.summary.get(normalised(pattern.cell), "")
        else:
            match = re.search(pattern, around, re.MULTILINE)
            captures[name] = match.group(1) if match else ""
    return captures


def _decimal(text: str | None, mark: str = ".") -> Decimal | None:
    """A stated total as a number: separators of thousands and currency signs left out."""
    if text is None:
        return None
    negative = re.fullmatch(r"\s*\(.*\)\s*|.*\d\s*-", text) is not None  # as accountants write it
    bare = ("-" if negative else "") + re.sub(r"[^\d.,+-]", "", text).rstrip("-")
    comma = mark == "," or (mark == "auto" and re.search(r",\d{1,2}$", bare) is not None)
    bare = bare.replace(".", "").replace(",", ".") if comma else bare.replace(",", "")
    try:
        return Decimal(bare)
    except InvalidOperation:
        return None

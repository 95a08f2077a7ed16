"""From a raw file to typed Parquet: recognised by content, typed, checked against its own totals, rows conserved.

A file is read once, in batches: while one is read, the one before is typed and written. Memory does not grow with size.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter as Counts
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.errors import ConservationError, DuizhangError, RefusedFile, SpecError
from duizhang.home.store import scratch
from duizhang.ingest.corrected import QUARANTINED
from duizhang.ingest.landing.assumed import Assumed, assumed
from duizhang.ingest.landing.chain import Chain
from duizhang.ingest.landing.extraction import MOST_LINES, ControlTotal, Extraction, Unseen, lines_of
from duizhang.ingest.landing.first_rows import captures_of, overlay_of, settle, typer_of
from duizhang.ingest.landing.held_totals import hold, stated_amount
from duizhang.ingest.landing.landed import ROWS, TOTALS, Setting, landed_schema
from duizhang.ingest.landing.overlay import Overlay
from duizhang.ingest.landing.sink import Sink
from duizhang.ingest.landing.stated_around import stated_around
from duizhang.ingest.landing.tally import Tally, counting, tie
from duizhang.ingest.opening import MEMBER, Document, LockedFile, as_records, documents, hidden_rows, left_out, rewritten, shown_name
from duizhang.ingest.reading import read
from duizhang.ingest.recognising import AROUND, Place, Strange, currencies_of_all, recognise, tables_of, unnumbered
from duizhang.ingest.rows import Batch, Broken, several
from duizhang.ingest.specification import NUMBERS, OF_PARTY, SourceSpec, Table, Total, normalised
from duizhang.ingest.texts import constant, whole
from duizhang.ingest.typing import (
    HIDDEN,
    QUARANTINE,
    ColumnTyper,
    Unread,
    masked,
    parties,
    references,
    remark_fields,
    shape,
    without_values,
)

TYPING_THREADS = 2
# names of columns of taxes
_TAX = re.compile(r"(?i)\b(?:vat|tax|taxes|gst|hst|mwst|ust|steuer|umsatzsteuer|tva|iva|btw|moms|dph|áfa|pdv|kdv|ндс)\b|税")
_CUT = re.compile(r"(?<![\w.])\d(?:[.,]\d+)?E\+\d\d(?!\w)")  # 6.00E+11
UNREADABLE = "no readable number"
# what lines around rows say of all amounts where they are not in whole units
_UNIT = re.compile(
    r"(?i)\b(?:amounts?|figures|values|beträge|montants|importes|importi)\b[^\n\d]{0,24}?\bin\W+(?:[a-z]{3}\W+)?(thousands?|millions?|cents|pence|lakhs?|crores?|tausend|tsd|t?eur'?000)\b"
    r"|(?:单位|單位)\s*[:：]?\s*(?:人民币|新台币|新臺幣)?\s*(千元|万元|百万元|亿元|萬元|億元|分|千円|百万円)(?!\w)")
# what no content of a file should raise, be it damaged
_OWN_FAULTS = (RuntimeError, TypeError, AttributeError, LookupError, NameError, AssertionError, ArithmeticError, MemoryError)
PASTED = 5  # rows that differ from each other, in the same order once more: no chance
BREAKS = 3  # of a running balance that are shown one by one
AHEAD = 3  # batches that may wait to be typed: enough to keep two cores busy


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
        kind, why = type(error).__name__, without_values(str(error))[:300]
        if isinstance(error, _OWN_FAULTS):
            raise RefusedFile(f"reading it fails by a fault of duizhang: {kind}: {why}",
                              advice="Report it with the file's header; downloading it again does not help.") from error
        raise RefusedFile(f"reading it fails: {kind}: {why}", advice="Download it again; if that does not help, report it.") from error


def _extract(path: Path, specs: Mapping[str, SourceSpec], setting: Setting, file: str, into: Path) -> list[Extraction]:
    found = bills(path, specs)
    members = {member for *_, member in found}
    for correction in setting.corrections:
        if correction.member not in members:
            raise RefusedFile(f"{correction.name} corrects a cell of {correction.member or 'its only bill'}, which is not in it",
                              advice=f"`duizhang exceptions undo {correction.name}` takes the correction back.")
    extractions = []
    for number, (document, place, member) in enumerate(found):
        folder = into / str(number) if len(found) > 1 else into
        folder.mkdir(parents=True, exist_ok=True)
        extractions.append(_Run(document, place, setting, f"{file}{MEMBER}{member}" if len(found) > 1 else file, member, folder).go())
    return extractions


def bills(path: Path, specs: Mapping[str, SourceSpec]) -> list[tuple[Document, Place, str]]:
    """The bills in a file, each with its name inside the file ('' of a single one). Raises RefusedFile where there is none."""
    found: list[tuple[Document, Place]] = []
    problem: RefusedFile | None = None
    where, parts = "", documents(path)
    several = len(parts) > 1 and parts[0].kind == "text"
    skipped = left_out(path) if parts[:1] and parts[0].kind == "text" else []
    for document in parts:
        try:
            document, place = _placed(rewritten(document), specs)
            found += tables_of(document, place, specs)
        except RefusedFile as error:
            skipped += [shown_name(f"sheet {document.sheet} ({error})")] if document.kind == "sheet" else []
            # a workbook may have sheets of notes beside its data; a member of a ZIP must be known
            if document.kind != "sheet" or problem is None:
                problem, where = error, document.name
    main = [entry for entry in found if entry[1].spec.tables] or found[:1]
    if not main or (problem is not None and main[0][0].kind != "sheet"):
        inside = f"a member of it, {where}, is not readable: {problem}" if main or several else str(problem or "there is nothing in it")
        kind = LockedFile if isinstance(problem, LockedFile) else RefusedFile
        raise kind(inside, advice=problem.advice if problem else "Download it again.")
    out, tables = tuple(map(shown_name, skipped)), Counts(document.name + document.sheet for document, _ in main)
    answer = []
    for document, place in main:
        own = [shown_name(document.sheet or document.name)] if len(tables) > 1 else []
        own += [f"line {place.header + 1}"] if tables[document.name + document.sheet] > 1 else []
        answer.append((document, replace(place, left_out=out), " ".join(own)))
    return answer


def _placed(document: Document, specs: Mapping[str, SourceSpec]) -> tuple[Document, Place]:
    """The document with the place of its specification: as it is, else as the table that a list of records in JSON is."""
    try:
        return document, recognise(document, specs)
    except RefusedFile as error:
        if (table := as_records(document)) is None:
            raise
        try:
            return table, recognise(table, specs)
        except RefusedFile:
            raise error from None  # that it is JSON is what there is to know


@dataclass(frozen=True)
class _Part:
    """What one batch gave: rows to land, quarantined cells and how many rows these are of."""

    rows: pa.Table
    quarantine: pa.Table
    wrong: int
    tally: Tally
    unread: Unread


class _Run:
    """One bill on its way into Parquet."""

    def __init__(self, document: Document, place: Place, setting: Setting, file: str, member: str, folder: Path) -> None:
        self.document, self.place, self.spec, self.setting = document, place, place.spec, setting
        _refuse_other_currency(place.spec, setting)
        self.file, self.member, self.folder = file, member, folder
        self.reading = read(document, place)
        if place.below:
            self.reading.batches = itertools.chain(self.reading.batches, [_beyond(place.below, len(self.reading.names))])
        self.schema = landed_schema(self.spec, masked=setting.masked)
        self.remarks = remark_fields(self.spec, masked=setting.masked)
        self.typer: ColumnTyper | None = None
        self.overlay: Overlay | None = None
        self.read = self.quarantined = 0
        self.unread = Unread()
        self.tally = Tally(sums=(Decimal(0),) * len(self.spec.totals))

    def go(self) -> Extraction:
        sinks = {
            "rows": Sink(self.folder / ROWS, self.schema), "quarantine": Sink(self.folder / QUARANTINED, QUARANTINE),
            **({"totals": Sink(self.folder / TOTALS, self.schema)} if self._of("totals") else {}),
        }
        try:
            more, parts = several(self._parts())
            if more:
                self._write_ahead(sinks, parts)
            else:
                for part in parts:
                    _write(sinks, self._counted(part))
            if "totals" in sinks:
                self._land_totals(sinks["totals"])
            if self.overlay is not None:
                self.overlay.end()
            for sink in sinks.values():
                sink.close()
        except duckdb.Error as error:
            raise SpecError(f"specification {self.spec.name}: {without_values(str(error))}") from error
        finally:
            for sink in sinks.values():
                sink.abandon()
        parsed = self.tally.parsed
        ignored = self.tally.rows - parsed
        if self.read != parsed + self.quarantined + ignored:
            raise ConservationError(
                f"{self.file}: {self.read} rows read, {parsed} + {self.quarantined} + {ignored} accounted for")
        marked = frozenset(self.typer.marked) if self.typer else frozenset()
        above = (*self.place.above, *(f"{AROUND}{code}" for code in sorted(currencies_of_all(self.reading.around))))
        dollars = frozenset(self.typer.dollars) if self.typer else frozenset()
        own = assumed(self.folder / ROWS, self.spec, self.setting, above, marked, dollars) if parsed else Assumed()
        lines = hold(self.reading, self.spec, self.typer, self.folder)
        around = stated_around(self.reading, self.spec, self.typer, self.folder, self.read)
        return Extraction(
            self.spec, self.setting, self.member, self.reading.encoding, self.read, parsed, self.quarantined, ignored,
            self.folder, tuple(dict.fromkeys(t.table for t in self.spec.tables)), self.tally.days,
            [*self._stated(), *lines.totals, *around, *self._found(own)],
            captures_of(self.spec, self.reading), self.tally.undated, self.reading.totals_line, self.unread.sums, self.place.left_out,
            self._unseen(), *(self._ignored() if ignored else ((), ())), own, self.place.doubt,
            (*self._proven(), *(self.typer.told if self.typer else ()), *lines.told), tuple(dict.fromkeys(self.reading.statements)),
        )

    def _proven(self) -> Iterator[str]:
        place = self.place
        if place.header < 0 and self.spec.reader == "table" and not self.spec.positions and self.document.kind == "text":
            has_balance = any(chain.rows for chain in self.tally.chains.values())
            is_split = self.typer is not None and self.typer.positions.get("debit") is not None
            out = "what its rows say" if is_split else "its sign"
            proof = "its running balance" if has_balance else f"what stands in it, and what is out from {out}"
            yield f"it has no header line: which column is what follows from {proof}"

    def _stated(self) -> Iterator[ControlTotal]:
        """What the file states of its rows: totals that the specification knows, those of its reader, running balances."""
        for index, (total, computed) in enumerate(zip(self.spec.totals, self.tally.sums, strict=True)):
            yield self._by_group(index, total) if total.each else self._total(total, computed)
        for name, stated, added in self.reading.stated:
            yield ControlTotal(name, stated.replace("NaN", UNREADABLE), f"{Decimal(added).normalize():f}".replace("NaN", UNREADABLE),
                               Decimal(stated) == Decimal(added))
        yield from _balances(self.tally.chains)

    def _found(self, own: Assumed) -> Iterator[ControlTotal]:
        """What was found in the file that must not be there, each told as a total that does not tie. own: what was taken for granted."""
        if self.typer is not None and self.typer.turned:
            yield _wrong("debits or credits of both signs", self.typer.turned)
        for table in self.place.below:
            yield _wrong(f"rows of a table below that no specification reads, {_told(table)}", len(table.lines))
        # without books nobody has said that it is theirs
        for doubt in [*(own.against if self.setting.is_of_books else ()), *filter(None, [own.others])]:
            yield _wrong(f"rows that name no currency, in {self.setting.currency} as the books, although {doubt}", own.rows)
        if own.elsewhere:
            yield _wrong("rows whose amounts name another currency", own.elsewhere)
        for code, count in own.unknown.items():
            yield _wrong(f"rows in {code}, which is no currency", count)
        for name, (_, total) in self.unread.sums.items():
            if (mine := self._rival(name)) is not None and mine != total:
                yield ControlTotal(f"what a second column called {name.rpartition('#')[0]} adds up to", f"{total.normalize():f}",
                                   f"{mine.normalize():f}", ok=False)
        for tax, both, stated, read_as in self._without_tax():
            yield ControlTotal(f"what {both} adds up to, which is what is read and {tax}", stated, read_as, ok=False)
        if self.read and (units := [next(filter(None, found.groups())) for line in self.reading.around if (found := _UNIT.search(line))]):
            yield _wrong(f"rows in units of {units[0]}, as the lines around them state", self.read)
        if "account" in self.spec.captures and any(map(_CUT.search, self.reading.around)):
            yield _wrong("numbers of accounts above the rows that a spreadsheet has cut", 1)
        if self.unread.alone:
            yield _wrong("rows whose amount stands in a column that is not read", self.unread.alone)
        if self.reading.headers and (again := self._joined_twice()):
            yield _wrong("rows that stand below two of its headers alike", again)
        elif self.read and (again := self._pasted_twice()):
            yield _wrong("rows that stand in it twice, in the same order", again)

    def _unseen(self) -> Unseen:
        """What the workbook does not show of its rows."""
        if self.document.kind != "sheet":
            return Unseen()
        below = (line for line in hidden_rows(self.document) if line > self.place.header + 1)
        return Unseen(self.document.sheet if self.document.is_hidden else "", tuple(below))

    def _ignored(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(the first lines of rows that no table takes, those of them without any amount)."""
        taken = " or ".join(f"({table.where})" for table in self._of("rows")) or "false"
        amounts = [name for name, column in self.spec.fields.items() if column.type == "money" and name in self.schema.names]
        empty = " and ".join(f'"{name}" is null' for name in amounts) or "false"
        if any(table.table == "bank_entries" for table in self.spec.tables):
            # a bank has no row for nothing: what is 0 where a cell is empty, or cannot be read as anything, was there
            moved = [name for name in amounts if self.spec.balance is None or name != self.spec.balance.after]
            empty = " and ".join(f'coalesce("{name}", 0) = 0' for name in moved) or "false"
        with scratch() as con:
            [(first, bare)] = con.execute(
                f"select min(line, {MOST_LINES}), min(line, {MOST_LINES}) filter (where {empty}) from read_parquet(?) "
                f"where not coalesce({taken}, false)", [str(self.folder / ROWS)]).fetchall()
        return tuple(first or ()), tuple(bare or ())

    def _rival(self, name: str) -> Decimal | None:
        """What the column adds up to that is read, where there is another of its name and no balance tells which is right."""
        same = normalised(unnumbered(name))
        chained = any(chain.rows > 1 and not chain.flat and not chain.breaks[1] for chain in self.tally.chains.values())
        if same == normalised(name) or chained:
            return None
        money = {n: c for n, c in self.spec.fields.items() if c.type == "money" and n in self.schema.names}
        fields = [n for n, column in money.items() if same in map(normalised, (column.column, *column.also))]
        return self._sum_of(fields[0]) if fields else None

    def _sum_of(self, field: str) -> Decimal:
        """What a field of the rows adds up to, as they are landed."""
        with scratch() as con:
            [(found,)] = con.execute(f'select coalesce(sum("{field}"), 0) from read_parquet(?)', [str(self.folder / ROWS)]).fetchall()
        return Decimal(found)

    def _without_tax(self) -> Iterator[tuple[str, str, str, str]]:
        """Columns of taxes beside what is read, and of what is both: then the amounts may be the one or the other."""
        taxes = {name: total for name, (_, total) in self.unread.sums.items() if total and _TAX.search(name)}
        others = {name: total for name, (_, total) in self.unread.sums.items() if name not in taxes}
        if not taxes or not others or "amount" not in self.schema.names:
            return
        mine = self._sum_of("amount")
        for (tax, added), (name, total) in itertools.product(taxes.items(), others.items()):
            if total == mine + added:
                yield tax, name, f"{total.normalize():f}", f"{mine.normalize():f}"

    def _joined_twice(self) -> int:
        """How many rows of a file that was joined of several repeat one of another part: exports that overlap."""
        names = ", ".join(f'"{name}"' for name in self.schema.names[2:])
        if not names:
            return 0  # nothing is read of this layout that rows could be alike in
        with scratch() as con:
            [(again,)] = con.execute(
                f"select coalesce(sum(n), 0) from (select count(*) - 1 as n from (select *, list_sum(list_transform(?::bigint[], "
                f"lambda h: (h < line)::int)) as part from read_parquet(?)) group by {names} having count(distinct part) > 1)",
                [self.reading.headers, str(self.folder / ROWS)]).fetchall()
        return int(again)

    def _pasted_twice(self) -> int:
        """How many rows of a bank's file of which nothing names a row but its line stand there again, in the same order: all of them, or
        several that differ from each other. Rows with ids count once, and a balance tells."""
        ids = [table.columns["entry_id"] for table in self._of("rows") if table.table == "bank_entries" and "entry_id" in table.columns]
        names = ", ".join(f'"{name}"' for name in self.schema.names[2:])
        if not names or not any(re.search(r"\bline\b", expression) for expression in ids) or any(
                chain.rows > 1 and not chain.flat for chain in self.tally.chains.values()):
            return 0
        following = ", ".join(f"lead(h, {n}) over (order by k) as h{n}" for n in range(1, PASTED))
        block = ", ".join(["h", *(f"h{n}" for n in range(1, PASTED))])
        with scratch() as con:
            con.execute(
                f"create temp table read as select row_number() over (order by line) as k, hash({names}) as h from read_parquet(?)",
                [str(self.folder / ROWS)])
            [(count, half, kinds)] = con.execute(
                "select (select count(*) from read), count(*), count(distinct a.h) from read a join read b on a.h = b.h "
                "and b.k = a.k + (select count(*) from read) // 2").fetchall()
            if count % 2 == 0 and half == count // 2 and kinds > 1:
                return int(half)
            [(again,)] = con.execute(
                f"select coalesce(sum(n), 0) from (select {block}, count(*) - 1 as n from (select h, {following} from read) "
                f"where len(list_distinct([{block}])) = {PASTED} group by {block} having count(*) > 1)").fetchall()
        return int(again) + (PASTED - 1 if again else 0)

    def _counted(self, part: _Part) -> _Part:
        self.quarantined += part.wrong
        self.tally += part.tally
        self.unread.add(part.unread)
        return part

    def _write_ahead(self, sinks: Mapping[str, Sink], parts: Iterator[_Part]) -> None:
        """What was typed is written in a third thread; writing sets the pace where there is much of it."""
        with ThreadPoolExecutor(1) as pool:
            writing: deque[Future[None]] = deque()
            for part in parts:
                writing.append(pool.submit(_write, sinks, self._counted(part)))
                while len(writing) > AHEAD or (writing and writing[0].done()):
                    writing.popleft().result()
            while writing:
                writing.popleft().result()

    def _of(self, kind: str) -> list[Table]:
        return [table for table in self.spec.tables if table.of == kind]

    def _parts(self) -> Iterator[_Part]:
        """Batches are read here, and typed in two other threads, each with a connection of its own; the order stays."""
        waiting: deque[Future[_Part]] = deque()
        held: list[Batch] = []  # without a row that tells how to type them
        more, batches = several(self.reading.batches)
        with ThreadPoolExecutor(TYPING_THREADS) as pool:
            for batch in batches:
                self.read += len(batch.lines) + len(batch.broken)
                if self.typer is None:
                    self.typer = typer_of(self.reading, self.spec, self.setting)
                    self.typer.is_whole = not more
                    self.overlay = overlay_of(self.typer, self.setting, self.member)
                if self.overlay is not None:
                    batch = self.overlay.over(batch)
                settle(self.typer, batch)
                held.append(batch)
                if not more or not self.typer.is_settled:
                    continue
                waiting += [pool.submit(self._part, self.typer, one) for one in held]
                held = []
                while len(waiting) > AHEAD or (waiting and waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        if self.typer is not None:
            yield from (self._part(self.typer, batch) for batch in held)

    def _part(self, typer: ColumnTyper, batch: Batch) -> _Part:
        typed, wrong = typer.type(batch)
        unread = typer.unread(self.place.unread, batch, typed)
        with counting(self.spec) as counter:
            if unlisted := counter.unlisted(typed):
                wrong = pa.concat_tables([wrong, _unlisted(self.spec, typed, unlisted)])
                typed = _without(typed, unlisted)
            if unfit := counter.unfit(typed, self.setting):
                wrong = pa.concat_tables([wrong, _unfit(self.spec, typed, unfit)])
                typed = _without(typed, unfit)
            tally = counter.count(typed, typer.constants())
        cells = pa.concat_tables([wrong, _broken(batch.broken)])
        if self.setting.masked:
            cells = cells.set_column(cells.schema.get_field_index("value"), "value", masked(cells["value"]))
        return _Part(self._landed(typed), cells, len(pc.unique(wrong["line"])) + len(batch.broken), tally, unread)

    def _landed(self, typed: pa.Table) -> pa.Table:
        columns = [constant(self.file, typed.num_rows), *(self._kept(typed, name) for name in self.schema.names[1:])]
        return pa.table(columns, self.schema.names)

    def _kept(self, typed: pa.Table, name: str) -> pa.Array | pa.ChunkedArray:
        if name not in self.remarks:
            return typed[name]
        return (parties if name.endswith(OF_PARTY) else references)(whole(typed[name]))

    def _land_totals(self, sink: Sink) -> None:
        """The line that carries the file's totals, where it has one. Raises RefusedFile where a cell of it is wrong."""
        if not self.reading.totals_line or self.typer is None:
            return
        cells = [self.reading.summary.get(normalised(name), "") for name in self.reading.names]
        batch = Batch(pa.array([self.reading.totals_line], pa.int64()), [pa.array([cell], pa.string()) for cell in cells])
        typed, wrong = self.typer.type(batch, required=False)
        if wrong.num_rows:
            cell = wrong.to_pylist()[0]
            raise RefusedFile(
                f"line {cell['line']}, which carries the totals: {cell['column_name']} {shape(cell['value'])!r} {cell['reason']}",
                advice="Download it again.")
        sink.write(self._landed(typed))
        with counting(self.spec, "totals") as counter:
            self.tally = replace(self.tally, days=self.tally.days | counter.count(typed).days)

    def _by_group(self, index: int, total: Total) -> ControlTotal:
        """A total that every group states on its rows: ok where each ties; of those that do not, the first is named."""
        found = tie(self.tally.groups.get(index, ()))
        said = ", ".join(f"{value.normalize():f}" for value in found.stated)
        name = f"{total.name} of {found.group}" if found.group is not None else total.name
        ok = found.group is None or (not said and total.optional is True)
        return ControlTotal(name, said or None, f"{found.computed.normalize():f}", ok)

    def _total(self, total: Total, computed: Decimal) -> ControlTotal:
        stated: str | None = total.equals
        around = "\n".join(self.reading.around)
        if total.footer:
            found = re.findall(total.footer, around, re.MULTILINE)
            stated = found[0] if found else None
            if total.every and found:
                stated = str(sum((stated_amount(text) or Decimal(0)) for text in found))
        elif total.summary:
            stated = self.reading.summary.get(normalised(total.summary)) or None
        own = self.spec.decimal
        mark = own if self.typer is None or self.typer.decimal == own else "auto"  # of a file that was saved again
        value = stated_amount(stated, mark) if stated is not None else None
        ok = value is not None and value == computed
        others = self.spec.totals
        silent = any(other.optional == "told" for other in others) and not any(
            re.search(other.footer, around, re.MULTILINE) for other in others if other.footer)
        lacking = total.optional is True or (total.optional == "zero" and not computed) or (bool(total.optional) and silent)
        return ControlTotal(total.name, stated, f"{computed.normalize():f}", ok or (stated is None and lacking))


def _balances(chains: Mapping[str, Chain]) -> list[ControlTotal]:
    """The running balance of every account and currency: that it leads from row to row, or the first rows where it does not."""
    totals = []
    for name, chain in sorted(chains.items()):
        words = f" of {name.strip()}" if name.strip() else ""
        breaks, count = chain.breaks
        if chain.rows > 1 and not chain.flat and not count:
            totals.append(ControlTotal(f"balances{words} that do not follow", "0", "0", ok=True))
        for place in breaks[:BREAKS]:
            stated, led_to = (f"{(Decimal(value) / 10_000).normalize():f}" for value in (place.stated, place.led_to))
            totals.append(ControlTotal(f"balance after line {place.line}{words}", stated, led_to, ok=False))
        if count > BREAKS:
            totals.append(ControlTotal(f"further balances{words} that do not follow", "0", str(count - BREAKS), ok=False))
    return totals


def _refuse_other_currency(spec: SourceSpec, setting: Setting) -> None:
    """Raises RefusedFile where the books say another currency of a kind of file than all of its rows are in."""
    said = setting.of_sources.get(spec.name, "")
    money = {table.columns.get("currency", "") for table in spec.tables if "amount" in table.columns}
    if said and money and all(re.fullmatch("'[A-Z]{3}'", currency) for currency in money) and f"'{said}'" not in money:
        own = ", ".join(sorted(currency.strip("'") for currency in money))
        raise RefusedFile(f"the books say {said} of {spec.name}, whose rows are all in {own}",
                          advice="Take the currency of this source out of `readings` of books.yaml.")


def _wrong(what: str, rows: int) -> ControlTotal:
    """So many rows that there should be none of."""
    return ControlTotal(what, "0", str(rows), ok=False)


def _beyond(tables: Sequence[Strange], width: int) -> Batch:
    """The rows of tables that nobody reads, each a row that is not read."""
    broken = [Broken(line, f"is of another table, of {', '.join(table.names)}, that no specification reads")
              for table in tables for line in table.lines]
    return Batch(pa.array([], pa.int64()), [pa.array([], pa.string())] * width, broken)


def _told(table: Strange) -> str:
    said = [lines_of(table.lines), f"of {', '.join(table.names)}", *([f"in all {', '.join(table.sums)}"] if table.sums else [])]
    return ", ".join(said)


def _write(sinks: Mapping[str, Sink], part: _Part) -> None:
    sinks["rows"].write(part.rows)
    if part.quarantine.num_rows:
        sinks["quarantine"].write(part.quarantine)


def _broken(entries: Sequence[Broken]) -> pa.Table:
    return pa.table(
        {
            "line": [b.line for b in entries], "column_name": ["" for _ in entries], "value": [HIDDEN for _ in entries],
            "reason": [b.reason for b in entries], "is_money": [True for _ in entries],
        },
        schema=QUARANTINE,
    )


def _without(typed: pa.Table, rows: Iterable[int]) -> pa.Table:
    keep = np.ones(typed.num_rows, np.bool_)
    keep[list(rows)] = False
    return typed.filter(pa.array(keep))


def _unlisted(spec: SourceSpec, typed: pa.Table, rows: Mapping[int, Sequence[str]]) -> pa.Table:
    """The quarantine of rows of a kind that nobody has listed: the words that name it."""
    reason = "is not known; a kind of movement counts once the specification lists it"
    cells = [
        {"line": typed["line"][row].as_py(), "column_name": " / ".join(spec.fields[name].column for name in names),
         "value": " / ".join(str(typed[name][row]) for name in names), "reason": reason, "is_money": True}
        for row, names in sorted(rows.items())
    ]
    return pa.Table.from_pylist(cells, QUARANTINE)


def _unfit(spec: SourceSpec, typed: pa.Table, problems: Mapping[int, str]) -> pa.Table:
    """The quarantine of rows that cannot be turned into canonical ones: the amounts in them, and what goes wrong."""
    amounts = [name for name, column in spec.fields.items() if column.type in NUMBERS]
    cells = []
    for row, problem in sorted(problems.items()):
        values = {name: typed[name][row].as_py() for name in amounts}
        cells.append({
            "line": typed["line"][row].as_py(), "column_name": "",
            "value": ", ".join(f"{spec.fields[name].column} {value.normalize():f}" for name, value in values.items() if value is not None),
            "reason": f"does not fit its table: {problem}", "is_money": True,
        })
    return pa.Table.from_pylist(cells, QUARANTINE)

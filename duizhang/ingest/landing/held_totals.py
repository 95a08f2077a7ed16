"""Lines that state what the columns of a bill add up to, held against its rows.

Such a line does not say which rows it sums: those of the file, of a page, or all above it; with or without rows that do not count. One
that is the sum of any of them ties. Where lines stand between the rows and not one of them ties, what they sum is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import polars as pl

from duizhang.home.store import scratch
from duizhang.ingest.landing.extraction import ControlTotal, lines_of
from duizhang.ingest.landing.landed import ROWS, landed_schema
from duizhang.ingest.rows import Reading
from duizhang.ingest.specification import SourceSpec
from duizhang.ingest.typing import ColumnTyper

_SINGLE = ("price", "rate", "cost", "balance")  # what stands for one piece is not added up


@dataclass(frozen=True)
class Stated:
    """What a total line states of a column, in a currency where it names one. is_whole: without a decimal mark, as a count is."""

    line: int
    field: str
    column: str
    amount: Decimal
    currency: str
    is_whole: bool


@dataclass(frozen=True)
class Held:
    """totals: of lines that sum rows of the file; unknown: lines of which nothing tells what they sum."""

    totals: tuple[ControlTotal, ...] = ()
    unknown: tuple[int, ...] = ()

    @property
    def told(self) -> Iterator[str]:
        """What is to be known of the lines that are not held."""
        if self.unknown:
            yield f"totals that it states and that are not held, as nothing tells what they sum: {lines_of(self.unknown)}"


def hold(reading: Reading, spec: SourceSpec, typer: ColumnTyper | None, folder: Path) -> Held:
    """Hold the total lines of a bill against its rows, which are those in `folder`."""
    own = [re.compile(total.footer, re.MULTILINE) for total in spec.totals if total.footer]
    lines, parts = (
        [(line, cells) for line, cells in some if not _is_held(own, cells, spec)] for some in (reading.total_lines, reading.part_lines))
    if not (lines or parts) or typer is None:
        return Held()
    fields = {name: at for name, at in _summed(spec, typer).items() if name in landed_schema(spec).names}
    stated = [one for line, cells in lines for one in _stated(line, cells, fields, typer, spec)]
    unknown = {line for line, _ in (*lines, *parts)} - {one.line for one in stated}
    rows = _rows(spec, fields, folder)
    if not rows.height:
        return Held((), tuple(sorted(unknown | {one.line for one in stated})))
    places = sorted(line for line, _ in reading.total_lines)
    checked = [(one, *_against(one, rows, places, spec)) for one in stated]
    between = len({rows.filter(pl.col("the line") < line).height for line in places}) > 1
    totals = []
    for one, ties, computed in checked:
        same = [others for other, others, _ in checked if other.field == one.field]
        several = not one.currency and rows["the currency"].n_unique() > 1
        if not ties and (several or (between and not any(same))):
            unknown.add(one.line)
            continue
        name = f"{one.column} of the total in line {one.line}"
        totals.append(ControlTotal(name, f"{one.amount.normalize():f}", f"{computed.normalize():f}", ties))
    return Held(tuple(totals), tuple(sorted(unknown)))


def _is_held(own: Sequence[re.Pattern[str]], cells: Sequence[str], spec: SourceSpec) -> bool:
    """Whether the specification knows itself what a line sums."""
    return any(one.search(mark.join(cells)) for one in own for mark in {spec.delimiter, ",", ";", "\t"})


def _summed(spec: SourceSpec, typer: ColumnTyper) -> dict[str, int]:
    """The fields that a total line may state, with the places of their columns."""
    after = spec.balance.after if spec.balance else "balance"
    repeated = set(spec.repeats.columns) if spec.repeats else set()
    return {
        name: place for name, column in spec.fields.items()
        if column.type == "money" and name != after and not any(word in name for word in _SINGLE)
        and column.column not in repeated and not column.extract and (place := typer.positions[name]) is not None
    }


def _stated(line: int, cells: Sequence[str], fields: Mapping[str, int], typer: ColumnTyper, spec: SourceSpec) -> Iterator[Stated]:
    """What a total line states, a column each."""
    place = typer.positions.get("currency") if "currency" in spec.fields else None
    said = re.search(r"\b[A-Z]{3}\b", cells[place].upper()) if place is not None else None
    taken: set[int] = set()
    for name, at in fields.items():
        amount = stated_amount(cells[at], typer.decimal)
        if amount is None or at in taken:
            continue
        taken.add(at)
        yield Stated(line, name, typer.names[at], -amount if name in typer.charged else amount, said[0] if said else "",
                     re.fullmatch(r"\d+", cells[at].strip()) is not None)


def _rows(spec: SourceSpec, fields: Mapping[str, int], folder: Path) -> pl.DataFrame:
    """The rows of a bill that sums are of: line, currency, whether it counts, what it moves of the balance, the balance, amounts."""
    parts = [table for table in spec.tables if table.of == "rows"]
    counts = " or ".join(f"({table.where})" for table in parts) or "false"
    currency = next((table.columns["currency"] for table in parts if "currency" in table.columns), "''")
    kept, balance = landed_schema(spec).names, spec.balance
    asked = set(re.findall(r"\w+", f"{balance.step} {balance.where}")) if balance else set()
    is_kept = balance is not None and not asked & {*spec.fields} - {*kept}
    moves = f"case when {balance.where} then coalesce({balance.step}, 0) else 0 end" if balance and is_kept else "null"
    listed = ", ".join(f'coalesce("{name}", 0)::decimal(38, 4) as "{name}"' for name in fields)
    after = f'"{balance.after}"' if balance and balance.after in kept else "null"
    with scratch() as con:
        found = con.sql(
            f"select line as \"the line\", coalesce(({currency})::varchar, '') as \"the currency\", "
            f'coalesce({counts}, false) as "it counts", '
            f'({moves})::decimal(38, 4) as "it moves", ({after})::decimal(38, 4) as "the balance"{", " + listed if listed else ""} '
            "from read_parquet(?) order by line",
            params=[str(folder / ROWS)]).to_arrow_table()
    return pl.DataFrame(found)


def _against(one: Stated, rows: pl.DataFrame, places: Sequence[int], spec: SourceSpec) -> tuple[bool, Decimal]:
    """(whether a total is the sum of rows that it may stand for, that sum; where it is none, what all rows that count come to)."""
    if one.currency and (rows["the currency"] == one.currency).any():
        rows = rows.filter(pl.col("the currency") == one.currency)
    line, at = pl.col("the line"), places.index(one.line)
    above, below = places[at - 1] if at else 0, places[at + 1] if at + 1 < len(places) else None
    parts = [rows, rows.filter(line < one.line), rows.filter(line.is_between(above, one.line))]
    if not parts[1].height and below is not None:
        parts.append(rows.filter(line < below))
    is_moved = spec.balance is not None and re.search(rf"\b{one.field}\b", spec.balance.step) is not None
    found: set[Decimal] = set()
    for part in (kind for some in parts for kind in (some, some.filter("it counts")) if kind.height):
        for currency in [part, *part.partition_by("the currency")]:
            amounts = currency[one.field]
            found.add(_sum(amounts))
            unsigned = _sum(amounts.abs())
            if one.amount >= 0 or abs(_sum(amounts)) == unsigned:
                # a column of one sign, and a total that has none
                found |= {unsigned, -unsigned, *([-_sum(amounts)] if abs(_sum(amounts)) == unsigned else [])}
            if is_moved:
                found.add(_sum(currency["it moves"]))
        found |= {Decimal(part.height)} if one.is_whole else set()
    balances = rows["the balance"].drop_nulls()
    found |= {balances[0], balances[-1]} if len(balances) else set()
    ties = one.amount in found
    return ties, one.amount if ties else _sum(rows.filter("it counts")[one.field])


def _sum(amounts: pl.Series) -> Decimal:
    return Decimal(str(amounts.sum() or 0))


def stated_amount(text: str | None, mark: str = ".") -> Decimal | None:
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

"""What is found where files overlap, and how it is said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from duizhang.ingest.files.row_names import measures

SHOWN = 3  # rows of a file that are named
Told = dict[tuple[str, dt.date], str]  # (file, day) -> words

COUNTED_AGAIN = pa.schema([("part", pa.int64()), ("file", pa.string()), ("line", pa.int64())])


@dataclass(frozen=True)
class CountedFile:
    """A file that counts: its days, and how many rows of it feed tables. rank: greater the newer it is; restates: days of older files on
    which they have a row that this one states on another day."""

    path: str
    source: str
    shop: str
    folder: Path
    days: frozenset[dt.date]
    rows: int
    rank: int = 0
    restates: frozenset[dt.date] = frozenset()


@dataclass
class Overlaps:
    """What files tell again. again: source -> rows (`part` of the specification's tables, file, line) that count elsewhere.
    contradicting, undecided: why a day of a file is held; noted: what is to be known of one that is not."""

    again: dict[str, pa.Table] = field(default_factory=dict)
    contradicting: Told = field(default_factory=dict)
    undecided: Told = field(default_factory=dict)
    noted: Told = field(default_factory=dict)


def add(told: Told, files: Sequence[str], day: dt.date, text: str) -> None:
    """Say something more of a day of files."""
    for file in files:
        before = told.get((file, day), "")
        told[file, day] = f"{before}; {text}" if before else text


def few(lines: Sequence[str]) -> str:
    """The first lines, and how many more there are."""
    more = f", and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return "; ".join(lines[:SHOWN]) + more


def states_of(table: str, one: tuple[object, object, str], other: tuple[object, object, str]) -> tuple[str, str]:
    """What two rows state: their amounts, or where these are equal the first other figure. one, other: amount, currency, all figures."""
    if one[0] != other[0] or not other[2]:
        return money(*one[:2]), money(*other[:2])
    pairs = zip([*measures(table), "currency"], one[2].split("|"), other[2].split("|"), strict=False)
    name, first, second = next(entry for entry in pairs if entry[1] != entry[2])
    return f"{name} {plain(first)}", f"{name} {plain(second)}"


def plain(figure: str | None) -> str:
    """A decimal as text without zeros that say nothing."""
    if figure is None:
        return "none"
    return figure.rstrip("0").rstrip(".") if "." in figure else figure


def money(amount: object, currency: object) -> str:
    """An amount with its currency, as people write it."""
    if amount is None:
        return "nothing"
    return f"{amount:.2f} {currency or ''}".strip()

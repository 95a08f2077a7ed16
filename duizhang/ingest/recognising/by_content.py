"""What the cells of a recognised table tell of its columns: names that nobody gave, and money that nobody reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from duizhang.ingest.recognising.column_names import bare_name, names_by_field, unnumbered
from duizhang.ingest.recognising.currencies import without_currency
from duizhang.ingest.recognising.head import Head, Place
from duizhang.ingest.specification import normalised

_AMOUNT = re.compile(r"[-+]?(?:[¥￥$€£]|[A-Z]{3} ?)?[-+]?\d[\d,. ]*|-+")
_DAY = re.compile(r"\d{1,4}\.\d{1,2}\.\d{1,4}\.?")
_NO_MONEY = re.compile(
    r"(?i)率|比例|重量|体积|数量|税点|折扣$|%|weight|quantity|qty|rate\b|percent|latitude|longitude|version|gewicht|menge"
    r"|kurs\b|koers|taux|tasso|tipo de cambio|курс|ставка|kur\b|환율"
)


def settled(place: Place, head: Head) -> Place:
    """A place with the names that its cells tell, and the columns of money that the specification does not know."""
    names = _by_words(place, head)
    return replace(place, names=names, unread=_unread_money(place, head, names))


def _unread_money(place: Place, head: Head, names: Sequence[str]) -> tuple[str, ...]:
    """The columns of amounts, as their first cells look, that no field reads and the specification does not list."""
    spec = place.spec
    if spec.positions or spec.reader != "table":
        return ()
    known = {normalised(name) for column in spec.fields.values() for name in (column.column, *column.also, *column.join)}
    known |= {normalised(name) for name in (*spec.unread, spec.totals_row or "", spec.absorbs or "")}
    strange = []
    for at, name in enumerate(names):
        bare = normalised(without_currency(name)[0] if spec.header_currency else name)
        if bare and bare not in known and not _NO_MONEY.search(name):
            strange.append((at, name))
    rows = [row for row in head.rows(place.delimiter, place.header + 1) if len(row) == len(names)] if strange else []
    money, days = (
        {normalised(name) for column in spec.fields.values() if column.type == kind for name in (column.column, *column.also)}
        for kind in ("money", "time"))
    twice = {normalised(unnumbered(name)) for name in names if unnumbered(name) != name}
    found = []
    for at, name in strange:
        # of tables that stand side by side, each with its days, a second column of amounts is one, be they whole
        is_second = twice & days and normalised(unnumbered(name)) in twice & money
        cents = "[1-9]" if is_second else r"[1-9].*[.,]\d|[.,]\d?[1-9]"
        cells = [cell for row in rows if (cell := unnumbered(bare_name(row[at])).strip())]
        amounts = [cell for cell in cells if _AMOUNT.fullmatch(cell) and not _DAY.fullmatch(cell)]
        if len(amounts) == len(cells) and any(re.search(cents, cell) for cell in amounts):
            found.append(name)
    return tuple(found)


def _by_words(place: Place, head: Head) -> tuple[str, ...]:
    """The names, where a column that is known by what stands in it gets the name that the specification has for it."""
    names = list(place.names)
    for field, column in place.spec.fields.items():
        if not column.by_words or names_by_field(place.spec)[field] & {normalised(n) for n in names}:
            continue
        words = {word.casefold() for word in (column.values or {})}
        rows = [row for row in head.rows(place.delimiter, place.header + 1) if len(row) == len(names)]
        nothing = {null.casefold() for null in place.spec.nulls}
        taken = frozenset[str]().union(*(known for other, known in names_by_field(place.spec).items() if other != field)) - {""}
        for at, name in enumerate(names):
            cells = {bare_name(row[at]).strip().casefold() for row in rows}
            if not name and "" in cells:
                continue  # what has neither a name nor a word in every row may be a remark
            cells -= {""}
            if cells - nothing and cells <= words and normalised(name) not in taken:
                names[at] = column.column
                break
    return tuple(names)

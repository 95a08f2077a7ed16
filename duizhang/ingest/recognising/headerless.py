"""A bank's file without a header line, where its own running balance proves which column is what, or no other column can be it.

Of all pairs of columns of amounts exactly one may be such that one leads from row to row of the other: that is the amount, the other
the balance after it; debits and credits may have a column each. Of a file that has one column of amounts alone, that is what each row
moves where some have a minus and some have none. Debits and credits without a balance are told from each other by what their rows say:
a fee went out, a deposit came in. Where nothing proves it, or the day of booking is not told from that of value, the file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise, permutations

from duizhang.ingest.moves import CAME_IN, CARD_PAID, GIVEN, LEFT, PAID_OUT, TAKEN, TURNED, any_of
from duizhang.ingest.specification import SourceSpec

_STEPS = 2  # between balances that are enough to prove it
_FEWEST = 3  # columns: day, text, amount
_DAY = re.compile(
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|(?:19|20)\d{2}[01]\d[0-3]\d)(?:[ T]\d{2}:\d{2}(?::\d{2})?)?")
_AMOUNT = re.compile(r"([-+]?)(\d{1,3}(?:([., '])\d{3})(?:\3\d{3})*|\d+)(?:([.,])(\d{1,2}))?([-+]?)")
_CENTS = re.compile(r"[.,]\d\d\D*$")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}|\d{16,26}")
_IN = re.compile(any_of(GIVEN, CAME_IN, PAID_OUT, CARD_PAID, TURNED))
_OUT = re.compile(any_of(TAKEN, LEFT))
_ISO = re.compile(r"[A-Z]{3}")


def headerless_names(spec: SourceSpec, rows: Sequence[Sequence[str]], currencies: frozenset[str]) -> tuple[str, ...] | None:
    """The names that a bank's specification has for the columns of rows without a header; None where the rows do not prove them.

    currencies: all codes that there are. A column that is not known is called by its number, so that what money stands in it is told.
    """
    filled = [[cell.strip(" \t\"'") for cell in row] for row in rows if any(cell.strip() for cell in row)]
    width = len(filled[0]) if filled else 0
    if width < _FEWEST or len(filled) < 2 or any(len(row) != width for row in filled):
        return None
    columns = [[row[at] for row in filled] for at in range(width)]
    days = [at for at, cells in enumerate(columns) if all(map(_DAY.fullmatch, cells))]
    amounts = {at: found for at, cells in enumerate(columns) if at not in days and any(found := _amounts(cells))}
    codes = [at for at, cells in enumerate(columns) if set(cells) <= currencies and all(map(_ISO.fullmatch, cells))]
    day = _booked([columns[at] for at in days])
    known = _proven(spec, columns, amounts)
    if day is None or not known:
        return None
    moved = next((amounts[known[name]] for name in ("amount", "balance") if name in known), [])
    if moved and not codes and all(cell == int(cell) for cell in moved):
        return None  # pieces of a stock, that balance as well
    known["occurred_at"] = days[day]
    names = [f"column {at + 1}" for at in range(width)]
    if len({tuple(columns[at]) for at in codes}) > 1:
        return None  # of the account, or of what was paid
    known |= {"currency": codes[0]} if codes else {}
    own = [at for at, cells in enumerate(columns) if len(set(cells)) == 1 and _IBAN.fullmatch(cells[0].replace(" ", ""))]
    known |= {"bank_account": own[0]} if own else {}
    texts = [at for at in range(width) if at not in {*known.values(), *days, *amounts, *own}]
    text = max(texts, key=lambda at: (sum(map(_letters, columns[at])), -at), default=None)
    if text is None or not any(map(_letters, columns[text])):
        return None
    for field, at in (known | {"payout": text}).items():
        names[at] = spec.fields[field].column
    return tuple(names)


def _proven(spec: SourceSpec, columns: Sequence[Sequence[str]], amounts: Mapping[int, Sequence[Decimal]]) -> dict[str, int]:
    """The columns of what rows move, by field; none where nothing proves them or several may be it."""
    sides: dict[int | None, tuple[str, list[int]]] = {at: told for at, cells in enumerate(columns) if (told := _sides(spec, cells))}
    proofs = _proofs(amounts, {None: ("", [])}) or _proofs(amounts, sides)  # a sign that is there needs no word
    [first, *more] = [{"amount": amount, "balance": balance} | ({sides[side][0]: side} if side is not None else {})
                      for amount, balance, side in proofs] or [{}]
    is_signed = bool(first) and len({cell > 0 for cell in amounts[first["amount"]]}) == 2
    if len(columns[0]) <= _STEPS and not is_signed:
        first = {}  # of few rows a sign has to say as well which way they move
    if not proofs:
        [first, *more] = _split(columns, amounts) or [_alone(columns, amounts) or _told_apart(columns, amounts)]
    return {} if more else first


def _split(columns: Sequence[Sequence[str]], amounts: Mapping[int, Sequence[Decimal]]) -> list[dict[str, int]]:
    """The columns of debits, credits and a balance to which they lead, each row having one of the two."""
    if len(columns[0]) <= _STEPS:
        return []
    halves = {at: _halves(cells) for at, cells in enumerate(columns) if "" in cells}
    halves = {at: found for at, found in halves.items() if any(found)}
    return [
        {"debit": debit, "credit": credit, "balance": balance}
        for debit, credit in permutations(halves, 2)
        if all((columns[debit][n] == "") != (columns[credit][n] == "") for n in range(len(columns[0])))
        for balance in amounts
        if _leads([into - out for out, into in zip(halves[debit], halves[credit], strict=True)], amounts[balance])]


def _halves(cells: Sequence[str]) -> list[Decimal]:
    """The amounts of a column of which some cells are empty, 0 for these; none where a cell is no amount or has a sign."""
    found = iter(_amounts([cell for cell in cells if cell]))
    values = [next(found, Decimal(-1)) if cell else Decimal(0) for cell in cells]
    return [] if any(value < 0 for value in values) else values


def _alone(columns: Sequence[Sequence[str]], amounts: Mapping[int, Sequence[Decimal]]) -> dict[str, int]:
    """The only column of amounts, some of which have a minus and some have none, all with cents."""
    if len(amounts) != 1 or any(any(_amounts([cell for cell in cells if cell])) for at, cells in enumerate(columns) if at not in amounts):
        return {}
    [(at, values)] = amounts.items()
    if _ends_otherwise(columns):
        return {}  # which may be a balance
    is_signed = len({cell > 0 for cell in values}) == 2
    return {"amount": at} if is_signed and all(_CENTS.search(cell) for cell in columns[at]) else {}


def _ends_otherwise(columns: Sequence[Sequence[str]]) -> bool:
    """Whether the first or the last row has nothing in several columns of which all others have something: it is of another kind."""
    for end, others in ((0, slice(1, None)), (-1, slice(None, -1))):
        if sum(not cells[end] and all(cells[others]) for cells in columns) > 1:
            return True
    return False


def _told_apart(columns: Sequence[Sequence[str]], amounts: Mapping[int, Sequence[Decimal]]) -> dict[str, int]:
    """The only two columns of amounts, of which each row has one, where what rows say tells which is of debits: one that speaks is
    enough where none speaks against it."""
    halves = [at for at, cells in enumerate(columns) if "" in cells and any(_halves(cells))]
    if amounts or len(halves) != 2 or any((columns[halves[0]][n] == "") == (columns[halves[1]][n] == "") for n in range(len(columns[0]))):
        return {}
    if not all(_CENTS.search(cell) for at in halves for cell in columns[at] if cell):
        return {}
    texts = [" ".join(cells[n] for at, cells in enumerate(columns) if at not in halves) for n in range(len(columns[0]))]
    said = [(_IN.search(text) is not None) - (_OUT.search(text) is not None) for text in texts]
    # what each row says of the first column being that of debits
    spoken = {way if columns[halves[0]][n] == "" else -way for n, way in enumerate(said) if way}
    return dict(zip(("debit", "credit") if spoken == {1} else ("credit", "debit"), halves, strict=True)) if len(spoken) == 1 else {}


def _letters(cell: str) -> int:
    return sum(map(str.isalpha, cell))


def _amounts(cells: Sequence[str]) -> list[Decimal]:
    """The amounts of a column; none where a cell is none, or where their marks are not all alike."""
    found = [_AMOUNT.fullmatch(cell) for cell in cells]
    if not all(found):
        return []
    matches = [match for match in found if match]
    decimal, thousands = {m[4] for m in matches} - {None}, {m[3] for m in matches} - {None}
    if len(decimal) > 1 or len(thousands) > 1 or decimal & thousands or any(m[1] and m[6] for m in matches):
        return []
    return [Decimal(f"{m[1] or m[6]}{re.sub(r'[^0-9]', '', m[2])}.{m[5] or 0}") for m in matches]


def _sides(spec: SourceSpec, cells: Sequence[str]) -> tuple[str, list[int]] | None:
    """(the field of which all cells are words, 1 for each that is money in and -1 for one that is money out)."""
    for name in spec.sides.words if spec.sides else ():
        words: Mapping[str, str] = {word.casefold(): side for word, side in (spec.fields[name].values or {}).items() if word}
        if all(cell.casefold() in words for cell in cells):
            return name, [1 if words[cell.casefold()] == "C" else -1 for cell in cells]
    return None


def _proofs(
    amounts: Mapping[int, Sequence[Decimal]], sides: Mapping[int | None, tuple[str, Sequence[int]]],
) -> list[tuple[int, int, int | None]]:
    """The columns of amount, balance and side of which the first two lead to each other."""
    return [
        (amount, balance, at) for amount, balance in permutations(amounts, 2) for at, (_, signs) in sides.items()
        if _leads(_signed(amounts[amount], signs), amounts[balance])]


def _signed(amounts: Sequence[Decimal], signs: Sequence[int]) -> list[Decimal]:
    return [abs(amount) * sign for amount, sign in zip(amounts, signs, strict=True)] if signs else list(amounts)


def _leads(amounts: Sequence[Decimal], balances: Sequence[Decimal]) -> bool:
    """Whether every balance is the one before it, or the one behind it, and what its row moves."""
    oldest = all(after - before == step for (before, after), step in zip(pairwise(balances), amounts[1:], strict=True))
    newest = all(before - after == step for (before, after), step in zip(pairwise(balances), amounts, strict=False))
    return (oldest or newest) and any(amounts) and len(set(balances)) > 1


def _booked(days: Sequence[Sequence[str]]) -> int | None:
    """Which of several columns of days is that of booking: all are alike, or the rows stand in the order of one alone."""
    if len({tuple(cells) for cells in days}) == 1:
        return 0
    ordered = [at for at, cells in enumerate(days) if _in_order([_sortable(cell) for cell in cells])]
    return ordered[0] if len(ordered) == 1 else None


def _in_order(days: Sequence[str]) -> bool:
    return list(days) in (sorted(days), sorted(days, reverse=True))


def _sortable(day: str) -> str:
    """Years first; of those written with the year behind, in either order of day and month they have the month's or the day's."""
    parts = re.split(r"[-/.]", day.split(" ")[0].split("T")[0])
    return "".join(part.zfill(2) for part in (parts if len(parts[0]) > 2 else reversed(parts)))

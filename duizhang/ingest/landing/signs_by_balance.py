"""Amounts without any sign, money in and money out in one column, of which the balance after each row tells which is which."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple


class Row(NamedTuple):
    """What a row says it moves, and the balance after it."""

    line: int
    amount: Decimal | None
    balance: Decimal | None


def signs_by_balance(rows: Sequence[Row]) -> dict[int, int] | None:
    """Line -> 1 of a row whose amount is money in, -1 of money out; None where the balances do not prove it of every row.

    rows: as they stand. Every balance must be the one before it, in either order, and more or less by the amount of
    its row. The earliest row may move nothing (an opening balance): nothing stands before it that tells what it moves.
    """
    found = [signs for ordered in (rows, rows[::-1]) if (signs := _in_order(ordered)) is not None]
    return found[0] if found and all(signs == found[0] for signs in found) else None


def _in_order(rows: Sequence[Row]) -> dict[int, int] | None:
    """The signs of rows of which the oldest stands first."""
    if len(rows) < 2 or rows[0].amount or any(row.balance is None for row in rows):
        return None
    signs: dict[int, int] = {}
    for before, row in pairwise(rows):
        step, amount = Decimal(row.balance or 0) - Decimal(before.balance or 0), row.amount or Decimal(0)
        if abs(step) != amount:
            return None
        signs[row.line] = 1 if step > 0 else -1
    return signs

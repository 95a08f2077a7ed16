"""Which of debit and credit is money in: a bank's statement has it as credit, a ledger of one's own as debit."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from duizhang.errors import RefusedFile
from duizhang.ingest.specification import Sides
from duizhang.ingest.texts import whole

_OTHER = {"D": "C", "C": "D"}


@dataclass(frozen=True)
class Way:
    """How sides are read. ledger: debit is money in; reversing: an amount with a minus beside a side is a reversal of that side."""

    ledger: bool = False
    reversing: bool = False


def turned(typed: pa.Table, rule: Sides, way: Way) -> pa.Table:
    """Typed rows written as a bank writes them without reversals."""
    if way.reversing:
        below = pc.fill_null(pc.less(typed[rule.amount], 0), False)
        beside = [name for name in rule.words if pc.any(pc.is_in(_texts(typed, name), pa.array(list(_OTHER)))).as_py()]
        for name in beside:
            typed = _with(typed, name, pc.if_else(below, _exchanged(_texts(typed, name)), _texts(typed, name)))
        if beside:
            typed = _with(typed, rule.amount, pc.abs(typed[rule.amount]))
    if way.ledger:
        debit, credit = typed[rule.debit], typed[rule.credit]
        typed = _with(_with(typed, rule.debit, credit), rule.credit, debit)
        for name in rule.words:
            typed = _with(typed, name, _exchanged(_texts(typed, name)))
    return typed


def _texts(typed: pa.Table, name: str) -> pa.Array:
    return whole(typed[name]).cast(pa.string())


def _exchanged(sides: pa.Array) -> pa.Array:
    is_debit, is_credit = pc.equal(sides, "D"), pc.equal(sides, "C")
    return pc.if_else(is_debit, _OTHER["D"], pc.if_else(is_credit, _OTHER["C"], sides))


def _with(typed: pa.Table, name: str, cells: pa.Array | pa.ChunkedArray) -> pa.Table:
    kind = typed[name].type
    if pa.types.is_dictionary(kind) and not pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_encode()
    return typed.set_column(typed.schema.get_field_index(name), name, cells)


def undecided_sides(column: str) -> RefusedFile:
    """The refusal of a file of which nothing tells whether its debits are money out or money in."""
    return RefusedFile(
        f"amounts can be read in two ways: those in the column {column!r} are money out, as a bank has them, or money in, as a ledger of "
        "one's own has them, and no running balance tells",
        advice="Say in books.yaml, readings: {SOURCE: {sides: bank}} where they are money out, or {sides: ledger} where they are money in, "
        "or export the balance with it.")

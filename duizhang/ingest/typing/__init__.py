"""From text cells to typed columns: amounts, times, ids, pseudonyms; what does not parse is told and masked."""

from duizhang.ingest.typing.cells import (
    HIDDEN,
    QUARANTINE,
    ColumnTyper,
    Said,
    Unread,
    undecided_earliest,
    undecided_fees,
    undecided_signs,
)
from duizhang.ingest.typing.debits import Way, undecided_sides
from duizhang.ingest.typing.marks import Marks
from duizhang.ingest.typing.masks import masked, shape, without_values
from duizhang.ingest.typing.money import MINUS, amounts, reaches, ten_thousandths
from duizhang.ingest.typing.references import parties, references, remark_fields
from duizhang.ingest.typing.times import by

__all__ = [
    "HIDDEN",
    "MINUS",
    "QUARANTINE",
    "ColumnTyper",
    "Marks",
    "Said",
    "Unread",
    "Way",
    "amounts",
    "by",
    "masked",
    "parties",
    "reaches",
    "references",
    "remark_fields",
    "shape",
    "ten_thousandths",
    "undecided_earliest",
    "undecided_fees",
    "undecided_sides",
    "undecided_signs",
    "without_values",
]

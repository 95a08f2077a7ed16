"""From text cells to typed columns: amounts, times, ids, pseudonyms; what does not parse is told and masked."""

from duizhang.ingest.typing.cells import HIDDEN, QUARANTINE, Said, Typist
from duizhang.ingest.typing.masks import masked, shape, without_values
from duizhang.ingest.typing.money import money_sql, reaches, ten_thousandths
from duizhang.ingest.typing.references import references, remark_fields
from duizhang.ingest.typing.times import time_sql

__all__ = [
    "HIDDEN", "QUARANTINE", "Said", "Typist", "masked", "money_sql", "reaches", "references", "remark_fields", "shape",
    "ten_thousandths", "time_sql", "without_values",
]

"""Which specification fits a document, and where its table begins."""

from duizhang.ingest.recognising.column_names import DELIMITERS, split_line, unique_names, unnumbered
from duizhang.ingest.recognising.currencies import AROUND, BESIDE, SIGN, currencies_of_all
from duizhang.ingest.recognising.head import Place, Strange
from duizhang.ingest.recognising.recognise import recognise
from duizhang.ingest.recognising.stacked import tables_of

__all__ = [
    "AROUND", "BESIDE", "DELIMITERS", "SIGN", "Place", "Strange", "currencies_of_all", "recognise", "split_line", "tables_of",
    "unique_names", "unnumbered",
]

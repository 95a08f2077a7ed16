"""Which specification fits a document, and where its table begins."""

from duizhang.ingest.recognising.recognise import DELIMITERS, Place, recognise, split_line, unique_names

__all__ = [
    "DELIMITERS", "Place", "recognise", "split_line", "unique_names",
]

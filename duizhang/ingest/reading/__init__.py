"""From a document to batches of text cells with their true line numbers, one reader a form."""

from duizhang.ingest.reading.readers import read

__all__ = [
    "read",
]

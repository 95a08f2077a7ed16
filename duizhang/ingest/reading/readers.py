"""The readers by name. A new one is a module `reader_<name>.py` with one function that gives a Reading."""

from __future__ import annotations

from duizhang.ingest.opening import Document, read_json
from duizhang.ingest.reading.bai2 import read_bai2
from duizhang.ingest.reading.camt import read_camt
from duizhang.ingest.reading.mt940 import read_mt940
from duizhang.ingest.reading.ofx import read_ofx
from duizhang.ingest.reading.table import read_table
from duizhang.ingest.recognising import Place
from duizhang.ingest.rows import Reading


def read(document: Document, place: Place) -> Reading:
    """Begin to read a document under the specification that fits it."""
    reader = place.spec.reader
    if reader == "table":
        return read_table(document, place)
    if reader == "json":
        return read_json(document, place.spec)
    return {"mt940": read_mt940, "camt": read_camt, "ofx": read_ofx, "bai2": read_bai2}[reader](document, place)

"""The readers by name. A new one is a module `<name>.py` with one function `read_<name>` that gives a Reading."""

from __future__ import annotations

import importlib
from typing import cast

from duizhang.ingest.opening import Document, read_json
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
    of_a_bank = importlib.import_module(f"duizhang.ingest.reading.{reader}")  # with its library, which no other needs
    return cast("Reading", getattr(of_a_bank, f"read_{reader}")(document, place))

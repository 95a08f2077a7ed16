"""JSON as platforms' interfaces give it: a list of objects, or objects below one key; read object by object by ijson."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ijson

from duizhang.errors import RefusedFile
from duizhang.ingest.container import Document
from duizhang.ingest.reading import Reading, batches_of
from duizhang.ingest.spec import SourceSpec

_SPACE = b" \t\r\n\xef\xbb\xbf"


def first_record(document: Document, records: str) -> dict[str, str] | None:
    """The first object below `records`, flattened, or None where the document is no such JSON."""
    if document.head().lstrip(_SPACE)[:1] not in (b"{", b"["):
        return None
    try:
        return next(_records(document, records), None)
    except RefusedFile:
        return None


def read_json(document: Document, spec: SourceSpec) -> Reading:
    """Every object a row (`line` is its number), nested names joined by dots, numbers with the digits of the file.

    Objects of one list need not have the same names, so the other names of a field (`also`) count object by object.
    """
    names = sorted({n for c in spec.fields.values() for n in (c.column, *c.also, *c.join)})
    others = {c.column: c.also for c in spec.fields.values() if c.also}

    def cells(record: dict[str, str]) -> list[str]:
        return [next((record[n] for n in (name, *others.get(name, ())) if record.get(n)), "") for name in names]

    rows = ((n, cells(record)) for n, record in enumerate(_records(document, spec.records), 1))
    return Reading(names, "utf-8", batches_of(rows, len(names)))


def _records(document: Document, records: str) -> Iterator[dict[str, str]]:
    start = document.head().lstrip(_SPACE)[:1]
    prefix = "item" if start == b"[" else f"{records}.item"
    with document.open() as stream:
        try:
            for item in ijson.items(stream, prefix, use_float=False):
                if isinstance(item, dict):
                    yield dict(_flat(item, ""))
        except (ijson.JSONError, UnicodeDecodeError, ValueError) as error:
            raise RefusedFile(f"not readable as JSON: {error}", advice="Download it again.") from error


def _flat(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, entry in value.items():
        name = f"{prefix}{key}"
        if isinstance(entry, dict):
            yield from _flat(entry, f"{name}.")
        elif entry is None:
            yield name, ""
        elif isinstance(entry, bool):
            yield name, str(entry).lower()
        elif isinstance(entry, Decimal):
            yield name, f"{entry:f}"
        elif not isinstance(entry, list):
            yield name, str(entry)

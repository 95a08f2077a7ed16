"""JSON as platforms' interfaces give it: a list of objects, or objects below one key; read object by object by ijson."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO

import numpy as np

from duizhang.errors import RefusedFile
from duizhang.ingest.opening.container import Document
from duizhang.ingest.rows import Reading, batches_of
from duizhang.ingest.specification import SourceSpec

_SPACE = b" \t\r\n\xef\xbb\xbf"
MAX_DEPTH = 200
FIRST_BYTES = 4 << 20  # within these the first record stands
_STEPS = np.zeros(256, dtype=np.int64)
_STEPS[[ord("{"), ord("[")]], _STEPS[[ord("}"), ord("]")]] = 1, -1


class _Shallow:
    """A stream that refuses deep nesting, whose paths would take memory with the square of its depth.

    Brackets inside strings count as well: nobody's text opens hundreds of them.
    """

    def __init__(self, stream: BinaryIO, limit: int | None = None) -> None:
        self._stream, self._left, self._depth = stream, limit, 0

    def read(self, size: int = -1) -> bytes:
        if self._left is not None:
            size = self._left if size < 0 else min(size, self._left)
        data = self._stream.read(size)
        if self._left is not None:
            self._left -= len(data)
        if data:
            depths = self._depth + np.cumsum(_STEPS[np.frombuffer(data, dtype=np.uint8)])
            self._depth = int(depths[-1])
            if int(depths.max()) > MAX_DEPTH:
                raise RefusedFile(f"JSON nested more than {MAX_DEPTH} deep", advice="Check where it comes from.")
        return data


def first_record(document: Document, records: str) -> dict[str, str] | None:
    """The first object below `records`, flattened, or None where the document is no such JSON."""
    if document.head.lstrip(_SPACE)[:1] not in (b"{", b"["):
        return None
    try:
        return next(_records(document, records, FIRST_BYTES), None)
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


def _records(document: Document, records: str, limit: int | None = None) -> Iterator[dict[str, str]]:
    import ijson

    start = document.head.lstrip(_SPACE)[:1]
    prefix = "item" if start == b"[" else f"{records}.item"
    with document.open() as stream:
        try:
            for item in ijson.items(_Shallow(stream, limit), prefix, use_float=False):
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
            # an exponent beyond all money is left as it stands: written out it may have a billion digits
            yield name, f"{entry:f}" if abs(entry.adjusted()) < 40 else str(entry)
        elif not isinstance(entry, list):
            yield name, str(entry)

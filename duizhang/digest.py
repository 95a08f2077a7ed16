"""Content digests: the same rows give the same digest, whatever their order or the writer of the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv


class _Sink:
    """A write-only file that feeds a hash."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.closed = False

    def write(self, data: Any) -> int:
        self.hash.update(data)
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


def sort_rows(table: pa.Table) -> pa.Table:
    """The rows in a total order (by every column, left to right; nothing behind everything), so that equal sets are equal tables."""
    import pyarrow.compute as pc  # half of what pyarrow takes to load; not for commands that sort nothing

    table = table.combine_chunks()
    if _is_sorted(table):
        return table
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in table.column_names])
    return table.take(order).combine_chunks()


def _is_sorted(table: pa.Table) -> bool:
    """Whether no row belongs before the one above it. Takes a fraction of what sorting takes, and stored rows are in order."""
    if table.num_rows < 2:
        return True
    import pyarrow.compute as pc

    alike: pa.Array | None = None  # the rows that are as the next one in every column so far
    for column in table.columns:
        if column.num_chunks != 1 or pa.types.is_floating(column.type):  # NaN has a place in the order, and compares with nothing
            return False
        one, other = column.chunk(0)[:-1], column.chunk(0)[1:]
        if alike is not None:
            one, other = one.take(alike), other.take(alike)
        equal = pc.fill_null(pc.equal(one, other), False)
        wrong = pc.greater(one, other)
        if column.null_count:
            equal = pc.or_(equal, pc.and_(one.is_null(), other.is_null()))
            wrong = pc.if_else(pc.is_valid(wrong), wrong, pc.and_(one.is_null(), other.is_valid()))
        if pc.any(wrong).as_py():
            return False
        places = pc.indices_nonzero(equal)
        if not len(places):
            return True
        alike = places if alike is None else alike.take(places)
    return True


def table_digest(table: pa.Table) -> str:
    """SHA-256 (hex) of the sorted rows in text form, with column names and types; nulls differ from ''."""
    sink = _Sink()
    sink.write(schema_text(table.schema).encode())
    write_rows(table, sink)
    return sink.hash.hexdigest()


def digest_in_order(schema: pa.Schema, parts: Iterable[pa.Table]) -> str | None:
    """`table_digest` of rows that come a part at a time in their total order; None where they turn out not to be in it."""
    sink, before = _Sink(), schema.empty_table()
    sink.write(schema_text(schema).encode())
    for part in parts:
        found = part.combine_chunks()
        if not (_is_sorted(found) and _is_sorted(pa.concat_tables([before, found.slice(0, 1)]).combine_chunks())):
            return None
        _write_text(found, sink)
        before = found.slice(max(found.num_rows - 1, 0)) if found.num_rows else before
    return sink.hash.hexdigest()


def schema_text(schema: pa.Schema) -> str:
    """Column names and types as JSON: what a digest begins with."""
    return json.dumps([[f.name, str(f.type)] for f in schema])


def write_rows(table: pa.Table, file: Any) -> None:
    """The sorted rows in text form, without a header: what a digest goes on with."""
    _write_text(sort_rows(table), file)


def _write_text(table: pa.Table, file: Any) -> None:
    if table.num_rows:
        pacsv.write_csv(table, pa.PythonFile(file, mode="w"), pacsv.WriteOptions(include_header=False, quoting_style="needed"))


def mapping_text(value: Mapping[str, Any]) -> str:
    """A JSON-like mapping in canonical form: sorted keys, no blanks."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def mapping_digest(value: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a JSON-like mapping in canonical form."""
    return hashlib.sha256(mapping_text(value).encode()).hexdigest()


def blocks_digest(blocks: Iterable[bytes]) -> str:
    """SHA-256 (hex) of bytes that come a block at a time."""
    digest = hashlib.sha256()
    for data in blocks:
        digest.update(data)
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes, read in blocks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()

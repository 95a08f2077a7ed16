"""Rows of one table into one Parquet file, piece by piece."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 1 << 17  # of a row group, about
CODED = pa.dictionary(pa.int32(), pa.string())


class Sink:
    """Writes pieces in their order. The first large one settles which columns of text stand dictionary-encoded in the file.

    A reader sees plain text either way. The file is there, with no rows if it was given none, once the sink is closed.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema = path, schema
        self.waiting: list[pa.Table] = []
        self.rows = 0
        self.writer: pq.ParquetWriter | None = None

    def write(self, piece: pa.Table) -> None:
        """Take rows with the names of the schema; columns of text may be dictionary-encoded."""
        self.waiting.append(piece)
        self.rows += piece.num_rows
        if self.rows >= ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        if self.rows or self.writer is None:
            self._flush()
        if self.writer is not None:
            self.writer.close()

    def abandon(self) -> None:
        """Close without what is left: the file is not to be used."""
        if self.writer is not None:
            self.writer.close()

    def _flush(self) -> None:
        pieces, self.waiting, self.rows = self.waiting or [self.schema.empty_table()], [], 0
        self.writer = writer = self.writer or self._opened(pieces)
        table = pa.concat_tables([piece if piece.schema == self.schema else _fit(piece, self.schema) for piece in pieces])
        writer.write_table(table.unify_dictionaries(), row_group_size=table.num_rows or 1)

    def _opened(self, pieces: list[pa.Table]) -> pq.ParquetWriter:
        coded = [
            field.name for field in self.schema
            if pa.types.is_string(field.type) and all(pa.types.is_dictionary(p.schema.field(field.name).type) for p in pieces)
        ]
        days = [field.name for field in self.schema if pa.types.is_date(field.type)]
        self.schema = pa.schema([field.with_type(CODED) if field.name in coded else field for field in self.schema])
        return pq.ParquetWriter(
            self.path, self.schema, compression="lz4", store_schema=False, use_dictionary=[*coded, *days],
            column_encoding={"line": "DELTA_BINARY_PACKED"}, write_statistics=[*days, "line"])


def _fit(piece: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = []
    for field, column in zip(schema, piece.columns, strict=True):
        if column.type == field.type:
            columns.append(column)
        else:
            columns.append(column.dictionary_encode() if field.type == CODED else column.cast(field.type))
    return pa.table(columns, schema=schema)

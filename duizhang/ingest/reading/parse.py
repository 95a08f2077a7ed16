"""Arrow's parse of whole lines of delimited text into columns of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.csv as pacsv

from duizhang.ingest.texts import whole

Skip = Callable[[pacsv.InvalidRow], str]


def parse(
    text: bytes | bytearray, width: int, wanted: Sequence[int], delimiter: str, *, quoted: bool, skip: Skip | None = None
) -> tuple[int, list[pa.Array]]:
    """(rows, wanted columns as they are: their bytes need not be UTF-8) of lines of `width` cells that end with LF.

    quoted: whether cells may stand in quotes. skip: what to do with a line of another width; without it
    pyarrow.ArrowInvalid is raised.
    """
    names = [str(n) for n in range(width)]
    table = pacsv.read_csv(
        pa.BufferReader(text),
        read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter, quote_char='"' if quoted else False, invalid_row_handler=skip, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=[names[n] for n in wanted],
            strings_can_be_null=False, check_utf8=False),
    )
    return table.num_rows, [whole(column) for column in table.columns]

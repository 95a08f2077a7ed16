"""From a folder and a file to text, sheets and records: names, containers, passwords, encodings, bounds of what is opened."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need
from duizhang.ingest.opening.passwords import LockedFile, passwords, with_password
from duizhang.ingest.opening.walk import MEMBER, Inbox, shown_name, walk

if TYPE_CHECKING:
    from duizhang.ingest.opening.bounds import is_apart
    from duizhang.ingest.opening.container import Document, documents, left_out
    from duizhang.ingest.opening.decoded_lines import text_blocks, text_lines
    from duizhang.ingest.opening.encoded import (
        BY_NAMES,
        LOST,
        Block,
        blocks,
        decoded,
        detect,
        head_lines,
        marked,
        plain,
        plausible,
        utf8,
    )
    from duizhang.ingest.opening.hidden import hidden_rows
    from duizhang.ingest.opening.json_records import first_record, read_json
    from duizhang.ingest.opening.json_table import as_records
    from duizhang.ingest.opening.likeliness import BARRED, likely, rivals
    from duizhang.ingest.opening.no_bill import refuse_no_bill
    from duizhang.ingest.opening.other_writing import rewritten
    from duizhang.ingest.opening.scan import COMMA, LF, QUOTE, TICK, holds, where, windows
    from duizhang.ingest.opening.sheet import sheet_rows
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "BARRED",
    "BY_NAMES",
    "COMMA",
    "LF",
    "LOST",
    "MEMBER",
    "QUOTE",
    "TICK",
    "Block",
    "Document",
    "Inbox",
    "LockedFile",
    "as_records",
    "blocks",
    "decoded",
    "detect",
    "documents",
    "first_record",
    "head_lines",
    "hidden_rows",
    "holds",
    "is_apart",
    "left_out",
    "likely",
    "marked",
    "passwords",
    "plain",
    "plausible",
    "read_json",
    "refuse_no_bill",
    "rewritten",
    "rivals",
    "sheet_rows",
    "shown_name",
    "text_blocks",
    "text_lines",
    "utf8",
    "walk",
    "where",
    "windows",
    "with_password",
]

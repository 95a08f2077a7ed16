"""What a specification may say, the specifications there are, and the page about them."""

from duizhang.ingest.specification.describe import sources_page
from duizhang.ingest.specification.spec import (
    ENCODINGS,
    FIELD_TYPES,
    NUMBERS,
    OF_REFERENCE,
    TIME_FORMATS,
    Cell,
    Column,
    Repeats,
    Running,
    Sides,
    SourceSpec,
    Table,
    Total,
    load_spec,
    load_specs,
    normalised,
    word_list,
)

__all__ = [
    "ENCODINGS",
    "FIELD_TYPES",
    "NUMBERS",
    "OF_REFERENCE",
    "TIME_FORMATS",
    "Cell",
    "Column",
    "Repeats",
    "Running",
    "Sides",
    "SourceSpec",
    "Table",
    "Total",
    "load_spec",
    "load_specs",
    "normalised",
    "sources_page",
    "word_list",
]

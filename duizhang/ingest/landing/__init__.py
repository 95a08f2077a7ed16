"""From a recognised document to landed rows on disk, with its control totals recomputed and its quarantine."""

from duizhang.home.landed_folders import is_whole, replace, seal
from duizhang.ingest.corrected import QUARANTINED
from duizhang.ingest.landing.extract import extract
from duizhang.ingest.landing.extraction import ControlTotal, Extraction, lines_of
from duizhang.ingest.landing.landed import (
    MANY,
    LandedFiles,
    Setting,
    database_for,
    expressions_of,
    landed_schema,
    part_sql,
    ranks,
    scan_of,
)
from duizhang.ingest.landing.looking import RawCell, RawRecord, as_shown, look

__all__ = [
    "MANY",
    "QUARANTINED",
    "ControlTotal",
    "Extraction",
    "LandedFiles",
    "RawCell",
    "RawRecord",
    "Setting",
    "as_shown",
    "database_for",
    "expressions_of",
    "extract",
    "is_whole",
    "landed_schema",
    "lines_of",
    "look",
    "part_sql",
    "ranks",
    "replace",
    "scan_of",
    "seal",
]

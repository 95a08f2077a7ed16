"""From a recognised document to landed rows on disk, with its control totals recomputed and its quarantine."""

from duizhang.ingest.landing.extract import ControlTotal, Extraction, extract
from duizhang.ingest.landing.landed import QUARANTINED, LandedFiles, Setting, prepare, ranks
from duizhang.ingest.landing.sealed import is_whole, replace, seal

__all__ = [
    "QUARANTINED",
    "ControlTotal",
    "Extraction",
    "LandedFiles",
    "Setting",
    "extract",
    "is_whole",
    "prepare",
    "ranks",
    "replace",
    "seal",
]

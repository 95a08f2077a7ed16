"""Ingest: from raw files in the inbox to canonical tables by business day; nothing is lost on the way."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.ingest.canonical import build_canonical
    from duizhang.ingest.files import FileRecord, files_by_age, inbox_path, records, sources_seen, unresolved
    from duizhang.ingest.inbox import collect
    from duizhang.ingest.landing import ControlTotal, Extraction, Setting, extract
    from duizhang.ingest.proposing import propose
    from duizhang.ingest.specification import SourceSpec, load_spec, load_specs, sources_page
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "ControlTotal", "Extraction", "FileRecord", "Setting", "SourceSpec", "build_canonical", "collect", "extract",
    "files_by_age",
    "inbox_path", "load_spec", "load_specs",
    "propose", "records", "sources_page", "sources_seen", "unresolved",
]

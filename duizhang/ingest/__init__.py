"""Ingest: from raw files in the inbox to canonical tables by business day; nothing is lost on the way."""

from duizhang.ingest.canonical import build_canonical
from duizhang.ingest.collect import collect
from duizhang.ingest.describe import sources_page
from duizhang.ingest.extract import ControlTotal, Extraction, extract
from duizhang.ingest.files import FileRecord, files_by_age, records, unresolved
from duizhang.ingest.landed import Setting
from duizhang.ingest.names import inbox_path
from duizhang.ingest.propose import propose
from duizhang.ingest.spec import SourceSpec, list_specs, load_spec, load_specs

__all__ = [
    "ControlTotal", "Extraction", "FileRecord", "Setting", "SourceSpec", "build_canonical", "collect", "extract",
    "files_by_age",
    "inbox_path", "list_specs", "load_spec", "load_specs",
    "propose", "records", "sources_page", "unresolved",
]

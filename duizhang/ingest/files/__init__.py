"""What is known of every file: its record and name, the days that it touches, what it tells again or takes away."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.ingest.files.corrections import (
        CELL_CORRECTED,
        CELL_RESTORED,
        OF_CELLS,
        by_content,
        cell_corrections,
        corrections_of,
        deciders_of_cells,
        digest_of_corrections,
        member_of,
    )
    from duizhang.ingest.files.double_counting import counted_twice
    from duizhang.ingest.files.file_records import (
        ACCEPTED,
        DECIDED,
        DUPLICATE,
        READ,
        REFUSED,
        SUPERSEDED,
        WITHDRAWN,
        FileDecision,
        FileRecord,
        decided,
        file_decisions,
        files_by_age,
        files_digest,
        known_files,
        records,
        remember,
        sources_seen,
        told,
        undecided,
        unresolved,
    )
    from duizhang.ingest.files.names import Kept, inbox_path, name_of_record, path_day
    from duizhang.ingest.files.overlap_models import overlap_relations
    from duizhang.ingest.files.overlaps import overlaps_of
    from duizhang.ingest.files.restated import restated_days, superseded
    from duizhang.ingest.files.told_overlaps import CountedFile, Overlaps, Told
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "ACCEPTED",
    "CELL_CORRECTED",
    "CELL_RESTORED",
    "DECIDED",
    "DUPLICATE",
    "OF_CELLS",
    "READ",
    "REFUSED",
    "SUPERSEDED",
    "WITHDRAWN",
    "CountedFile",
    "FileDecision",
    "FileRecord",
    "Kept",
    "Overlaps",
    "Told",
    "by_content",
    "cell_corrections",
    "corrections_of",
    "counted_twice",
    "decided",
    "deciders_of_cells",
    "digest_of_corrections",
    "file_decisions",
    "files_by_age",
    "files_digest",
    "inbox_path",
    "known_files",
    "member_of",
    "name_of_record",
    "overlap_relations",
    "overlaps_of",
    "path_day",
    "records",
    "remember",
    "restated_days",
    "sources_seen",
    "superseded",
    "told",
    "undecided",
    "unresolved",
]

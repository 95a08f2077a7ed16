"""Publication: immutable versions of periods, and the one pointer through which analysts see them."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need
from duizhang.publish.versions import (
    CLOSED,
    STATES,
    PeriodState,
    Version,
    kept_manifests,
    manifest_path,
    manifest_text,
    note_refused,
    period_states,
    read_manifest,
    set_period_state,
    versions,
)

if TYPE_CHECKING:
    from duizhang.home.published import POINTER
    from duizhang.publish.iceberg import Exported, export_iceberg
    from duizhang.publish.objects import is_whole, version_differs, written_objects
    from duizhang.publish.pointer import object_path, rebuild_published, refresh_published
    from duizhang.publish.publication import CLOSED_REASON, CLOSING_TABLES, PeriodOutcome, publish
    from duizhang.publish.shown import published_differs
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "CLOSED", "CLOSED_REASON", "CLOSING_TABLES", "POINTER", "STATES", "Exported", "PeriodOutcome", "PeriodState", "Version",
    "export_iceberg", "is_whole", "kept_manifests", "manifest_path", "manifest_text", "note_refused", "object_path",
    "period_states", "publish", "published_differs", "read_manifest", "rebuild_published", "refresh_published", "set_period_state",
    "version_differs", "versions", "written_objects",
]

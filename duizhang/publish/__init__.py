"""Publication: immutable versions of periods, and the one pointer through which analysts see them."""

from duizhang.publish.pointer import object_path, rebuild_published
from duizhang.publish.publication import CLOSED_REASON, CLOSING_TABLES, PeriodOutcome, publish
from duizhang.publish.shown import published_differs
from duizhang.publish.versions import (
    CLOSED,
    STATES,
    PeriodState,
    Version,
    current_version,
    manifest_path,
    note_refused,
    period_states,
    read_manifest,
    set_period_state,
    versions,
)
from duizhang.published import POINTER

__all__ = [
    "CLOSED", "CLOSED_REASON", "CLOSING_TABLES", "POINTER", "STATES", "PeriodOutcome", "PeriodState", "Version",
    "current_version", "manifest_path", "note_refused", "object_path", "period_states", "publish", "published_differs", "read_manifest",
    "rebuild_published", "set_period_state", "versions",
]

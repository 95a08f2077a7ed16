"""Copies of a home elsewhere: taken while readers read, incremental by content, checked byte by byte when they are restored."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.backup.catalogue import Snapshot, damage_of, snapshots
    from duizhang.backup.recovering import Restored, restore
    from duizhang.backup.taking import Taken, back_up
else:
    __getattr__ = opened_by_need(__name__)

__all__ = ["Restored", "Snapshot", "Taken", "back_up", "damage_of", "restore", "snapshots"]

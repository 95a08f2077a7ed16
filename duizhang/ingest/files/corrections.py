"""Which cells of which contents people corrected: events of the log, of which the later takes the earlier back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from duizhang.declared.terms import EventKind
from duizhang.digest import mapping_digest
from duizhang.home.events import events
from duizhang.home.state import State
from duizhang.ingest.corrected import CellCorrection
from duizhang.ingest.files.file_records import FileRecord
from duizhang.ingest.opening import MEMBER

CELL_CORRECTED, CELL_RESTORED = EventKind.CELL_CORRECTED, EventKind.CELL_RESTORED
# the events that say how raw files are read, beside those that say which of them count
OF_CELLS = (CELL_CORRECTED, CELL_RESTORED)


def cell_corrections(state: State) -> list[CellCorrection]:
    """Every correction of a cell, in order; those that were taken back say by whom."""
    found = {}
    for event in events(state, CELL_CORRECTED):
        said = event["payload"]
        found[int(said["id"])] = CellCorrection(
            int(said["id"]), said["sha256"], said["member"], int(said["line"]), said["column"], said["was"], said["value"], said["file"],
            said["source"], event["actor"], said["reason"])
    for event in events(state, CELL_RESTORED):
        number = int(event["payload"]["id"])
        if number in found:
            found[number] = replace(found[number], taken_back=event["actor"])
    return list(found.values())


def by_content(corrections: Iterable[CellCorrection]) -> dict[str, tuple[CellCorrection, ...]]:
    """Those that hold, by the SHA-256 of their file."""
    found: dict[str, tuple[CellCorrection, ...]] = {}
    for one in corrections:
        if not one.taken_back:
            found[one.sha256] = (*found.get(one.sha256, ()), one)
    return found


def digest_of_corrections(corrections: Iterable[CellCorrection]) -> str:
    """What a reading with these corrections is known by; '' where there are none."""
    told = {one.name: mapping_digest(one.told()) for one in corrections}
    return mapping_digest(told) if told else ""


def corrections_of(record: FileRecord, by_sha256: Mapping[str, tuple[CellCorrection, ...]]) -> list[CellCorrection]:
    """The corrections of the cells of one bill."""
    return [one for one in by_sha256.get(record.sha256, ()) if one.member == member_of(record.path)]


def member_of(name: str) -> str:
    """Which of several bills of its file a record is about; '' where there is one."""
    return name.partition(MEMBER)[2]


def deciders_of_cells(state: State, period: dt.date) -> set[str]:
    """Who has corrected a cell that touches a period, or taken that back."""
    return {e["actor"] for kind in OF_CELLS for e in events(state, kind) if period.isoformat() in _days(e)}


def _days(event: Mapping[str, Any]) -> list[str]:
    return [str(day) for day in event["payload"].get("days", [])]

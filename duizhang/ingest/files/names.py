"""The name of record: under which name a content stands in the books when files are renamed or copied.

Rows name their file, so a new name would be another evidence for every day on which they are open. The name under which
a content first came therefore stays, and its time with it, for as long as the content means the same.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from duizhang.ingest.opening import MEMBER

if TYPE_CHECKING:
    from duizhang.ingest.files.file_records import FileRecord


@dataclass(frozen=True)
class Kept:
    """A content of the inbox: the name of record, the inbox file that has its bytes, and when it came (None: see file)."""

    name: str
    file: str
    modified: int | None = None


def name_of_record(
    names: Sequence[str], known: Sequence[FileRecord], *, is_gone: Callable[[str], bool], shop_of: Callable[[str], str]
) -> Kept:
    """Which of the inbox's `names` of one content stands for it. known: what was taken in of the same content before.

    A file that is still there keeps its name. One that is gone hands it on, unless the new place gives the content
    another meaning: another shop's folder, or another day where only the path says one. Else the first name counts.
    """
    of_record = {inbox_path(record.path): record for record in known}
    for name in names:
        if name in of_record:
            return Kept(name, name)
    for old, record in sorted(of_record.items()):
        for name in names:
            if is_gone(old) and shop_of(old) == shop_of(name) and (record.dates_itself or path_day(old) == path_day(name)):
                return Kept(old, name, record.modified)
    return Kept(names[0], names[0])


def inbox_path(name: str) -> str:
    """The file of the inbox that a record is about: a record of one of several bills is `file::member`."""
    return name.partition(MEMBER)[0]


def path_day(name: str) -> dt.date | None:
    """The day that a path names, for a file whose content says none."""
    for match in re.finditer(r"(20\d\d)-?([01]\d)-?([0-3]\d)", name):
        try:
            return dt.date(*(int(part) for part in match.groups()))
        except ValueError:
            continue
    return None

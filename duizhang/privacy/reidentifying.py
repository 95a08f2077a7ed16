"""The way back from pseudonyms to people, and sealed files in clear: whoever takes it says why, and the event log keeps who and when.

The event names the pseudonym or the file, never the person.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from duizhang.books import Books
from duizhang.close.authority import Key, actor
from duizhang.declared.terms import EventKind
from duizhang.errors import UserError
from duizhang.home.events import append_event
from duizhang.home.lock import acquire
from duizhang.home.state import State
from duizhang.ingest import records
from duizhang.ingest.archiving import archived_path, archived_whole
from duizhang.ingest.files import inbox_path
from duizhang.secrecy.pseudonym_key import pseudonym
from duizhang.secrecy.sealing import clear_blocks

REIDENTIFIED = EventKind.REIDENTIFIED
_SHA256 = re.compile(r"[0-9a-f]{64}")


def pseudonym_for(home: Path, state: State, books: Books, value: str, *, by: str, reason: str, key: Key | None = None) -> str:
    """The pseudonym under which the books know a name, account or other personal value as it stands in the files."""
    who = actor(home, state, by, "reidentify", key=key)
    if not value.strip():
        raise UserError("a person is needed, and what was given is none")
    found = pseudonym(books.key(), value)
    with acquire(home):
        append_event(state, actor=who.name, kind=REIDENTIFIED, sign=who.sign, payload={"pseudonym": found, "reason": reason})
    return found


def open_raw_file(home: Path, state: State, name: str, out: Path, *, by: str, reason: str, key: Key | None = None) -> str:
    """Write an archived raw file in clear, for its owner's eyes alone; its SHA-256. name: that, or the name under which it came.

    Put on record before it is written. Raises UserError where there is no such file, it is damaged, its key is not at hand, or `out`
    is there already.
    """
    who = actor(home, state, by, "reidentify", key=key)
    known = {r.sha256 for r in records(state) if r.sha256 and name in (r.sha256, r.path, inbox_path(r.path))}
    if _SHA256.fullmatch(name) and archived_path(home, name).is_file():
        known = {name}  # what a later file of its name has replaced is on no record of the inbox, and kept all the same
    if not known:
        raise UserError(f"the archive has no file {name!r}", advice="`duizhang retention list` names them.")
    if len(known) > 1:
        raise UserError(f"{len(known)} contents came as {name}", advice=f"Name one by its SHA-256: {', '.join(sorted(known))}.")
    [sha] = known
    if not archived_whole(home, sha):
        raise UserError(f"the archived file {sha} is missing or changed", advice="`duizhang verify` lists what is.")
    if out.exists():
        raise UserError(f"{out} is there already", advice="Give the name of a new file.")
    with acquire(home):
        append_event(state, actor=who.name, kind=REIDENTIFIED, sign=who.sign, payload={"file": sha, "reason": reason})
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
        copy.writelines(clear_blocks(archived_path(home, sha)))
    return sha

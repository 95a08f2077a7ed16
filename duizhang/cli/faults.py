"""What went wrong outside of duizhang, in one message: a full disk, a missing right, a busy database, text that is no text.

Errors of libraries are known by their class and their words, so that no library is loaded to tell a mistake.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from duizhang.errors import DuizhangError

_AGAIN = "The same command again goes on from here; what is published stands."
_DAMAGED = "`duizhang verify` says what is damaged; restore that from a backup."
_OS = {
    errno.ENOSPC: ("the disk is full", f"Make room. {_AGAIN}"),
    errno.EDQUOT: ("the quota of the disk is used up", f"Make room. {_AGAIN}"),
    errno.EFBIG: ("the file would be too large for this disk", f"Make room. {_AGAIN}"),
    errno.EACCES: ("no permission", "Run as the user whom the files belong to, or give the right."),
    errno.EPERM: ("not permitted", "Run as the user whom the files belong to, or give the right."),
    errno.EROFS: ("the disk is read-only", "Give a folder that can be written to."),
    errno.ENOENT: ("no such file or folder", ""),
    errno.ENOTDIR: ("not a folder", ""),
    errno.EISDIR: ("a folder, and a file is needed", ""),
    errno.ENAMETOOLONG: ("the name is too long", "Shorten it."),
    errno.EMFILE: ("too many open files", f"Raise `ulimit -n`. {_AGAIN}"),
    errno.ENFILE: ("too many open files on this machine", _AGAIN),
    errno.EIO: ("the disk cannot be read or written", f"Look at the disk. {_AGAIN}"),
    errno.ENOMEM: ("not enough memory", _AGAIN),
    errno.ETIMEDOUT: ("no answer", _AGAIN),
    errno.ECONNREFUSED: ("the connection was refused", _AGAIN),
}
# words of a database -> message, advice; the first that fits
_DATABASE = (
    ("database is locked", "the state database is busy", _AGAIN),
    ("could not set lock on file", "a database file is in use by another process", "Close it there. " + _AGAIN),
    ("no space left", "the disk is full", f"Make room. {_AGAIN}"),
    ("is full", "the disk is full", f"Make room. {_AGAIN}"),
    ("readonly", "the state database cannot be written to", "Give the right to write to it, or another home."),
    ("unable to open database file", "the state database cannot be opened", "Look at the home: is it there, may you write to it?"),
    ("not a database", "the state database is damaged", _DAMAGED),
    ("malformed", "the state database is damaged", _DAMAGED),
    ("disk i/o error", "the disk cannot be read or written", f"Look at the disk. {_AGAIN}"),
    ("connection", "the state database does not answer", f"Look at DUIZHANG_STATE_URL and the server. {_AGAIN}"),
    ("out of memory", "not enough memory", _AGAIN),
)


def told(error: BaseException) -> tuple[str, str] | None:
    """Message and advice for an error that is no defect; None for any other."""
    for cause in _causes(error):
        found = _one(cause)
        if found:
            return found
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from; an orchestrator wraps the engine's own."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        wrapped = getattr(error, "user_exception", None)
        error = wrapped if isinstance(wrapped, BaseException) else error.__cause__


def _one(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, DuizhangError):
        return str(error), str(getattr(error, "advice", ""))
    if isinstance(error, UnicodeError):
        return f"a name or text is not UTF-8: {_first_line(error)}", "Rename the file, or set LANG to a UTF-8 locale."
    if isinstance(error, MemoryError):
        return "not enough memory", _AGAIN
    if isinstance(error, OSError):
        message, advice = _OS.get(error.errno or 0, (error.strerror or _first_line(error), ""))
        name = error.filename if error.filename is not None else ""
        place = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
        return (f"{message}: {place}" if place else message), advice
    top, name = type(error).__module__.partition(".")[0], type(error).__name__
    if top == "sqlalchemy" and name == "IntegrityError":
        return "another command wrote to the state database at the same time", "Nothing of this one was kept: run it again."
    if (top == "sqlalchemy" and name in ("OperationalError", "DatabaseError", "InterfaceError")) or (
        top in ("duckdb", "_duckdb") and name in ("IOException", "OutOfMemoryException", "ConnectionException")
    ) or (top == "sqlite3" and name in ("OperationalError", "DatabaseError")):
        words = str(getattr(error, "orig", None) or error)
        for part, message, advice in _DATABASE:
            if part in words.casefold():
                return f"{message} ({_first_line(words)})", advice
        return (f"a database: {_first_line(words)}", _AGAIN) if top != "sqlalchemy" or name != "DatabaseError" else None
    return None


def _first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__

"""What is in a folder of raw files: every regular file under a name that can be stored, and why each other entry is left out.

Names are bytes on disk. A name that is not UTF-8 is shown as GBK where it is that (as Chinese systems write it in ZIPs and
on old disks), else byte by byte; what would move a cursor or turn the direction of text is shown as its code.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MEMBER = "::"  # between the name of a file and that of a bill in it, where it holds several
_HIDDEN = (".", "~$")  # the system's own, and what an office program keeps beside a document that is open
_UNSEEN = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KINDS = (
    (stat.S_ISLNK, "a symbolic link, which is not followed", "Copy the file itself into the inbox."),
    (stat.S_ISFIFO, "a named pipe and no file", "Write a file instead."),
    (stat.S_ISSOCK, "a socket and no file", "Take it away."),
    (stat.S_ISBLK, "a device and no file", "Take it away."),
    (stat.S_ISCHR, "a device and no file", "Take it away."),
)


@dataclass
class Inbox:
    """What an inbox holds: local path by name; why names were refused; how many hidden files were left out."""

    files: dict[str, Path]
    refused: dict[str, str] = field(default_factory=dict)
    hidden: int = 0


def walk(folder: Path) -> Inbox:
    """The files below a folder by their shown names, in order. Nothing is opened, no link is followed."""
    found = Inbox({})
    # plain names come first and keep theirs; another name that looks the same is numbered
    entries = sorted(_entries(folder, (), found), key=lambda e: (e[0] != e[1], os.fsencode(e[0])))
    for _, shown, path in entries:
        name, again = shown, 2
        while name in found.files or name in found.refused:
            name, again = f"{shown} ({again})", again + 1
        problem = _kind(path)
        if problem:
            found.refused[name] = problem
        else:
            found.files[name] = path
    found.files = dict(sorted(found.files.items()))
    return found


def shown_name(name: str) -> str:
    """A path below a folder, as the system gives it, as text that can be stored, shown and told from `file::member`."""
    parts = [_decoded(os.fsencode(part)) for part in name.split("/")]
    return "/".join(_visible(part) for part in parts).replace(MEMBER, ":\\x3a")


def _entries(folder: Path, above: tuple[str, ...], found: Inbox) -> Iterator[tuple[str, str, Path]]:
    """(name, shown name, path) of everything below that is no folder and not hidden."""
    try:
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        name = shown_name("/".join(above)) or "the inbox"
        found.refused[f"{name}/"] = f"the folder {name} cannot be read: {error.strerror} (Let this account read it.)"
        return
    for entry in entries:
        parts = (*above, entry.name)
        if entry.name.startswith(_HIDDEN):
            found.hidden += 1
        elif entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path), parts, found)
        else:
            name = "/".join(parts)
            yield name, shown_name(name), Path(entry.path)


def _kind(path: Path) -> str:
    """Why an entry is no file to read; '' where it is one."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return f"{error.strerror} (Run again.)"
    for is_kind, what, advice in _KINDS:
        if is_kind(mode):
            return f"it is {what} ({advice})"
    return ""


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "backslashreplace")


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        ch.encode("unicode_escape").decode() if ch in _TURNING or unicodedata.category(ch) in _UNSEEN else ch for ch in text
    )

"""QIF (Quicken) of one account as the table that it is: a row each record, at its first line; every other line is blank.

It names neither its currency nor, most often, its account; so do many banks' tables. Dates such as 3/ 5'26 lose their blanks and the
apostrophe; which number is the month is asked of them as of any other.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence

_KINDS = re.compile(r"(?i)!type:\s*(?:bank|ccard|cash|oth ?[al])\s*$")
_MOST = 1 << 26  # bytes
HEADER = ("Date", "Amount", "Description")


def is_qif(head: bytes) -> bool:
    """Whether a document begins as QIF of one account."""
    first = next((line for line in _text(head[:4096]).splitlines() if line.strip()), "")
    return _KINDS.match(first.strip()) is not None


def as_table(body: bytes) -> bytes | None:
    """The same as delimited text; None where it has other lists or several accounts."""
    lines = _text(body).splitlines()
    started = [n for n, line in enumerate(lines) if line.strip()][:1]
    if len(body) > _MOST or any(line.startswith("!") for n, line in enumerate(lines) if n not in started):
        return None
    rows = {started[0]: list(HEADER)} if started else {}
    record: dict[str, str] = {}
    begun = 0
    for number, line in enumerate(lines):
        if line.startswith("!") or not line.strip():
            continue
        if line.startswith("^"):
            rows |= {begun: _row(record)} if record else {}
            record = {}
            continue
        begun = begun if record else number
        record.setdefault(line[0], line[1:].strip())  # later lines of one letter are parts of it
    rows |= {begun: _row(record)} if record else {}
    return "\n".join(written(rows[n]) if n in rows else "" for n in range(len(lines))).encode("latin-1") + b"\n"


def _text(body: bytes) -> str:
    return body.removeprefix(b"\xef\xbb\xbf").decode("latin-1")  # byte for byte


def _row(record: Mapping[str, str]) -> list[str]:
    day = re.sub(r"\s", "", record.get("D", ""))
    day = re.sub(r"'(\d\d)$", r"/20\1", day).replace("'", "/")
    words = " ".join(filter(None, (record.get(letter, "") for letter in "PMN")))
    return [day, record.get("T", record.get("U", "")), words or "-"]


def written(cells: Sequence[str]) -> str:
    """A line of delimited text with these cells."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()

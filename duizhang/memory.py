"""How much memory a run may take: said in books.yaml or on the command line, held by the database, told where it does not suffice."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from duizhang.errors import UserError

PATTERN = r"^(\d+(\.\d+)?(MB|GB))?$"
_UNITS = {"MB": 1 << 20, "GB": 1 << 30}
# what Python, the libraries and the rows on their way to a file take besides the database
_BESIDE = 512 << 20
_LEAST = 1 << 30
_DEFAULT = 2 << 30
_LIMIT = Path("/sys/fs/cgroup/memory.max")


def parsed(text: str) -> int:
    """Bytes of `2GB` or `1500MB`; of '' 2 GB, or what there is. Raises UserError for anything else, for less than a run needs and for
    more than the machine has."""
    if not text:
        return max(min(_DEFAULT, machine()), _LEAST)
    if not re.match(PATTERN, text):
        raise UserError(f"memory {text!r} is no size", advice="Such as 2GB or 1500MB.")
    size = int(float(text[:-2]) * _UNITS[text[-2:]])
    there = machine()
    if size < _LEAST:
        raise UserError(f"memory {text} is too little: a run takes at least {_LEAST >> 30}GB, of any size")
    if size > there:
        raise UserError(
            f"memory {text} is more than the {there >> 20}MB that this machine has",
            advice="Give less: what does not fit waits on the disk.",
        )
    return size


def machine() -> int:
    """Bytes of memory that the machine, or the container that this runs in, has."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(pages, int(_LIMIT.read_text(encoding="ascii")))
    except (OSError, ValueError):  # none, or `max`
        return pages


def of_database(size: int) -> str:
    """What the database may take of it, as DuckDB writes it."""
    return f"{(size - _BESIDE) >> 20}MiB"


@contextmanager
def told_when_short(what: str, size: int) -> Iterator[None]:
    """Turn what DuckDB says where even spilling does not help into one message. what: was being done; size: of all memory, in bytes."""
    import duckdb  # not for commands that only read books.yaml

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise UserError(
            f"{what} does not fit into {size >> 20}MB of memory, of which the database has {(size - _BESIDE) >> 20}MB: "
            f"{str(error).strip().splitlines()[0]}",
            advice="Give more: `memory: 4GB` in books.yaml, or `duizhang run --memory 4GB`. What was published before stands.",
        ) from error

"""One run, or one decision of a person, at a time for a home, across processes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from duizhang.errors import Retryable
from duizhang.home.state import make_home

log = logging.getLogger(__name__)


def home_lock(home: Path) -> FileLock:
    """The lock of a home: re-entrant within a process, and free again as soon as the process that held it is gone."""
    make_home(home)
    return FileLock(home.resolve() / ".run.lock", is_singleton=True, thread_local=False)


@contextmanager
def acquire(home: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a home. Without `wait`, Retryable where somebody else has it."""
    lock = home_lock(home)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        if not wait:
            raise Retryable(f"another run is using {home}") from error
        log.warning("another run is using %s: waiting for it to end", home)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()

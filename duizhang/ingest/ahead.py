"""Reading many files at once: one process a processor, as most of the work on small files holds Python's lock.

Each file is read by itself into a place of its own, so what comes of it does not depend on who reads it, or when.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from duizhang.errors import Retryable

# fewer are read sooner than processes have started
ENOUGH = 200
# what every task shares goes to a process once
_shared: list[Any] = []


def each(
    work: Callable[..., None], tasks: Sequence[tuple[Any, ...]], shared: Any, *, processes: int | None = None
) -> Iterator[None]:
    """Call work(*task, shared) for every task, in any order; gives a None for each one that is done.

    The first error is raised here, and what has not begun then never does. Retryable where a process was ended from outside.
    """
    count = processes or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    # a process that is a daemon itself may have no others
    if count < 2 or len(tasks) < ENOUGH or multiprocessing.current_process().daemon:
        for task in tasks:
            work(*task, shared)
            yield None
        return
    # a fresh process each: a copy of this one would have its locks, but not the threads that free them
    pool = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(shared,)
    )
    try:
        waiting = [pool.submit(_do, work, task) for task in tasks]
        for done in as_completed(waiting):
            done.result()
            yield None
    except BrokenProcessPool as error:
        raise Retryable("a process that read files was ended from outside, perhaps for want of memory") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(shared: Any) -> None:
    """Set up a process: what is shared; Ctrl-C is for the parent to act on; where the parent is gone, so is this."""
    _shared[:] = [shared]
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(work: Callable[..., None], task: tuple[Any, ...]) -> None:
    work(*task, _shared[0])

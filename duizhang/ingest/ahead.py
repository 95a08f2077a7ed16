"""Reading many files at once: one process a processor, as most of the work on small files holds Python's lock.

Each file is read by itself into a place of its own, so what comes of it does not depend on who reads it, or when. The
processes are plain ones that are told what to do through a pipe: they need nothing of the program that started
them (`multiprocessing` would import its main module again), and end when the pipe does, so also when that program is killed.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from duizhang.errors import Retryable

# fewer are read sooner than processes have started
ENOUGH = 200


def each(
    work: Callable[..., None], tasks: Sequence[tuple[Any, ...]], shared: Any, *, processes: int | None = None
) -> Iterator[None]:
    """Call work(*task, shared) for every task, in any order; gives a None for each one that is done.

    work: a function of a module. The first error is raised here, and what has not begun then never does. Retryable where a
    process was ended from outside.
    """
    count = processes or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if count < 2 or len(tasks) < ENOUGH:
        for task in tasks:
            work(*task, shared)
            yield None
        return
    waiting: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    readers = [_start() for _ in range(count)]
    drivers = [threading.Thread(target=_drive, args=(reader, work, shared, waiting, done)) for reader in readers]
    for driver in drivers:
        driver.start()
    try:
        for _ in tasks:
            error = done.get()
            if error is not None:
                raise error
            yield None
    finally:
        # also where the caller was interrupted: what a file has given by then is not looked at
        for reader in readers:
            reader.kill()
        for driver in drivers:
            driver.join()
        for reader in readers:
            with reader:
                pass


def _start() -> subprocess.Popen[bytes]:
    """A process that serves; Ctrl-C is for this one to act on, so it is not in its group."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", "from duizhang.ingest.ahead import serve; serve()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True,
    )


def _drive(
    reader: subprocess.Popen[bytes], work: Callable[..., None], shared: Any, waiting: queue.SimpleQueue[tuple[Any, ...]],
    done: queue.SimpleQueue[BaseException | None],
) -> None:
    """Give a process one task after the other."""
    assert reader.stdin and reader.stdout  # noqa: S101 - both are pipes
    try:
        pickle.dump((work, shared), reader.stdin)
        while True:
            pickle.dump(waiting.get_nowait(), reader.stdin)
            reader.stdin.flush()
            done.put(pickle.load(reader.stdout))  # noqa: S301 - of our own process
    except queue.Empty:
        return
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        lost = Retryable("a process that read files was ended from outside, perhaps for want of memory")
        lost.__cause__ = error
        done.put(lost)


def serve() -> None:
    """What a process does: every task that comes in, and says of each that it is done or what went wrong."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may speak on the pipe
    tasks = sys.stdin.buffer
    work, shared = pickle.load(tasks)  # noqa: S301 - of the process that started this one
    while True:
        try:
            task = pickle.load(tasks)  # noqa: S301
        except EOFError:
            os._exit(0)
        try:
            work(*task, shared)
            answer = pickle.dumps(None)
        except Exception as error:
            answer = _pickled(error)
        answers.write(answer)
        answers.flush()


def _pickled(error: Exception) -> bytes:
    """An error that arrives as it is; one that cannot be taken apart arrives as its text."""
    try:
        pickle.loads(found := pickle.dumps(error))  # noqa: S301
        return found
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))

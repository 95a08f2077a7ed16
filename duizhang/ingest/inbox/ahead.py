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
from contextlib import suppress
from pathlib import Path
from typing import Any

# fewer are read sooner than processes have started
ENOUGH = 200
ROOM = 4 << 30  # addresses that libraries reserve and never use


def each(
    work: Callable[..., None], tasks: Sequence[tuple[Any, ...]], shared: Any, *, processes: int | None = None,
    apart: Callable[[tuple[Any, ...]], bool] = lambda _: False,
) -> Iterator[tuple[Any, ...] | None]:
    """Call work(*task, shared) for every task, in any order; gives a None for each one that is done.

    work: a function of a module. The first error is raised here, and what has not begun then never does. apart: tasks that
    may end the process in which they are done, so it is another one. A task that ended two processes is given back itself.
    """
    count = processes or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if count < 2 or len(tasks) < ENOUGH:
        dangerous = [task for task in tasks if apart(task)]
        for task in tasks:
            if task not in dangerous:
                work(*task, shared)
                yield None
        tasks, count = dangerous, 1
    if not tasks:
        return
    waiting: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    done: queue.SimpleQueue[BaseException | tuple[Any, ...] | None] = queue.SimpleQueue()
    drivers = [_Driver(work, shared, waiting, done) for _ in range(count)]
    for driver in drivers:
        driver.start()
    try:
        for _ in tasks:
            answer = done.get()
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        # also where the caller was interrupted: what a file has given by then is not looked at
        for driver in drivers:
            driver.stop()
        for driver in drivers:
            driver.join()


class _Driver(threading.Thread):
    """Gives a process one task after the other, and another process what the first one ended on."""

    def __init__(
        self, work: Callable[..., None], shared: Any, waiting: queue.SimpleQueue[tuple[Any, ...]],
        done: queue.SimpleQueue[BaseException | tuple[Any, ...] | None],
    ) -> None:
        super().__init__()
        self.work, self.shared, self.waiting, self.done = work, shared, waiting, done
        self.lock = threading.Lock()
        self.stopped = False
        self.reader: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        try:
            while True:
                task = self.waiting.get_nowait()
                answer = self._asked(task) or self._asked(task)
                self.done.put(answer[0] if answer else task)
        except queue.Empty:
            return
        finally:
            self._end()

    def stop(self) -> None:
        with self.lock:
            self.stopped = True
            if self.reader is not None:
                self.reader.kill()

    def _asked(self, task: tuple[Any, ...]) -> tuple[BaseException | None] | None:
        """What a process says of a task; None where it ended instead."""
        try:
            reader = self._reader()
            assert reader.stdin and reader.stdout  # noqa: S101 - both are pipes
            pickle.dump(task, reader.stdin)
            reader.stdin.flush()
            return (pickle.load(reader.stdout),)  # noqa: S301 - of our own process
        except (OSError, EOFError, pickle.UnpicklingError):
            self._end()
            return None

    def _reader(self) -> subprocess.Popen[bytes]:
        with self.lock:
            if self.stopped:
                raise EOFError
            if self.reader is None:
                self.reader = _start()
                assert self.reader.stdin  # noqa: S101 - a pipe
                pickle.dump((self.work, self.shared), self.reader.stdin)
            return self.reader

    def _end(self) -> None:
        with self.lock:
            reader, self.reader = self.reader, None
        if reader is not None:
            reader.kill()
            for pipe in (reader.stdin, reader.stdout):
                if pipe:
                    with suppress(OSError):
                        pipe.close()
            reader.wait()


def _start() -> subprocess.Popen[bytes]:
    """A process that serves; Ctrl-C is for this one to act on, so it is not in its group."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", "from duizhang.ingest.inbox.ahead import serve; serve()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, start_new_session=True,
    )


def _bound() -> None:
    """No file may ask for more than the machine has, and what ends on one leaves no image of its memory, which holds rows."""
    try:
        import resource
    except ImportError:
        return
    limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") + ROOM
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve() -> None:
    """What a process does: every task that comes in, and says of each that it is done or what went wrong."""
    _bound()
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

"""A command in a process of its own, which may be killed before any of its steps.

The process is forked from this one, which has the libraries loaded and no database open, so that hundreds of kills take minutes.
A step is an SQL statement or commit of the state database, or a file below the home that is opened for writing, renamed,
removed, made or given other rights.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas  # noqa: F401 - DuckDB and PyArrow load it at their first need; here it is loaded once, before the forks
import sqlalchemy as sa
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite
import tenacity  # noqa: F401

from duizhang import cli
from duizhang.errors import DuizhangError

STEPS = ("os.rename", "os.remove", "os.chmod", "os.mkdir", "os.link", "os.truncate")
T = TypeVar("T")
R = TypeVar("R")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True)
class Ended:
    """How a command ended. code: its exit code, negative for a signal. steps: how many it had, 0 where it was killed."""

    code: int
    said: str
    steps: int

    @property
    def is_told(self) -> bool:
        """Whether whatever went wrong is a message, and neither a traceback nor a defect."""
        return self.code in (0, 1, 2) and not any(word in self.said for word in ("Traceback", "unexpected:", "This is a defect"))


def apart(work: Callable[..., object], *arguments: object) -> int:
    """Run in a process of its own; its exit code, negative for a signal."""
    process = multiprocessing.get_context("fork").Process(target=quietly, args=(work, *arguments))
    process.start()
    process.join()
    return process.exitcode or 0


def quietly(work: Callable[..., object], *arguments: object) -> None:
    """Do it and end the process: 0 done, 1 an error of the engine's own, 3 any other."""
    code = 3
    try:
        work(*arguments)
        code = 0
    except DuizhangError as error:
        sys.stderr.write(f"{error}\n")
        code = 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def side_by_side(work: Callable[[Path, Sequence[T]], R], cases: Sequence[T], folder: Path) -> list[R]:
    """Share cases among as many processes as there are processors, each with a folder of its own; what each of them found."""
    gc.freeze()  # what is loaded stays shared
    number = min(os.cpu_count() or 1, len(cases))
    places = [folder / f"side-{n}" for n in range(number)]
    context = multiprocessing.get_context("fork")
    found = [context.Process(target=quietly, args=(_answer, work, place, cases[n::number])) for n, place in enumerate(places)]
    for place, process in zip(places, found, strict=True):
        place.mkdir()
        process.start()
    for process in found:
        process.join()
    if any(process.exitcode for process in found):
        raise SystemExit(f"trials ended with {[process.exitcode for process in found]}")
    answers = [pickle.loads((place / "answer").read_bytes()) for place in places]
    for place in places:
        shutil.rmtree(place)
    return answers


def _answer(work: Callable[[Path, Sequence[T]], R], folder: Path, cases: Sequence[T]) -> None:
    (folder / "answer").write_bytes(pickle.dumps(work(folder, cases)))


def duizhang(
    folder: Path, home: Path, *arguments: object, kill: int = 0, seconds: float = 0, url: str = "", homeless: bool = False
) -> Ended:
    """A command on a home, killed before the given step or after so many seconds (0: never). folder: for what it says.

    url: of its state database. homeless: the command knows no home.
    """
    said, steps = folder / f"said-{home.name}", folder / f"steps-{home.name}"
    steps.unlink(missing_ok=True)
    words = [*map(str, arguments), *([] if homeless else ["--home", str(home)])]
    code = apart(_command, home, words, said, steps, kill, seconds, url)
    text = said.read_text(encoding="utf-8", errors="replace") if said.exists() else ""
    return Ended(code, text, int(steps.read_text()) if steps.exists() else 0)


def _command(home: Path, arguments: list[str], said: Path, steps: Path, kill: int, seconds: float, url: str) -> None:
    with said.open("wb") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    mine = os.getpid()
    if seconds and os.fork() == 0:
        time.sleep(seconds)
        if os.getppid() == mine:
            os.kill(mine, signal.SIGKILL)
        os._exit(0)
    if url:
        os.environ["DUIZHANG_STATE_URL"] = url
    sys.argv = ["duizhang", *arguments]
    seen, inside = 0, f"{home.resolve()}/"

    def step(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == kill:
            os.kill(os.getpid(), signal.SIGKILL)

    def look(event: str, about: tuple[object, ...]) -> None:
        if event in STEPS or (event == "open" and len(about) > 2 and isinstance(about[2], int) and about[2] & _WRITES):
            name = about[0]
            if isinstance(name, str | os.PathLike) and os.fspath(name).startswith(inside):
                step()

    sa.event.listen(sa.Engine, "before_cursor_execute", step)
    sa.event.listen(sa.Engine, "commit", step)
    sys.addaudithook(look)
    code = cli._status()
    sys.stdout.flush()
    sys.stderr.flush()
    steps.write_text(str(seen))
    os._exit(code)


def spread(steps: int, most: int) -> list[int]:
    """At most so many of the steps, from the first to the last."""
    if most >= steps:
        return list(range(1, steps + 1))
    return sorted({1 + (steps - 1) * n // max(most - 1, 1) for n in range(most)})


def copied(home: Path, to: Path) -> Path:
    """A copy of a home in the place of whatever is there."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(home, to, symlinks=True)
    return to

"""Whole runs over raw files: killed, without room, over damage, and over an inbox of hostile files."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import alembic.command  # noqa: F401 - loaded once, before the forks
import great_expectations  # noqa: F401
import polars  # noqa: F401

from duizhang.home.published import open_published
from duizhang.runner import load_runner
from trials.process import Ended, apart, copied, duizhang, side_by_side, spread

load_runner()  # Dagster and the whole engine, for the same reason

START, LAST = "2026-03-01", "2026-03-02"
ORDERS = 20
Digests = list[tuple[str, int, str]]


def simulate(folder: Path) -> Path:
    """Two days of raw files; their books.yaml."""
    out = folder / "raw"
    ended = duizhang(folder, folder / "none", "simulate", "--out", out, "--start", START, "--days", 2, "--orders-per-day", ORDERS,
                     "--seed", 7, homeless=True)
    assert ended.code == 0, ended
    return out / "books.yaml"


def run(books: Path, home: Path, *more: object, last: str = LAST, kill: int = 0, seconds: float = 0) -> Ended:
    """`duizhang run` over the days up to the last, killed at a step or after so many seconds."""
    return duizhang(home.parent, home, "run", "--quiet", "--books", books, "--from", START, "--to", last, *more, kill=kill,
                    seconds=seconds)


def digests(home: Path, folder: Path) -> str:
    """Day, version and digest of what readers see, in a process of its own; '' where they cannot read."""
    found = folder / f"digests-{home.name}"
    found.unlink(missing_ok=True)
    apart(_digests, home, found)
    return found.read_text() if found.exists() else ""


def _digests(home: Path, to: Path) -> None:
    with open_published(home) as con:
        rows = con.execute("select period, state, digest from period_status where version > 0 order by period").fetchall()
    to.write_text("\n".join(" ".join(map(str, row)) for row in rows))


def kills(folder: Path, books: Path, wanted: str, steps: int, seconds: float, number: int, seed: int) -> tuple[list[str], int]:
    """A run killed before so many of its steps, and as often at any moment; the same command completes it."""
    chance = random.Random(seed)
    # threads make a run some steps longer or shorter from time to time
    at = [(step, 0.0) for step in spread(steps * 97 // 100, number)] + [(0, chance.uniform(0.05, 0.95) * seconds) for _ in range(number)]
    found = side_by_side(functools.partial(_killed, books, wanted, steps), at, folder)
    return [problem for side in found for problem in side], len(at)


def _killed(books: Path, wanted: str, steps: int, folder: Path, at: Sequence[tuple[int, float]]) -> list[str]:
    wrong = []
    for step, moment in at:
        home = folder / "killed"
        shutil.rmtree(home, ignore_errors=True)
        place = f"step {step} of {steps}" if step else f"after {moment:.1f} s"
        ended = run(books, home, kill=step, seconds=moment)
        if ended.code != -signal.SIGKILL and (step or ended.code):
            wrong.append(f"{place}: ended with {ended.code}, not by the kill: {ended.said}")
        again = run(books, home)
        if again.code:
            wrong.append(f"{place}: the same command again ended with {again.code}: {again.said}")
        elif digests(home, folder) != wanted:
            wrong.append(f"{place}: not the digests of an undisturbed run")
        elif (proof := duizhang(folder, home, "verify")).code:
            wrong.append(f"{place}: verify finds something: {proof.said}")
    return wrong


@contextlib.contextmanager
def little_room(home: Path, folder: Path, free: int) -> Iterator[tuple[Path, Path]]:
    """A copy of a home in a tmpfs with so many kB left, and the file that takes the room up. Needs the right to mount."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=True, capture_output=True)
    try:
        copied(home, folder / "home")
        room = os.statvfs(folder)
        with (folder / "fill").open("wb") as filler:
            filler.write(b"x" * (room.f_bavail * room.f_bsize - free * 1024))
        yield folder / "home", folder / "fill"
    finally:
        subprocess.run(["umount", folder], check=True)


def full_disks(folder: Path, books: Path, wanted: str, sizes: list[int]) -> tuple[list[str], int]:
    """A run that has one day to add, with so many kB left; what was wrong, and how often there was no room."""
    before = folder / "one-day"
    ended = run(books, before, last=START)
    assert ended.code == 0, ended
    shown = digests(before, folder)
    found = side_by_side(functools.partial(_without_room, books, before, (shown, wanted)), sizes, folder)
    return [problem for wrong, _ in found for problem in wrong], sum(told for _, told in found)


def _without_room(
    books: Path, before: Path, wanted: tuple[str, str], folder: Path, sizes: Sequence[int]
) -> tuple[list[str], int]:
    wrong, told = [], 0
    for size in sizes:
        with little_room(before, folder / f"full-{size}", size) as (home, fill):
            # what the commands say stands elsewhere
            ended = duizhang(folder, home, "run", "--quiet", "--books", books, "--from", START, "--to", LAST)
            told += ended.code == 1
            if ended.code not in (0, 1) or not ended.is_told:
                wrong.append(f"{size} kB: ended with {ended.code}: {ended.said}")
            if ended.code == 1 and len([line for line in ended.said.splitlines() if line.startswith("error: ")]) != 1:
                wrong.append(f"{size} kB: not one message: {ended.said}")
            if digests(home, folder) not in wanted:
                wrong.append(f"{size} kB: readers see neither the old nor the new")
            fill.unlink()
            again = duizhang(folder, home, "run", "--quiet", "--books", books, "--from", START, "--to", LAST)
            if again.code or digests(home, folder) != wanted[1]:
                wrong.append(f"{size} kB: with room again the same command ended with {again.code}: {again.said}")
    return wrong, told

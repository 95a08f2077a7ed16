"""A run that ends before its time, by Ctrl-C or by a kill, leaves a home that the next run completes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.test_end_to_end import START, duizhang, query, run
from tests.pipelines.test_restate import VERSIONS, bill, day, same_rows, stale

pytestmark = pytest.mark.usefixtures("unchecked")


def stopped(raw: Path, home: Path, at: str, by: signal.Signals) -> tuple[int, str]:
    """Start a run, end it when it says that it is at a stage; its exit code and what it said."""
    command = [sys.executable, "-m", "duizhang", "run", "--books", str(raw / "books.yaml"),
               "--home", str(home), "--from", str(START), "--to", str(day(2))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        said = []
        for line in process.stdout:
            said.append(line)
            if line.strip().startswith(at):
                process.send_signal(by)
        process.wait()
    return process.returncode, "".join(said)


@pytest.mark.slow  # kills at single steps: tests/publish and `make reliability`
def test_a_run_that_was_ended_is_completed_by_the_next(little: Path, done: Path, tmp_path: Path) -> None:
    mine = tmp_path / "home"
    ways = (("publishing", signal.SIGINT, 130), ("reconciling", signal.SIGKILL, -signal.SIGKILL))
    for at, by, expected in ways:
        code, said = stopped(little, mine, at, by)
        assert code == expected, said
        assert "Traceback" not in said
    run(little, mine, day(2), day(2))  # a range that begins later takes in the days that were never finished
    same_rows(mine, done)
    assert stale(little, mine) == {}


@pytest.mark.slow
def test_what_was_begun_is_not_taken_for_current(little: Path, done: Path, tmp_path: Path) -> None:
    """The file that a killed run had begun to take in is gone again: the tables it left must not be gone on from."""
    shutil.copytree(little, tmp_path / "raw")
    shutil.copytree(done, tmp_path / "home")
    raw, mine = tmp_path / "raw", tmp_path / "home"
    orders = bill(raw, 2, "books_orders")
    whole = orders.read_bytes()
    orders.write_bytes(b"".join(whole.splitlines(keepends=True)[:-3]))
    stopped(raw, mine, "gate", signal.SIGKILL)
    orders.write_bytes(whole)
    assert stale(raw, mine)[day(2).isoformat()] == ["a run ended while it computed this day"]
    before = query(mine, VERSIONS)
    duizhang("run", "--quiet", "--books", raw / "books.yaml", "--home", mine, "--from", START, "--to", day(2))
    assert query(mine, VERSIONS) == before
    same_rows(mine, done)

"""A sample of what `make reliability` does to every command by which people decide: a real kill, then the same command again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
TRIAL = """
import sys
from pathlib import Path
from trials.deciding import kills
wrong, commands, tried = kills(Path(sys.argv[1]), 2, ["close", "source withdraw"])
assert (wrong, commands, tried) == ([], 2, 4), (wrong, commands, tried)
"""


@pytest.mark.slow
def test_a_killed_command_leaves_nothing_wrong_and_completes_when_repeated(tmp_path: Path) -> None:
    # a process of its own: only one that has opened no database may be forked
    done = subprocess.run(
        [sys.executable, "-c", TRIAL, str(tmp_path / "trial")], cwd=BENCHMARKS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

"""What each command costs to start: processor seconds until a mistake is told, and until a small answer is given.

    python benchmarks/commands.py [--runs 3]

A mistake is a file, folder or option that is not there; it has 0.3 processor seconds. A small answer is the example that
`--help` shows, over two days of 20 orders; those that only read have 0.7. What computes (run, replay, simulate, score) has no bar here.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from duizhang.cli.examples import EXAMPLES

MISTAKE, ANSWER = 0.3, 0.7
COMPUTES = ("simulate", "run", "replay", "score", "plan")
# what an example needs that no example before it has made
LEFT_OUT = ("diff", "close", "reopen", "explain")


def seconds(words: list[str], folder: Path, runs: int) -> tuple[float, int]:
    """The least processor time of several runs, and the exit code."""
    best, code = float("inf"), 0
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        code = subprocess.run([sys.executable, "-m", "duizhang", *words], cwd=folder, capture_output=True, env=os.environ).returncode
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best, code


def mistake(example: str) -> list[str]:
    """The example with everything that it names not being there."""
    files = (".yaml", ".csv", ".xlsx", ".parquet")
    given = shlex.split(example)
    made = {given[n + 1] for n, word in enumerate(given) if word == "--out"}
    words = [f"nope-{Path(word).name}" if word.endswith(files) and word not in made else word for word in given]
    return words if any(word.startswith("nope-") for word in words) else [*words, "--nonsense"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    print(f"{'command':20}{'mistake':>9}{'answer':>9}   processor seconds")
    late = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "left.csv").write_text("order_id,price,freight\na,1,2\n", encoding="utf-8")
        (folder / "right.csv").write_text("order_id,paid\na,3\n", encoding="utf-8")
        for name, example in EXAMPLES.items():
            wrong, _ = seconds(mistake(example), folder, runs)
            once = name in COMPUTES or name == "source new"
            answer, code = seconds(shlex.split(example), folder, 1 if once else runs) if name not in LEFT_OUT else (float("nan"), 0)
            told = "" if code == 0 else f"   exit code {code}"
            print(f"{name:20}{wrong:9.2f}{answer:9.2f}{told}")
            if wrong > MISTAKE or (answer > ANSWER and name not in COMPUTES):
                late.append(name)
    print(f"\nabove {MISTAKE} or {ANSWER}: {', '.join(late) or 'none'}")


if __name__ == "__main__":
    main()

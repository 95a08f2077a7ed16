"""What each command costs to start: processor seconds until a mistake is told, and until a small answer is given.

    python benchmarks/commands.py [--runs 3] [--only status verify] [--keep FOLDER]

A mistake is a file, folder or option that is not there; it has 0.3 processor seconds. A small answer is the example that
`--help` shows, with the ids that the run gave, over two days of 20 orders; it has 0.7, or what BARS says. `serve` and `mcp` are
stopped once they have answered a first request. What computes (COMPUTES) has no bar. Every answer is measured several times from
the same state, the folder being put back between them, and the least counts. A command that ends with another code than it should, or is
above its bar, fails the bench. What an interpreter takes with the libraries
that nearly every answer needs stands above the table: on a machine that is busy or slow it rises with everything else.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from duizhang.cli.examples import EXAMPLES  # noqa: E402
from tests.office import furnished, ready  # noqa: E402

MISTAKE, ANSWER = 0.3, 0.7
# what does more than ask: charts are drawn; a server is started; files are read again; all that is kept is proved; a workbook is read
BARS = {
    "report": 2.0, "serve": 1.0, "mcp": 1.0, "inspect": 0.9, "source correct": 1.2, "exceptions import": 1.0, "verify": 0.9,
}
# what they take is what they compute, look through or copy; measured once
COMPUTES = (
    "simulate", "init", "plan", "run", "replay", "advise", "what-if", "score", "doctor", "backup", "restore", "export iceberg",
)
SERVE = ("serve", "mcp")
# nobody waits longer for a server
PATIENCE = 60.0
HELD = "2026-03-03"
LIBRARIES = "import click, duckdb, pyarrow, sqlalchemy, yaml"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=EXAMPLES, metavar="COMMAND", help="Measure these; the others are only typed.")
    parser.add_argument("--keep", type=Path, help="Leave the folder there in which the examples were typed.")
    asked = parser.parse_args()
    wanted = asked.only or list(EXAMPLES)
    print(f"the libraries alone: {_libraries(asked.runs):.2f}\n\n| command | mistake | answer |\n|---|---|---|")
    wrong = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary) / "office"
        folder.mkdir(parents=True)
        furnished(folder)
        for name in EXAMPLES:
            answer, faults = _answer(name, folder, asked.runs if name in wanted else 1)
            if name in wanted:
                said, code = _run(_mistake(name), folder)
                faults += [f"a mistake ends with {code}"] if code != 1 else []
                faults += [f"a mistake takes {said:.2f}"] if said > MISTAKE else []
                print(f"| `{name}` | {said:.2f} | {answer:.2f} |", flush=True)
            else:
                faults = [fault for fault in faults if not fault.startswith("takes ")]  # once is no measure
            wrong += [f"{name}: {fault}" for fault in faults]
    print("\n" + ("\n".join(wrong) or "every command ends as it should and keeps within its bar"))
    return 1 if wrong else 0


def _libraries(runs: int) -> float:
    """The least processor time of an interpreter that loads what nearly every answer needs."""
    return min(_ended(subprocess.Popen([sys.executable, "-c", LIBRARIES], env=_environment()))[0] for _ in range(runs))


def _answer(name: str, folder: Path, runs: int) -> tuple[float, list[str]]:
    """The least processor time of an example that is typed so often, the last time in the folder itself; what was wrong."""
    expected = 0
    words = _failed_check(folder) if name == "accept" else ready(name, folder, lambda *typed: _typed(folder, typed))
    measured: Callable[[list[str], Path], tuple[float, int]] = _until_answered if name in SERVE else _run
    times = []
    for _ in range(0 if name in COMPUTES else runs - 1):
        with tempfile.TemporaryDirectory() as other:
            kept = shutil.copytree(folder, Path(other) / folder.name, symlinks=True)
            times.append(measured(words, folder)[0])
            shutil.rmtree(folder)
            shutil.move(kept, folder)
    seconds, code = measured(words, folder)
    best, bar = min([*times, seconds]), BARS.get(name, ANSWER)
    faults = [f"ends with {code}, not {expected}: {_told(folder)}"] if code != expected else []
    return best, faults + ([f"takes {best:.2f} of {bar}"] if name not in COMPUTES and best > bar else [])


def _typed(folder: Path, words: tuple[object, ...]) -> None:
    _, code = _run([str(word) for word in words], folder)
    if code not in (0, 2):
        raise SystemExit(f"{' '.join(map(str, words))} ends with {code}: {_told(folder)}")


def _failed_check(folder: Path) -> list[str]:
    """A day that is held because an expected file was withdrawn, and the words that accept it."""
    bill = next((folder / "raw" / "inbox" / "tb-01" / HELD).glob("*_trade.zip"))
    name = f"tb-01/{HELD}/{bill.name}"
    _typed(folder, ("source", "withdraw", name, "--by", "Wang Wei", "--reason", "it was of another shop"))
    _typed(folder, ("run", "--quiet", "--books", "raw/books.yaml", "--home", "home", "--from", HELD, "--to", HELD))
    words = shlex.split(EXAMPLES["accept"])
    for option, value in (("--period", HELD), ("--table", "source_files"), ("--expectation", "expected_files_are_there")):
        words[words.index(option) + 1] = value
    return words


def _mistake(name: str) -> list[str]:
    """The example with every file that it names not being there; where it names none, with an option that there is not. A name of the
    inbox is none of the disk: whether a file of that name was taken in the home knows."""
    files = (".yaml", ".csv", ".xlsx", ".parquet") if name != "source correct" else ()
    given = shlex.split(EXAMPLES[name])
    made = {given[n + 1] for n, word in enumerate(given) if word == "--out"}
    words = [f"nope-{Path(word).name}" if word.endswith(files) and word not in made else word for word in given]
    return words if any(word.startswith("nope-") for word in words) else [*words, "--nonsense"]


def _run(words: list[str], folder: Path) -> tuple[float, int]:
    """Processor seconds of one command with all that it starts, and its exit code."""
    with (folder / ".told").open("w") as told:
        process = subprocess.Popen(_command(words), cwd=folder, stdin=subprocess.DEVNULL, stdout=told, stderr=told, env=_environment())
        return _ended(process)


def _until_answered(words: list[str], folder: Path) -> tuple[float, int]:
    """The same of a server, which is stopped as soon as it has answered one request; 0 where it did."""
    if words[0] == "mcp":
        return _until_introduced(words, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / ".told").open("w") as told:
        process = subprocess.Popen([*_command(words), "--port", str(port)], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=told, text=True, env=_environment())
        assert process.stdout
        address = process.stdout.readline().rpartition(" ")[2].strip()
        answered = _page(address)
        process.terminate()
        seconds, _ = _ended(process)
        process.stdout.close()
    return seconds, 0 if answered else 1


def _page(address: str) -> bool:
    """Whether a page is there, as soon as somebody listens."""
    until = time.monotonic() + PATIENCE
    while address and time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE) as page:
                return bool(page.status == 200)
        except urllib.error.HTTPError:
            return False
        except OSError:
            time.sleep(0.05)
    return False


def _until_introduced(words: list[str], folder: Path) -> tuple[float, int]:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}}
    with (folder / ".told").open("w") as told:
        process = subprocess.Popen(_command(words), cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, text=True,
                                   env=_environment())
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(hello) + "\n")
        process.stdin.flush()
        answered = process.stdout.readline()
        process.terminate()
        seconds, _ = _ended(process)
        process.stdin.close()
        process.stdout.close()
    return seconds, 0 if answered and "serverInfo" in json.loads(answered)["result"] else 1


def _command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "duizhang", *words]


def _environment() -> dict[str, str]:
    """This tree's code, compiled once as in an installation, whatever the environment says; as usual not in the tree."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "duizhang-bytecode")}


def _ended(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> tuple[float, int]:
    """Wait for it: processor seconds, its children's among them, and exit code."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, process.returncode


def _told(folder: Path) -> str:
    """What a command said last."""
    lines = (folder / ".told").read_text(encoding="utf-8", errors="replace").splitlines()
    return " / ".join(line.strip() for line in lines if line.strip())[-300:]


if __name__ == "__main__":
    sys.exit(main())

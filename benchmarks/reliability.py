"""Trials by force: kills at single steps of a publication, full disks, damaged files, readers without a pause.

`make reliability` makes every trial whose figures in docs/reliability.md are of other code, and writes each row when it is made, so
that the same command goes on after a stop; `make reliability PART="runs disks"` makes these. Needs Linux; disks are filled in a small
tmpfs where one may be mounted, and by the largest size that a file may have elsewhere.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import json
import multiprocessing
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
from trials import corruption, deciding, hostile, parallel, proving, runs
from trials.homes import FAKES, FIRST, PERIODS, put_out
from trials.process import STEPS, apart, quietly
from trials.spoiling import spoil

from duizhang.books import Books
from duizhang.gate import run_gate
from duizhang.home.published import TABLES, open_published
from duizhang.publish import publish, rebuild_published, set_period_state

ROOT = Path(__file__).resolve().parents[1]
LOOSE = (
    "select s.period from period_status as s inner join recon_summary as r using (period) left join recon_summary as b "
    "on b.period = r.period - 1 where s.state <> 'provisional' and r.opening <> coalesce(b.closing, 0)"
)
UNEQUAL = (
    "select r.period from recon_summary as r inner join period_status as s using (period) where r.version <> s.version or "
    "r.closing <> (select sum(difference) from variances as v where v.period = r.period)"
)
SPOILS = ("empty", "cut", "flipped", "rows", "gone", "folder", "dangling")
Trial = tuple[str, str, list[str]]  # what was tried, what must hold, what was wrong
START, END = "<!-- figures -->", "<!-- end of figures -->"


def make_seed(home: Path) -> None:
    """Three published days, and other numbers of the same days that wait to be published."""
    fake = FAKES.Fake(home)
    fake.fill(PERIODS)
    run_gate(fake.store, fake.state, PERIODS)
    put_out(home)
    fake.fill(PERIODS, amount="7")
    run_gate(fake.store, fake.state, PERIODS)


def rows_of(home: Path) -> dict[str, Any]:
    """Everything that readers see but the moment of publication."""
    with open_published(home) as con:
        found = {name: con.execute(f'select * from "{name}" order by all').fetchall() for name in TABLES}
        found["period_status"] = con.execute("select period, version, state, digest from period_status order by period").fetchall()
        assert con.execute(UNEQUAL).fetchall() == [], "a mix of versions"
        assert con.execute(LOOSE).fetchall() == [], "a firm day that does not open as the day before closed"
    return found


def killed_at(home: Path, step: int, count: Path) -> None:
    """Publish, and be killed before the given step (0: never); writes how many steps there were."""
    inside = f"{home}/"
    seen = 0

    def look(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in (*STEPS, "open") and arguments and str(arguments[0]).startswith(inside):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)
    put_out(home)
    count.write_text(str(seen))


def kills(seed: Path, folder: Path, wanted: dict[str, Any], number: int) -> list[str]:
    """Kill a publication at steps spread over all of it; what was wrong afterwards."""
    count = folder / "steps"
    shutil.copytree(seed, folder / "whole")
    assert apart(killed_at, folder / "whole", 0, count) == 0
    steps = int(count.read_text())
    wrong = []
    for step in sorted({1 + (steps - 1) * n // (number - 1) for n in range(number)}):
        home = folder / f"kill-{step}"
        shutil.copytree(seed, home)
        code = apart(killed_at, home, step, count)
        if code != -signal.SIGKILL:
            wrong.append(f"step {step}: ended with {code}, not by the kill")
        wrong += after(home, wanted, f"step {step}")
        shutil.rmtree(home)
    return wrong


def after(home: Path, wanted: dict[str, Any], name: str) -> list[str]:
    """Readers see the old or the new, whole; the same command again completes it."""
    for what, work in (("readers", rows_of), ("the next publication", put_out)):
        if apart(work, home) != 0:
            return [f"{name}: {what} failed"]
    return [] if apart(_same, home, wanted) == 0 else [f"{name}: not the rows of an undisturbed publication"]


def _same(home: Path, wanted: dict[str, Any]) -> None:
    found = rows_of(home)
    for table, rows in wanted.items():
        assert found[table] == rows, table


@contextlib.contextmanager
def little_room(seed: Path, folder: Path, free: int) -> Iterator[Path]:
    """A copy of the home on a file system with so many kB left (or, without the right to mount, with files of at most so many)."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", folder], capture_output=True, check=False).returncode:
        shutil.copytree(seed, folder / "home")
        usual = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(free, 200) * 1024, usual[1]))
        try:
            yield folder / "home"
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        return
    try:
        shutil.copytree(seed, folder / "home")
        room = os.statvfs(folder)
        with (folder / "fill").open("wb") as filler:
            filler.write(b"x" * (room.f_bavail * room.f_bsize - free * 1024))
        yield folder / "home"
    finally:
        subprocess.run(["umount", folder], check=True)


def rebuild(home: Path) -> None:
    """A change of state that readers are to see: the pointer alone is written."""
    fake = FAKES.Fake(home)
    rebuild_published(home, fake.state)


def full_disks(seed: Path, folder: Path, sizes: list[int]) -> tuple[list[str], int]:
    """Write the pointer with so many kB left; what was wrong, and how often there was no room."""
    wrong, told = [], 0
    reopened = folder / "reopened"
    shutil.copytree(seed, reopened)
    fake = FAKES.Fake(reopened)
    set_period_state(fake.state, FIRST, "open")
    for size in sizes:
        with little_room(reopened, folder / f"full-{size}", size) as home:
            before = (home / "published.duckdb").read_bytes()
            code = apart(rebuild, home)
            kept = (home / "published.duckdb").read_bytes() == before
            told += code == 1
            if code not in (0, 1) or (code == 1) != kept:
                wrong.append(f"{size} kB: ended with {code}, the old one {'kept' if kept else 'replaced'}")
            if apart(rows_of, home) != 0:
                wrong.append(f"{size} kB: readers failed")
    return wrong, told


def damages(seed: Path, folder: Path, wanted: dict[str, Any]) -> tuple[list[str], int]:
    """Every class of damage of what readers see; what was wrong after the next publication, and how many were tried."""
    whole = folder / "published"
    shutil.copytree(seed, whole)
    assert apart(put_out, whole) == 0
    wrong, tried = [], 0
    for how in SPOILS:
        for kind in ("object", "every object", "manifest", "every manifest", "pointer"):
            home = folder / f"{how}-{kind.replace(' ', '-')}"
            shutil.copytree(whole, home, symlinks=True)
            manifest = home / "manifests" / FIRST.isoformat() / "2.json"
            shown = json.loads(manifest.read_text())["tables"]
            objects = sorted({home / entry["object"] for entry in shown.values()})
            chosen = {
                "object": [home / shown["variances"]["object"]], "every object": objects, "manifest": [manifest],
                "every manifest": sorted(home.glob("manifests/*/*.json")), "pointer": [home / "published.duckdb"],
            }[kind]
            for path in chosen:
                spoil(path, how)
            tried += 1
            if apart(put_out, home) != 0:
                wrong.append(f"{kind}, {how}: the next publication failed")
            elif apart(_same, home, wanted) != 0:
                wrong.append(f"{kind}, {how}: other rows than before")
            shutil.rmtree(home)
    return wrong, tried


def read_on(home: Path, ended: Any, looked: Any) -> None:
    """Read without a pause until it ends; every look is a connection of its own."""
    while not ended.is_set():
        rows_of(home)
        with looked.get_lock():
            looked.value += 1


def publish_often(home: Path, times: int) -> None:
    """Publish the three days one after the other, as a cascade does, with other numbers each time."""
    fake = FAKES.Fake(home)
    books = Books(root=home, entity="acme", start=FIRST)
    for number in range(times):
        fake.fill(PERIODS, amount=str(11 + number))
        run_gate(fake.store, fake.state, PERIODS)
        for period in PERIODS:
            publish(books, fake.store, fake.state, home, [period], rules_digest="r")


def readers(seed: Path, folder: Path, times: int) -> tuple[list[str], int]:
    """Two readers without a pause while days are published one by one; what was wrong, and how often they looked."""
    home = folder / "read"
    shutil.copytree(seed, home)
    assert apart(put_out, home) == 0
    context = multiprocessing.get_context("fork")
    ended, looked = context.Event(), context.Value("q", 0)
    found = [context.Process(target=quietly, args=(read_on, home, ended, looked)) for _ in range(2)]
    for reader in found:
        reader.start()
    code = apart(publish_often, home, times)
    ended.set()
    for reader in found:
        reader.join()
    wrong = [f"a reader ended with {reader.exitcode}" for reader in found if reader.exitcode]
    return wrong + ([f"the publications ended with {code}"] if code else []), int(looked.value)


class Given:
    """What several trials begin with; made when it is first asked for, by processes of their own, so that this one stays free to
    be forked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @functools.cached_property
    def seed(self) -> Path:
        assert apart(make_seed, self.folder / "seed") == 0
        return self.folder / "seed"

    @functools.cached_property
    def rows(self) -> dict[str, Any]:
        """What readers see after an undisturbed publication."""
        undisturbed = self.folder / "undisturbed"
        shutil.copytree(self.seed, undisturbed)
        assert apart(put_out, undisturbed) == 0
        found = rows_of(undisturbed)
        duckdb.default_connection().close()
        return found

    @functools.cached_property
    def books(self) -> Path:
        (self.folder / "runs").mkdir()
        return runs.simulate(self.folder / "runs")

    @functools.cached_property
    def whole(self) -> tuple[Path, runs.Ended, float, str]:
        """A home after an undisturbed run, how that ended, its seconds, and the digests."""
        home = self.folder / "runs" / "whole"
        began = time.monotonic()
        ended = runs.run(self.books, home)
        seconds = time.monotonic() - began
        assert ended.code == 0, ended
        return home, ended, seconds, runs.digests(home, home.parent)


def trial_publication(given: Given, asked: argparse.Namespace) -> Trial:
    wrong = kills(given.seed, given.folder, given.rows, asked.kills)
    return (f"a publication killed at {asked.kills} steps",
            "readers see the old or the new, the next publication completes it with equal rows and digests", wrong)


def trial_pointer(given: Given, _: argparse.Namespace) -> Trial:
    # from no room at all to room for all of it
    whole = (given.seed / "published.duckdb").stat().st_size // 1024
    sizes = [80 + (2 * whole - 80) * n // 11 for n in range(12)]
    wrong, told = full_disks(given.seed, given.folder, sizes)
    return (f"published.duckdb written with {sizes[0]} to {sizes[-1]} kB free, {len(sizes)} sizes ({told} had no room)",
            "without room the old one is kept and the command ends with 1 and a message", wrong)


def trial_objects(given: Given, _: argparse.Namespace) -> Trial:
    wrong, tried = damages(given.seed, given.folder, given.rows)
    return (f"{tried} kinds of damage: objects, manifests, published.duckdb; {', '.join(SPOILS)}",
            "the next publication makes it again, with the rows that it had", wrong)


def trial_readers(given: Given, asked: argparse.Namespace) -> Trial:
    wrong, looks = readers(given.seed, given.folder, asked.publications)
    return (f"{looks} looks of two readers during {3 * asked.publications} publications, day by day",
            "no error, no mix, no firm day that does not open with the closing before", wrong)


def trial_commands(given: Given, asked: argparse.Namespace) -> Trial:
    wrong, listed, tried = deciding.kills(given.folder / "deciding", asked.each)
    return (f"{listed} commands (approve as maker and checker, close, reopen, exceptions import, accept, source accept, withdraw and "
            f"restore) killed at {tried} single steps",
            "the same command again completes it: each event once, `verify` finds nothing, no reader sees a closed day without its event",
            wrong)


def trial_parallel(given: Given, asked: argparse.Namespace) -> Trial:
    wrong, tried_on = parallel.databases(given.folder / "parallel", asked.processes)
    return (f"{asked.processes} processes that sign, decide, withdraw and close the same day at once, on {' and on '.join(tried_on)}",
            "each decision once, the others are refused with a message, `verify` finds nothing", wrong)


def trial_verify(given: Given, _: argparse.Namespace) -> Trial:
    wrong, few, many = proving.seconds(given.folder / "proving", 500, 2000)
    return (f"verify of 500 and of 2,000 versions over the same objects: {few:.2f} and {many:.2f} processor seconds",
            "at most 4 times as long for 4 times as many", wrong + (["more than linear"] if many > 4 * few else []))


def trial_runs(given: Given, asked: argparse.Namespace) -> Trial:
    home, ended, seconds, wanted = given.whole
    wrong, tried = runs.kills(home.parent, given.books, wanted, ended.steps, seconds, asked.runs, seed=1)
    return (f"a run over raw files of two days killed {tried} times: at {asked.runs} of its {ended.steps} steps, as often at any moment",
            "the same command completes it with the digests of an undisturbed run, `verify` finds nothing", wrong)


def trial_disks(given: Given, asked: argparse.Namespace) -> Trial:
    home, _, _, wanted = given.whole
    wrong, told = runs.full_disks(home.parent, given.books, wanted, asked.disks)
    return (f"a run with {min(asked.disks)} to {max(asked.disks)} kB free, {len(asked.disks)} sizes ({told} had no room)",
            "one message and 1, readers see the old or the new; with room the same command completes it with equal digests", wrong)


def trial_damage(given: Given, _: argparse.Namespace) -> Trial:
    home, _, _, wanted = given.whole
    wrong, tried, good = corruption.damages(home.parent, given.books, home, wanted)
    return (f"{tried} kinds of damage: state.db, events.log, home.json, landed rows with working tables; {', '.join(corruption.WAYS)}",
            "status, verify and run end without a traceback; landed rows and working tables are made again with equal digests, damage of "
            f"state.db and events.log is found by `verify` (the run ended well in {good})", wrong)


def trial_hostile(given: Given, _: argparse.Namespace) -> Trial:
    home = given.whole[0]
    wrong, files = hostile.one_run(home.parent, given.books)
    return (f"a run over an inbox with {files} hostile files: far cells, bombs, pipe, links, names that are no text, endless lines",
            "it ends with 2, and every file that was not read is told by `status`", wrong)


TRIALS: dict[str, Callable[[Given, argparse.Namespace], Trial]] = {
    "publication": trial_publication, "pointer": trial_pointer, "objects": trial_objects, "readers": trial_readers,
    "commands": trial_commands, "parallel": trial_parallel, "verify": trial_verify, "runs": trial_runs, "disks": trial_disks,
    "damage": trial_damage, "hostile": trial_hostile,
}


def code_digest() -> str:
    """Of the code that is tried and of the trials: figures of other code are not of this one."""
    whole = hashlib.sha256()
    for folder in ("duizhang", "sql", "assets", "pipelines", "expectations", "benchmarks/trials"):
        for path in sorted(p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            whole.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:8]


def rows_in(text: str) -> dict[str, str]:
    """The row of each trial; of one that does not say of which code it is, that is not known."""
    table = text[text.index(START) : text.index(END)].splitlines()
    found = {name: line for line in table for name in TRIALS if line.startswith(f"| {name} |")}
    return {name: line if line.count("|") == 6 else f"{line} not known |" for name, line in found.items()}


def is_made(row: str, code: str) -> bool:
    """Whether a row says that this code showed no failure."""
    return [cell.strip() for cell in row.split("|")][4:6] == ["0", code]


def note(out: Path, name: str, trial: Trial, code: str) -> None:
    """Write the row of one trial; the others stay."""
    tried, promise, wrong = trial
    text = out.read_text(encoding="utf-8")
    rows = rows_in(text) | {name: f"| {name} | {tried} | {promise} | {len(wrong)} | {code} |"}
    table = "\n".join([
        START, "", f"{platform.system()}, {os.cpu_count()} processors, DuckDB {duckdb.__version__}.", "",
        "| trial | what was tried | what must hold | failures | code |", "|---|---|---|---|---|",
        *(rows[trial] for trial in TRIALS if trial in rows), "", END,
    ])
    fresh = out.with_suffix(".new")
    fresh.write_text(text[: text.index(START)] + table + text[text.index(END) + len(END) :], encoding="utf-8")
    fresh.replace(out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", nargs="*", choices=[*TRIALS, []], help="these alone; without a name all whose figures are of other code")
    parser.add_argument("--kills", type=int, default=26, help="of a publication")
    parser.add_argument("--each", type=int, default=50, help="most kills of each command by which people decide")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--runs", type=int, default=12, help="whole runs killed at a step, and as many at any moment")
    parser.add_argument("--disks", type=int, nargs="+", default=[0, 40, 80, 120, 160, 240, 400, 600, 900, 1200, 1600, 2400],
                        help="kB that are left to a run")
    parser.add_argument("--publications", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reliability.md")
    asked = parser.parse_args()
    code, failed = code_digest(), False
    made = rows_in(asked.out.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="duizhang-reliability-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        given = Given(folder)
        for trial in asked.trials or [name for name in TRIALS if not is_made(made.get(name, ""), code)]:
            found = TRIALS[trial](given, asked)
            note(asked.out, trial, found, code)
            print(f"{trial}: {found[0]}", *found[2], sep="\n", flush=True)
            failed |= bool(found[2])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

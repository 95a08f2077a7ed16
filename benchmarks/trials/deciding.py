"""Every command by which people decide, killed at its single steps."""

from __future__ import annotations

import functools
import signal
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from duizhang.close import verify
from duizhang.close.approval import all_signatures
from duizhang.gate import acceptances
from duizhang.home.events import event_log
from duizhang.home.published import POINTER, open_published
from duizhang.home.state import State
from trials.homes import FIRST, GOOD, HELD, WORKBOOK, decidable, failed_check
from trials.process import apart, copied, duizhang, side_by_side, spread

Command = tuple[str, Path, list[str]]


def commands(folder: Path, only: Collection[str] = ()) -> list[Command]:
    """Name, the home as it is before, and arguments of every command, or of these alone."""
    base = folder / "base"
    if apart(decidable, base):
        raise SystemExit("the home could not be made")
    check = folder / "check"
    apart(_write_check, base, check)
    table, expectation = check.read_text().split("\n")
    last = str(GOOD[-1])
    sign = ["approve", "--period", str(FIRST), "--to", last, "--as"]
    because = ["--reason", "so be it"]
    chains = [
        [("approve as maker", [*sign, "maker", "--by", "Li"]), ("approve as checker", [*sign, "checker", "--by", "Wang"]),
         ("close", ["close", "--from", str(FIRST), "--to", last, "--by", "Zhao"]),
         ("reopen", ["reopen", "--period", str(FIRST), "--by", "Li", "--reason", "late bill"])],
        [("exceptions import", ["exceptions", "import", str(folder / WORKBOOK), "--by", "Li"])],
        [("accept", ["accept", "--period", str(HELD), "--table", table, "--expectation", expectation, "--by", "Li", *because])],
        [("source accept", ["source", "accept", "refused.csv", "--by", "Li", *because])],
        [("source withdraw", ["source", "withdraw", "read.csv", "--by", "Li", *because]),
         ("source restore", ["source", "restore", "read.csv", "--by", "Li", *because])],
    ]
    found = []
    for number, chain in enumerate(chains):
        wanted = [place for place, (name, _) in enumerate(chain, 1) if not only or name in only]
        home = base
        for name, arguments in chain[: max(wanted, default=0)]:
            found.append((name, home, arguments))
            home = copied(home, folder / f"chain-{number}-{name.replace(' ', '-')}")
            ended = duizhang(folder, home, *arguments)
            if ended.code:
                raise SystemExit(f"{name} does not work: {ended.said}")
    return found


def _write_check(home: Path, to: Path) -> None:
    to.write_text("\n".join(failed_check(home)))


def kills(folder: Path, most: int, only: Collection[str] = ()) -> tuple[list[str], int, int]:
    """Each command (or these alone) killed before at most so many of its steps: what was wrong, how many commands, how many kills."""
    folder.mkdir()
    listed = [one for one in commands(folder, only) if not only or one[0] in only]
    cases, ends = [], {}
    for name, before, arguments in listed:
        ends[name] = copied(before, folder / f"whole-{name.replace(' ', '-')}")
        steps = duizhang(folder, ends[name], *arguments).steps
        cases += [(name, before, arguments, step, steps) for step in spread(steps, most)]
    found = side_by_side(functools.partial(_killed, ends), cases, folder)
    return [problem for wrong in found for problem in wrong], len(listed), len(cases)


def _killed(ends: dict[str, Path], folder: Path, cases: Sequence[tuple[str, Path, list[str], int, int]]) -> list[str]:
    """What is wrong after a kill, and after the same command again; ends: the homes after each undisturbed command."""
    wrong = []
    for name, before, arguments, step, steps in cases:
        home = copied(before, folder / "killed")
        ended = duizhang(folder, home, *arguments, kill=step)
        place = f"{name}, step {step} of {steps}"
        if ended.code != -signal.SIGKILL:
            wrong.append(f"{place}: ended with {ended.code}, not by the kill: {ended.said}")
        elif apart(_not_wrong, home):
            wrong.append(f"{place}: wrong after the kill")
        again = duizhang(folder, home, *arguments)
        if again.code:
            wrong.append(f"{place}: the same command again ended with {again.code}: {again.said}")
        elif apart(_as_undisturbed, home, ends[name]):
            wrong.append(f"{place}: not as an undisturbed command")
    return wrong


def _not_wrong(home: Path) -> None:
    """Readers see no closed day without its event, and nothing is wrong but that they may see what was before."""
    with open_published(home) as con:
        shown = {str(row[0]) for row in con.execute("select period from period_status where state = 'closed'").fetchall()}
    ever = {event.payload["period"] for event in event_log(State(home, read_only=True)) if event.kind == "closed"}
    assert shown <= ever, (shown, ever)
    found = [problem for problem in verify(home).problems if not problem.startswith(f"{POINTER} ")]
    assert found == [], found


def _as_undisturbed(home: Path, whole: Path) -> None:
    found = verify(home).problems
    assert found == [], found
    mine, other = _all_of(home), _all_of(whole)
    for name, value in mine.items():
        assert value == other[name], (name, value, other[name])


def _all_of(home: Path) -> dict[str, Any]:
    state = State(home, read_only=True)
    with open_published(home) as con:
        shown = con.execute("select * exclude (published_at) from period_status order by period").fetchall()
    events = Counter((e.kind, e.actor, e.text) for e in event_log(state) if e.kind != "published")
    return {"what readers see": shown, "events": events, "signatures": all_signatures(state), "acceptances": acceptances(state)}

"""The same decisions by several processes at once, on SQLite and on a PostgreSQL of our own."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from pathlib import Path

import psycopg

from duizhang.close import verify
from duizhang.home.events import event_log
from duizhang.home.state import State
from trials.homes import FIRST, GOOD, WORKBOOK, decidable
from trials.process import apart, duizhang, quietly

# found by way of trials.homes
from tests.ingest.postgres import programs, running  # isort: skip

_URL = "DUIZHANG_STATE_URL"


def databases(folder: Path, processes: int) -> tuple[list[str], list[str]]:
    """What was wrong, and which databases were tried."""
    folder.mkdir()
    wrong = _all_at_once(folder, "SQLite", "", processes)
    where = programs()
    if where is None:
        return wrong, ["SQLite"]
    with running(where) as address:
        with psycopg.connect(address, autocommit=True) as con:
            con.execute("create database trials")
        wrong += _all_at_once(folder, "PostgreSQL", address.removesuffix("postgres") + "trials", processes)
    return wrong, ["SQLite", "PostgreSQL"]


def _all_at_once(folder: Path, name: str, url: str, processes: int) -> list[str]:
    home = folder / name / "home"
    home.parent.mkdir()
    if apart(_with_url, url, decidable, home):
        return [f"{name}: the home could not be made"]
    context = multiprocessing.get_context("fork")
    found = [context.Process(target=quietly, args=(_decide, folder / name, home, url, n)) for n in range(processes)]
    for process in found:
        process.start()
    for process in found:
        process.join()
    wrong = [f"{name}: a process ended with {process.exitcode}" for process in found if process.exitcode]
    return wrong + ([f"{name}: not each decision once"] if apart(_with_url, url, _each_once, home) else [])


def _with_url(url: str, work: object, *arguments: object) -> None:
    if url:
        os.environ[_URL] = url
    assert callable(work)
    work(*arguments)


def _decide(folder: Path, home: Path, url: str, number: int) -> None:
    """Everything that there is to be decided, as another person than the other processes do."""
    who, last = "ABCDEFGHIJ"[number], str(GOOD[-1])
    mine = folder / f"of-{number}"
    mine.mkdir()
    for arguments in (
        ["approve", "--period", last, "--as", "maker", "--by", f"Maker {who}"],
        ["exceptions", "import", str(folder / WORKBOOK), "--by", f"Decider {who}"],
        ["approve", "--period", last, "--as", "checker", "--by", f"Checker {who}"],
        ["source", "withdraw", "read.csv", "--by", f"Clerk {who}", "--reason", "sent twice"],
        ["close", "--from", last, "--to", last, "--by", f"Closer {who}", "--reason", f"{FIRST} waits"],
    ):
        ended = duizhang(mine, home, *arguments, url=url)
        assert ended.is_told and ended.code in (0, 1), (arguments, ended)


def _each_once(home: Path) -> None:
    found = verify(home).problems
    assert found == [], found
    kinds = Counter(event.kind for event in event_log(State(home)))
    expected = {"signed": 2, "closed": 1, "decided": 1, "file_withdrawn": 1}
    assert {kind: kinds[kind] for kind in expected} == expected, kinds

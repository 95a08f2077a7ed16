"""The command line as a whole: a mistake is one message, told before anything heavy is loaded; answers fit the screen."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import duckdb
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from duizhang import cli as cli_room
from duizhang.books import load_books
from duizhang.cli import COMMANDS, cli
from duizhang.cli.cells import in_currency, table_text
from duizhang.cli.faults import told
from duizhang.cli.status import _each_kind_once, _told_once
from duizhang.errors import BooksError, UserError
from duizhang.speech.folding import folded, width_of
from tests.import_graph import reached

HEAVY = ("dagster", "great_expectations", "polars", "pyarrow", "duckdb", "sqlalchemy", "openpyxl", "pydantic", "numpy")
MISTAKES = (
    ("--help",),
    ("run", "--books", "nope.yaml", "--from", "2026-03-01", "--to", "2026-03-01"),
    ("plan", "--books", "nope.yaml"),
    ("init", "nope"),
    ("doctor", "--books", "nope.yaml"),
    ("journal", "export", "--books", "nope.yaml", "--from", "2026-03-01", "--to", "2026-03-01", "--layout", "kingdee", "--out", "x.csv"),
    ("key", "new"),
    ("inspect", "nope.csv"),
    ("inspect", ".", "--books", "nope.yaml"),
    ("source", "new", "nope.csv"),
    ("compare", "nope.csv", "nope.csv", "--key", "a", "--left-amount", "a", "--right-amount", "a"),
    ("dispute", "alipay", "--books", "nope.yaml", "--period", "2026-03-01"),
    ("exceptions", "import", "nope.xlsx", "--by", "A"),
    ("journal", "export", "--books", "nope.yaml", "--from", "2026-03-01", "--to", "2026-03-01", "--layout", "csv", "--out", "x.csv"),
    ("key", "nonsense"),
    ("restore", "nope", "home"),
    ("verify", "--home", "nope", "--nonsense"),
    *((name, *more, "--home", "nope") for name, *more in (
        ("status",), ("sql", "select 1"), ("explain", "X"), ("report",), ("verify",), ("diff", "2026-03-01"),
        ("exceptions", "export", "--period", "2026-03-01"), ("replay", "--period", "2026-03-01"),
        ("statement", "--shop", "a", "--from", "2026-03-01", "--to", "2026-03-01"),
        ("approve", "--period", "2026-03-01", "--as", "maker", "--by", "A"),
        ("close", "--from", "2026-03-01", "--to", "2026-03-01", "--by", "A"),
        ("reopen", "--period", "2026-03-01", "--by", "A", "--reason", "b"),
        ("accept", "--period", "2026-03-01", "--table", "a", "--expectation", "b", "--by", "A", "--reason", "b"),
        ("score", "--truth", "nope.parquet"), ("checkpoint",), ("what-if", "--set", "a=1"), ("advise",), ("serve", "--by", "A"),
        ("backup", "backups"), ("metrics",), ("reidentify", "file", "x", "--out", "y", "--by", "A", "--reason", "b"),
        ("retention", "list", "--books", "nope.yaml"), ("erase", "x", "--by", "A", "--reason", "b", "--books", "nope.yaml"),
        ("mcp", "--home", "nope"),
        ("export", "audit", "--from", "2026-03-01", "--to", "2026-03-01", "--out", "audit"),
    )),
)
_PROBE = """
import json, sys
from duizhang import cli
heavy, told = json.loads(sys.argv[1]), {}
for arguments in json.loads(sys.argv[2]):
    sys.argv = ["duizhang", *arguments]
    code = cli._status()
    told[" ".join(arguments)] = [code, [name for name in heavy if name in sys.modules]]
print("ANSWER" + json.dumps(told))
"""


def python(script: str, *arguments: str, folder: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, cwd=folder, **more)


def test_a_mistake_is_told_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    done = python(_PROBE, json.dumps(HEAVY), json.dumps(MISTAKES), folder=tmp_path, check=True)
    answer = json.loads(done.stdout.rpartition("ANSWER")[2])
    assert {what: loaded for what, (_, loaded) in answer.items() if loaded} == {}
    assert {what for what, (code, _) in answer.items() if code != 1} == {"--help"}
    assert "Traceback" not in done.stderr
    assert {name for name, *_ in MISTAKES} >= {*COMMANDS} - {"simulate"}


def test_what_is_wrong_in_books_is_told_without_the_orchestrator(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").write_text("entity: a\nnonsense: 1\n", encoding="utf-8")
    arguments = ["run", "--books", "books.yaml", "--from", "2026-03-01", "--to", "2026-03-01"]
    done = python(_PROBE, json.dumps(["dagster", "great_expectations", "polars", "duckdb", "sqlalchemy"]), json.dumps([arguments]),
                  folder=tmp_path, check=True)
    assert json.loads(done.stdout.rpartition("ANSWER")[2])[" ".join(arguments)] == [1, []]
    assert "nonsense" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", cli_room.WITHOUT_NUMPY)
def test_a_command_that_is_kept_from_numpy_has_no_way_to_it(name: str) -> None:
    callback: Any = commands(cli)[name].callback
    found = reached(callback.__module__, callback.__name__)
    at, way = "numpy", []
    while at in found:
        at = found[at]
        way.append(at)
    assert way == [], "a way that a user would meet as an error"
    assert {"duizhang.errors"} <= set(found) and "numpy" in reached("duizhang.cli.compare", "command")


def test_an_export_from_a_home_that_cannot_be_written_to_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails if somebody who may only read a home is told of its database alone, and not that an export is put on record there."""
    monkeypatch.setattr("os.access", lambda _path, mode: mode != os.W_OK)
    done = CliRunner().invoke(cli, ["exceptions", "export", "--home", str(tmp_path), "--period", "2026-03-01"])
    assert isinstance(done.exception, UserError) and "put on record" in str(done.exception) and list(tmp_path.iterdir()) == []


def test_what_a_closed_list_has_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").write_text("entity: a\nstart: 2026-03-01\nroles: {clerk: {may: [xyzzy]}}\n", encoding="utf-8")
    with pytest.raises(BooksError, match="expected one of decide, accept") as told:
        load_books(tmp_path / "books.yaml")
    assert str(told.value).count("reopen") == 1
    (tmp_path / "books.yaml").write_text("entity: a\nstart: 2026-03-01\nreadings: {tiktok_orders: {dates: day_first}}\n", encoding="utf-8")
    with pytest.raises(BooksError, match="expected one of day, month"):  # and what may be empty is no choice to be told
        load_books(tmp_path / "books.yaml")


def fault(code: int) -> OSError:
    return OSError(code, os.strerror(code), "/home/x/objects/ab.parquet")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (fault(errno.ENOSPC), "the disk is full: /home/x/objects/ab.parquet"),
        (fault(errno.EACCES), "no permission: /home/x"),
        (fault(errno.EROFS), "the disk is read-only"),
        (fault(errno.EMFILE), "too many open files"),
        (fault(errno.EIO), "the disk cannot be read or written"),
        (sa.exc.OperationalError("insert", {}, sqlite3.OperationalError("database is locked")), "the state database is busy"),
        (sa.exc.OperationalError("insert", {}, sqlite3.OperationalError("database or disk is full")), "the disk is full"),
        (sa.exc.DatabaseError("select", {}, sqlite3.DatabaseError("file is not a database")), "the state database is damaged"),
        (sa.exc.IntegrityError("insert", {}, sqlite3.IntegrityError("UNIQUE")), "another command wrote to the state database"),
        (duckdb.IOException("IO Error: Could not set lock on file"), "a database file is in use by another process"),
        (UnicodeDecodeError("utf-8", b"\xb1", 0, 1, "invalid start byte"), "a name or text is not UTF-8"),
        (UnicodeEncodeError("utf-8", "\udcb1", 0, 1, "surrogates not allowed"), "a name or text is not UTF-8"),
        (MemoryError(), "not enough memory"),
        (BooksError("bad books", advice="Mend them."), "bad books"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_goes_wrong_outside_is_one_message(
    error: BaseException, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("a step failed") from error  # as an orchestrator wraps it

    monkeypatch.setattr(cli_room.cli, "main", fail)
    assert cli_room._status() == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}") and len(said.splitlines()) <= 2 and "Traceback" not in said


def test_a_defect_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**_: object) -> None:
        raise KeyError("leg")

    monkeypatch.setattr(cli_room.cli, "main", fail)
    assert cli_room._status() == 1
    said = capsys.readouterr().err
    assert "KeyError" in said and "This is a defect of duizhang" in said.splitlines()[-2]
    assert told(KeyError("leg")) is None and told(ValueError("x")) is None


@pytest.mark.parametrize("way", [KeyboardInterrupt, click.Abort])
def test_a_stopped_command_says_so(
    way: Callable[[], BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise way()

    monkeypatch.setattr(cli_room.cli, "main", fail)
    assert cli_room._status() == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_an_answer_that_has_no_room_is_an_error_and_not_a_traceback(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "duizhang", "source", "schema"], stdout=full, stderr=subprocess.PIPE, text=True,
                              cwd=Path(__file__).resolve().parents[1])
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "error: the disk is full")
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_fits_the_screen_and_breaks_between_words(width: int) -> None:
    cell = ", ".join(f"运输途中丢失 cause_{n} {n}" for n in range(30))
    text = table_text(["period", "causes"], [["2026-03-01", cell], ["2026-03-02", "timing 1"]], width=width)
    assert max(width_of(line) for line in text.splitlines()) <= width
    assert " ".join(line[12:] for line in text.splitlines()[2:-1]) == cell
    event = ["E150D551F18A7", Decimal("12.50"), "Missing on the other side", "tb-01/3202603010000001300/3202603010000001300", "Orders +2"]
    listed = table_text(["event", "amount", "cause", "key", "legs"], [event], width=width).splitlines()
    assert max(width_of(line) for line in listed) <= width and listed[2].endswith("Orders +2")
    assert folded("a" * 25 + " b", 10) == ["a" * 10, "a" * 10, "aaaaa b"]


def commands(group: click.Group, before: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= commands(command, f"{before}{name} ")
        else:
            found[f"{before}{name}"] = command
    return found


def test_every_command_shows_an_example() -> None:
    without = [name for name, command in commands(cli).items() if f"duizhang {name}" not in str(command.epilog)]
    assert without == []


def test_exit_codes_stand_in_one_table_and_in_the_help() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "commands.md").read_text(encoding="utf-8")
    help_text = " ".join(cli.get_help(click.Context(cli)).split())
    for code, meaning in cli_room.EXIT_CODES:
        assert f"| {code} | {meaning} |" in page
        assert f"{code} {meaning}" in help_text


def test_a_misspelt_command_is_told_the_nearest_one() -> None:
    with pytest.raises(click.UsageError, match="no command 'stauts'; did you mean 'status'"):
        cli.main(["stauts"], standalone_mode=False)


def test_amounts_stand_in_the_places_of_their_currency() -> None:
    four = [Decimal("12.5000"), Decimal("3.0000"), Decimal("1.2345")]
    rows = [["CNY", *four], ["JPY", *four], ["PCS", *four], [None, *four]]
    assert in_currency(["currency", "a", "b", "c"], rows) == [
        ["CNY", "12.50", "3.00", "1.2345"], ["JPY", "12.5", "3", "1.2345"], ["PCS", "12.5", "3", "1.2345"], [None, *four]]
    assert in_currency(["a"], [[four[0]]]) == [[four[0]]]
    assert in_currency(["currency", "rate"], [["CNY", Decimal("0.500000")]]) == [["CNY", Decimal("0.500000")]]
    shown = table_text(["currency", "a"], in_currency(["currency", "a"], [["CNY", four[0]], ["JPY", four[1]]]))
    assert shown.splitlines()[-1] == "JPY           3"


def test_a_note_about_a_file_stands_in_status_once() -> None:
    noted = [{"period": 1, "file": "a.csv", "problem": "a.csv: one; two"}, {"period": 2, "file": "a.csv", "problem": "a.csv: two; three"},
             {"period": 2, "file": "a.csv", "problem": "a.csv: two"}, {"period": 1, "file": "b.csv", "problem": "two"}]
    assert _told_once(noted) == [(2, "a.csv: two; three"), (1, "a.csv: one"), (1, "two")]
    alike = [("", f"2026-03-0{n} s/export-{n}.csv: {n} rows stand in s/export-{n + 1}.csv as well") for n in range(1, 9)]
    told = [*alike, ("", "2026-03-09 s/other.csv: a column is not read")]
    shown = list(_each_kind_once(told, everything=False))
    assert shown[0].endswith("s/export-1.csv: 1 rows stand in s/export-2.csv as well") and "    and 7 more like it (--all)" in shown
    assert sum(line.startswith("  - ") for line in shown) == 2
    assert sum(line.startswith("  - ") for line in _each_kind_once(told, everything=True)) == len(told)

"""What the examples of the commands need that no example before them has made: ids that the run gave, bills, what others decided.

Tests and benchmarks/commands.py type the examples in a folder, one after the other; `typed` is how they type a command.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from duizhang.cli.examples import EXAMPLES

FIRST, LAST = "2026-03-01", "2026-03-02"
Typed = Callable[..., object]


def furnished(folder: Path) -> None:
    """The two files of `compare`."""
    (folder / "left.csv").write_text("order_id,price,freight\na,1,2\n", encoding="utf-8")
    (folder / "right.csv").write_text("order_id,paid\na,3\n", encoding="utf-8")


def ready(name: str, folder: Path, typed: Typed) -> list[str]:
    """The words of an example, all that it needs being there."""
    if name in _BEFORE:
        _BEFORE[name](folder, typed)
    return [_published(folder, _PUT_IN[word]) if word in _PUT_IN else word for word in shlex.split(EXAMPLES[name])]


def an_event(folder: Path) -> str:
    return _published(folder, _PUT_IN["EVENT"])


def the_day_again(_folder: Path, typed: Typed) -> None:
    typed("run", "--quiet", "--books", "raw/books.yaml", "--home", "home", "--from", LAST, "--to", LAST)


def _published(folder: Path, select: str) -> str:
    with duckdb.connect(str(folder / "home" / "published.duckdb"), read_only=True) as con:
        found = con.execute(select).fetchone()
    assert found and found[0], select
    return str(found[0])


_PUT_IN = {
    "ORDER": "select min(order_id) from order_trace where order_id <> ''",
    "EVENT": "select min(event) from event_items where period = (select max(period) from event_items) and is_booked "
             "and leg = 'order_payment' and entity = 'demo' and currency = 'CNY' and difference <> 0",
    "RAW": "select min(sha256) from source_files where status = 'read' and sha256 <> ''",
}


def _bills(folder: Path, _typed: Typed) -> None:
    """A day of a shop, as it was downloaded."""
    shutil.copytree(folder / "raw" / "inbox" / "tb-01" / FIRST, folder / "bills")


def _look(_folder: Path, typed: Typed) -> None:
    """Take in the inbox and what was decided about it."""
    typed("plan", "--books", "raw/books.yaml", "--home", "home")


def _something_that_is_no_bill(folder: Path, typed: Typed) -> None:
    (folder / "raw/inbox/company/notes.txt").write_text("call the bank\n", encoding="utf-8")
    _look(folder, typed)


def _without_it(folder: Path, typed: Typed) -> None:
    _look(folder, typed)
    (folder / "raw/inbox/company/notes.txt").unlink()
    typed(*shlex.split(EXAMPLES["source withdraw"]))


def _somebody_else_signs(_folder: Path, typed: Typed) -> None:
    typed("approve", "--home", "home", "--period", FIRST, "--as", "checker", "--by", "Wang Wei")


def _a_feed(folder: Path, _typed: Typed) -> None:
    with (folder / "raw/books.yaml").open("a", encoding="utf-8") as books:
        books.write("\nfeeds: {oms: {legs: [order_payment], decisions: [correct, write_off]}}\n")


_BEFORE: dict[str, Callable[[Path, Typed], None]] = {
    "init": _bills, "source accept": _something_that_is_no_bill, "source withdraw": _look, "source restore": _look,
    "status": _without_it, "journal export": the_day_again, "close": _somebody_else_signs, "export feed": _a_feed,
}

"""Options that several commands share."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from duizhang.errors import UserError
from duizhang.state import State
from duizhang.store import days

DAY = click.DateTime(["%Y-%m-%d"])

home_option = click.option(
    "--home", type=click.Path(path_type=Path), default=Path("home"), envvar="DUIZHANG_HOME", show_default=True,
    help="Where results are kept.",
)
by_option = click.option("--by", required=True, help="Your name; it goes into the event log.")


def open_state(home: Path) -> State:
    """The state database of a home that exists."""
    if not home.is_dir():
        raise UserError(f"there is no home at {home}", advice="Give it with --home, or run `duizhang run` first.")
    return State(home)


def span(start: dt.datetime, end: dt.datetime | None) -> list[dt.date]:
    """The days of a range; of the first day alone without an end."""
    last = (end or start).date()
    if last < start.date():
        raise UserError("the range ends before it begins")
    return days(start.date(), last)

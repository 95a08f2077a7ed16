"""The answer of a command: lines for people, or one JSON object for programs.

Every such object begins with `command`; what went wrong is `{"command", "error", "advice"}`. Amounts are text, days are ISO dates.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Mapping, Set
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def answer(facts: Mapping[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Print what was found or done: `facts` as JSON behind the name of the command, or the lines."""
    if as_json:
        click.echo(as_text({"command": command_name(), **facts}))
        return
    for line in lines:
        click.echo(line)


def as_text(value: object) -> str:
    """JSON as every command writes it."""
    return json.dumps(value, ensure_ascii=False, indent=1, default=plain)


def command_name() -> str:
    """The command that is running, such as `exceptions undo`."""
    context = click.get_current_context()
    return context.command_path.partition(" ")[2]


def plain(value: object) -> object:
    """What JSON has no form for: amounts, days, paths and records."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Set):
        return sorted(value, key=str)
    raise TypeError(f"{type(value).__name__} has no form in JSON")

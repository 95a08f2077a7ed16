"""The closed list of causes: read from causes.yaml, turned into one SQL CASE. An unknown cause is an error."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict

from duizhang.digest import file_digest
from duizhang.yaml_reading import load_yaml

CAUSES_FILE = Path(__file__).with_name("causes.yaml")


class Cause(BaseModel):
    """One cause with its labels, who acts, what to do, and the SQL condition that names it.

    late: a condition that names it as well, tried after the rules of all other causes but `unexplained`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    zh: str
    en: str
    who: str
    action_zh: str
    action: str
    when: str
    late: str | None = None


@cache
def load_causes() -> dict[str, Cause]:
    """All causes by name, in the order in which their rules are tried."""
    entries = load_yaml(CAUSES_FILE.read_text(encoding="utf-8"))
    causes = [Cause(**entry) for entry in entries]
    if causes[-1].name != "unexplained":
        raise ValueError("causes.yaml: the last cause must be 'unexplained'")
    return {cause.name: cause for cause in causes}


def cause_expression() -> str:
    """The SQL CASE that gives the name of the first cause whose condition holds."""
    *causes, last = load_causes().values()
    rules = [(cause.when, cause.name) for cause in causes]
    rules += [(cause.late, cause.name) for cause in causes if cause.late]
    arms = "\n".join(f"    when {when} then '{name}'" for when, name in [*rules, (last.when, last.name)])
    return f"case\n{arms}\nend"


def prepare_causes(con: duckdb.DuckDBPyConnection) -> None:
    """Put the rules in place as the table macro `name_causes(relation)`: its rows with their cause."""
    con.execute(f"create macro name_causes(relation) as table select *, {cause_expression()} as cause from query_table(relation)")


def causes_digest() -> str:
    """SHA-256 of the rules."""
    return file_digest(CAUSES_FILE)

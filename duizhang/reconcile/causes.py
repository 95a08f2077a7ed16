"""The closed list of causes: read from causes.yaml, turned into one SQL CASE. An unknown cause is an error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from duizhang.declared.rule_files import rule_file
from duizhang.digest import file_digest
from duizhang.home.store import quoted
from duizhang.yaml_reading import load_yaml

CAUSES_FILE = Path(__file__).with_name("causes.yaml")
# so many candidates are published of one difference
_CANDIDATES = 3


@dataclass(frozen=True)
class RunnerUp:
    """Another cause that a difference may have, and the SQL condition under which it may."""

    cause: str
    when: str


@dataclass(frozen=True)
class Cause:
    """One cause with its labels, who acts, what to do, and the SQL condition that names it.

    tells: what would show that it is this one. runner_up: what else it may be, and when.
    """

    name: str
    zh: str
    en: str
    who: str
    action_zh: str
    action: str
    tells: str
    tells_zh: str
    when: str
    runner_up: tuple[RunnerUp, ...] = ()


def load_causes() -> dict[str, Cause]:
    """All causes by name, in the order in which their rules are tried."""
    return read_causes(rule_file(CAUSES_FILE))


@cache
def read_causes(path: Path) -> dict[str, Cause]:
    """The causes of a file. Raises ValueError where they are no closed list, TypeError where an entry has other fields."""
    entries = load_yaml(path.read_text(encoding="utf-8"))
    causes = [_cause(entry) for entry in entries]
    if causes[-1].name != "unexplained":
        raise ValueError("causes.yaml: the last cause must be 'unexplained'")
    named = {cause.name: cause for cause in causes}
    unknown = sorted({other.cause for cause in causes for other in cause.runner_up} - named.keys())
    if unknown:
        raise ValueError(f"causes.yaml: unknown causes {', '.join(unknown)}")
    return named


def _cause(entry: dict[str, Any]) -> Cause:
    found = Cause(**{**entry, "runner_up": tuple(RunnerUp(**other) for other in entry.get("runner_up", ()))})
    for given in (entry, *entry.get("runner_up", ())):
        wrong = [name for name, text in given.items() if name != "runner_up" and not isinstance(text, str)]
        if wrong:
            raise ValueError(f"causes.yaml: {found.name}: {', '.join(wrong)}: expected a text")
    return found


def cause_expression() -> str:
    """The SQL CASE that gives the name of the first cause whose condition holds."""
    *causes, last = load_causes().values()
    arms = "\n".join(f"    when {cause.when} then '{cause.name}'" for cause in [*causes, last])
    return f"case\n{arms}\nend"


def candidates_expression() -> str:
    """The SQL list of {cause, tells} of what else a difference may be that has a cause: the first few, the likelier first."""
    causes = load_causes()
    arms = ", ".join(
        f"case when cause = {quoted(cause.name)} and ({other.when}) "
        f"then {{'cause': {quoted(other.cause)}, 'tells': {quoted(causes[other.cause].tells)}}} end"
        for cause in causes.values() for other in cause.runner_up
    )
    return f"list_filter([{arms}], lambda c: c is not null)[1:{_CANDIDATES}]"


def prepare_causes(con: duckdb.DuckDBPyConnection) -> None:
    """Put the rules in place as table macros: `name_causes(relation)`, its rows with their cause, and
    `name_candidates(relation)`, rows that have one with what else they may be."""
    con.execute(
        f"create macro name_candidates(relation) as table select *, {candidates_expression()} as candidates from query_table(relation)"
    )
    con.execute(f"create macro name_causes(relation) as table select *, {cause_expression()} as cause from query_table(relation)")


def causes_digest() -> str:
    """SHA-256 of the rules."""
    return file_digest(rule_file(CAUSES_FILE))

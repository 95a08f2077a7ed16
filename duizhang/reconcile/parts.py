"""Differences that have several causes: read from parts.yaml, turned into SQL that takes each part off what is left."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict

from duizhang.digest import file_digest
from duizhang.home.store import quoted
from duizhang.reconcile.causes import load_causes
from duizhang.yaml_reading import load_yaml

PARTS_FILE = Path(__file__).with_name("parts.yaml")
ORDER_LINES = "order_lines"
_MONEY = "decimal(28, 4)"


class Step(BaseModel):
    """One part that may be taken off: its cause, the SQL condition, and what each side has in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    cause: str
    when: str
    left: str
    right: str
    because: str
    quantity: str = "0"
    kinds: tuple[str, ...] = ("*",)


class Whole(BaseModel):
    """What is never taken apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    causes: tuple[str, ...]
    legs: tuple[str, ...]


class Parts(BaseModel):
    """parts.yaml; `rest` names what the steps leave, cause by cause, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    whole: Whole
    steps: tuple[Step, ...]
    rest: dict[str, str]


@cache
def load_parts() -> Parts:
    """The declared steps. An unknown cause is an error."""
    parts = Parts(**load_yaml(PARTS_FILE.read_text(encoding="utf-8")))
    named = {*parts.whole.causes, *(s.cause for s in parts.steps), *parts.rest} - {ORDER_LINES}
    unknown = sorted(named - load_causes().keys())
    if unknown:
        raise ValueError(f"parts.yaml: unknown causes {', '.join(unknown)}")
    return parts


def parts_digest() -> str:
    """SHA-256 of the steps."""
    return file_digest(PARTS_FILE)


def prepare_parts(con: duckdb.DuckDBPyConnection) -> None:
    """Put the steps in place as the table macro `take_parts(relation)`: see `parts_query`."""
    con.execute(f"create macro take_parts(relation) as table {parts_query('query_table(relation)')}")


def parts_query(items: str) -> str:
    """SQL over the relation `items` (judged items with their cause as a whole): the same rows with two more columns.

    taken: a list of {cause, left, right, quantity, kinds, because}, one a step that took something; rest: what no step
    took, with the cause rest_cause. difference = sum(left - right over taken) + rest, exactly.
    """
    parts = load_parts()

    def names(values: tuple[str, ...]) -> str:
        return ", ".join(quoted(v) for v in values)

    query = (
        f"select *, difference as rest, [] :: struct(cause varchar, \"left\" {_MONEY}, \"right\" {_MONEY}, quantity {_MONEY}, "
        f"kinds varchar[], because varchar)[] as taken from {items} "
        f"where difference <> 0 and leg not in ({names(parts.whole.legs)}) and cause not in ({names(parts.whole.causes)})"
    )
    for step in parts.steps:
        kinds = f"[{names(step.kinds)}]::varchar[]"
        query = (
            f"select * exclude (part, rest, taken), (rest - coalesce(part.\"left\" - part.\"right\", 0))::{_MONEY} as rest, "
            f"case when part.\"left\" - part.\"right\" <> 0 then list_append(taken, part) else taken end as taken from ("
            f"select *, case when rest <> 0 and ({step.when}) then {{'cause': {quoted(step.cause)}, "
            f"'left': ({step.left})::{_MONEY}, 'right': ({step.right})::{_MONEY}, 'quantity': ({step.quantity})::{_MONEY}, "
            f"'kinds': {kinds}, 'because': ({step.because})::varchar}} end as part from ({query}))"
        )
    arms = " ".join(f"when {when} then {quoted(cause)}" for cause, when in parts.rest.items())
    return (
        f"select *, case when rest = 0 then null {arms} when one_sided then cause else 'unexplained' end as rest_cause "
        f"from ({query}) where len(taken) > 0"
    )

"""The closed list of causes: read from causes.yaml, turned into one SQL CASE. An unknown cause is an error."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from duizhang.digest import file_digest

CAUSES_FILE = Path(__file__).with_name("causes.yaml")


class Cause(BaseModel):
    """One cause with its labels, who acts, what to do, and the SQL condition that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    zh: str
    en: str
    who: str
    action_zh: str
    action: str
    when: str


@cache
def load_causes() -> dict[str, Cause]:
    """All causes by name, in the order in which their rules are tried."""
    entries = yaml.safe_load(CAUSES_FILE.read_text(encoding="utf-8"))
    causes = [Cause(**entry) for entry in entries]
    if causes[-1].name != "unexplained":
        raise ValueError("causes.yaml: the last cause must be 'unexplained'")
    return {cause.name: cause for cause in causes}


def cause_expression() -> str:
    """The SQL CASE that gives the name of the first cause whose condition holds."""
    arms = "\n".join(f"    when {cause.when} then '{cause.name}'" for cause in load_causes().values())
    return f"case\n{arms}\nend"


def causes_digest() -> str:
    """SHA-256 of the rules."""
    return file_digest(CAUSES_FILE)

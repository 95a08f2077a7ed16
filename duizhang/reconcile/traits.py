"""What rules and models ask about a leg as such: read from traits.yaml, in SQL the relation `leg_traits`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from duizhang.books import LEGS
from duizhang.digest import file_digest
from duizhang.schema import TEXT
from duizhang.yaml_reading import load_yaml

TRAITS_FILE = Path(__file__).with_name("traits.yaml")
_TRAITS = pa.schema([("leg", TEXT), ("in_sequence", pa.bool_()), ("silent_day", pa.bool_()), ("own_days", pa.int64())])


class Traits(BaseModel):
    """One leg; see traits.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    in_sequence: bool = False
    silent_day: bool = False
    own_days: int | None = None


@cache
def load_traits() -> dict[str, Traits]:
    """The traits of every leg. A leg that is missing or unknown is an error."""
    given = {leg: Traits(**said) for leg, said in load_yaml(TRAITS_FILE.read_text(encoding="utf-8")).items()}
    if given.keys() != set(LEGS):
        raise ValueError(f"traits.yaml: missing or unknown legs {', '.join(sorted(given.keys() ^ set(LEGS)))}")
    return given


def leg_traits() -> pa.Table:
    """A row a leg."""
    return pa.Table.from_pylist([{"leg": leg, **said.model_dump()} for leg, said in load_traits().items()], schema=_TRAITS)


def traits_digest() -> str:
    """SHA-256 of the traits."""
    return file_digest(TRAITS_FILE)


__all__ = ["TRAITS_FILE", "Traits", "leg_traits", "load_traits", "traits_digest"]

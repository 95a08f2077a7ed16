"""What is declared of matching: the passes of each leg, how keys are normalised, the words that name a payment channel, bounds.

It stands above the rooms that use it: reconciling runs the passes, and reading keeps of a remark only what they ask for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from duizhang.declared.rule_files import rule_file
from duizhang.digest import file_digest
from duizhang.yaml_reading import load_yaml

MATCHING_FILE = Path(__file__).with_name("matching.yaml")


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Pass = Literal[
    "normal_key", "near_key", "split_key", "near_key_apart", "remark", "tolerance", "together", "keyless", "batch", "subset",
    "near_amount",
]


class NormalKey(_Closed):
    """One normalisation of keys."""

    name: str
    pattern: str
    replace: str
    sources: tuple[str, ...]
    lossless: bool


class Near(_Closed):
    """When two references are nearly the same; see matching.yaml."""

    look_alikes: str
    written: str
    edits: int
    length: int
    kept_percent: int


class LegPasses(_Closed):
    """The passes of a leg, who its counterparty is, how many days apart two items may be, and whether the left
    one comes first, but for a day."""

    passes: tuple[Pass, ...]
    party: Literal["", "channel", "customer"] = ""
    window_days: int = 0
    left_first: bool = False


class Bounds(_Closed):
    """Hard bounds on the work; each holds for one period by itself, so that a range gives what its days give."""

    rounds: int
    candidates: int
    crowd: int
    lines: int
    deposits: int
    combinations: int


class Matching(_Closed):
    """matching.yaml."""

    repeat_horizon_days: int
    sure_points: int
    shown_points: int
    near: Near
    normal_keys: tuple[NormalKey, ...]
    remark_id: str
    short_id: str
    payout_ids: dict[str, str]
    parties: dict[str, tuple[str, ...]]
    no_payout: tuple[str, ...]
    paid_elsewhere: tuple[str, ...]
    legs: dict[str, LegPasses]
    bounds: Bounds


def load_matching() -> Matching:
    """The declared passes."""
    return read_matching(rule_file(MATCHING_FILE))


@cache
def read_matching(path: Path) -> Matching:
    """The passes that a file declares."""
    return Matching(**load_yaml(path.read_text(encoding="utf-8")))


def matching_digest() -> str:
    """SHA-256 of the declaration."""
    return file_digest(rule_file(MATCHING_FILE))

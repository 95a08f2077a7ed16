"""The legs: what is held against what, read from legs.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from duizhang.digest import mapping_digest
from duizhang.yaml_reading import load_yaml

LEGS_FILE = Path(__file__).with_name("legs.yaml")
TERMS_FILE = Path(__file__).with_name("settlement_terms.yaml")


@dataclass(frozen=True, kw_only=True)
class SettlementTerm:
    """How long a platform keeps what a buyer paid; see settlement_terms.yaml."""

    payments: int | None = None
    settlements: int | None = None
    assumed: str = ""

    def days(self, awaits: Sequence[str]) -> int | None:
        """For how long a leg waits that awaits these records; None where it waits for nothing."""
        given = {"payments": self.payments, "settlements": self.settlements}
        return max((days for name, days in given.items() if name in awaits and days), default=None)


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One leg; see legs.yaml. No entry of books.yaml: every command that names a leg would pay for a library that checks types."""

    sla_days: int
    awaits: Sequence[str] = ()
    zh: str
    en: str
    in_sequence: bool = False
    silent_day: bool = False
    own_days: int | None = None
    lines_days: int | None = None
    waits_days: int | None = None
    answer_days: int | None = None
    waits_all: bool = False

    @property
    def channel_days(self) -> dict[str, int]:
        """Channel -> for how many days what it settles is waited for."""
        return {channel: days for channel, term in settlement_terms().items() if (days := term.days(self.awaits)) is not None}

    def days_of(self, channel: str) -> int:
        """For how many days a counterpart of the channel is waited for, where books.yaml says nothing."""
        return self.channel_days.get(channel, self.sla_days)

    @property
    def traits(self) -> dict[str, bool | int | None]:
        """What rules and models ask about it."""
        return {
            "in_sequence": self.in_sequence, "silent_day": self.silent_day, "own_days": self.own_days, "lines_days": self.lines_days,
            "waits_days": self.waits_days, "answer_days": self.answer_days or self.waits_days, "waits_all": self.waits_all,
        }


@cache
def settlement_terms() -> dict[str, SettlementTerm]:
    """The term of every platform that has one, by its channel."""
    return {channel: SettlementTerm(**given) for channel, given in load_yaml(TERMS_FILE.read_text(encoding="utf-8")).items()}


@cache
def load_legs() -> dict[str, Leg]:
    """Every leg by name, in order."""
    return {leg: Leg(**given) for leg, given in load_yaml(LEGS_FILE.read_text(encoding="utf-8")).items()}


def legs_digest() -> str:
    """SHA-256 of what a result follows from: all but the names that people read."""
    found = load_legs().items()
    return mapping_digest({leg: {"sla_days": one.sla_days, "channel_days": one.channel_days, **one.traits} for leg, one in found})


LEGS = tuple(load_legs())

__all__ = ["LEGS", "Leg", "SettlementTerm", "legs_digest", "load_legs", "settlement_terms"]

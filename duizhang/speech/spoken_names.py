"""Names of the tables as people call them, in the language that is spoken, as report and workbook have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duizhang.speech.language import CHINESE, ENGLISH, current

if TYPE_CHECKING:
    from duizhang.speech.labels import Labels


def spoken_leg(name: str) -> str:
    """A leg."""
    return labels_spoken().leg(name)


def spoken_cause(name: str) -> str:
    """A cause."""
    return labels_spoken().cause(name)


def spoken_records(names: str) -> str:
    """Canonical tables, with commas between them."""
    labels = labels_spoken()
    return labels.listed(labels.of("records", name) for name in names.split(", "))


def spoken_list(names: list[str]) -> str:
    """Names one after the other, with the comma that the language has between them."""
    return labels_spoken().listed(names)


def labels_spoken() -> Labels:
    """The words of results in the language that is spoken."""
    from duizhang.speech.labels import Labels  # only what speaks of results loads them

    return Labels(CHINESE if current() == CHINESE else ENGLISH)


__all__ = ["labels_spoken", "spoken_cause", "spoken_leg", "spoken_list", "spoken_records"]

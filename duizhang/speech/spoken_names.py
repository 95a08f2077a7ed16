"""Names of the tables as people call them, in the language that is spoken, as report and workbook have them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from duizhang.speech.language import CHINESE, ENGLISH, current

if TYPE_CHECKING:
    from duizhang.speech.labels import Labels


def spoken_leg(name: str) -> str:
    """A leg."""
    return _labels().leg(name)


def spoken_cause(name: str) -> str:
    """A cause."""
    return _labels().cause(name)


def spoken_currency(name: str) -> str:
    """A currency by its code; pieces by their word."""
    from duizhang.report.tables import currency_name

    return currency_name(name, _labels())


def spoken_amount(value: Decimal, currency: str) -> str:
    """An amount with its currency, or so many pieces."""
    from duizhang.report.figures import with_currency

    return with_currency(value, currency, _labels())


def spoken_records(names: str) -> str:
    """Canonical tables, with commas between them."""
    labels = _labels()
    return labels.listed(labels.of("records", name) for name in names.split(", "))


def spoken_list(names: list[str]) -> str:
    """Names one after the other, with the comma that the language has between them."""
    return _labels().listed(names)


def _labels() -> Labels:
    from duizhang.speech.labels import Labels  # only what speaks of results loads the report

    return Labels(CHINESE if current() == CHINESE else ENGLISH)


__all__ = ["spoken_amount", "spoken_cause", "spoken_currency", "spoken_leg", "spoken_list", "spoken_records"]

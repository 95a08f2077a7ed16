"""Amounts and currencies as commands say them, in the language that is spoken."""

from __future__ import annotations

from decimal import Decimal

from duizhang.speech.spoken_names import labels_spoken


def spoken_currency(name: str) -> str:
    """A currency by its code; pieces by their word."""
    from duizhang.report.tables import currency_name  # only what speaks of results loads the report

    return currency_name(name, labels_spoken())


def spoken_amount(value: Decimal, currency: str) -> str:
    """An amount with its currency, or so many pieces."""
    from duizhang.report.figures import with_currency

    return with_currency(value, currency, labels_spoken())


__all__ = ["spoken_amount", "spoken_currency"]

"""Names of the tables as people call them: in Chinese as the report has them, in English as they stand in the tables."""

from __future__ import annotations

from duizhang.language import CHINESE, current


def spoken_leg(name: str) -> str:
    """A leg in the language that is spoken."""
    if current() != CHINESE:
        return name
    from duizhang.report.labels import Labels  # only what speaks Chinese loads the report

    return Labels(CHINESE).leg(name)


def spoken_cause(name: str) -> str:
    """A cause in the language that is spoken."""
    if current() != CHINESE:
        return name
    from duizhang.report.labels import Labels

    return Labels(CHINESE).cause(name)


__all__ = ["spoken_cause", "spoken_leg"]

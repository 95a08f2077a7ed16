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


def spoken_records(names: str) -> str:
    """Canonical tables, with commas between them, in the language that is spoken."""
    if current() != CHINESE:
        return names
    from duizhang.report.labels import Labels

    labels = Labels(CHINESE)
    return labels.listed(labels.of("records", name) for name in names.split(", "))


__all__ = ["spoken_cause", "spoken_leg", "spoken_records"]

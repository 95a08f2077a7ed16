"""A proposal of a specification for a file that none fits."""

from duizhang.ingest.proposing.propose import propose

__all__ = [
    "propose",
]

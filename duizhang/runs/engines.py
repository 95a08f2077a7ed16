"""The engine that a run computes with, by its name."""

from __future__ import annotations

from duizhang.books.engine_names import DUCKDB, named
from duizhang.reconcile import DUCKDB as DUCKDB_BACKEND
from duizhang.reconcile import Backend


def engine_of(name: str) -> Backend:
    """The backend of that name, which begins with nothing yet. Raises UserError for a name that is none, and where what it takes is
    not installed."""
    if named(name) == DUCKDB:
        return DUCKDB_BACKEND
    from duizhang.spark import SparkBackend  # the extra `spark`

    return SparkBackend(name)


__all__ = ["engine_of"]

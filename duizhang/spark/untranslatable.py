"""What is raised where a statement has no translation."""

from __future__ import annotations


class Untranslatable(Exception):
    """A construct of DuckDB for which there is no translation into Spark's SQL; never passed over."""

"""What computes a day's models, as books.yaml and `--engine` name it: DuckDB on this machine, or a Spark."""

from __future__ import annotations

import re

from duizhang.errors import UserError

DUCKDB = "duckdb"
PATTERN = r"^(duckdb|local(\[(\d+|\*)\])?|spark://.+|sc://.+|k8s://.+|yarn)?$"


def named(text: str) -> str:
    """The engine of that name, DuckDB where nothing is said. Raises UserError for anything else."""
    if not re.match(PATTERN, text):
        raise UserError(f"engine {text!r}: no engine and no address of a Spark",
                        advice="duckdb, local[*], spark://HOST:7077, yarn, k8s://HOST or, by Spark Connect, sc://HOST:15002.")
    return text or DUCKDB

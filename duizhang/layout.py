"""Where the project's own data files are: source specs, SQL models, expectation suites.

In a checkout they stand at the top of the repository; in an installed wheel under `duizhang/_data`.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PACKED = _PACKAGE / "_data"


def _find(checkout: str, packed: str) -> Path:
    inside = _PACKED / packed
    return inside if inside.is_dir() else _PACKAGE.parent / checkout


SOURCES = _find("assets/sources", "sources")
SQL = _find("sql", "sql")
EXPECTATIONS = _find("expectations", "expectations")

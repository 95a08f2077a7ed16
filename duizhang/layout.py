"""Where the project's own files are: source specifications, SQL models, expectation suites, pages, and what orchestrates them.

In a checkout they stand at the top of the repository; in an installed wheel below `duizhang/_data`, so that installing the
project puts one package in place and no other name.
"""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PACKED = _PACKAGE / "_data"
_TOP = _PACKED if _PACKED.is_dir() else _PACKAGE.parent

SOURCES = _TOP / "assets" / "sources"
WORDS = _TOP / "assets" / "words"
SQL = _TOP / "sql"
EXPECTATIONS = _TOP / "expectations"
DOCS = _TOP / "docs"


def find_pipelines() -> None:
    """Make `assets` and `pipelines` importable where they are part of the installed wheel; nothing to do in a checkout."""
    if _TOP == _PACKED and str(_TOP) not in sys.path:
        sys.path.insert(0, str(_TOP))

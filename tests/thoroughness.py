"""How much a property tries: a little in `make test`, more in `make test-slow`."""

from __future__ import annotations

import os

import pytest

THOROUGH = "DUIZHANG_THOROUGH" in os.environ
# the same scenario over the range at once, and, in the long target, day after day as well
SPLITS = ["range", pytest.param("days", marks=pytest.mark.slow)]


def examples(quick: int, thorough: int) -> int:
    """The number of examples of a property that costs seconds for each."""
    return thorough if THOROUGH else quick

"""How much a property tries: a little in `make test`, more in `make test-slow`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

THOROUGH = "DUIZHANG_THOROUGH" in os.environ
# the same scenario over the range at once, and, in the long target, day after day as well
SPLITS = ["range", pytest.param("days", marks=pytest.mark.slow)]


def some(values: Iterable[str], *quick: str) -> list[Any]:
    """The cases of a test that costs seconds for each: these ones in `make test`, the others in the long target alone."""
    listed = list(values)
    assert set(quick) <= set(listed)
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in listed]


def examples(quick: int, thorough: int) -> int:
    """The number of examples of a property that costs seconds for each."""
    return thorough if THOROUGH else quick

"""How much a property tries: a little in `make test`, more in `make test-slow`."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import Phase
from hypothesis import strategies as st

THOROUGH = "DUIZHANG_THOROUGH" in os.environ
# a property with examples that stand beside it tries these alone in `make test`
PHASES = tuple(Phase) if THOROUGH else (Phase.explicit,)
# the same scenario over the range at once, and, in the long target, day after day as well
SPLITS = ["range", pytest.param("days", marks=pytest.mark.slow)]


def in_parts(periods: Sequence[dt.date]) -> list[Sequence[dt.date]]:
    """A split of a range: two parts, and in the long target three."""
    return [periods[:1], periods[1:-1], periods[-1:]] if THOROUGH else [periods[:1], periods[1:]]


def some(values: Iterable[Any], *quick: Any) -> list[Any]:
    """The cases of a test that costs seconds for each: these ones in `make test`, the others in the long target alone."""
    listed = list(values)
    assert all(value in listed for value in quick)
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in listed]


def examples(quick: int, thorough: int) -> int:
    """The number of examples of a property that costs seconds for each."""
    return thorough if THOROUGH else quick


def various(elements: st.SearchStrategy[Any], least: int, most: int) -> st.SearchStrategy[list[Any]]:
    """Lists for a property. Hypothesis begins with the simplest one, which is empty or says the same thing again and again: of a
    property that tries one example in `make test` that would be all, and it could not fail."""
    if THOROUGH:
        return st.lists(elements, max_size=most)
    return st.lists(elements, min_size=least, max_size=most).filter(lambda found: len({repr(one) for one in found}) >= least - 1)

"""No file makes a reader fail otherwise than by refusing it: no traceback, no hang, bounded memory, every row accounted for."""

from __future__ import annotations

import resource
import time

import pytest

from tests.hostile.mutating import case
from tests.ingest.test_damage import SAMPLES, read

LISTED = sorted(SAMPLES.items())
SECONDS, MEGABYTES = 20, 700
CASES = 40


def tried(first: int, number: int) -> list[str]:
    """What was wrong with so many cases."""
    wrong = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for each in range(first, first + number):
        told, body = case(each, LISTED)
        began = time.process_time()
        try:
            read(body)
        except Exception as error:
            wrong.append(f"case {each} ({told}): {type(error).__name__}: {str(error)[:300]}")
        if time.process_time() - began > SECONDS:
            wrong.append(f"case {each} ({told}): took {time.process_time() - began:.0f} processor seconds")
    if (grown := (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024) > MEGABYTES:
        wrong.append(f"cases {first} and on: memory grew by {grown:.0f} MB")
    return wrong


def test_a_case_is_made_of_its_number() -> None:
    assert [case(n, LISTED) for n in range(20)] == [case(n, LISTED) for n in range(20)]


def test_hostile_files_of_every_layout_are_read_or_refused() -> None:
    assert tried(0, CASES) == []


@pytest.mark.slow
def test_very_many_hostile_files_are_read_or_refused() -> None:
    assert tried(1000, 3000) == []

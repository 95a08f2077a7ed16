"""Runs without most expectations of the gate, for tests that look at something else: a third of a small run is Great Expectations.

Everything else of the gate stays (digests, rows of another period, columns as declared, what could not be computed), and so do the
expectations that say something of a business that is well: files that are missing, and warnings.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from duizhang.gate import validation
from duizhang.gate.suites import Expectation, Suite
from duizhang.gate.validation import Outcome, Validation

TOLD_BY_FILES = ("source_files", "quarantine")


class Trusting(Validation):
    """Whatever is asked holds, but for what says something of a business that is well."""

    def check(self, select: str, suite: Suite, expectations: Sequence[Expectation] | None = None) -> list[Outcome]:
        asked = suite.expectations if expectations is None else tuple(expectations)
        some = [e for e in asked if e.meta.severity == "warning" or suite.table in TOLD_BY_FILES]
        found = dict(zip((e.name for e in some), super().check(select, suite, some) if some else (), strict=True))
        return [found.get(e.name, Outcome(success=True)) for e in asked]


def trust(patch: pytest.MonkeyPatch) -> None:
    """Let expectations hold while `patch` lasts."""
    patch.setattr(validation, "Validation", Trusting)

"""Published days of made-up tables, to be signed and closed, on either database."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from duizhang.books import Books
from duizhang.gate import run_gate
from duizhang.publish import publish
from duizhang.store import days
from tests.ingest.test_database import server
from tests.publish.conftest import _FAKES

__all__ = ["server"]

FIRST = dt.date(2026, 3, 1)
PERIODS = days(FIRST, FIRST + dt.timedelta(days=1))


def published(home: Path) -> Any:
    """A home with both days published."""
    fake = _FAKES.Fake(home)
    fake.fill(PERIODS)
    run_gate(fake.store, fake.state, PERIODS)
    publish(Books(root=home, entity="acme", start=FIRST), fake.store, fake.state, home, PERIODS, rules_digest="r")
    return fake


@pytest.fixture
def fake(tmp_path: Path) -> Any:
    return published(tmp_path / "home")

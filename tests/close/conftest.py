"""Published days of made-up tables, to be signed and closed, on either database."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest

from duizhang.books import Books
from duizhang.gate import run_gate
from duizhang.home.store import days
from duizhang.publish import publish
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


@pytest.fixture(scope="session")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with both days published, to be copied."""
    return Path(published(tmp_path_factory.mktemp("public") / "home").home)


@pytest.fixture
def fake(public: Path, tmp_path: Path) -> Any:
    """A home of its own with both days published."""
    shutil.copytree(public, tmp_path / "home", symlinks=True)
    return _FAKES.Fake(tmp_path / "home")

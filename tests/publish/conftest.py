"""The made-up tables of tests/gate, for publication."""

from __future__ import annotations

import datetime as dt
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

import duizhang.ingest.files.file_records  # noqa: F401 - its table of files is part of every home
from duizhang.books import Books
from duizhang.gate import run_gate
from duizhang.home.store import days
from duizhang.publish import publish

_SPEC = importlib.util.spec_from_file_location("gate_fakes", Path(__file__).parents[1] / "gate" / "conftest.py")
assert _SPEC and _SPEC.loader
_FAKES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_FAKES)
_FIRST = dt.date(2026, 3, 1)


@pytest.fixture
def fake(tmp_path: Path) -> Any:
    return _FAKES.Fake(tmp_path / "home")


@pytest.fixture(scope="session")
def public(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Three published days, for tests that only read them."""
    made = _FAKES.Fake(tmp_path_factory.mktemp("public") / "home")
    periods = days(_FIRST, _FIRST + dt.timedelta(days=2))
    made.fill(periods)
    run_gate(made.store, made.state, periods)
    publish(Books(root=made.home, entity="acme", start=_FIRST), made.store, made.state, made.home, periods, rules_digest="r1")
    return made


@pytest.fixture
def own(public: Any, tmp_path: Path) -> Any:
    """A copy of the three published days, to be damaged."""
    shutil.copytree(public.home, tmp_path / "home", symlinks=True)
    return _FAKES.Fake(tmp_path / "home")

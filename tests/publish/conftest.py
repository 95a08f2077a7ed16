"""The made-up tables of tests/gate, for publication."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

_SPEC = importlib.util.spec_from_file_location("gate_fakes", Path(__file__).parents[1] / "gate" / "conftest.py")
assert _SPEC and _SPEC.loader
_FAKES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_FAKES)


@pytest.fixture
def fake(tmp_path: Path) -> Any:
    return _FAKES.Fake(tmp_path / "home")

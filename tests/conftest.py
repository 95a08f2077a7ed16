"""What every test shares."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """Nothing waits for the disk: power is not lost here, and what is written in which order stays as it is. Commands that
    tests start as processes of their own do wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few expectations of the gate are evaluated in this test."""
    from tests.unchecked import trust  # which loads Great Expectations

    trust(monkeypatch)

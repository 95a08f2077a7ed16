"""What every test shares."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # files of a few rows, by two workers at once

from duizhang.home import connection

gc.set_threshold(100_000)  # as commands do
TESTS = Path(__file__).parent
# The files whose single tests take longest, so that they begin first and no worker is left with one at the end.
LONGEST = (
    "test_readme.py", "close/test_loop.py", "pipelines/test_one_path.py", "privacy/test_marked_people.py", "what_if/test_what_if.py",
    "close/test_decisions.py", "pipelines/test_restate.py", "reconcile/test_uncomputed.py", "pipelines/test_files.py",
    "test_extending.py", "gate/test_gate.py", "reconcile/test_legs.py", "reconcile/test_sides.py", "reconcile/test_engine.py",
    "reconcile/test_shared.py", "reconcile/test_goods.py", "reconcile/test_cases.py", "drafting/test_init.py", "publish/test_publish.py",
    "reconcile/test_room.py", "reconcile/test_oracle.py", "gate/test_expectations.py", "close/test_signing.py", "close/test_audit.py",
    "reconcile/test_goods_on_their_way.py", "examples/test_olist.py", "reconcile/test_opening_items.py", "reconcile/test_declared.py",
    "publish/test_iceberg.py", "ingest/test_database.py", "test_wheel.py", "ingest/test_damage.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; tests of a file stay together, and in their order."""
    rank = {TESTS / name: number for number, name in enumerate(LONGEST)}
    absent = [path for path in rank if not path.is_file()]
    assert not absent, f"tests/conftest.py names files that are gone: {absent}"
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """Nothing waits for the disk: power is not lost here, and what is written in which order stays as it is. Commands that
    tests start as processes of their own do wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        written = connection._write_settings

        def unsynced_settings(opened: Any, record: object) -> None:
            written(opened, record)
            opened.execute("pragma synchronous = off")

        patch.setattr(connection, "_write_settings", unsynced_settings)
        yield


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few expectations of the gate are evaluated in this test, and Dagster drives no run."""
    from tests.unchecked import trust  # which loads both

    trust(monkeypatch)

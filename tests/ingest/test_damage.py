"""Damage to any file of any source: rows stay conserved, totals never tie by accident, nothing but a RefusedFile is raised."""

from __future__ import annotations

import importlib
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, extract, load_specs

MODULES = sorted(p.stem for p in Path(__file__).parent.glob("test_*.py") if p.stem != Path(__file__).stem)
SAMPLES: dict[str, bytes] = {
    f"{module}/{name}": body
    for module in MODULES
    for name, body in getattr(importlib.import_module(f"tests.ingest.{module}"), "SAMPLES", {}).items()
}


def read(body: bytes) -> list[Extraction] | None:
    """What a body gives, checked for conservation; None where it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.bin"
        path.write_bytes(body)
        try:
            found = extract(path, load_specs(), Setting(shop="s"), file="any.bin", into=Path(folder) / "out")
        except RefusedFile:
            return None
        for one in found:
            assert one.rows_read == one.rows_parsed + one.rows_quarantined + one.rows_ignored
            fed = {line for name in one.tables for line in one.table(name)["line"].to_pylist()} - {one.totals_line}
            rejected = set(one.quarantine()["line"].to_pylist())
            assert len(fed) == one.rows_parsed and not fed & rejected and len(rejected) == one.rows_quarantined
        return found


def stated(found: list[Extraction]) -> dict[tuple[str, str, int], str]:
    """The totals that a file states: (source, name, the how manieth of that name) -> computed."""
    answer: dict[tuple[str, str, int], str] = {}
    for one in found:
        for total in one.totals:
            if total.stated is not None:
                times = sum(key[:2] == (one.spec.name, total.name) for key in answer)
                answer[one.spec.name, total.name, times] = total.computed
    return answer


@cache
def undamaged(name: str) -> dict[tuple[str, str, int], str]:
    """The totals of a sample, all of which tie."""
    found = read(SAMPLES[name])
    assert found is not None, f"{name} is refused"
    assert all(t.ok for one in found for t in one.totals), [(t.name, t) for one in found for t in one.totals if not t.ok]
    return stated(found)


def holds(name: str, body: bytes) -> None:
    before, found = undamaged(name), read(body)
    if found is None or any(one.rows_quarantined or not all(t.ok for t in one.totals) for one in found):
        return
    after = stated(found)
    changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    assert not changed, f"{changed} tie although the file is damaged"


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_is_read_completely(name: str) -> None:
    undamaged(name)


@settings(max_examples=400, deadline=None)
@given(name=st.sampled_from(sorted(SAMPLES)), place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_any_byte(name: str, place: float, byte: int) -> None:
    body = bytearray(SAMPLES[name])
    body[int(place * len(body))] = byte
    holds(name, bytes(body))


@settings(max_examples=250, deadline=None)
@given(name=st.sampled_from(sorted(SAMPLES)), place=st.floats(0, 1, exclude_max=True), way=st.sampled_from(["cut", "twice", "half", "quote"]))
@example(name=sorted(SAMPLES)[0], place=0.0, way="cut")
def test_any_line(name: str, place: float, way: str) -> None:
    lines = SAMPLES[name].split(b"\n")
    at = int(place * len(lines))
    line = lines[at]
    lines[at : at + 1] = {
        "cut": [], "twice": [line, line], "half": [line[: len(line) // 2]], "quote": [line.replace(b",", b',"', 1)],
    }[way]
    holds(name, b"\n".join(lines))

"""Damage to any file of any source: rows stay conserved, totals never tie by accident, nothing but a RefusedFile is raised."""

from __future__ import annotations

import gzip
import importlib
import io
import tempfile
import time
import zipfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract
from tests.thoroughness import THOROUGH, examples

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
            found = extract(path, load_specs(), Setting(shop="s", of_sources={"bank_mt940": "CNY"}), file="any.bin", into=Path(folder) / "out")
        except RefusedFile as error:
            assert error.__cause__ is None or "reading it fails" not in str(error), "a library's error was not foreseen"
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


# those of test_channels are read there, row by row
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in sorted(SAMPLES) if THOROUGH or not name.startswith("test_channels/")])
def test_a_sample_is_read_completely(name: str) -> None:
    undamaged(name)


@example(name="test_carriers_west/fedex_all.csv", place=0.015625, byte=0)  # the header of what each group states
@settings(max_examples=examples(15, 200), deadline=None)
@given(name=st.sampled_from(sorted(SAMPLES)), place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_any_byte(name: str, place: float, byte: int) -> None:
    body = bytearray(SAMPLES[name])
    body[int(place * len(body))] = byte
    holds(name, bytes(body))


@pytest.mark.slow
@settings(max_examples=examples(10, 120), deadline=None)
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


CSV = b"Date,Label,Amount,Balance\n2026-03-01,x,1.00,5.00\n2026-03-02,y,-3.00,2.00\n"


@pytest.mark.parametrize(("body", "parsed", "quarantined"), [
    (CSV.replace(b",x", b',"x').replace(b",y", b',"y'), 0, 2),  # two stray quotation marks are not one cell over two lines
    (CSV.replace(b",x,", b',"x\n2026-03-09,z",'), 2, 0),  # one that is closed is
    (CSV.replace(b"1.00", b"9" * 500), 1, 1),  # a native cast makes -1 of it
    (CSV.replace(b"1.00", b"1e400"), 1, 1),
    (CSV.replace(b"1.00", b"99999999999999999999.9999"), 1, 1),  # many of them are more than a column of sums can hold
    (CSV.replace(b"1.00", b"-9999999999999999.9999"), 2, 0),
    (CSV.replace(b"1.00", b"NaN"), 1, 1),
    (CSV.replace(b"2026-03-01", b"0026-03-01"), 1, 1),
    (CSV.replace(b"2026-03-01", b"9999-12-31"), 1, 1),
    (CSV.replace(b"x", b"\0" * 50), 2, 0),
    (CSV.replace(b"x", b"x" * 9_000_000), 2, 0),
    (CSV.replace(b"\n", b"\r"), 2, 0),
])
def test_what_looks_like_a_row(body: bytes, parsed: int, quarantined: int) -> None:
    found = read(body)
    assert found is not None and (found[0].rows_parsed, found[0].rows_quarantined) == (parsed, quarantined)


def _zip(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)  # without the time of day
    return packed.getvalue()


@pytest.mark.parametrize("body", [
    gzip.compress(b"0" * 50_000_000, mtime=0), gzip.compress(CSV * 100, mtime=0)[:-20], gzip.compress(CSV, mtime=0) + b"junk",
    _zip(a=b"0" * 50_000_000), _zip(a=CSV * 99)[:-30], _zip(a=_zip(b=CSV)), _zip(**{f"m{n}": CSV for n in range(300)}),
    b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0" + bytes(600), _zip(**{"[Content_Types].xml": b"<x/>"}),
    b'{"data":' * 50_000, b"[" * 100_000, b'{"x": "' + b"y" * 200_000 + b'", "z', b"<OFX><STMTTRN>" + b"a" * 3_000_000,
    b"\xff\xfe" + CSV.decode().encode("utf-16-le")[:-1],
], ids=lambda body: f"{body[:4].hex()}-{len(body)}")
def test_hostile_containers_are_refused_at_once(body: bytes) -> None:
    began = time.monotonic()
    assert read(body) is None and time.monotonic() - began < 30


def test_names_in_an_archive_are_never_paths(tmp_path: Path) -> None:
    path = tmp_path / "any.zip"
    path.write_bytes(_zip(**{"../../up.csv": CSV, "/root.csv": CSV}))
    found = extract(path, load_specs(), Setting(), file="any.zip", into=tmp_path / "out")
    assert [one.rows_parsed for one in found] == [2, 2]
    assert {p.relative_to(tmp_path).parts[0] for p in tmp_path.rglob("*")} == {"any.zip", "out"} and not (tmp_path.parent / "up.csv").exists()


def test_whatever_a_library_raises_costs_the_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("duizhang.ingest.landing.extract"), "read", lambda *_: 1 / 0)
    path = tmp_path / "any.csv"
    path.write_bytes(CSV)
    with pytest.raises(RefusedFile, match="ZeroDivisionError"):
        extract(path, load_specs(), Setting(), file="any.csv", into=tmp_path / "out")

"""What a file asks for is looked at before room is made for it; what still ends the process costs the file alone."""

from __future__ import annotations

import datetime as dt
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duizhang.books import Books
from duizhang.errors import RefusedFile
from duizhang.home.state import State
from duizhang.home.store import Store
from duizhang.ingest import Setting, load_specs
from duizhang.ingest.inbox import collect
from duizhang.ingest.landing import extract
from duizhang.ingest.opening.container import told_apart

SKUS = b"sku,cost,currency,as_of\nS1,1.00,CNY,2026-03-02\n"


def workbook(far: str) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for line in SKUS.decode().splitlines():
        sheet.append(line.split(","))
    if far:
        sheet[far] = "x"
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def changed(body: bytes, old: bytes, new: bytes) -> bytes:
    """The workbook with other bytes in its sheet."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as before, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as after:
        for info in before.infolist():
            text = before.read(info)
            after.writestr(info.filename, text.replace(old, new) if "worksheets" in info.filename else text)
    return packed.getvalue()


def far_workbook() -> bytes:
    return workbook("XFD1048576")


def long_parquet() -> bytes:
    """Of more rows than its few bytes let expect, if not of many more: they are written here."""
    packed = io.BytesIO()
    pq.write_table(pa.table({"sku": pa.repeat("S1", 9_000_000), "cost": pa.repeat("1.00", 9_000_000)}), packed)
    return packed.getvalue()


@pytest.mark.parametrize("body", [far_workbook, long_parquet])
def test_a_small_file_that_asks_for_all_memory_is_refused_at_once(tmp_path: Path, body: Callable[[], bytes]) -> None:
    (tmp_path / "any.bin").write_bytes(body())
    began = time.monotonic()
    with pytest.raises(RefusedFile, match=r"cells|rows of"):
        extract(tmp_path / "any.bin", load_specs(), Setting(), file="any.bin", into=tmp_path / "out")
    assert time.monotonic() - began < 10


@pytest.mark.slow
def test_a_file_that_ends_the_process_that_reads_it_costs_itself_alone(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox" / "company"
    inbox.mkdir(parents=True)
    (inbox / "skus.csv").write_bytes(SKUS)
    (inbox / "skus.xlsx").write_bytes(changed(workbook(""), b"S1", b"S2"))
    # where the cell stands is written as it rarely is, so that it is not seen beforehand
    (inbox / "2026-03-02.xlsx").write_bytes(changed(far_workbook(), b'"XFD1048576"', b"'XFD1048576'"))
    books = Books(root=tmp_path, entity="acme", start=dt.date(2026, 3, 1))
    found = {r.path: r for r in collect(books, Store(tmp_path / "home"), State(tmp_path / "home"))}
    assert {name: r.status for name, r in found.items()} == {
        "company/skus.csv": "read", "company/skus.xlsx": "read", "company/2026-03-02.xlsx": "refused"}
    lost = found["company/2026-03-02.xlsx"]
    assert "ended twice" in lost.problem and lost.days() == [dt.date(2026, 3, 2)]


def test_members_of_one_name_are_both_read(tmp_path: Path) -> None:
    path = tmp_path / "two.zip"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("skus.csv", SKUS)
        archive.writestr("skus.csv", SKUS.replace(b"S1", b"S2"))
    found = extract(path, load_specs(), Setting(), file="two.zip", into=tmp_path / "out")
    assert [(one.member, one.table("skus")["sku"].to_pylist()) for one in found] == [("skus.csv", ["S1"]), ("skus.csv (2)", ["S2"])]
    assert [set(one.table("skus")["file"].to_pylist()) for one in found] == [{"two.zip::skus.csv"}, {"two.zip::skus.csv (2)"}]


def test_names_that_are_told_apart_are_all_different() -> None:
    assert told_apart(["a", "a", "a (2)", "b", "a"]) == ["a", "a (3)", "a (2)", "b", "a (4)"]

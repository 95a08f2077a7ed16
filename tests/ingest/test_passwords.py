"""A file behind a password is read with it, and says without it which member asks and where a password is given."""

from __future__ import annotations

import io
from pathlib import Path

import msoffcrypto.format.ooxml  # type: ignore[import-untyped]
import openpyxl
import pytest
import pyzipper  # type: ignore[import-untyped]

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

BILL = b"Date,Description,Amount,Balance\n2026-03-13,A,-1.00,99.00\n2026-03-14,B,-2.00,97.00\n"


def locked_zip(path: Path) -> None:
    with pyzipper.AESZipFile(path, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"42x")
        archive.writestr("bill.csv", BILL)
        archive.writestr("__MACOSX/._bill.csv", b"x")
        archive.writestr("说明.txt", b"a note")


def locked_workbook(path: Path) -> None:
    plain, book = io.BytesIO(), openpyxl.Workbook()
    for line in BILL.decode().splitlines():
        book.active.append(line.split(","))
    book.save(plain)
    plain.seek(0)
    with path.open("wb") as locked:
        msoffcrypto.format.ooxml.OOXMLFile(plain).encrypt("42x", locked)


def read(path: Path, folder: Path) -> list[Extraction]:
    return extract(path, load_specs(), Setting(), file=path.name, into=folder)


@pytest.mark.parametrize(("name", "lock", "told"), [("a.zip", locked_zip, "bill.csv"), ("a.xlsx", locked_workbook, "a.xlsx")])
@pytest.mark.parametrize("variable", ["DUIZHANG_FILE_PASSWORD", "DUIZHANG_FILE_PASSWORDS"])
def test_a_locked_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, name: str, lock: object, told: str) -> None:
    assert callable(lock)
    lock(tmp_path / name)
    monkeypatch.setenv(variable, "wrong")
    with pytest.raises(RefusedFile, match=f"{told} is protected by a password, and none of those given opens it") as refused:
        read(tmp_path / name, tmp_path)
    assert "DUIZHANG_FILE_PASSWORD" in str(refused.value.advice) and "42x" not in str(refused.value)
    monkeypatch.setenv(variable, "wrong\n42x" if variable.endswith("S") else "42x")
    [found] = read(tmp_path / name, tmp_path)
    assert (found.spec.name, found.rows_parsed) == ("bank_generic", 2)

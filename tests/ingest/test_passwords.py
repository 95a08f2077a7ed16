"""A file behind a password is read with it, and says without it which member asks and where a password is given."""

from __future__ import annotations

import io
import struct
import zlib
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


def old_locked_zip(path: Path) -> None:
    """The cipher of PKZIP, which libraries read and do not write: its three keys by the ZIP's own specification."""
    table = [zlib.crc32(bytes([n]), 0xFFFFFFFF) ^ 0xFFFFFFFF for n in range(256)]
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc(value: int, byte: int) -> int:
        return (value >> 8) ^ table[(value ^ byte) & 0xFF]

    def turn(byte: int) -> None:
        keys[0] = crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc(keys[2], keys[1] >> 24)

    def hidden(byte: int) -> int:
        half = (keys[2] | 2) & 0xFFFF
        found = byte ^ (((half * (half ^ 1)) >> 8) & 0xFF)
        turn(byte)
        return found

    for byte in b"42x":
        turn(byte)
    check = zlib.crc32(BILL)
    body = bytes(hidden(byte) for byte in bytes(11) + bytes([check >> 24]) + BILL)
    sizes = struct.pack("<HHHHHLLLHH", 20, 1, 0, 0, 0x5A21, check, len(body), len(BILL), 8, 0)
    local = b"PK\3\4" + sizes + b"bill.csv" + body
    central = b"PK\1\2" + struct.pack("<H", 20) + sizes + struct.pack("<HHHLL", 0, 0, 0, 0, 0) + b"bill.csv"
    path.write_bytes(local + central + b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(central), len(local), 0))


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


@pytest.mark.parametrize(("name", "lock", "told"), [
    ("a.zip", locked_zip, "bill.csv"), ("old.zip", old_locked_zip, "bill.csv"), ("a.xlsx", locked_workbook, "a.xlsx")])
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

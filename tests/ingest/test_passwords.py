"""A file behind a password is read with it, and says without it which member asks and where a password is given."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import msoffcrypto.format.ooxml  # type: ignore[import-untyped]
import olefile  # type: ignore[import-untyped]
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


def rc4(key: bytes, length: int) -> bytes:
    """So much of the key stream."""
    state, j, found = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for _ in range(length):
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        found.append(state[(state[i] + state[j]) % 256])
    return bytes(found)


def md5(body: bytes) -> bytes:
    return hashlib.md5(body, usedforsecurity=False).digest()


def hidden(body: bytes, stream: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(body, stream, strict=True))


def locked_xls(path: Path) -> None:
    """An XLS behind a password as Excel 97 writes it (MS-XLS, MS-OFFCRYPTO 2.3.6): the record of the last writer makes room for that of
    the password, and the contents of the others are hidden by RC4, with a key of its own every 1024 bytes of the stream."""
    path.write_bytes((Path(__file__).parent / "cases" / "C33" / "hqmx.xls").read_bytes())
    salt, verifier = bytes(range(16)), bytes(range(16, 32))
    first = md5("42x".encode("utf-16-le"))[:5]
    secret = md5((first + salt) * 16)[:5]
    keys = [md5(secret + struct.pack("<L", block)) for block in range(4)]
    stream = b"".join(rc4(key, 1024) for key in keys)
    proof = hidden(verifier + md5(verifier), stream[:32])
    with olefile.OleFileIO(str(path), write_mode=True) as container:
        body = container.openstream("Workbook").read()
        at = body.index(struct.pack("<HH", 0x5C, 112))
        room = struct.pack("<HHHHH", 0x2F, 54, 1, 1, 1) + salt + proof + struct.pack("<HH", 0x5C, 54) + bytes(54)
        body, made, at = body[:at] + room + body[at + 116 :], bytearray(), 0
        while at < len(body):
            kind, size = struct.unpack("<HH", body[at : at + 4])
            if not kind:  # what fills the stream behind its last record
                size = len(body) - at - 4
                body = body[: at + 2] + struct.pack("<H", size) + body[at + 4 :]
            plain = size if kind in (0x809, 0x2F, 0xE1) else 4 if kind == 0x85 else 0
            start, end = at + 4 + plain, at + 4 + size
            made += body[at:start] + hidden(body[start:end], stream[start:end])
            at = end
        container.write_stream("Workbook", bytes(made))


def read(path: Path, folder: Path) -> list[Extraction]:
    return extract(path, load_specs(), Setting(), file=path.name, into=folder)


@pytest.mark.parametrize(("name", "lock", "told", "source"), [
    ("a.zip", locked_zip, "bill.csv", "bank_generic"), ("old.zip", old_locked_zip, "bill.csv", "bank_generic"),
    ("a.xlsx", locked_workbook, "a.xlsx", "bank_generic"), ("a.xls", locked_xls, "a.xls", "bank_ccb_printed")])
@pytest.mark.parametrize("variable", ["DUIZHANG_FILE_PASSWORD", "DUIZHANG_FILE_PASSWORDS"])
def test_a_locked_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, name: str, lock: object, told: str, source: str) -> None:
    assert callable(lock)
    lock(tmp_path / name)
    monkeypatch.setenv(variable, "wrong")
    with pytest.raises(RefusedFile, match=f"{told} is protected by a password, and none of those given opens it") as refused:
        read(tmp_path / name, tmp_path)
    assert "DUIZHANG_FILE_PASSWORD" in str(refused.value.advice) and "42x" not in str(refused.value)
    monkeypatch.setenv(variable, "wrong\n42x" if variable.endswith("S") else "42x")
    [found] = read(tmp_path / name, tmp_path)
    assert (found.spec.name, found.rows_parsed) == (source, 2)

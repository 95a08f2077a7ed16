"""From a raw file to the documents in it. Raw files are hostile: sizes and ratios are bounded, names are never paths."""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from duizhang.errors import RefusedFile

MAX_BYTES = 2 << 30
MAX_RATIO = 200
MAX_MEMBERS = 200


@dataclass(frozen=True)
class Document:
    """One readable document: the file itself or a member of it."""

    name: str
    body: bytes
    kind: str  # text | sheet


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name of a ZIP member; Chinese platforms write GBK bytes without the flag that says so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename


def documents(path: Path) -> list[Document]:
    """The documents of a file, in their order. Raises RefusedFile for what is too large, broken or encrypted."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise RefusedFile(f"{size:,} bytes are more than the limit of {MAX_BYTES:,}", advice="Split the file.")
    body = path.read_bytes()
    if not body:
        raise RefusedFile("the file is empty", advice="Download it again.")
    if body.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(io.BytesIO(body)) as stream:
                unpacked = stream.read(min(MAX_BYTES, len(body) * MAX_RATIO) + 1)
        except (OSError, EOFError) as error:
            raise RefusedFile(f"broken gzip: {error}", advice="Download it again.") from error
        if len(unpacked) > len(body) * MAX_RATIO:
            raise RefusedFile("unpacks to more than 200 times its size", advice="Check where it comes from.")
        return [Document(path.name, unpacked, "text")]
    if body.startswith(b"PK\x03\x04"):
        return _zip(path, body)
    if body.startswith(b"\xd0\xcf\x11\xe0"):
        return [Document(path.name, body, "sheet")]
    return [Document(path.name, body, "text")]


def _zip(path: Path, body: bytes) -> list[Document]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            total = sum(info.file_size for info in members)
            if len(members) > MAX_MEMBERS or total > MAX_BYTES or total > max(len(body), 4096) * MAX_RATIO:
                raise RefusedFile(
                    f"unpacks to {total:,} bytes in {len(members)} members", advice="Check where it comes from."
                )
            if any(info.filename == "[Content_Types].xml" for info in members):
                return [Document(path.name, body, "sheet")]
            return [Document(_member_name(info), archive.read(info), "text") for info in members]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise RefusedFile(f"broken or encrypted ZIP: {error}", advice="Download it again, unencrypted.") from error
    except Exception as error:
        if type(error).__module__ == "zlib":
            raise RefusedFile(f"broken ZIP: {error}", advice="Download it again.") from error
        raise

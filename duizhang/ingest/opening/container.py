"""From a raw file to the documents in it. Raw files are hostile: sizes and ratios are bounded, names are never paths."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from duizhang.errors import RefusedFile
from duizhang.ingest.opening.bounds import MAX_RATIO, look_at_parquet, look_at_sheets
from duizhang.ingest.opening.passwords import locked, passwords, unlocked_workbook
from duizhang.ingest.opening.spreadsheet_xml import is_spreadsheet_xml, sheets_of
from duizhang.ingest.opening.xls import MAGIC, xls_sheets

if TYPE_CHECKING:
    import python_calamine

MAX_BYTES = 8 << 30
MAX_SHEET_BYTES = 1 << 30
MAX_MEMBERS = 200
HEAD_BYTES = 1 << 18
_BEGINNING = 4096
_NO_BILL = re.compile(  # what stands beside the bill in an archive
    r"(?i)(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|\._)|\.(pdf|png|jpe?g|gif|docx?|md|html?|url|ini)$|(^|/)(read ?me|说明|使用说明)[^/]*$")
DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)


class Bounded(io.RawIOBase):
    """A stream that refuses to give more than `limit` bytes, and says what is wrong with a damaged container."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream, self._left = stream, limit

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(self._left + 1 if size < 0 else size)
        except DAMAGED as error:
            raise RefusedFile(f"broken or encrypted: {error}", advice="Download it again, unencrypted.") from error
        self._left -= len(data)
        if self._left < 0:
            raise RefusedFile(
                "unpacks to more than 200 times its size, or to more than the limit", advice="Check where it comes from."
            )
        return data

    def close(self) -> None:
        self._stream.close()
        super().close()


@dataclass(frozen=True)
class Document:
    """One readable document: the file itself, a member of it, or a sheet of a workbook. kind: text | sheet | parquet.

    is_hidden: a sheet that its workbook does not show. rows: of a sheet the only ones that are read, as indices;
    kept: the rows of the sheet that was opened last of its workbook.
    """

    name: str
    kind: str
    open: Callable[[], BinaryIO]
    sheet: str = ""
    is_hidden: bool = False
    rows: range | None = None
    kept: dict[str, list[list[str]]] = field(default_factory=dict, compare=False)

    @cached_property
    def head(self) -> bytes:
        """The first bytes, enough for any preamble and header."""
        with self.open() as stream:
            parts, size = [], 0
            while size < HEAD_BYTES and (part := stream.read(HEAD_BYTES - size)):
                parts.append(part)
                size += len(part)
            return b"".join(parts)


def documents(path: Path) -> list[Document]:
    """The documents of a file, in their order. Raises RefusedFile for what is too large, broken or encrypted."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise RefusedFile(f"{size:,} bytes are more than the limit of {MAX_BYTES:,}", advice="Split the file.")
    if not size:
        raise RefusedFile("the file is empty", advice="Download it again.")
    with path.open("rb") as stream:
        magic = stream.read(_BEGINNING)
    if magic.startswith(b"\x1f\x8b"):
        limit = min(MAX_BYTES, size * MAX_RATIO)
        return [Document(path.name, "text", lambda: Bounded(gzip.open(path), limit))]  # type: ignore[arg-type,return-value]
    if magic.startswith(b"PK\x03\x04"):
        return _zip(path, size)
    if magic.startswith(MAGIC):
        return _sheets(path, size)
    if magic.startswith(b"PAR1"):
        look_at_parquet(path)
        return [Document(path.name, "parquet", lambda: path.open("rb"))]
    if is_spreadsheet_xml(magic):
        kept: dict[str, list[list[str]]] = {}
        return [Document(path.name, "sheet", lambda: path.open("rb"), sheet.name, sheet.is_hidden, kept=kept)
                for sheet in sheets_of(path.read_bytes()).values()]
    return [Document(path.name, "text", lambda: path.open("rb"))]


def _zip(path: Path, size: int) -> list[Document]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except DAMAGED as error:
        raise RefusedFile(f"broken ZIP: {error}", advice="Download it again.") from error
    total = sum(info.file_size for info in members)
    if len(members) > MAX_MEMBERS or total > MAX_BYTES or total > max(size, 4096) * MAX_RATIO:
        raise RefusedFile(f"unpacks to {total:,} bytes in {len(members)} members", advice="Check where it comes from.")
    if is_workbook(members):
        return _sheets(path, total)
    if any(info.filename.endswith(".iwa") for info in members):
        raise RefusedFile("it is a document of Numbers (Apple), no bill that can be read", advice="Export it from Numbers as XLSX or CSV.")
    filled = [info for info in members if info.file_size and not _NO_BILL.search(_member_name(info))]
    names = told_apart([_member_name(info) for info in filled])
    return [Document(name, "text", _opener(path, info)) for name, info in zip(names, filled, strict=True)]


def is_workbook(members: Sequence[zipfile.ZipInfo]) -> bool:
    """Whether an archive is a workbook: of Office Open XML, or an OpenDocument (which has its kind in it beside its content)."""
    names = {info.filename for info in members}
    return "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= names


def left_out(path: Path) -> list[str]:
    """The members of an archive that are no bills by their names, and are not read."""
    with path.open("rb") as stream:
        if not stream.read(4).startswith(b"PK\x03\x04"):
            return []
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
    if is_workbook(members):
        return []
    return told_apart([name for info in members if _NO_BILL.search(name := _member_name(info)) or not info.file_size])


def told_apart(names: Sequence[str]) -> list[str]:
    """Names of which none stands twice: the second `a` is `a (2)`; one that has a name of its own keeps it."""
    taken = set(names)
    seen: set[str] = set()
    found = []
    for name in names:
        own, number = name, 2
        while own in seen or (number > 2 and own in taken):
            own, number = f"{name} ({number})", number + 1
        seen.add(own)
        found.append(own)
    return found


def _opener(path: Path, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        try:
            if info.flag_bits & 1:
                return Bounded(_unlocked(path, info), info.file_size)  # type: ignore[return-value]
            with zipfile.ZipFile(path) as archive:
                # the member keeps the archive's file open for as long as it is read
                return Bounded(archive.open(info), info.file_size)  # type: ignore[arg-type,return-value]
        except DAMAGED as error:
            raise RefusedFile(f"broken ZIP: {error}", advice="Download it again.") from error
    return opened


def _unlocked(path: Path, info: zipfile.ZipInfo) -> BinaryIO:
    """A member behind a password, by the first of those given that opens it."""
    import pyzipper  # type: ignore[import-untyped]

    for password in passwords():
        try:
            with pyzipper.AESZipFile(path) as archive, archive.open(info.filename, pwd=password.encode()) as member:
                member.read(1)
            archive = pyzipper.AESZipFile(path)
            return archive.open(info.filename, pwd=password.encode())  # type: ignore[no-any-return]
        except (RuntimeError, pyzipper.BadZipFile, zlib.error):
            continue  # the check of a wrong password fails, or by chance only what it unpacks to
    raise locked(_member_name(info))


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name of a ZIP member; Chinese platforms write GBK bytes without the flag that says so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename


def _sheets(path: Path, size: int) -> list[Document]:
    """The sheets of a workbook that hold anything. A workbook is read whole: a sheet ends at 1,048,576 rows."""
    if size > MAX_SHEET_BYTES:
        raise RefusedFile(f"a workbook of {size:,} bytes", advice="Export it as CSV.")
    with path.open("rb") as stream:
        old = stream.read(len(MAGIC)) == MAGIC
    if not old:
        with refusing_damage():
            look_at_sheets(path)
        return _shown(path.name, lambda: path.open("rb"), workbook(path.read_bytes()))
    body = unlocked_workbook(path.read_bytes(), path.name)
    if not body.startswith(MAGIC):
        with refusing_damage():
            look_at_sheets(io.BytesIO(body))
        return _shown(path.name, lambda: io.BytesIO(body), workbook(body))
    kept: dict[str, list[list[str]]] = {}
    return [Document(path.name, "sheet", lambda: io.BytesIO(body), name, is_hidden, kept=kept)
            for name, is_hidden in xls_sheets(body).items()]


def _shown(name: str, opened: Callable[[], BinaryIO], book: python_calamine.CalamineWorkbook) -> list[Document]:
    """The sheets of a workbook, with what its visibility says of each."""
    import python_calamine

    hidden = {sheet.name for sheet in book.sheets_metadata if sheet.visible != python_calamine.SheetVisibleEnum.Visible}
    kept: dict[str, list[list[str]]] = {}
    return [Document(name, "sheet", opened, sheet, sheet in hidden, kept=kept) for sheet in book.sheet_names]


def workbook(body: bytes) -> python_calamine.CalamineWorkbook:
    """The opened workbook (XLSX). Raises RefusedFile where it is damaged."""
    import python_calamine

    with refusing_damage():
        return python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(body))


@contextmanager
def refusing_damage() -> Iterator[None]:
    """Whatever the workbook library raises on a damaged file becomes a RefusedFile.

    On some files it panics; a panic is a BaseException and no Exception.
    """
    try:
        yield
    except RefusedFile:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise RefusedFile(f"not a readable workbook: {error}", advice="Save it again as XLSX.") from error

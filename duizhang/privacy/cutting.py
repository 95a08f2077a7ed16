"""A person cut out of the bytes of a raw file, in whatever encoding and container it came."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html.entities import codepoint2name
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

from duizhang.errors import RefusedFile
from duizhang.ingest.opening import marked
from duizhang.ingest.specification import ENCODINGS

LARGEST = 1 << 30  # bytes that are held in memory
_PART = 1 << 20  # bytes of a larger file at once
_MOST = 1 << 36  # bytes that a larger file may unpack to
_DEEPEST = 3  # containers in containers
# all that files are read in, the stricter ones first
_ENCODINGS = tuple(dict.fromkeys((
    "utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "iso2022_jp_ext", "cp932", "cp949", "cp950", "euc_jp",
    *ENCODINGS)))
_EDGE = r"""[,;|"'`\t\r\n<>\ufeff\u3000\xa0]"""
_CLOSED = (b"PAR1", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")  # Parquet; workbooks of before 2007, and encrypted ones


class TooLarge(RefusedFile):
    """More bytes than are held in memory, as they are or unpacked."""


class How(StrEnum):
    """What is put in the place of the person, where: the most that leaves every row as it was is taken."""

    EVERYWHERE = "everywhere"  # a token in cells that are the person, stars where a longer text has the words
    TOKENS = "tokens"  # tokens in both: of a format whose cells end otherwise
    CELLS = "cells"  # tokens in cells that are the person; longer texts stay


@dataclass
class Cut:
    """Bytes without the person. cells: places where the person was replaced; longer: where the words are part of others, or of a text
    that stays."""

    body: bytes
    cells: int = 0
    longer: int = 0


def is_closed(body: bytes) -> bool:
    """Whether nothing can be looked for in the bytes: of a kind that packs its texts, or encrypted."""
    return body.startswith(_CLOSED) or (body.startswith(b"PK\x03\x04") and _is_encrypted(body))


def cut(body: bytes, tokens: Mapping[str, bytes], how: How, *, depth: int = 0) -> Cut:
    """Put tokens in the place of values. Raises TooLarge, and RefusedFile for what is damaged."""
    if len(body) > LARGEST:
        raise TooLarge(f"{len(body):,} bytes are too many to be changed")
    try:
        if depth < _DEEPEST and body.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(body)) as stream:
                found = cut(_bounded(stream), tokens, how, depth=depth + 1)
            return Cut(gzip.compress(found.body, mtime=0) if found.cells else body, found.cells, found.longer)
        if depth < _DEEPEST and body.startswith(b"PK\x03\x04") and not _is_encrypted(body):
            return _cut_zip(body, tokens, how, depth)
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise RefusedFile(f"it is damaged: {type(error).__name__}") from error
    return _cut_text(body, tokens, how)


def _bounded(stream: IO[bytes] | gzip.GzipFile) -> bytes:
    found = stream.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise TooLarge("it unpacks to more than can be changed")
    return found


def is_named(path: Path, values: Sequence[str]) -> bool:
    """Whether any of the values stands in a file of any size, packed or not. Raises RefusedFile for what is damaged or has no end."""
    try:
        with path.open("rb") as stream:
            return _is_in(stream, values, 0)
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise RefusedFile(f"it is damaged: {type(error).__name__}") from error


def _is_in(stream: IO[bytes] | gzip.GzipFile, values: Sequence[str], depth: int) -> bool:
    head = stream.read(_PART)
    stream.seek(0)
    if depth < _DEEPEST and head.startswith(b"\x1f\x8b"):
        with gzip.open(stream) as unpacked:
            return _is_in(unpacked, values, depth + 1)
    if depth < _DEEPEST and head.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(stream) as archive:
            for info in archive.infolist():
                if info.flag_bits & 1:
                    continue  # nothing can be looked for in what is encrypted
                with archive.open(info) as member:
                    if _is_in(member, values, depth + 1):
                        return True
            return False
    likely = [encoding for encoding in _ENCODINGS if _may_be(head, encoding)]
    needles = {_encoded(form, encoding) for encoding in likely or _ENCODINGS for value in values for form in _forms(value)}
    kept, longest, left = b"", max(map(len, needles)) - 1, _MOST
    while part := stream.read(_PART):
        kept += part
        if any(needle in kept for needle in needles):
            return True
        kept, left = kept[-longest:], left - len(part)
        if left < 0:
            raise RefusedFile("it unpacks to more than can be searched")
    return False


def _may_be(head: bytes, encoding: str) -> bool:
    """Whether the beginning of a text may be in an encoding."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeError:
        return False
    return True


def _is_encrypted(body: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return any(info.flag_bits & 1 for info in archive.infolist())
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def _cut_zip(body: bytes, tokens: Mapping[str, bytes], how: How, depth: int) -> Cut:
    total, target = Cut(body), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as archive, zipfile.ZipFile(target, "w") as made:
        for info in archive.infolist():
            with archive.open(info) as stream:
                found = cut(_bounded(stream), tokens, how, depth=depth + 1)
            total.cells, total.longer = total.cells + found.cells, total.longer + found.longer
            made.writestr(info, found.body, info.compress_type)
    return Cut(target.getvalue() if total.cells else body, total.cells, total.longer)


def _cut_text(body: bytes, tokens: Mapping[str, bytes], how: How) -> Cut:
    found = Cut(body)
    for value, token in tokens.items():
        put = token.decode("ascii")
        for encoding, needles in _readings(found.body, value):
            text = found.body.decode(encoding)
            for needle in needles:
                # with blanks around, between what separates cells in any of the formats
                own = re.compile(rf"(?:^|(?<={_EDGE}))([ \t]*){re.escape(needle)}(?=[ \t]*(?:$|{_EDGE}))")
                text, cells = own.subn(rf"\g<1>{put}", text)
                if how != How.CELLS:
                    # a name that goes on is another one; of a number digits do. `?32` is a field of remarks of banks
                    more = "[0-9]" if needle.isdecimal() else r"\w"
                    word = re.compile(rf"(?:(?<!{more})|(?<=\?[0-9]{{2}})){re.escape(needle)}(?!{more})")
                    text, words = word.subn("*" * len(needle) if how == How.EVERYWHERE else put, text)
                    cells += words
                found.cells, found.longer = found.cells + cells, found.longer + text.count(needle)
            found.body = text.encode(encoding)
            break  # a text is in one encoding
    return found


def _readings(body: bytes, value: str) -> Iterator[tuple[str, list[str]]]:
    """Encodings that a text may be in, likely ones first, and the forms in which the value is in it then."""
    mark = marked(body[:4096])
    swapped = body.startswith((b"\xfe\xff", b"\0\0\xfe\xff"))
    told = () if mark in (None, "utf-8-sig") else (f"{mark}-{'be' if swapped else 'le'}" if mark in ("utf-16", "utf-32") else mark,)
    for encoding in (*told, *_ENCODINGS):
        found = [form for form in _forms(value) if _encoded(form, encoding) in body]
        if found and _is_all(body, encoding):
            yield encoding, found
    # bytes that are whole in no encoding
    needles = dict.fromkeys(_encoded(form, encoding) for encoding in _ENCODINGS for form in _forms(value))
    if found := [needle.decode("latin-1") for needle in needles if needle in body]:
        yield "latin-1", found


def _is_all(body: bytes, encoding: str) -> bool:
    """Whether all of the bytes are text in an encoding, and come back as they were."""
    try:
        return body.decode(encoding).encode(encoding) == body
    except UnicodeError:
        return False


def _forms(value: str) -> list[str]:
    """A value as it stands in texts, in XML, in pages and in JSON."""
    named = "".join(f"&{name};" if (name := codepoint2name.get(ord(letter))) else letter for letter in value)
    numbered = [value.encode("ascii", "xmlcharrefreplace").decode(), "".join(c if c.isascii() else f"&#x{ord(c):X};" for c in value),
                "".join(c if c.isascii() else f"&#x{ord(c):x};" for c in value)]
    return list(dict.fromkeys([value, escape(value), json.dumps(value)[1:-1], named, *numbered]))


def _encoded(form: str, encoding: str) -> bytes:
    try:
        return form.encode(encoding)
    except UnicodeEncodeError:
        return b"\0\xff\0\xff\0\xff no text"

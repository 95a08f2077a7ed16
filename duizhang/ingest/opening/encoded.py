"""From bytes to blocks of whole lines, and from cells to UTF-8.

Commas, tabs, quotes and line ends are the same bytes in all encodings but a few, and stand in no other character, so lines are
cut and parsed as they are, and only the cells that are wanted and not ASCII are decoded. A damaged cell is found, not guessed.
UTF-16, UTF-32, ISO-2022-JP, and GB18030 and Shift-JIS between bars, are turned into UTF-8 first.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duizhang.errors import RefusedFile
from duizhang.ingest.opening.container import HEAD_BYTES, Document
from duizhang.ingest.opening.likeliness import BARRED
from duizhang.ingest.opening.scan import CR, LF, always_before, holds, is_ascii, newlines

BLOCK = 8 << 20
FIRST = 2 << 20  # the first blocks are smaller, so that all threads have something to do soon
PART = 1 << 18
FEW = 1000  # cells that tell whether most of a column's are the same
MAX_LINE = 16 << 20
# nearly every text decodes under them; where the names of columns do, they are right
BY_NAMES = (
    "cp1252", "cp932", "cp1250", "cp1251", "cp1254", "cp1257", "cp949", "cp950", "cp1253", "cp874", "cp1255", "cp1256", "euc_jp", "koi8_r",
    "cp866", "iso8859_5", "mac_cyrillic", "cp850", "mac_roman", "iso8859_2", "cp852", "cp857", "cp737")
_SHOWN = 4096  # bytes that are enough to tell how likely an encoding is
WIDE = ("utf-16", "utf-32", "iso2022")  # beginnings of the names of those whose marks are not the bytes of ASCII, or mean something else
_BARRED, _DOUBTFUL = ("gb18030", "cp932", "cp949", "cp950"), "|^~"  # in which these may be the second byte of a character
LOST = "\U0010fffd"  # of private use: stands where bytes were no text
_LINE_END = re.compile(rb"\r\n|\n|\r")
codecs.register_error("mark_lost", lambda error: (LOST, error.end if isinstance(error, UnicodeDecodeError) else 0))
_BLANKS = ((b"\xef\xbb\xbf", b""), (b"\xe3\x80\x80", b" "), (b"\xc2\xa0", b" "))


@dataclass(frozen=True)
class Block:
    """Whole lines with LF ends, in `encoding`. first: number of the first line."""

    text: bytes
    first: int
    encoding: str

    @cached_property
    def newlines(self) -> int:
        """How many LF there are."""
        return newlines(self.text)

    @property
    def lines(self) -> int:
        """How many lines there are; the last one need not end with LF."""
        return self.newlines + (not self.text.endswith(b"\n"))

    @cached_property
    def ascii(self) -> bool:
        """Whether it is plain ASCII."""
        return self.text.isascii()


def marked(head: bytes) -> str | None:
    """The encoding that a byte order mark tells."""
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\x1b$" in head and head.isascii():
        return "iso2022_jp_ext"
    # without a mark: most of every other byte of what is mostly ASCII are 0
    even, odd = head[:1000:2], head[1:1000:2]
    if len(head) > 7 and b"\0\0" in head[:8] and any(head[:8]):
        first, last = (any(head[at:1000:4]) or any(head[at + 1 : 1000 : 4]) for at in (0, 2))  # no plane has four bytes
        if first != last:
            return "utf-32-le" if first else "utf-32-be"
    if len(head) > 3 and len(head) % 2 == 0 and b"\0" in even + odd:
        if all(even) and odd.count(0) * 2 > len(odd):
            return "utf-16-le"
        if all(odd) and even.count(0) * 2 > len(even):
            return "utf-16-be"
    return None


def plausible(head: bytes) -> tuple[str, ...]:
    """The encodings under which the names of a header may be found; `likely` has them in order."""
    mark = marked(head)
    if mark or head.isascii():
        return (mark or "utf-8",)  # where all is ASCII, the others read the same
    if _begins(head, "utf-8"):
        return ("utf-8", "gb18030")
    return ("utf-8", "gb18030", *(name for name in BY_NAMES if name == "cp1252" or _begins(head, name)))


def _begins(head: bytes, encoding: str) -> bool:
    """Whether a head decodes, but for a character that its end may cut."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(head[:_SHOWN])  # where it does not, that mostly shows soon
        if encoding in BARRED or encoding == "utf-8":
            codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def detect(head: bytes, encodings: Sequence[str]) -> str:
    """The encoding of a document by its head: a byte order mark, else the first that fits, else the one that fits most.

    Raises RefusedFile where most of the lines that are not plain ASCII fit none of the encodings.
    """
    mark = marked(head)
    if mark:
        return mark
    whole = head if len(head) < HEAD_BYTES else head[: head.rfind(b"\n") + 1] or head
    special = [line for line in whole.split(b"\n") if not line.isascii()]
    for name in encodings:
        if _decodes(whole, name):
            # what any bytes are text in does not tell: lines of UTF-8 among others are that, and the others are found
            mixed = name not in BARRED and "utf-8" in encodings and any(_decodes(line, "utf-8") for line in special)
            return "utf-8" if mixed else name
    fits = [(sum(_decodes(line, name) for line in special), name) for name in encodings]
    best = max(fits, key=lambda entry: entry[0])
    if best[0] * 2 < len(special) and len(special) > 1:
        raise RefusedFile(
            f"the text is none of {', '.join(encodings)}", advice="Export it again without opening it in a spreadsheet."
        )
    return best[1]


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def head_lines(document: Document, encoding: str, count: int) -> list[str]:
    """The first lines as text, undecodable bytes replaced: enough to recognise a file by."""
    head = document.head
    if not encoding.startswith(WIDE):
        ends = [found.end() for found in islice(_LINE_END.finditer(head), count)]
        head = head[: ends[-1]] if len(ends) == count else head
    return re.split(r"\r\n|\n|\r", head.decode(encoding, "replace").replace("\ufeff", ""))[:count]


def blocks(document: Document, encoding: str, encodings: Sequence[str], *, delimiter: str = ",") -> Iterator[Block]:
    """All lines of a document in bounded blocks. Lines end with LF, CRLF, or CR where that is what most of them end with."""
    head = document.head
    crlf = head.count(b"\r\n")
    only_cr = head.count(b"\r") - crlf > head.count(b"\n")
    settled = not head.isascii() or marked(head) is not None
    wide = codecs.getincrementaldecoder(encoding)() if encoding.startswith(WIDE) else None
    line = 1
    with document.open() as stream:
        parts = _parts(stream, wide)
        if only_cr:
            parts = _with_lf(parts)
        for whole, rest in _whole_lines(parts):
            if rest > MAX_LINE:
                raise RefusedFile(f"line {line} is longer than {MAX_LINE:,} bytes", advice="Check that this is a text file.")
            if not whole:
                continue
            if not settled and not whole.isascii():
                # so far there was nothing to tell the encoding by
                encoding, settled = detect(whole, encodings), True
            block = _block(whole, line, "utf-8" if wide is not None or encoding == "utf-8-sig" else encoding, delimiter)
            yield block
            line += block.lines


def _with_lf(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same text with LF where a line ends with CR, LF or both; both may stand in two parts."""
    ended = False
    for part in parts:
        if ended and part.startswith(b"\n"):
            part = part[1:]
        ended = part.endswith(b"\r")
        yield part.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _parts(stream: BinaryIO, wide: codecs.IncrementalDecoder | None) -> Iterator[bytes]:
    """What the stream gives, in parts of a fraction of a block. wide: what decodes it where its marks are not the bytes of ASCII."""
    while True:
        data = stream.read(PART)
        last = not data
        if wide is not None:
            try:
                data = wide.decode(data, final=last).encode()
            except UnicodeError as error:
                raise RefusedFile(f"broken {_family(error)}: {error}", advice="Export it again as UTF-8.") from error
        if data:
            yield data
        if last:
            return


def _family(error: UnicodeError) -> str:
    name = error.encoding if isinstance(error, UnicodeDecodeError) else "utf-16"
    return next((known for known in ("UTF-16", "UTF-32") if name.lower().startswith(known.lower())), "ISO-2022-JP")


def _whole_lines(parts: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    """(whole lines, how many bytes of the line after them were read) of the same bytes, about as many as a block holds.

    A block is put together once, as copies of that size cost more than what is then asked of them.
    """
    held: list[bytes] = []
    size, enough = 0, min(FIRST, BLOCK)
    for part in parts:
        held.append(part)
        size += len(part)
        if size < enough:
            continue
        enough = min(enough * 2, BLOCK)
        cut = part.rfind(b"\n") + 1
        if cut:
            held[-1], rest = part[:cut], part[cut:]
            whole = b"".join(held)
        else:
            # the line began in a part before
            whole = b"".join(held)
            cut = whole.rfind(b"\n") + 1
            whole, rest = whole[:cut], whole[cut:]
        held, size = [rest], len(rest)
        yield whole, size
    whole = b"".join(held)
    cut = whole.rfind(b"\n") + 1
    yield b"", len(whole) - cut
    yield whole, 0  # a last line without an end is no block by itself: what is told by the first rows would be told by one row less


def _block(data: bytes, first: int, encoding: str, delimiter: str) -> Block:
    # a single byte is sought many times faster than several
    if b"\r" in data:
        at_ends = always_before(data, CR, LF)
        data = data.replace(b"\r", b"") if at_ends else data.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    if b"\0" in data:
        data = data.replace(b"\0", b" ")
    if encoding in _BARRED and delimiter in _DOUBTFUL:
        try:
            data = data.decode(encoding).encode()
        except UnicodeDecodeError:
            data = b"\n".join(_recoded(line, encoding) for line in data.split(b"\n"))
        encoding = "utf-8"
    if encoding == "utf-8" and not data.isascii():
        for blank, instead in _BLANKS:
            if holds(data, blank):
                data = data.replace(blank, instead)
    return Block(data, first, encoding)


def _recoded(line: bytes, encoding: str) -> bytes:
    try:
        return line.decode(encoding).encode()
    except UnicodeDecodeError:
        return line  # the cell that is no UTF-8 is found when it is read


def utf8(block: Block) -> Block:
    """The block in valid UTF-8; LOST stands where bytes were no text."""
    if block.text.isascii() or (block.encoding == "utf-8" and _decodes(block.text, "utf-8")):
        return block
    text = block.text.decode(block.encoding, "mark_lost")
    return Block(text.replace("\u3000", " ").replace("\xa0", " ").encode(), block.first, "utf-8")


def plain(data: bytes, encoding: str) -> str:
    """A line around the rows as text; what cannot be decoded shows as a replacement character."""
    return data.decode(encoding, "replace").replace("\u3000", " ").replace("\xa0", " ")


def decoded(cells: pa.Array, encoding: str, *, marked: bool = True) -> tuple[pa.Array, np.ndarray | None]:
    """(cells as UTF-8 text, mask of the cells that could not be decoded and are '', or None where all could).

    marked: whether some of the cells may hold LOST.
    """
    if is_ascii(cells):
        return cells, None
    if encoding == "utf-8":
        try:
            cells.validate(full=True)
        except pa.ArrowInvalid:
            pass
        else:
            if not marked:
                return cells, None
            lost = pc.match_substring(cells, LOST)
            if not pc.any(lost).as_py():
                return cells, None
            return pc.if_else(lost, "", cells), lost.to_numpy(zero_copy_only=False)
    raw = cells.view(pa.binary())
    some = raw.slice(0, FEW)
    if 2 * len(some.unique()) > len(some):
        found = _texts(raw, encoding)
    else:
        coded = raw.dictionary_encode()
        found = _texts(coded.dictionary, encoding).take(coded.indices)
    if not found.null_count:
        return found, None
    return pc.fill_null(found, ""), pc.is_null(found).to_numpy(zero_copy_only=False)


def _texts(values: pa.Array, encoding: str) -> pa.Array:
    """Values in an encoding as UTF-8 text; null where one could not be decoded."""
    [joined] = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values), b"\n").to_pylist()
    try:
        text = joined.decode(encoding).replace("\u3000", " ").replace("\xa0", " ").encode()
    except UnicodeDecodeError:
        return pa.array([_text(value, encoding) for value in values.to_pylist()], pa.string())
    between = np.flatnonzero(np.frombuffer(text, np.uint8) == LF)
    if len(between) != len(values) - 1:
        return pa.array([_text(value, encoding) for value in values.to_pylist()], pa.string())
    ends = np.append(between, len(text)) - np.arange(len(values))
    return pa.StringArray.from_buffers(
        len(values), pa.py_buffer(np.append(0, ends).astype(np.int32)), pa.py_buffer(text.replace(b"\n", b"")))


def _text(value: bytes, encoding: str) -> str | None:
    try:
        return value.decode(encoding).replace("\u3000", " ").replace("\xa0", " ")
    except UnicodeDecodeError:
        return None

"""From bytes to UTF-8 text in blocks of whole lines, whatever the encoding; a damaged line is found, not guessed."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from duizhang.errors import RefusedFile
from duizhang.ingest.container import HEAD_BYTES, Document
from duizhang.ingest.reading import Broken

BLOCK = 8 << 20
MAX_LINE = 16 << 20
_BLANKS = ((b"\xef\xbb\xbf", b""), (b"\xe3\x80\x80", b" "), (b"\xc2\xa0", b" "), (b"\0", b" "))


@dataclass(frozen=True)
class Block:
    """Whole lines as UTF-8 with LF ends. first: number of the first line. A broken line is left empty."""

    text: bytes
    first: int
    broken: Sequence[Broken] = ()


def marked(head: bytes) -> str | None:
    """The encoding that a byte order mark tells."""
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return None


def detect(head: bytes, encodings: Sequence[str]) -> str:
    """The encoding of a document by its head: a byte order mark, else the first that fits, else the one that fits most.

    Raises RefusedFile where most of the lines that are not plain ASCII fit none of the encodings.
    """
    mark = marked(head)
    if mark:
        return mark
    whole = head if len(head) < HEAD_BYTES else head[: head.rfind(b"\n") + 1] or head
    for name in encodings:
        if _decodes(whole, name):
            return name
    special = [line for line in whole.split(b"\n") if not line.isascii()]
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
    text = document.head().decode(encoding, "replace").replace("\ufeff", "")
    return re.split(r"\r\n|\n|\r", text)[:count]


def blocks(document: Document, encoding: str, encodings: Sequence[str]) -> Iterator[Block]:
    """All lines of a document in bounded blocks. Lines end with LF, CRLF, or CR where no LF is to be seen."""
    head = document.head()
    only_cr = b"\n" not in head and b"\r" in head
    settled = not head.isascii() or marked(head) is not None
    wide = codecs.getincrementaldecoder("utf-16")() if encoding == "utf-16" else None
    line = 1
    rest = b""
    with document.open() as stream:
        while True:
            data = stream.read(BLOCK)
            last = not data
            if wide is not None:
                try:
                    data = wide.decode(data, final=last).encode()
                except UnicodeError as error:
                    raise RefusedFile(f"broken UTF-16: {error}", advice="Export it again as UTF-8.") from error
            if only_cr:
                data = data.replace(b"\r", b"\n")
            data = rest + data
            cut = len(data) if last else data.rfind(b"\n") + 1
            whole, rest = data[:cut], data[cut:]
            if len(rest) > MAX_LINE:
                raise RefusedFile(f"line {line} is longer than {MAX_LINE:,} bytes", advice="Check that this is a text file.")
            if whole:
                if not settled and not whole.isascii():
                    # so far there was nothing to tell the encoding by
                    encoding, settled = detect(whole, encodings), True
                block = _block(whole, line, "utf-8" if wide is not None else encoding)
                yield block
                line += block.text.count(b"\n") + (not block.text.endswith(b"\n"))
            if last:
                return


def _block(data: bytes, first: int, encoding: str) -> Block:
    broken: list[Broken] = []
    if not data.isascii():
        try:
            text = data.decode(encoding)
            if not encoding.startswith("utf-8"):
                data = text.encode()
        except UnicodeDecodeError:
            data = _line_by_line(data, first, encoding, broken)
    data = data.replace(b"\r\n", b"\n")
    if b"\r" in data:
        data = data.replace(b"\r", b" ")
    for blank, plain in _BLANKS:
        if blank in data:
            data = data.replace(blank, plain)
    return Block(data, first, broken)


def _line_by_line(data: bytes, first: int, encoding: str, broken: list[Broken]) -> bytes:
    lines = data.split(b"\n")
    for index, line in enumerate(lines):
        try:
            lines[index] = line.decode(encoding).encode()
        except UnicodeDecodeError as error:
            broken.append(Broken(first + index, f"byte {error.start + 1} is not {encoding}; expected text; download the file again"))
            lines[index] = b""
    return b"\n".join(lines)

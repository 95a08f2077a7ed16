"""Decoded lines for the readers that walk a document record by record; memory is bounded by the longest line."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

from duizhang.errors import RefusedFile
from duizhang.ingest.opening.container import Document

BLOCK = 1 << 20
MAX_LINE = 16 << 20


def text_blocks(document: Document, encoding: str) -> Iterator[str]:
    """The text in blocks, line ends as LF. A byte that is no text becomes U+FFFD: in an amount it is then no amount."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("replace"), translate=True)
    with document.open() as stream:
        while data := stream.read(BLOCK):
            yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def text_lines(document: Document, encoding: str) -> Iterator[tuple[int, str]]:
    """(line number from 1, line without its end) of all lines. Raises RefusedFile for a line beyond all measure."""
    number, rest = 0, ""
    for text in text_blocks(document, encoding):
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            number += 1
            yield number, line
        if len(rest) > MAX_LINE:
            raise RefusedFile(f"line {number + 1} is longer than {MAX_LINE:,} characters", advice="Check that this is a text file.")
    if rest:
        yield number + 1, rest

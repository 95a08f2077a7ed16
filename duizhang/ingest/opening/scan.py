"""What the bytes of a text hold, told for many at once.

Python seeks one byte at the speed of memory, but two in a row, or all of a kind, many times slower. Here bytes are
compared in windows that fit a processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from duizhang.ingest.texts import text_bytes

WINDOW = 1 << 18
LF, CR, COMMA, TICK, QUOTE = (ord(c) for c in "\n\r,`\"")


def windows(text: bytes, ahead: int = 0) -> Iterator[tuple[int, np.ndarray]]:
    """(where it begins, its bytes as uint8) of each window, with `ahead` more bytes of what follows: zeros at the end."""
    found = np.frombuffer(text, np.uint8)
    for start in range(0, len(found), WINDOW):
        window = found[start : start + WINDOW + ahead]
        lacking = min(WINDOW, len(found) - start) + ahead - len(window)
        yield start, np.append(window, np.zeros(lacking, np.uint8)) if lacking else window


def where(window: np.ndarray, needle: bytes) -> np.ndarray:
    """At which bytes of a window with as many bytes ahead (len(needle) - 1, or more) the needle begins."""
    count = len(window) - len(needle) + 1
    found: np.ndarray = window[:count] == needle[0]
    for n in range(1, len(needle)):
        found &= window[n : n + count] == needle[n]
    return found


def newlines(text: bytes) -> int:
    """How many LF there are."""
    return sum(int(np.count_nonzero(window == LF)) for _, window in windows(text))


def holds(text: bytes, needle: bytes) -> bool:
    """Whether the needle is in the text."""
    if any(needle[n : n + 1] not in text for n in range(len(needle))):
        return False
    return any(where(window, needle).any() for _, window in windows(text, len(needle) - 1))


def always_before(text: bytes, byte: int, after: int) -> bool:
    """Whether `byte` only stands right before an `after`."""
    return not any(((window[:-1] == byte) & (window[1:] != after)).any() for _, window in windows(text, 1))


def is_ascii(cells: pa.Array) -> bool:
    """Whether every cell of a column of text is plain ASCII."""
    bytes_, at = text_bytes(cells)
    mine = bytes_[at[0] : at[-1]]
    return not len(mine) or int(mine.max()) < 0x80

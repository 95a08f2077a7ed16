"""Which cells of a column a pattern fits, without asking it about those that begin with another byte."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_ALTERNATIVES = re.compile(r"(\(\?i\))?\^(?:\(([^()\[\]\\.]+)\)|([^()\[\]\\.|]+))")
_SURE = re.compile(r"[^\s*+?{}^$](?![*?]|\{[^1-9])")
_FOLDED = {"s": "\u017f", "k": "\u212a"}  # other letters that are the same to a pattern that ignores case


def matching(pattern: str, cells: pa.Array, heads: np.ndarray) -> np.ndarray:
    """The positions of the cells that the pattern fits. heads: the first byte of every cell (`scan.heads`)."""
    may = openings(pattern)
    if may is None:
        return np.flatnonzero(pc.match_substring_regex(cells, pattern).to_numpy(zero_copy_only=False))
    at = np.flatnonzero(may[heads])
    if not len(at):
        return at
    fits = pc.match_substring_regex(cells.take(pa.array(at)), pattern).to_numpy(zero_copy_only=False)
    return np.compress(fits, at)


@cache
def openings(pattern: str) -> np.ndarray | None:
    """With which bytes (bool of 256) a text may begin that the pattern fits; None where that is not plain to see.

    Plain are alternatives that stand at the beginning and begin with a character of their own.
    """
    found = _ALTERNATIVES.fullmatch(pattern)
    if not found:
        return None
    may = np.zeros(256, dtype=bool)
    for alternative in (found[2] or found[3]).split("|"):
        first = alternative[:1]
        if not _SURE.match(alternative) or (found[1] and not first.isascii()):
            return None
        same = {first.lower(), first.upper(), _FOLDED.get(first.lower(), first)} if found[1] else {first}
        may[[letter.encode()[0] for letter in same]] = True
    return may

"""Values that could not be read, as they may be shown: in their shape, as a shifted export has names where amounts belong.

Every digit is a 9 and every letter an x; what has at most six digits and no letter is shown as it is, since it names nobody.
`duizhang inspect` on the file shows them in clear to whoever may read the file.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 40
_HARMLESS = r"^[^\p{L}\p{N}]*(?:[0-9][^\p{L}\p{N}]*){0,6}$|^#[A-Z0-9/!?]{1,8}$|^\*\*\*$"
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|“[^”\n]*”")


def masked(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The shapes of values, cut where they are long."""
    shapes = pc.replace_substring_regex(values, r"\p{N}", "9")
    shapes = pc.replace_substring_regex(shapes, r"[\p{L}\p{M}]", "x")
    shapes = pc.utf8_slice_codeunits(shapes, 0, LONGEST)
    return pc.if_else(pc.match_substring_regex(values, _HARMLESS), values, shapes)


def shape(value: str) -> str:
    """The shape of one value."""
    return str(masked(pa.array([value], pa.string()))[0].as_py())


def without_values(text: str) -> str:
    """The first line of what a library says, with what it quotes in its shape."""
    first = text.strip().splitlines()[0] if text.strip() else ""
    return _QUOTED.sub(lambda found: found[0][0] + shape(found[0][1:-1]) + found[0][-1], first)

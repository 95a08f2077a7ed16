"""Regular expressions of DuckDB (RE2) as Java reads them."""

from __future__ import annotations

import re

_PIECE = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_GROUP = re.compile(r"\\(\d)")
# what \s is in RE2; Java's has the vertical tab as well
_BLANK = r"[\t\n\f\r ]"


def java_pattern(pattern: str) -> str:
    """A pattern with the same matches: `$` is the end of the text, and only a line feed ends a line."""
    def piece(text: str) -> str:
        if text == "$":
            return r"\z"
        if text == r"\s":
            return _BLANK
        return text.replace(r"\s", r"\t\n\f\r ") if text.startswith("[") else text

    turned = "".join(piece(found) for found in _PIECE.findall(pattern))
    return f"(?d){turned}" if "." in turned or "^" in turned else turned


def java_replacement(text: str) -> str:
    """What a match is replaced by: groups are `$1` and not `\\1`."""
    return _GROUP.sub(r"$\1", text.replace("$", r"\$"))


def is_anchored(pattern: str) -> bool:
    """Whether a pattern can match only once in a text."""
    return pattern.startswith("^") or pattern.endswith("$")

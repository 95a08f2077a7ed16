"""Texts on lines of a width, as terminals count it: a Chinese character takes two columns."""

from __future__ import annotations

import re
import unicodedata

_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_CLOSING = "，。；：、）」』！？"  # no line begins with one
_WORD = re.compile(rf"[^\s{_CLOSING}]+[{_CLOSING}]*\s*|[{_CLOSING}]+\s*")
_PART = re.compile(rf"[{_WIDE}][{_CLOSING}]*\s*|[^{_WIDE}]+[{_CLOSING}]*\s*")
_NAME = 24  # columns: what is wider is no name but a sentence without blanks


def width_of(text: str) -> int:
    """Columns that a text takes on a screen."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def folded(text: str, width: int) -> list[str]:
    """A text on lines of so many columns at the most, broken between words; a word is broken only where it is longer. A Chinese sentence is
    broken behind any character, a short name not."""
    found, line = [], ""
    for word in (part for one in _WORD.findall(text) for part in (_PART.findall(one) if width_of(one) > _NAME else [one])):
        if line and width_of(line + word.rstrip()) > width:
            found.append(line.rstrip())
            line = ""
        for character in word:
            if not character.isspace() and width_of(line + character) > width:
                found.append(line)
                line = ""
            line += character
    return [*found, line.rstrip()]

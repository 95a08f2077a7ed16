"""Text of others where it is shown: no spreadsheet takes it for a formula, no terminal for a command."""

from __future__ import annotations

import re

# what a spreadsheet begins a formula with, in full width as well; blanks and characters without a width before it do not help
_FORMULA = re.compile("[\\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*[=+\\-@＝＋－＠]|[\t\r\n]")
# control characters but tab and line break, and those that turn the direction of what follows
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def for_spreadsheet(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet might run it."""
    return "'" + text if _FORMULA.match(text) else text


def for_terminal(text: str) -> str:
    """The text with `\\u001b` and the like for what a terminal would obey; in JSON that is the same character."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

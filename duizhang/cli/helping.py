"""`--help`, and what is told of a command line that cannot be read, in the language that is spoken.

Both are click's, which has its words from gettext's `_` in each of its modules; that is replaced by the catalogue help.yaml. Help is put
together by a formatter, which is where it is translated, since `--lang` may stand behind the command's name.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import click

from duizhang.speech.folding import folded, width_of
from duizhang.speech.language import CHINESE, current
from duizhang.speech.language import translated as _

_EXTRA = re.compile(r"(?P<text>.*?)(?:  \[(?P<extra>[^\[\]]+)\])?", re.DOTALL)
_WRITTEN_OUT = "\b"  # before lines that click leaves as they are


@cache
def _catalogue() -> Mapping[str, str]:
    from duizhang.shipped_yaml import load_shipped  # not needed to speak English

    found: dict[str, str] = load_shipped(Path(__file__).with_name("help.yaml"))[0]
    return found


def said(text: str) -> str:
    """A text of click or of help in the language that is spoken; as it stands where the catalogue does not have it."""
    if current() != CHINESE:
        return text
    known = _catalogue().get(text)
    return known if known is not None else _(text)


def _said_of(one: str, many: str, number: int) -> str:
    """As ngettext has it."""
    return said(one if number == 1 else many)


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a help text, each on one line; those that are written out with their lines."""
    return [part if part.startswith(_WRITTEN_OUT) else " ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n")]


class SpeakingFormatter(click.HelpFormatter):
    """Writes help as click does; in Chinese, on lines by the columns that a terminal gives to its characters."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, said("Usage:") if prefix is None and current() == CHINESE else prefix)

    def write_text(self, text: str) -> None:
        if current() != CHINESE:
            super().write_text(text)
            return
        blocks = []
        for part in paragraphs(text):
            lines = folded(said(part), self.width - self.current_indent)
            if part.startswith(_WRITTEN_OUT):
                lines = [said(line) for line in part.splitlines()[1:]]
            blocks.append("\n".join(f"{' ' * self.current_indent}{line}" for line in lines))
        self.write("\n\n".join(blocks) + "\n")

    def write_heading(self, heading: str) -> None:
        self.write(f"{' ' * self.current_indent}{heading}{'：' if current() == CHINESE else ':'}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        if current() != CHINESE:
            super().write_dl(list(rows), col_max, col_spacing)
            return
        listed = list(rows)
        column = min(max((width_of(first) for first, _second in listed), default=0), col_max) + col_spacing
        indent = " " * self.current_indent
        for first, second in listed:
            lines = folded(_option(second), max(self.width - column - self.current_indent, 10))
            if width_of(first) + col_spacing > column:
                self.write(f"{indent}{first}\n{indent}{' ' * column}{lines[0]}\n")
            else:
                self.write(f"{indent}{first}{' ' * (column - width_of(first))}{lines[0]}\n")
            self.write("".join(f"{indent}{' ' * column}{line}\n" for line in lines[1:]))


def _option(text: str) -> str:
    """The help of an option, and behind it what click adds in brackets."""
    found = _EXTRA.fullmatch(text)
    if not found or not found["extra"]:
        return said(text)
    extra = [said(part) for part in found["extra"].split("; ")]
    return f"{said(found['text'])} [{'；'.join(extra)}]".strip()


class SpeakingContext(click.Context):
    """The context of every command."""

    formatter_class = SpeakingFormatter


def speak_for_click() -> None:
    """Give click's modules the words of the language that is spoken, in place of gettext's."""
    for name, module in list(sys.modules.items()):
        if name == "click" or name.startswith("click."):
            for word, ours in (("_", said), ("ngettext", _said_of)):
                if callable(vars(module).get(word)):
                    setattr(module, word, ours)

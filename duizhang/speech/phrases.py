"""What results and errors say in English (proposals, why a day is held, what a person did wrong) in the language of a reader."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from duizhang.shipped_yaml import load_shipped
from duizhang.speech.language import CHINESE, ENGLISH, agreeing, current

_PART = re.compile(r"\{(\w+)([!*#@$]?)\}")
_FORMS = {"#": r"\d+(?:-\d+)?(?:, \d+(?:-\d+)?)*", "@": r"\d{4}-\d\d-\d\d", "$": r"[-+]?[\d,]+(?:\.\d+)?"}
# a failed expectation has its meaning in both languages, then what it found
_CHECK = re.compile(r"(?P<table>\w+): (?P<en>[^一-鿿]+?) / (?P<zh>[^\n]*?[一-鿿][^\n]*?)(?: - (?P<detail>.*))?")


# what is to be known of a file: its name, why, and what to do
_OF_A_FILE = re.compile(r"(?P<file>[^:]*[./][^:]*(?:::[^:]*)?): (?P<why>.+)", re.DOTALL)
_WITH_ADVICE = re.compile(r"(?P<why>.+) \((?P<advice>[A-Z`][^()]*(?:\([^()]*\)[^()]*)*)\)", re.DOTALL)


@dataclass(frozen=True)
class _Phrase:
    """One sentence: its own words around its parts, and its Chinese."""

    text: str
    words: tuple[str, ...]
    kinds: dict[str, str]
    zh: str

    @property
    def is_named(self) -> bool:
        """Whether it begins with a name."""
        return not self.words[0] and bool(self.kinds)

    def read(self, text: str) -> re.Match[str] | None:
        """The parts of a sentence of this form. Its pattern is compiled where all its own words are there: of hundreds hardly any is."""
        if text.startswith(self.words[0]) and text.endswith(self.words[-1]) and all(word in text for word in self.words):
            return _pattern(self.text).fullmatch(text)
        return None


@cache
def _phrases() -> tuple[_Phrase, ...]:
    """The sentences of phrases.yaml in their order, then those of errors.yaml, that which has most words of its own first."""
    here = Path(__file__)
    said, errors = load_shipped(here.with_name("phrases.yaml"), here.with_name("errors.yaml"))
    listed = [(entry["en"], entry["zh"]) for entry in said]
    return tuple(_phrase(en, zh) for en, zh in [*listed, *sorted(errors.items(), key=lambda entry: -len(_PART.sub("", entry[0])))])


def _phrase(text: str, chinese: str) -> _Phrase:
    # what stands between the parts, each of which has a name and a form
    words = tuple(_PART.split(text)[::3])
    return _Phrase(text, words, {p[1]: p[2] for p in _PART.finditer(text)}, _PART.sub(r"{\1}", chinese))


@cache
def _pattern(text: str) -> re.Pattern[str]:
    at, pattern = 0, ""
    for part in _PART.finditer(text):
        pattern += re.escape(text[at : part.start()]) + f"(?P<{part[1]}>{_FORMS.get(part[2], '.+?')})"
        at = part.end()
    return re.compile(pattern + re.escape(text[at:]), re.DOTALL)


def in_language(text: str | None, language: Literal["zh", "en"]) -> str:
    """A sentence of the results in a language; as it stands where there is no other wording for it."""
    if not text:
        return ""
    check = _CHECK.fullmatch(text)
    if check:
        return _check(check, language)
    return agreeing(text) if language == "en" else _in_chinese(text)


def spoken(text: str) -> str:
    """A sentence, or one a line, in the language that is spoken."""
    language = CHINESE if current() == CHINESE else ENGLISH
    lines = [(line, line.lstrip(" ")) for line in text.split("\n")]
    return "\n".join(line[: len(line) - len(bare)] + in_language(bare, language) for line, bare in lines)


def _check(check: re.Match[str], language: Literal["zh", "en"]) -> str:
    """Why an expectation holds a day: what it found, else what does not hold."""
    detail = in_language(check["detail"], language)
    if language == "en":
        return f"{check['table']}: not so: {check['en']}" + (f" ({detail})" if detail else "")
    return f"{check['table']}：不成立：{check['zh']}" + (f"（{detail}）" if detail else "")


def _in_chinese(text: str) -> str:
    """A sentence, or several with semicolons between them; what is not known stands as it is."""
    parts = text.split("; ")
    said = [_one(part) for part in parts]
    if len(parts) > 1 and all(said):
        return "；".join(said)
    return _one(text) or "；".join(known or part for known, part in zip(said, parts, strict=True))


def _one(text: str) -> str:
    """One sentence in Chinese, '' where it is not known."""
    # a sentence that begins with words of its own is surer than one that begins with a name
    return _by(text, named=False) or _of_a_file(text) or _by(text, named=True)


def _by(text: str, *, named: bool) -> str:
    """By the first phrase that fits and of which every sentence within is known, else by the first that fits."""
    fits = ""
    for phrase in _phrases():
        if phrase.is_named is named and (match := phrase.read(text)):
            said = {name: _value(match[name], kind) for name, kind in phrase.kinds.items()}
            if all(said[name] != match[name] for name, kind in phrase.kinds.items() if kind == "!"):
                return phrase.zh.format(**said)
            fits = fits or phrase.zh.format(**said)
    return fits


def _of_a_file(text: str) -> str:
    """What is to be known of a file in Chinese, '' where this is something else."""
    told = _OF_A_FILE.fullmatch(text)
    advised = _WITH_ADVICE.fullmatch(told["why"]) if told else None
    if advised and told and (why := _one(advised["why"])):
        return f"{told['file']}：{why}（{_one(advised['advice']) or advised['advice']}）"
    return f"{told['file']}：{why}" if told and (why := _one(told["why"])) else ""


def _value(text: str, kind: str) -> Any:
    if kind == "!":
        return _in_chinese(text)
    return "，".join(_one(part) or part for part in text.split(", ")) if kind == "*" else text


__all__ = ["in_language", "spoken"]

"""What results say in English (proposals, why a day is held) in the language of a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from duizhang.yaml_reading import load_yaml

_PART = re.compile(r"\{(\w+)([!*#@]?)\}")
_FORMS = {"#": r"\d+(?:-\d+)?(?:, \d+(?:-\d+)?)*", "@": r"\d{4}-\d\d-\d\d"}
# a failed expectation has its meaning in both languages, then what it found
_CHECK = re.compile(r"(?P<table>\w+): (?P<en>[^一-鿿]+?) / (?P<zh>[^\n]*?[一-鿿][^\n]*?)(?: - (?P<detail>.*))?")


# what is to be known of a file: its name, why, and what to do
_OF_A_FILE = re.compile(r"(?P<file>[^:]*[./][^:]*(?:::[^:]*)?): (?P<why>.+)", re.DOTALL)
_WITH_ADVICE = re.compile(r"(?P<why>.+) \((?P<advice>[A-Z`][^()]*(?:\([^()]*\)[^()]*)*)\)", re.DOTALL)


@dataclass(frozen=True)
class _Phrase:
    pattern: re.Pattern[str]
    kinds: dict[str, str]
    zh: str


@cache
def _phrases() -> tuple[_Phrase, ...]:
    entries = load_yaml(Path(__file__).with_name("phrases.yaml").read_text(encoding="utf-8"))
    found = []
    for entry in entries:
        text, at, pattern = entry["en"], 0, ""
        for part in _PART.finditer(text):
            pattern += re.escape(text[at : part.start()]) + f"(?P<{part[1]}>{_FORMS.get(part[2], '.+?')})"
            at = part.end()
        pattern += re.escape(text[at:])
        found.append(_Phrase(re.compile(pattern, re.DOTALL), {p[1]: p[2] for p in _PART.finditer(text)}, _PART.sub(r"{\1}", entry["zh"])))
    return tuple(found)


def in_language(text: str | None, language: Literal["zh", "en"]) -> str:
    """A sentence of the results in a language; as it stands where there is no other wording for it."""
    if not text:
        return ""
    check = _CHECK.fullmatch(text)
    if check:
        return _check(check, language)
    return text if language == "en" else _in_chinese(text)


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
    for phrase in _phrases():
        if phrase.pattern.pattern.startswith("(?P<") is named and (match := phrase.pattern.fullmatch(text)):
            return phrase.zh.format(**{name: _value(match[name], kind) for name, kind in phrase.kinds.items()})
    return ""


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


__all__ = ["in_language"]

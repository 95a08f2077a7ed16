"""The language in which commands speak to people. English is the text itself; other languages are in messages.yaml, by that text, as
gettext has it. A text that is not there is said in English.

Which one: `--lang`, else DUIZHANG_LANG, else what the locale says (LC_ALL, LC_MESSAGES, LANG, where it names Chinese or English), else
`language` of the books at hand, else English.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Literal

ENGLISH: Literal["en"] = "en"
CHINESE: Literal["zh"] = "zh"
LANGUAGES = (CHINESE, ENGLISH)
VARIABLE = "DUIZHANG_LANG"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


_speaking: ContextVar[str] = ContextVar("language of a request", default="")


class _Chosen:
    """What was asked for in this process, and who knows what the books say."""

    explicit = ""
    books: Callable[[], str | None] | None = None
    found = ""


def choose(language: str) -> None:
    """Speak this language from now on; '' as nobody had chosen."""
    _Chosen.explicit, _Chosen.found = language, ""


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak this language within, whatever the process speaks: a page is of its reader's language."""
    before = _speaking.set(language)
    try:
        yield
    finally:
        _speaking.reset(before)


def ask_books(asked: Callable[[], str | None]) -> None:
    """Who is asked for the language of the books, should nothing else say one."""
    _Chosen.books, _Chosen.found = asked, ""


def current() -> str:
    """The language that is spoken."""
    if within := _speaking.get():
        return within
    if not _Chosen.found:
        said = _Chosen.explicit or _known(os.environ.get(VARIABLE, "")) or _of_locale()
        _Chosen.found = said or _known((_Chosen.books() if _Chosen.books else None) or "") or ENGLISH
    return _Chosen.found


def _known(name: str) -> str:
    return next((language for language in LANGUAGES if name.strip().lower().replace("-", "_").split("_")[0] == language), "")


def _of_locale() -> str:
    """zh_CN.UTF-8 is Chinese, en_US English; C and POSIX say nothing, and neither does a language that is not spoken here."""
    value = next((os.environ[name] for name in _LOCALE if os.environ.get(name)), "")
    return _known(value.partition(".")[0])


_OF_ONE = {
    " are": " is", " were": " was", " have": " has", " agree": " agrees", " stand": " stands", " state": " states", " name": " names",
    " do": " does",
}
# what stands between a number and what it counts
_BEFORE = "signed|closed|approved|new|more|open|older|earlier|raw|hidden|longer|different|order|such"
_OF_MANY = re.compile(rf"\{{(\w+)\}}( (?:(?:{_BEFORE}) )?)([a-z]{{3,}}s)\b( that)?({'|'.join(_OF_ONE)})?\b")
# in a sentence that is finished nothing tells a number from another 1, so only these, and not behind what has a number for its name
_COUNTED = (
    "rows|texts|files|decisions|corrections|items|cells|days|digests|customers|events|contents|keys|lines|members|fields|records|bytes|"
    "charges|orders|shops|totals|differences|columns"
)
_FINISHED = re.compile(
    rf"(?<![\w.,:/#-])(?<!line )(?<!lines )(?<!row )(?<!version )(?<!number )1( (?:(?:{_BEFORE}) )?)({_COUNTED})\b( that| of \S+)?"
    rf"({'|'.join(_OF_ONE)})?\b")
# not more than one of anything
_NO_PLURAL = frozenset({"less", "was", "has", "does", "this", "its"})


@cache
def messages() -> Mapping[str, str]:
    """English text -> Chinese."""
    from duizhang.shipped_yaml import load_shipped  # not needed to speak English

    found: dict[str, str] = load_shipped(Path(__file__).with_name("messages.yaml"))[0]
    return found


def translated(text: str, /, **values: object) -> str:
    """A text in the language that is spoken; `{name}` is put in. The text has to be a literal, so that a test can list them all."""
    said = messages().get(text, text) if current() == CHINESE else of_one(text, values)
    return said.format(**values) if values else said


def of_one(text: str, values: Mapping[str, object]) -> str:
    """An English text in which what there is one of stands in the singular: `{n} days are` as `{n} day is`, where n is 1."""
    def one(found: re.Match[str]) -> str:
        name, between, nouns, that, verb = found.groups()
        if str(values.get(name)) != "1" or nouns in _NO_PLURAL:
            return found[0]
        return f"{{{name}}}{between}{_singular(nouns)}{that or ''}{_OF_ONE.get(verb, '')}"

    return _OF_MANY.sub(one, text)


def agreeing(text: str) -> str:
    """A finished English sentence (a reason, an error), in which `1 rows stand` stands as `1 row stands`."""
    def one(found: re.Match[str]) -> str:
        between, nouns, that, verb = found.groups()
        return f"1{between}{_singular(nouns)}{that or ''}{_OF_ONE.get(verb, '')}"

    return _FINISHED.sub(one, text)


def _singular(nouns: str) -> str:
    if nouns.endswith("ies"):
        return f"{nouns[:-3]}y"
    return nouns[:-2] if nouns.endswith(("ches", "shes", "sses", "xes")) else nouns[:-1]


def counted(one: str, many: str, number: int, /, **values: object) -> str:
    """The text of one or of many, `{n}` of them."""
    return translated(one if number == 1 else many, n=number, **values)

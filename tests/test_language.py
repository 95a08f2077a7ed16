"""What commands say, in two languages: every text has its Chinese, and nothing in the catalogue is said by nobody."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import click
import pytest

from duizhang import language
from duizhang.cli import COMMANDS, EXIT_CODES, cli
from duizhang.language import messages, translated
from tests.test_commands import commands

ENGINE = Path(language.__file__).parent
# texts that are said in English alone, and why; there is none at present
ENGLISH_ONLY: dict[str, str] = {}


def literals() -> tuple[set[str], set[str]]:
    """(texts that are translated where they stand, all texts) of the engine's modules."""
    said, every = set(), set()
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                every.add(node.value)
            if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_" and node.args
                    and isinstance(node.args[0], ast.Constant)):
                said.add(str(node.args[0].value))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "counted":
                said |= {str(text.value) for text in node.args[:2] if isinstance(text, ast.Constant)}
    return said, every


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_has_its_chinese_and_the_same_places() -> None:
    said, every = literals()
    told = {text for text in said if any(c.isalpha() for c in text)} | {text for _, text in COMMANDS.values()} | {t for _, t in EXIT_CODES}
    assert sorted(told - messages().keys() - ENGLISH_ONLY.keys()) == []
    assert sorted(messages().keys() - told - every) == [], "nobody says these"
    assert {text: zh for text, zh in messages().items() if places(text) != places(zh)} == {}


@pytest.mark.parametrize(
    ("explicit", "environment", "books", "expected"),
    [
        ("zh", {"DUIZHANG_LANG": "en"}, None, "zh"), ("", {"DUIZHANG_LANG": "zh", "LANG": "en_US.UTF-8"}, "en", "zh"),
        ("", {"LANG": "zh_CN.UTF-8"}, "en", "zh"), ("", {"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, None, "en"),
        ("", {"LANG": "C.UTF-8"}, "zh", "zh"), ("", {"LANG": "de_DE.UTF-8"}, None, "en"), ("", {}, None, "en"),
    ],
)
def test_the_language_is_said_by_the_nearest_who_says_one(
    monkeypatch: pytest.MonkeyPatch, explicit: str, environment: dict[str, str], books: str | None, expected: str
) -> None:
    for name in ("DUIZHANG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    language.choose(explicit)
    language.ask_books(lambda: books)
    try:
        assert language.current() == expected
        assert translated("{n} things are wrong", n=2) == ("有 2 处问题" if expected == "zh" else "2 things are wrong")
        assert translated("a text that nobody translated") == "a text that nobody translated"
    finally:
        language.choose("")
        language.ask_books(lambda: None)


def test_every_command_takes_a_language() -> None:
    assert [name for name, command in commands(cli).items() if not any("--lang" in p.opts for p in command.params)] == []
    language.choose("zh")
    try:
        assert "核对并发布一个范围内的期间。" in cli.get_help(click.Context(cli)).replace("\n", "").replace(" ", "")
    finally:
        language.choose("")

"""What shipped YAML says is kept beside it, and never stands for anything that it does not say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from duizhang import shipped_yaml
from duizhang.shipped_yaml import load_shipped


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were parsed."""
    told: list[str] = []
    load = shipped_yaml.load_yaml
    monkeypatch.setattr(shipped_yaml, "load_yaml", lambda text: told.append(text) or load(text))  # type: ignore[func-returns-value]
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return told


def test_what_is_kept_is_what_the_files_say_and_nothing_else_is_believed(tmp_path: Path, parsed: list[str]) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("a: [1, 1.0, yes, '1', null]", encoding="utf-8")
    two.write_text("b: {c: 订单}", encoding="utf-8")
    said = load_shipped(one, two)
    assert said == [{"a": [1, 1.0, True, "1", None]}, {"b": {"c": "订单"}}]
    assert load_shipped(one, two) == said and len(parsed) == 2
    assert [type(value) for value in load_shipped(one, two)[0]["a"]] == [int, float, bool, str, type(None)]
    two.write_text("b: {c: 2}", encoding="utf-8")  # another text
    assert load_shipped(one, two)[1] == {"b": {"c": 2}} and len(parsed) == 4
    [kept] = (tmp_path / "__pycache__").iterdir()
    for damage in (b"", b"{", b"[]", b'{"of": 1}', kept.read_bytes().replace(b'"of": "', b'"of": "0')):
        kept.write_bytes(damage)
        assert load_shipped(one, two)[1] == {"b": {"c": 2}}
    assert len(parsed) == 14


@pytest.mark.parametrize("text", ["a: 2026-03-01", "1: a", "a: .nan"])
def test_what_json_would_say_otherwise_is_not_kept(tmp_path: Path, parsed: list[str], text: str) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(text, encoding="utf-8")
    assert repr(load_shipped(path)) == repr(load_shipped(path)) and len(parsed) == 2


def test_nothing_is_kept_where_python_may_keep_nothing(tmp_path: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = tmp_path / "one.yaml"
    path.write_text("a: 1", encoding="utf-8")
    assert load_shipped(path) == load_shipped(path) == [{"a": 1}] and len(parsed) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["one.yaml"]

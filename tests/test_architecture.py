"""The shape of the project: imports go one way, SQL models are single selects, names agree."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import duckdb
import pytest

from duizhang import published
from duizhang.layout import SQL
from duizhang.reconcile import MART_MODELS, load_causes

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "duizhang": {"dagster", "assets", "pipelines"},
    "assets": {"pipelines"},
}
MODELS = sorted(SQL.rglob("*.sql"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_imports_go_one_way(package: str) -> None:
    wrong = {
        path.relative_to(ROOT).as_posix(): sorted(imported(path) & FORBIDDEN[package])
        for path in (ROOT / package).rglob("*.py")
        if imported(path) & FORBIDDEN[package]
    }
    assert wrong == {}


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "helpers", "common", "misc"}
    code = [p for top in ("duizhang", "assets", "pipelines", "tests") for p in (ROOT / top).rglob("*")]
    assert [p for p in code if p.stem in drawers] == []


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.relative_to(SQL).as_posix())
def test_a_model_is_one_select_with_a_header(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- "), "the header says grain and meaning"
    assert len(duckdb.extract_statements(text)) == 1
    code = re.sub(r"--.*|'[^']*'", "", text)
    assert code == code.lower(), "lower case"
    assert "select * from final" in code or "\nselect" in code
    assert "{{" not in code and "!=" not in code


def test_every_mart_is_a_published_table() -> None:
    assert set(MART_MODELS) <= set(published.TABLES)


def test_every_cause_has_both_labels_and_an_action() -> None:
    for cause in load_causes().values():
        assert cause.zh and cause.en and cause.who and cause.action and cause.action_zh

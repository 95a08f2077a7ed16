"""What the pages for people promise about each other: the README says the same in both languages, and no link leads nowhere."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from duizhang.cli import cli
from duizhang.declared.legs import load_legs
from duizhang.declared.schema import TABLES as CANONICAL
from duizhang.gate.suites import load_suites
from duizhang.home.published import TABLES
from duizhang.publish.metrics import VIEWS
from duizhang.reconcile import load_causes

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^ *```[^\n]*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"(^|\s+)# .*")
_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)?(?:#([^)\s]+))?\)")
PAGES = sorted([*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def _code(page: Path) -> list[list[str]]:
    """The code blocks of a page without their comments, which are in the page's language."""
    return [
        [line for line in (_COMMENT.sub("", line).strip() for line in block.splitlines()) if line]
        for block in _BLOCK.findall(page.read_text(encoding="utf-8"))
    ]


def _commands(page: Path) -> list[str]:
    """What the code blocks of a page have typed after `duizhang`."""
    lines = (re.match(r"(?:\.venv/bin/)?duizhang (.*?)(?: [>|].*)?$", line) for block in _code(page) for line in block)
    return [found[1] for found in lines if found]


def _headings(page: Path) -> list[str]:
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return re.findall(r"^#+ (.*)$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The pages that the site makes from the code."""
    found = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    pages: dict[str, str] = module.pages()
    return pages


def test_the_readme_gives_the_same_commands_in_the_same_order_in_both_languages() -> None:
    english, chinese = _code(ROOT / "README.md"), _code(ROOT / "README.zh.md")
    assert len(english) > 5
    assert english == chinese
    assert len(_headings(ROOT / "README.md")) == len(_headings(ROOT / "README.zh.md"))


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "docs" / "zh").glob("*.md")))
def test_a_page_in_chinese_has_the_commands_of_the_english_one(name: str) -> None:
    english, chinese = ROOT / "docs" / name, ROOT / "docs" / "zh" / name
    if name == "operations.md":  # shorter than the English page
        assert _commands(chinese)
    else:
        assert _code(chinese) == _code(english)
        assert len(_headings(chinese)) == len(_headings(english))
    assert f"[中文](zh/{name})" in english.read_text(encoding="utf-8")
    assert f"[English](../{name})" in chinese.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [p for p in PAGES if _commands(p)], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_a_page_is_one_with_the_options_that_it_has(page: Path) -> None:
    for line in _commands(page):
        command: click.Command = cli
        context = click.Context(cli, info_name="duizhang")
        words = shlex.split(line.replace("<店铺>", "shop"))
        while words and isinstance(command, click.Group):
            found = command.get_command(context, words.pop(0))
            assert found is not None, line
            command = found
            context = click.Context(command, parent=context)
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, line


def test_each_readme_leads_to_the_same_pages_and_to_the_other() -> None:
    linked = {
        name: [target for target, _ in _LINK.findall((ROOT / name).read_text(encoding="utf-8"))] for name in ("README.md", "README.zh.md")
    }
    assert linked["README.md"][0] == "README.zh.md"
    assert linked["README.zh.md"][0] == "README.md"
    assert sorted(linked["README.md"][1:]) == sorted(
        target.replace("docs/zh/", "docs/").replace("-zh.png", "-en.png") for target in linked["README.zh.md"][1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_of_a_page_leads_nowhere(page: Path) -> None:
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    assert [target for target, _ in _LINK.findall(text) if target and not (page.parent / target).exists()] == []


def test_the_site_explains_every_table_column_leg_cause_check_and_command(made: dict[str, str]) -> None:
    tables = dict(re.findall(r"^## (\w+)\n(.*?)(?=^#+ |\Z)", made["reference/tables.md"], re.DOTALL | re.MULTILINE))
    assert set(tables) == {*TABLES, *CANONICAL, *VIEWS, "period_status", "causes"}
    for name, schema in {**CANONICAL, **TABLES}.items():
        assert all(re.search(rf"^\| `{column}` \| \S.* \| \S.* \|$", tables[name], re.MULTILINE) for column in schema.names), name
    for folder in ("reference", "zh/reference"):
        assert re.findall(r"^\| `(\w+)` \|", made[f"{folder}/causes.md"], re.MULTILINE) == list(load_causes())
        assert re.findall(r"^\| `(\w+)` \|", made[f"{folder}/legs.md"], re.MULTILINE) == list(load_legs())
        assert re.findall(r"^## (\w+)$", made[f"{folder}/checks.md"], re.MULTILINE) == list(load_suites())
        assert made[f"{folder}/checks.md"].count("\n| `") == sum(len(suite.expectations) for suite in load_suites().values())
    named = set(re.findall(r"^## duizhang ([\w-]+)", made["reference/commands.md"], re.MULTILINE))
    assert named == set(cli.list_commands(click.Context(cli)))


def test_the_site_is_built_strictly_and_asks_nothing_of_the_outside(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="the extra `docs` is not installed: the site is not built")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", tmp_path], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md")))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=\"?(?:https?:)?//", text), page
        assert 'class="mermaid"' not in text, page  # would be drawn by a script that is fetched

"""What the pages for people promise about each other: the README says the same in both languages, and no link leads nowhere."""

import re
from pathlib import Path

import pytest

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


def _headings(page: Path) -> list[str]:
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return re.findall(r"^#+ (.*)$", text, re.MULTILINE)


def test_the_readme_gives_the_same_commands_in_the_same_order_in_both_languages() -> None:
    english, chinese = _code(ROOT / "README.md"), _code(ROOT / "README.zh.md")
    assert len(english) > 5
    assert english == chinese
    assert len(_headings(ROOT / "README.md")) == len(_headings(ROOT / "README.zh.md"))


def test_each_readme_leads_to_the_same_pages_and_to_the_other() -> None:
    linked = {
        name: [target for target, _ in _LINK.findall((ROOT / name).read_text(encoding="utf-8"))] for name in ("README.md", "README.zh.md")
    }
    assert linked["README.md"][0] == "README.zh.md"
    assert linked["README.zh.md"][0] == "README.md"
    assert sorted(linked["README.md"][1:]) == sorted(linked["README.zh.md"][1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_of_a_page_leads_nowhere(page: Path) -> None:
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    nowhere = [target for target, _ in _LINK.findall(text) if target and not (page.parent / target).exists()]
    assert not nowhere

"""The pictures in docs/architecture.md, made from the imports of the code: `python docs/architecture.py` writes them anew."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_suffix(".md")
TOPS = ("duizhang", "assets", "pipelines")
# what all others stand on; drawn by itself, as nearly every room uses each of them
GROUND = {"books", "declared", "home", "secrecy", "speech"}
_FENCE = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def imports(path: Path) -> set[str]:
    """Modules of the project that a file imports, also inside of functions; not those for type checking alone."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner) for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` names a module where there is one of the name that the package does not export itself
            inside = [f"{node.module}.{a.name}" for a in node.names if _is_module(node.module, a.name)]
            found |= set(inside) or {node.module}
    return {name for name in found if name.split(".")[0] in TOPS}


def _is_module(package: str, name: str) -> bool:
    folder = ROOT.joinpath(*package.split("."))
    if not folder.is_dir() or f'"{name}"' in (folder / "__init__.py").read_text(encoding="utf-8"):
        return False
    return (folder / name).is_dir() or (folder / f"{name}.py").is_file()


@cache
def modules() -> dict[str, set[str]]:
    """module -> the modules of the project that it imports."""
    found: dict[str, set[str]] = {}
    for top in TOPS:
        for path in sorted((ROOT / top).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = imports(path) - {name}
    return found


def rooms(depth: int = 2, below: str = "") -> dict[str, set[str]]:
    """room -> the rooms that it imports from. A room is a package `depth` names deep (`duizhang.gate`), below a package where one
    is given; modules that stand in none are no rooms: every room may use them."""

    def room(module: str) -> str:
        parts = module.split(".")
        if parts[0] != "duizhang":
            return "" if below else parts[0]
        name = ".".join(parts[:depth])
        return parts[depth - 1] if len(parts) >= depth and name.startswith(below) and ROOT.joinpath(*parts[:depth]).is_dir() else ""

    found: dict[str, set[str]] = defaultdict(set)
    for module, used in modules().items():
        if room(module):
            found[room(module)] |= {room(name) for name in used} - {"", room(module)}
    return dict(found)


def pictures() -> list[str]:
    """The rooms above the ground, the ground, and the rooms of ingest, with their arrows (from what is used to what uses it) as Mermaid."""
    found = rooms()
    above = {room: used - GROUND for room, used in found.items() if room not in GROUND}
    ground = {room: found[room] for room in GROUND}
    return [
        "\n".join(["flowchart LR", *(f"  {used} --> {room}" for room in sorted(drawn) for used in sorted(drawn[room]))]) + "\n"
        for drawn in (above, ground, rooms(3, "duizhang.ingest."))
    ]


def written() -> list[str]:
    """The pictures as they stand on the page."""
    return _FENCE.findall(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    made = iter(pictures())
    PAGE.write_text(_FENCE.sub(lambda _: next(made), PAGE.read_text(encoding="utf-8")), encoding="utf-8")

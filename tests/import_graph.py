"""What a command may ever load: everything that it imports at once or later on, and so on, read from the code without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import duizhang

_PACKAGE = Path(duizhang.__file__).parent


def reached(module: str, function: str) -> dict[str, str]:
    """Every module, also of other packages, that a function of a module may come to load; beside each the one that imports it."""
    found: dict[str, str] = {}
    waiting = [(name, f"{module}.{function}") for name in sorted(_of_function(module, function))]
    while waiting:
        name, by = waiting.pop()
        if name not in found:
            found[name] = by
            waiting += [(other, name) for other in sorted(_imports(name))]
    return found


@cache
def _tree(module: str) -> ast.Module | None:
    path = _PACKAGE.parent.joinpath(*module.split("."))
    for place in (path / "__init__.py", path.with_suffix(".py")):
        if place.is_file():
            return ast.parse(place.read_text(encoding="utf-8"))
    return None


@cache
def _imports(module: str) -> frozenset[str]:
    tree = _tree(module) if module.split(".")[0] == "duizhang" else None
    return frozenset(_loaded(tree)) if tree else frozenset()


def _of_function(module: str, function: str) -> set[str]:
    """What is imported at the top of a module, and by a function with those of the module that it calls."""
    tree = _tree(module)
    assert tree
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found = {name for node in tree.body if node not in functions.values() for name in _loaded(node)}
    seen, waiting = set(), [function]
    while waiting:
        name = waiting.pop()
        if name in functions and name not in seen:
            seen.add(name)
            found |= set(_loaded(functions[name]))
            waiting += [node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)]
    return found


def _loaded(node: ast.AST) -> Iterator[str]:
    """The modules that are imported within a node, but for the type checker alone; of a door, the one that has the name behind it."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for other in node.orelse:
            yield from _loaded(other)
        return
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _with_packages(alias.name)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            place = f"{node.module}.{alias.name}"
            behind = place if node.module.startswith("duizhang") and _tree(place) else _behind(node.module).get(alias.name, node.module)
            yield from _with_packages(node.module)
            yield from _with_packages(behind)
    for child in ast.iter_child_nodes(node):
        yield from _loaded(child)


def _with_packages(module: str) -> Iterator[str]:
    parts = module.split(".")
    yield from (".".join(parts[:n]) for n in range(1, len(parts) + 1))


@cache
def _behind(door: str) -> dict[str, str]:
    """The names that a room gives by need, with their modules."""
    tree = _tree(door) if door.startswith("duizhang") else None
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"] if tree else []
    return {
        alias.asname or alias.name: str(node.module)
        for block in blocks if block.orelse for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }

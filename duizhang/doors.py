"""The door of a room that opens by need: what it gives is loaded when it is first asked for, not when the room is entered.

A command pays for what it uses: `verify` needs no reader of a workbook, `statement` no gate. The door names what it gives in its
`if TYPE_CHECKING:` block, as any module imports, so that the type checker knows it; the same lines are read here.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path


def opened_by_need(room: str) -> Callable[[str], object]:
    """The module `__getattr__` (PEP 562) of a room, from the imports of its TYPE_CHECKING block.

    A name that is also a module's of the same room would be the module once that is loaded, so it raises ImportError: such a
    name is imported outside the block.
    """
    door = sys.modules[room]

    @cache
    def places() -> dict[str, tuple[str, str]]:
        tree = ast.parse(Path(str(door.__file__)).read_text(encoding="utf-8"))
        blocks = [node for node in tree.body if isinstance(node, ast.If)]
        found = {
            alias.asname or alias.name: (str(node.module), alias.name)
            for block in blocks for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        hidden = [name for name, (module, _) in found.items() if module == f"{room}.{name}"]
        if hidden:
            raise ImportError(f"{room} has modules named like what it gives: {', '.join(hidden)}")
        return found

    def given(name: str) -> object:
        if name not in places():
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        module, attribute = places()[name]
        value = getattr(importlib.import_module(module), attribute)
        setattr(door, name, value)
        return value

    return given

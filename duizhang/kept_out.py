"""pandas and numpy are loaded where they are needed: pyarrow looks for both when it is loaded or makes its first array, which costs more
than most answers."""

from __future__ import annotations

import importlib.abc
import sys


class _KeptOut(importlib.abc.MetaPathFinder):
    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name in self.names:
            raise ModuleNotFoundError(f"this command needs no {name}", name=name)


def keep_out(*names: str) -> None:
    """From now on there are no such packages in this process."""
    sys.meta_path.insert(0, _KeptOut(names))


def let_in() -> None:
    """They are there again, for a library that needs them. What pyarrow was loaded without it stays without: no array of one becomes
    one of the other."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _KeptOut)]

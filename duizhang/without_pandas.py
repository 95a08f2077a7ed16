"""pandas is loaded where it is needed: pyarrow looks for it at its first array, which costs more than most answers."""

from __future__ import annotations

import importlib.abc
import sys


class _KeptOut(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("this command needs no pandas", name=name)


def keep_out() -> None:
    """From now on there is no pandas in this process."""
    sys.meta_path.insert(0, _KeptOut())


def let_in() -> None:
    """There is pandas again, for a library that needs it."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _KeptOut)]

"""The rules that are written in files: those of the project, or others in their place while somebody tries them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# name of a file -> the one that is tried in its place, in this process
_TRIED: dict[str, Path] = {}


def rule_file(own: Path) -> Path:
    """The file that a rule is read from: the project's own, or the one that is tried."""
    return _TRIED.get(own.name, own)


@contextmanager
def trying(files: Mapping[str, Path]) -> Iterator[None]:
    """Read the rules of these names from other files. For one run in this process: two at a time would share them."""
    before = dict(_TRIED)
    _TRIED.update(files)
    try:
        yield
    finally:
        _TRIED.clear()
        _TRIED.update(before)

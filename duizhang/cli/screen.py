"""What a command prints obeys nobody: control characters that stand in names and values of others are shown, not sent."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from duizhang.speech.harmless import for_terminal


class _Screen:
    """A stream that passes text on as it may be shown; whatever else is asked of it is asked of the stream itself."""

    def __init__(self, stream: TextIO) -> None:
        self.bare = stream

    def write(self, text: str) -> int:
        self.bare.write(for_terminal(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)


@contextlib.contextmanager
def screened() -> Iterator[None]:
    """Standard output and error are shown so while this is entered."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream if isinstance(stream, _Screen) else _Screen(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def bare(stream: Any) -> Any:
    """The stream behind it, for what draws on a terminal itself."""
    return stream.bare if isinstance(stream, _Screen) else stream

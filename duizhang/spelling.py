"""The known name that somebody may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The known name that is most like one that is not known; '' where none is like it."""
    folded = {other.casefold(): other for other in known}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=cutoff)
    return folded[close[0]] if close else ""


def meant(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or what is known where nothing is like it."""
    listed = list(known)
    close = nearest(name, listed)
    if close:
        return f"; did you mean {close!r}?"
    return f"; known: {', '.join(listed[:12])}{', …' if len(listed) > 12 else ''}" if listed else ""

"""Headers of two lines: a name over several columns with one of each below it, or each name broken in two."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from duizhang.ingest.recognising.currencies import without_currency
from duizhang.ingest.specification import normalised

_LETTER = re.compile(r"[^\W\d_]")


def is_second(cells: Sequence[str]) -> bool:
    """Whether a line may be the second of a header: words in two cells or more, and no digit, so that it is no row."""
    filled = [cell for cell in cells if cell.strip()]
    return len(filled) > 1 and not any(map(str.isdigit, "".join(filled))) and all(map(_LETTER.search, filled))


def joined_names(first: Sequence[str], second: Sequence[str], known: Collection[str], *, bare: bool) -> list[str]:
    """The names that two lines make: of each column both, or the one of them that is known. bare: a currency may stand behind."""
    def is_known(name: str) -> bool:
        return normalised(without_currency(name)[0] if bare else name) in known

    names, over = [], ""
    width = max(len(first), len(second))
    for upper, lower in zip([*first, *[""] * (width - len(first))], [*second, *[""] * (width - len(second))], strict=True):
        over = upper.strip() or (over if lower.strip() else "")
        is_shared = not upper.strip() and bool(over)
        both = f"{over} {lower.strip()}".strip()
        ways = [both, lower.strip(), *([] if is_shared else [upper.strip()])]
        names.append(next((name for name in ways if name and is_known(name)), both))
    # a name over several columns is that of none of them
    for at, name in enumerate(names[:-1]):
        spans = at + 1 < len(first) and not first[at + 1].strip() and at + 1 < len(second) and second[at + 1].strip() and first[at].strip()
        if spans and name == first[at].strip() and at < len(second) and second[at].strip():
            names[at] = f"{name} {second[at].strip()}"
    return names
